#!/bin/bash
# Linux devices on their serial consoles: a real getty, login and shell (agetty with bash, busybox with ash), each
# with an /etc and a /var of its own; the station logs in, provisions, leaves no trace and is gone again.
. "$(dirname "$0")/lib.sh"
fake=${STATION_BIN%/bin}/tests/fake_console
for needed in agetty login busybox unshare "$fake"; do
	command -v "$needed" >/dev/null || fail "no $needed; see tests/packages.txt"
done
# Left out where nobody may log in on a terminal or mount: without root, and in a chroot.
[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || { echo "left out: a getty needs root and mounts of its own"; exit 77; }
printf secret-pw >"$work/password"
printf wrong-pw >"$work/wrong"

# unit NAME SERIAL OPTIONS... -- GETTY...: powers a device on; its files are in $work/NAME, its link in slots/NAME
unit() {
	local name=$1 serial=$2 hash part
	shift 2
	mkdir -p "$work/$name"/{etc,var,work-etc,work-var,home}
	chmod 755 "$work/$name"/{etc,var}
	hash=$(openssl passwd -6 secret-pw)
	{ cat /etc/passwd; echo "unit:x:0:0::$work/$name/home:/bin/bash"; echo "busy:x:0:0::$work/$name/home:$work/ash"; } >"$work/$name/etc/passwd"
	{ cat /etc/shadow; for part in unit busy; do echo "$part:$hash:19000:0:99999:7:::"; done; } >"$work/$name/etc/shadow"
	echo "$serial" >"$work/$name/etc/serial"
	chmod 644 "$work/$name/etc"/{passwd,serial}
	start "$work/$name.log" unshare -m bash -c '
		for part in etc var; do
			mount -t overlay overlay -o "lowerdir=/$part,upperdir=$1/$part,workdir=$1/work-$part" /$part || exit 1
		done
		exec "${@:2}"' x "$work/$name" "$fake" "$dir/slots/$name" "$@"
	unit_pid=$started
}
bash_getty=(agetty -L '{}' 115200 vt100)
ash_getty=(busybox getty -L 115200 '{}' vt100)
cp "$(command -v busybox)" "$work/ash"
chmod 755 "$work" "$work/ash"

# slot NAME PROFILE
slot() { printf '[slot "%s"]\nprofile = %s\ndriver = console\nlink = serial:%s/slots/%s\n' "$1" "$2" "$dir" "$1"; }
identity='serial-from = command:cat /etc/serial\nmodel-from = text:linux\nuser = unit\n'
service
line 1
{
	sed '/^\[slot/,$d' "$dir/station.ini"
	printf '[profile "x509"]\nattest = x509\nkey = device\nenroll = individual\n'"$identity"
	printf 'password-file = %s/password\nowner = daemon:daemon\nmode = 0640\n' "$work"
	printf '[profile "busy"]\nattest = x509\nkey = station\nenroll = individual\nserial-from = command:cat /etc/serial\n'
	printf 'model-from = text:linux\nuser = busy\npassword-file = %s/password\nlayout = azure-sdk\n' "$work"
	printf '[profile "symmetric"]\nattest = symmetric\nenroll = group\ngroup = meters\ngroup-key = pkcs11:object=meters\n'"$identity"
	printf 'password-file = %s/password\nlayout = iot-edge\nowner = root:root\n' "$work"
	printf '[profile "wrong"]\nattest = x509\nkey = device\nenroll = individual\n'"$identity"
	printf 'password-file = %s/wrong\n' "$work"
	slot a x509
	slot b busy
	slot c symmetric
	slot d wrong
	slot e x509
	slot f x509
} >"$work/console.ini"
cp "$work/console.ini" "$dir/station.ini"
line_up

no_trace() { # unit
	if find "$work/$1/home" "$work/$1/etc" "$work/$1/var" -name '*history*' -o -name '*.station-*' | grep .; then
		fail "$1 keeps a history or a temporary file"
	fi
}
mode() { stat -c '%U:%G %a' "$1"; }
chain_is_right() { # unit, path of the chain, path of the key
	openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$work/$1$2" "$work/$1$2" >"$out" 2>&1 || fail "chain of $1"
	equal "$(openssl x509 -in "$work/$1$2" -noout -pubkey)" "$(openssl pkey -in "$work/$1$3" -pubout)" "key of $1"
}

# A key made on the device; the line is as bad as they get.
unit a SN-A --noise --wrap --escapes -- "${bash_getty[@]}"
await '.serial? == "SN-A" and .result? == "PASS"'
chain_is_right a /etc/iot/chain.pem /etc/iot/device.key
equal "daemon:daemon 640" "$(mode "$work/a/etc/iot/chain.pem")" "chain's owner and mode"
equal "daemon:daemon 600" "$(mode "$work/a/etc/iot/device.key")" "key's owner and mode"
equal sn-a "$(jq -r .registrationId "$work/a/etc/iot/provisioning.json")" "registration ID"
no_trace a

# A key of the station's, on a device that has busybox and openssl, for the Azure SDKs.
unit b SN-B -- "${ash_getty[@]}"
await '.serial? == "SN-B" and .result? == "PASS"'
chain_is_right b /etc/azure-iot/device-cert.pem /etc/azure-iot/device-key.pem
for key in device-key.pem device_cert_store.pem; do
	equal "root:root 600" "$(mode "$work/b/etc/azure-iot/$key")" "mode of $key"
done
equal "$(cat "$work"/b/etc/azure-iot/device-{key,cert}.pem)" "$(cat "$work/b/etc/azure-iot/device_cert_store.pem")" "key and chain"
grep -qx 'DPS_X509_REGISTRATION_ID=sn-b' "$work/b/etc/azure-iot/device.env" || fail "no registration ID for the SDK"
no_trace b

# A derived key, for IoT Edge; the console says what it is told, passwords and keys too.
unit c SN-C --echo -- "${bash_getty[@]}"
await '.serial? == "SN-C" and .result? == "PASS"'
equal "$(printf sn-c | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(base64 -d "$work/meters.key" | od -An -v -tx1 | tr -d ' \n')" -binary | base64)" \
	"$(base64 -w0 "$work/c/var/aziot/secrets/device-id.key")" "derived key"
grep -qx 'symmetric_key = { uri = "file:///var/aziot/secrets/device-id.key" }' "$work/c/etc/aziot/config.toml" || fail "config.toml"
grep -qx 'registration_id = "sn-c"' "$work/c/etc/aziot/config.toml" || fail "config.toml"
no_trace c

# A wrong password is tried once, however long the unit sits there.
unit d SN-D --log "$work/d.said" -- "${bash_getty[@]}"
await '.slot? == "d" and .result? == "FAIL" and .class == "operator"'
sleep 8
equal 1 "$(grep -c 'Login incorrect' "$work/d.said")" "tries of a wrong password"

# Never a prompt: it costs nobody else anything.
unit e SN-E -- sh -c 'stty raw; while :; do echo "no prompt here"; sleep 0.1; done'
# The power fails when the unit has its key: it resumes with it, and with one certificate.
unit f SN-F -- "${bash_getty[@]}"
await '.serial? == "SN-F" and .step? == "issue"'
kill -USR1 "$unit_pid"
await '.serial? == "SN-F" and .result? == "PASS"'
chain_is_right f /etc/iot/chain.pem /etc/iot/device.key
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%' AND entry LIKE '%SN-F%'")" "certificates of SN-F"
no_trace f
seen '.slot? == "e" and .result?' && fail "a console without a prompt is a unit"

# A unit that is done is logged out, and stays so.
logged_out() { [ "$(ps -o comm= --ppid "$1")" = agetty ]; }
wait_for 10 logged_out "$unit_pid" || fail "somebody is logged in"
sleep 3
logged_out "$unit_pid" || fail "the station logs in to a unit that is done"
stop "$line_pid"
no_findings "$work"/*.err
equal 4 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "passed units"
nothing_lost
