#!/bin/bash
# Every kind of login, to an enrolled record: Entra ID with an assertion that the token signs and with a secret, the
# managed identity of an Azure VM and of an Arc server. Then each way in which a login fails, and what is said.
. "$(dirname "$0")/lib.sh"
printf 'a secret & more=' >"$work/secret"
printf 'another' >"$work/wrong"
entra=(--identity-port 0 --entra-tenant contoso --entra-client station --entra-secret-file "$work/secret")
service "${entra[@]}"
devices --count 9 --kinds sensor
line 9
cp "$dir/station.ini" "$work/sas.ini"
pending() { expect 0 "$station" status --dir "$dir" --json; jq .pending "$out"; }
knobs() { api PUT /_knobs "$1" >/dev/null || fail "no such knob: $1"; }

# login LINES...: the station logs in like this from now on
login() {
	sed -e '/^auth = /d; /^policy = /d; /^key = pkcs11:object=dps-policy/d' "$work/sas.ini" |
		awk -v lines="$(printf '%s\n' "$@")" '{ print } /^ca-file = /{ print lines }' >"$dir/station.ini"
}
certificate() { # KEY FILE [LINES...]
	login 'auth = entra-certificate' "login-host = $host" 'tenant = contoso' 'client-id = station' "key = pkcs11:object=$1" \
		"certificate-file = $2" "${@:3}"
}
secret() { # FILE [TENANT [CLIENT]]
	login 'auth = entra-secret' "login-host = $host" "tenant = ${2:-contoso}" "client-id = ${3:-station}" "secret-source = file:$1"
}
identity() { # KIND [LINES...]
	login 'auth = managed-identity' "identity = $1" "identity-endpoint = http://127.0.0.1:$(jq .identityPort "$service_json")" "${@:2}"
}
seated=0
queue_one() { # one more unit passes; its record waits or is sent
	seat $((seated + 1)) $seated
	serve 0 1
	equal 1 "$(count '.result? == "PASS"')" "units that passed"
	empty $((seated + 1))
	seated=$((seated + 1))
}
enrolls() { # WHAT: another unit's record gets to the service with the login of now
	queue_one
	expect 0 "$station" sync --dir "$dir"
	equal 0 "$(pending)" "records that wait, with $1"
	equal "$seated" "$(enrollments)" "enrollments, with $1"
}
refused() { refused_as 4 "$@"; }
refused_as() { # STATUS TEXT...: sync says so, and nothing is lost
	expect "$1" "$station" sync --dir "$dir"
	shift
	local text
	for text in "$@"; do says "$text"; done
	grep -qF 'a secret' "$out" "$errs" && fail "a secret is said"
	equal 1 "$(pending)" "records that wait"
	equal 0 "$(sql "SELECT count(*) FROM outbox WHERE state = 'quarantined'")" "blamed records"
}

# The key is made in the token, its certificate registered with the application.
expect 0 "$station" hsm make-login entra "$work/entra.pem" --dir "$dir"
expect 0 openssl verify -CAfile "$work/entra.pem" "$work/entra.pem"
expect 2 "$station" hsm make-login entra2 "$work/entra.pem" --dir "$dir"
says "is not written over"
expect 2 "$station" hsm make-login entra "$work/again.pem" --dir "$dir"
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"key-imported\"%\"object\":\"entra\"%'")" "key in the log"
stop "$service_pid"
service "${entra[@]}" --entra-certificate "$work/entra.pem"
cp "$dir/station.ini" "$work/sas.ini"

certificate entra "$work/entra.pem"
enrolls "PS256"
expect 0 "$station" hsm list --dir "$dir"
certificate entra "$work/entra.pem" 'assertion = rs256'
enrolls "RS256"
secret "$work/secret"
enrolls "a secret"
expect 0 "$station" hsm list --dir "$dir"
identity azure-vm
enrolls "an Azure VM"
identity azure-arc "identity-keys = $work/plant/tokens"
enrolls "an Arc server"

# What is wrong is said by the number that Entra ID gives, and what to do.
secret "$work/wrong"
queue_one
refused AADSTS7000215 "secret's value, not its ID"
secret "$work/secret" fabrikam
refused AADSTS90002 "unknown tenant"
secret "$work/secret" contoso nobody
refused AADSTS700016 "unknown client"
secret "$work/absent"
refused_as 2 "$work/absent"

# The certificate of another key; a key that Entra ID was not told of; one that is no RSA key; none at all.
expect 0 "$station" hsm make-login other "$work/other.pem" --dir "$dir"
certificate entra "$work/other.pem"
refused_as 3 "is not the certificate of the key"
certificate other "$work/other.pem"
refused AADSTS700027 "register certificate-file"
certificate issuing "$dir/ca/intermediate.pem"
refused_as 3 "has to be an RSA key"
certificate absent "$work/entra.pem"
refused_as 3 "key of the login's certificate"
certificate entra "$work/secret"
refused_as 2 "certificate-file"

# A certificate of the right key that has expired, and is not the one that Entra ID was told of.
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=ca -keyout "$work/ca.key" -out "$work/ca.pem" 2>"$errs" &&
	openssl x509 -in "$work/entra.pem" -noout -pubkey >"$work/entra.pub" &&
	openssl x509 -new -force_pubkey "$work/entra.pub" -subj /CN=old -CA "$work/ca.pem" -CAkey "$work/ca.key" -days -1 -out "$work/old.pem" \
		2>"$errs" || fail "no expired certificate"
certificate entra "$work/old.pem"
refused login-certificate-expired AADSTS700027

# The clock: an hour apart.
certificate entra "$work/entra.pem"
knobs '{"clock-skew-s":3600}'
refused AADSTS700024 "this computer's clock is 3" "behind"
knobs '{"clock-skew-s":-3600}'
refused AADSTS700024 "ahead"

# The role.
knobs '{"bearer-role":"reader"}'
refused "HTTP 403" "Device Provisioning Service Data Contributor"
secret "$work/secret"
refused "HTTP 403" "Device Provisioning Service Data Contributor"
knobs '{}'

# Agents: an identity that is not there, a challenge that leads out of the folder, nobody, not this machine.
identity azure-vm 'client-id = nobody'
refused "HTTP 400" "check client-id"
identity azure-arc
refused "names no key file in /var/opt/azcmagent/tokens"
login 'auth = managed-identity' 'identity = azure-vm' 'identity-endpoint = http://127.0.0.1:1'
refused "is this an Azure VM"
login 'auth = managed-identity' 'identity = azure-vm' 'identity-endpoint = http://192.0.2.1'
refused_as 3 "on this machine"

# An agent that is not ready is asked again; a token that the service no longer takes is replaced.
identity azure-vm
knobs '{"token-fail-every":2}'
expect 0 "$station" sync --dir "$dir"
knobs '{}'
equal 0 "$(pending)" "records that wait"
equal "$seated" "$(enrollments)" "enrollments"
nothing_lost

# Neither the secret nor a token (the emulator's begin like this) is anywhere.
found=$(grep -raFl -e 'a secret & more=' -e 'a%20secret' -e 'dps1.s.' "$dir")
equal "" "$found" "files with a secret"
