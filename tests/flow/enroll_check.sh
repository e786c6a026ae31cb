#!/bin/bash
# station enroll check: everything between the line and the service, the way that calls take. Each thing that can be
# wrong in a plant's network is made wrong here, and the line that names it says what to do.
. "$(dirname "$0")/lib.sh"
printf 'a secret & more=' >"$work/secret"
printf 'another' >"$work/wrong"
service --identity-port 0 --entra-tenant contoso --entra-client station --entra-secret-file "$work/secret"
line 1
cp "$dir/station.ini" "$work/good.ini"

# set_key KEY VALUE...: [service] with these keys, and nothing else of an earlier trial
set_key() {
	cp "$work/good.ini" "$dir/station.ini"
	while [ $# -gt 0 ]; do
		sed -i "/^$1 = /d; s|^\[service\]|[service]\n$1 = $2|" "$dir/station.ini"
		shift 2
	done
}
check() { expect "$1" "$station" enroll check --dir "$dir" --json; } # STATUS
# found CHECK RESULT [WORDS]: such a line of the service's
found() {
	jq -e -s --arg c "$1" --arg r "$2" --arg w "${3-}" \
		'any(.[]; .check == $c and .result == $r and .role == "service" and (.found + " " + (.advice // "") | contains($w)))' \
		"$out" >/dev/null || fail "no check $1 is $2: ${3-}"
}
knobs() { # JSON
	curl -sS --fail-with-body --insecure -X PUT -H "Authorization: $(sas)" \
		-H 'Content-Type: application/json' --data "$1" "https://$host/_knobs" >/dev/null || fail "no knobs"
}

# All is good, in JSON and for people; nothing has changed in the service, and one host serves station and devices.
check 0
for one in names tcp tls cipher certificate issuer answer clock login read write id-scope; do found $one good; done
found names good "this computer"
has '.role == "devices" and (.found | contains("the service'"'"'s own host"))'
equal 0 "$(count '.result == "bad" or .result == "doubt"')" "complaints"
equal 0 "$(enrollments)" "enrollments"
expect 0 "$station" enroll check --dir "$dir"
says "good      certificate  service  $host"

# The key is another: the login is refused, and nothing is said of rights.
openssl rand -base64 48 >"$work/other.key"
expect 0 "$station" hsm import other-policy --dir "$dir" <"$work/other.key"
set_key key 'pkcs11:object=other-policy'
check 4
found answer good
found login bad "401"
equal 0 "$(count '.check == "write"')" "checks of rights without a login"

# The clock is off: said by itself, beside what else it breaks.
set_key
knobs '{"clock-skew-s": 7200}'
check 4
found clock bad "behind the service's"

# Somebody else answers with status 200, as portals do.
knobs '{"garble-every": 1, "garble-as": "portal"}'
check 4
found answer bad "a portal"

# The certificate has expired; it is for another host.
knobs '{"tls": "expired"}'
check 4
found certificate bad "it has expired"
found tls good
knobs '{"tls": "other-host"}'
check 4
found certificate bad "it is for another host"
knobs '{}'
check 0

# An ID scope that can't be one: pointed out, no failure.
set_key id-scope nonsense
check 0
found id-scope doubt "0ne"

# No such name, no such card, nobody there.
set_key host "no-such-host.invalid"
check 4
found names bad
found tcp bad
found issuer left-out
set_key bind-address 203.0.113.7
check 4
found tcp bad "bind-address"
found answer bad "it must be an address of this computer"
set_key bind-address 127.0.0.1
check 0
set_key host 127.0.0.1:1
check 4
found tcp bad "firewall"

# server ARGS...: TLS by openssl, at $server_port
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/rsa.key" -out "$work/rsa.pem" -days 2 -subj '/CN=127.0.0.1' \
	-addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null
server() {
	: >"$work/server.log"
	openssl s_server -accept 127.0.0.1:0 -cert "$work/rsa.pem" -key "$work/rsa.key" -www "$@" \
		>"$work/server.log" 2>&1 9>&- &
	server_pid=$!
	pids+=("$server_pid")
	wait_for 10 grep -q '^ACCEPT .*:' "$work/server.log" || fail "s_server does not listen"
	server_port=$(sed -n 's/^ACCEPT .*://p' "$work/server.log")
	set_key host "127.0.0.1:$server_port" ca-file "$work/rsa.pem"
}

# TLS that is too old, or weak: what the other side has is named.
server -tls1_1 -cipher 'ALL:@SECLEVEL=0'
check 4
found tls bad "TLSv1.1"
stop "$server_pid"
server -tls1_2 -cipher 'AES256-SHA256'
check 4
found tls good "TLSv1.2"
found cipher bad "AES256-SHA256"
found cipher bad "ECDHE-RSA-AES256-GCM-SHA384"
found answer bad "handshake"
stop "$server_pid"
server -tls1_2 -cipher 'ECDHE-RSA-AES128-SHA256'
check 4
found cipher good "ECDHE-RSA-AES128-SHA256"
found issuer good "127.0.0.1"
found answer bad
stop "$server_pid"
# A wrong host that says 400 and 404 as HTTP, as an IoT Hub does to these paths.
server -tls1_3
check 4
found answer bad "not an IoT Hub"
stop "$server_pid"

# A proxy that demands a login; the name is known to nobody but the proxy, as in a plant without DNS for the outside.
printf 'let me out' >"$work/proxy.password"
printf 'let me in' >"$work/wrong.password"
name=localhost:${host##*:}
start "$work/proxy" python3 "$(dirname "$0")/../fakes/connect_proxy.py" "$work/proxy.port" 'line-07:let me out' "$work/tunnels" "$name=$host"
proxy=http://127.0.0.1:$(cat "$work/proxy.port")
export https_proxy=http://127.0.0.1:1 no_proxy='*' # the environment has no say
set_key host "$name" device-host "$name" proxy "$proxy" proxy-user line-07 proxy-password-source "file:$work/proxy.password"
: >"$work/tunnels"
check 0
found names left-out "resolved by the proxy"
found tcp good "which opened the way"
found login good
[ "$(sort -u "$work/tunnels")" = "$name" ] || fail "not all went through the proxy"
set_key host "$name" proxy "$proxy" proxy-user line-07 proxy-password-source "file:$work/wrong.password"
check 4
found tcp bad "407"
found tcp bad "proxy-password-source"
found answer bad "407"
set_key host "nowhere.invalid" proxy "$proxy" proxy-user line-07 proxy-password-source "file:$work/proxy.password"
check 4
found tcp bad "502"
# The agent of a managed identity is at an address of this computer: it is asked past the proxy.
set_key host "$name" device-host "$name" proxy "$proxy" proxy-user line-07 proxy-password-source "file:$work/proxy.password" \
	auth managed-identity identity azure-vm identity-endpoint "http://127.0.0.1:$(jq .identityPort "$service_json")"
check 0
found login good
unset https_proxy no_proxy

# Entra ID: its host is one more that is needed; what the role lacks is named, and a wrong secret is no missing right.
entra() { set_key auth entra-secret tenant contoso client-id station login-host "${2:-$host}" secret-source "file:$work/$1"; }
entra secret
check 0
knobs '{"bearer-role": "reader"}'
entra secret
check 4
found read good
found write bad "EnrollmentWrite, or the role Data Contributor"
knobs '{"bearer-role": "none"}'
check 4
found login good
found read bad "403"
knobs '{}'
entra wrong
check 4
found login bad
equal 0 "$(count '.check == "read"')" "checks of rights without a login"
entra secret login.invalid
check 4
has '.role == "login" and .check == "names" and .result == "bad" and .host == "login.invalid"'
found tcp good
found login bad "login.invalid"

# A TLS-inspecting proxy: the service's name leads to somebody who signs with a CA of his own.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/inspector.key" -out "$work/inspector.pem" -days 2 \
	-subj '/O=Plant Security/CN=Inspector CA' 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout "$work/rsa.key" -out "$work/rsa.csr" \
	-subj '/CN=contoso.azure-devices-provisioning.net' 2>/dev/null
printf 'subjectAltName=DNS:contoso.azure-devices-provisioning.net\n' >"$work/san"
openssl x509 -req -in "$work/rsa.csr" -CA "$work/inspector.pem" -CAkey "$work/inspector.key" -days 2 -extfile "$work/san" \
	-out "$work/leaf.pem" 2>/dev/null
cp "$work/leaf.pem" "$work/rsa.pem"
server
contoso=contoso.azure-devices-provisioning.net
inspected=(host "$contoso:$server_port" resolve "$contoso=127.0.0.1" ca-file "$(jq -r .caFile "$service_json")")
set_key "${inspected[@]}"
check 4
found names good "by resolve"
found certificate good
found issuer bad "CN=Inspector CA, O=Plant Security"
found answer bad
set_key "${inspected[@]}" extra-ca-file "$work/inspector.pem"
check 4 # s_server is no provisioning service, but its certificate passes now
found issuer doubt "trusted by extra-ca-file"
found answer bad "HTTP 200"
# Beside the system's certificates, which do not know the emulator: calls pass, and who reads along is named.
set_key extra-ca-file "$(jq -r .caFile "$service_json")"
sed -i '/^ca-file = /d' "$dir/station.ini"
check 0
found issuer doubt "CN=dps-emulator test CA, trusted by extra-ca-file"
found write good
sed -i '/^extra-ca-file = /d' "$dir/station.ini"
check 4
found issuer bad "if that is your plant's TLS-inspecting proxy"
found answer bad "not trusted"

# What can be known to be wrong is said when the configuration is read.
refused() { # WORDS KEY VALUE...
	local words=$1
	shift
	set_key "$@"
	check 2
	says "$words"
}
refused 'not http://HOST:PORT' proxy http://me:secret@proxy:3128
refused 'not http://HOST:PORT' proxy proxy:3128
refused 'needs the key proxy-user' proxy http://proxy:3128 proxy-password-source "file:$work/proxy.password"
refused 'nobody is there to ask' proxy http://proxy:3128 proxy-user me proxy-password-source prompt
refused 'not HOST=ADDRESS' resolve "$contoso=999.1.1.1"
refused 'not an IP address' bind-address eth0
refused 'extra-ca-file' extra-ca-file /nonexistent/ca.pem
refused 'proxy-password-source' proxy http://proxy:3128 proxy-user me proxy-password-source file:/nonexistent/password
