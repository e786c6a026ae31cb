#!/bin/bash
# Linux devices on their serial consoles: a real getty, login and shell (agetty with bash, busybox with ash), each
# with an /etc and a /var of its own; the station logs in, provisions, leaves no trace and is gone again.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/console_lib.sh"
service
line 1
{
	sed '/^\[slot/,$d' "$dir/station.ini"
	x509 x509
	printf 'owner = daemon:daemon\nmode = 0640\n'
	printf '[profile "busy"]\nattest = x509\nkey = station\nenroll = individual\nserial-from = command:cat /etc/serial\n'
	printf 'model-from = text:linux\nuser = busy\npassword-file = %s/password\nlayout = azure-sdk\n' "$work"
	printf '[profile "symmetric"]\nattest = symmetric\nenroll = group\ngroup = meters\ngroup-key = pkcs11:object=meters\n'"$identity"
	printf 'password-file = %s/password\nlayout = iot-edge\n' "$work"
	x509 wrong wrong
	x509 edge
	printf 'layout = iot-edge\n'
	slot a x509
	slot b busy
	slot c symmetric
	slot d wrong
	slot e x509
	slot f x509
	slot g edge
	slot h x509
} >"$work/console.ini"
cp "$work/console.ini" "$dir/station.ini"
line_up

# edge_config_is_right UNIT METHOD REGISTRATION: config.toml as a TOML parser reads it; what it names is there, and the
# services that read it may do so (learn.microsoft.com, "Manage IoT Edge certificates", permission requirements)
edge_config_is_right() {
	python3 - "$work/$1" "$2" "$3" "$(jq -r .idScope "$service_json")" "https://$host" >"$out" 2>&1 <<'EOF' || fail "config.toml of $1"
import os, sys, tomllib
root, method, registration, scope, endpoint = sys.argv[1:]
with open(root + "/etc/aziot/config.toml", "rb") as file:
    provisioning = tomllib.load(file)["provisioning"]
attestation = provisioning["attestation"]
assert provisioning["source"] == "dps" and provisioning["id_scope"] == scope, provisioning
assert provisioning["global_endpoint"].rstrip("/") == endpoint, provisioning
assert attestation["method"] == method and attestation["registration_id"] == registration, attestation
def check(path, user, mode):
    what = os.stat(root + path)
    assert (what.st_uid, what.st_gid, what.st_mode & 0o7777) == (user, user, mode), (path, what)
def check_file(uri, user, mode, dir_mode):
    assert uri.startswith("file:///"), uri
    check(uri[len("file://"):], user, mode)
    check(os.path.dirname(uri[len("file://"):]), user, dir_mode)
if method == "x509":
    check_file(attestation["identity_cert"], 901, 0o644, 0o755)
    check_file(attestation["identity_pk"], 902, 0o600, 0o700)
else:
    check_file(attestation["symmetric_key"]["uri"], 902, 0o600, 0o700)
EOF
}

# A key made on the device; the line is as bad as they get.
unit a SN-A --noise --wrap --escapes -- "${bash_getty[@]}"
await '.serial? == "SN-A" and .result? == "PASS"'
chain_is_right a /etc/iot/chain.pem /etc/iot/device.key
equal "1:1 640" "$(mode "$work/a/etc/iot/chain.pem")" "chain's owner and mode"
equal "1:1 600" "$(mode "$work/a/etc/iot/device.key")" "key's owner and mode"
equal sn-a "$(jq -r .registrationId "$work/a/etc/iot/provisioning.json")" "registration ID"
no_trace a

# A key of the station's, on a device that has busybox and openssl, for the Azure SDKs.
unit b SN-B -- "${ash_getty[@]}"
await '.serial? == "SN-B" and .result? == "PASS"'
chain_is_right b /etc/azure-iot/device-cert.pem /etc/azure-iot/device-key.pem
for key in device-key.pem device_cert_store.pem; do
	equal "0:0 600" "$(mode "$work/b/etc/azure-iot/$key")" "mode of $key"
done
equal "$(cat "$work"/b/etc/azure-iot/device-{key,cert}.pem)" "$(cat "$work/b/etc/azure-iot/device_cert_store.pem")" "key and chain"
grep -qx 'DPS_X509_REGISTRATION_ID=sn-b' "$work/b/etc/azure-iot/device.env" || fail "no registration ID for the SDK"
no_trace b

# A derived key, for IoT Edge; the console says what it is told, passwords and keys too.
unit c SN-C --echo -- "${bash_getty[@]}"
await '.serial? == "SN-C" and .result? == "PASS"'
equal "$(printf sn-c | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(base64 -d "$work/meters.key" | od -An -v -tx1 | tr -d ' \n')" -binary | base64)" \
	"$(base64 -w0 "$work/c/var/aziot/secrets/device-id.key")" "derived key"
edge_config_is_right c symmetric_key sn-c
no_trace c

# Key and certificate for IoT Edge.
unit g SN-G -- "${bash_getty[@]}"
await '.serial? == "SN-G" and .result? == "PASS"'
chain_is_right g /var/aziot/certs/device-id.pem /var/aziot/secrets/device-id.key.pem
edge_config_is_right g x509 sn-g
no_trace g

# What is missing on the device is named.
mkdir "$work/h"
echo /usr/bin/openssl >"$work/h/lacks"
unit h SN-H -- "${bash_getty[@]}"
await '.serial? == "SN-H" and .result? == "FAIL" and .class == "unit"'
seen '.serial? == "SN-H" and (.text? // "" | contains("lacks the program openssl; add it"))' || fail "openssl is not named"

# A wrong password is tried once, however long the unit sits there.
unit d SN-D --log "$work/d.said" -- "${bash_getty[@]}"
await '.slot? == "d" and .result? == "FAIL" and .class == "operator"'
# Nor after it was silent for a while: a slow one would else be logged in to again and again, and lock the account.
# (What was typed while it slept may go in as a name of blanks: no account's.)
kill -STOP "$unit_pid"
sleep 4
kill -CONT "$unit_pid"
sleep 8
equal 1 "$(grep -c 'login: unit' "$work/d.said")" "log-ins with a wrong password"
seen '.slot? == "d" and (.text? // "" | contains("does not take the user and password of the profile"))' || fail "a wrong password is not said"

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
wait_for 10 logged_out "$unit_pid" || fail "somebody is logged in"
sleep 3
logged_out "$unit_pid" || fail "the station logs in to a unit that is done"
stop "$line_pid"
no_findings "$work"/*.err
! grep -qaE 'secret-pw|wrong-pw' "$work/events" "$work/events.err" "$dir/station.db"* || fail "a password is kept"
equal 5 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "passed units"
nothing_lost
