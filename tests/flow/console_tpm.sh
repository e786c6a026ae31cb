#!/bin/bash
# Linux devices with a TPM: a real swtpm as its device file, tpm2-tools on the device, and openssl and tpm2-tools outside to
# check what came of it. TPM units and X.509 units whose key is in the TPM; bash and busybox; and what must fail.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/console_lib.sh"
fake_tpm=${STATION_BIN%/bin}/tests/fake_tpm_device
for needed in swtpm swtpm_setup swtpm_localca tpm2 "$fake_tpm"; do
	command -v "$needed" >/dev/null || fail "no $needed; see tests/packages.txt"
done
service
line 1

# --- TPMs -----------------------------------------------------------------------------------------------------------
# The TPMs' maker: whoever certifies their endorsement keys.
mkdir "$work/maker"
printf 'statedir = %s\nsigningkey = %s/key.pem\nissuercert = %s/cert.pem\ncertserial = %s/serial\n' "$work/maker"{,,,} >"$work/localca.conf"
printf 'create_certs_tool = %s\ncreate_certs_tool_config = %s/localca.conf\nactive_pcr_banks = sha256\n' \
	"$(command -v swtpm_localca)" "$work" >"$work/setup.conf"

# certified NAME: the TPM of that unit comes from its maker, with an EK that is kept and its certificate in NV
certified() {
	mkdir -p "$work/$1/tpm"
	swtpm_setup --tpm2 --tpmstate "$work/$1/tpm" --config "$work/setup.conf" --createek --create-ek-cert --lock-nvram >"$out" 2>&1 ||
		fail "swtpm_setup of $1"
}
# powered NAME: the unit's TPM answers at $work/NAME/dev
powered() {
	mkdir -p "$work/$1"
	start "$work/$1.tpm" "$fake_tpm" "$work/$1/dev" "$work/$1"
}
# tpm_of UNIT TOOL ARGS...: asks the unit's TPM itself, without the station
tpm_of() { TPM2TOOLS_TCTI=device:$work/$1/dev "${@:2}" 2>"$errs" || fail "the TPM of $1: ${*:2}"; }
handles() { tpm_of "$1" tpm2_getcap handles-persistent | tr -d ' -' | xargs; }

# tpm_profile UNIT ATTEST [USER]: of one unit, since its TPM is where no other one's is
tpm_profile() {
	printf '[profile "%s"]\nattest = %s\nenroll = individual\n' "$1" "$2"
	[ "$2" = tpm ] || echo 'key = device'
	printf 'serial-from = command:cat /etc/serial\nmodel-from = text:linux\nuser = %s\n' "${3-unit}"
	printf 'password-file = %s/password\nkey-store = tpm\nkey-path = %s/%s/dev\n' "$work" "$work" "$1"
}
{
	sed '/^\[slot/,$d' "$dir/station.ini"
	tpm_profile a tpm
	tpm_profile b tpm busy
	tpm_profile c x509
	echo 'layout = azure-sdk'
	tpm_profile d tpm
	tpm_profile e x509
	tpm_profile f x509
	tpm_profile g x509
	echo 'layout = iot-edge'
	tpm_profile h x509
	for name in {a..h}; do slot "$name" "$name"; done
} >"$work/console.ini"
cp "$work/console.ini" "$dir/station.ini"
line_up
passed() { await ".serial? == \"$1\" and .result? == \"PASS\""; }
# failed SERIAL CLASS TEXT
failed() {
	await ".serial? == \"$1\" and .result? == \"FAIL\""
	seen ".serial? == \"$1\" and .class? == \"$2\" and (.text? // \"\" | contains(\"$3\"))" ||
		{ grep "$1" "$work/events" >"$out"; fail "$1 fails otherwise than: $3"; }
}
record_of() { sql "SELECT entry FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-provisioned\"%' AND entry LIKE '%$1%'"; }
# enrolled_ek UNIT SERIAL: the service has the EK as the TPM itself tells it, and as the SDKs will show it
enrolled_ek() {
	local id
	id=$(jq -r .registrationId "$work/$1/etc/iot/provisioning.json")
	wait_for 30 api GET "/enrollments/$id" >/dev/null 2>&1 || fail "$2 is not enrolled"
	tpm_of "$1" tpm2_readpublic -Q -c 0x81010001 -o "$work/$1/ek.public"
	equal "$(base64 -w0 "$work/$1/ek.public")" "$(api GET "/enrollments/$id" | jq -r .attestation.tpm.endorsementKey)" "EK of $2"
}

# --- What passes ------------------------------------------------------------------------------------------------
# A TPM from its maker: its EK is proved by a credential challenge, and the certificate is that EK's.
certified a
powered a
unit a SN-A -- "${bash_getty[@]}"
passed SN-A
equal '"tpm" "matches"' "$(record_of SN-A | jq -c '.proof, .ek_certificate' | xargs -d '\n')" "record of SN-A"
enrolled_ek a SN-A
tpm_of a tpm2_nvread 0x1c00002 >"$work/a/ek.der"
openssl x509 -inform DER -in "$work/a/ek.der" -out "$work/a/ek.pem"
cat "$work"/maker/*cert.pem >"$work/maker.pem"
openssl verify -CAfile "$work/maker.pem" -ignore_critical "$work/a/ek.pem" >"$out" 2>&1 || fail "the EK's certificate"
tpm_of a tpm2_readpublic -Q -c 0x81010001 -f pem -o "$work/a/ek.pub"
equal "$(cat "$work/a/ek.pub")" "$(openssl x509 -in "$work/a/ek.pem" -noout -pubkey)" "key of the EK's certificate"
no_trace a

# One that nobody certified, on a device with busybox: the station keeps EK and SRK where the SDKs look for them.
powered b
unit b SN-B -- "${ash_getty[@]}"
passed SN-B
equal '"tpm" "none"' "$(record_of SN-B | jq -c '.proof, .ek_certificate' | xargs -d '\n')" "record of SN-B"
equal "0x81000001 0x81010001" "$(handles b)" "what the TPM of SN-B keeps"
enrolled_ek b SN-B
no_trace b

# A key that never leaves the TPM; the device has no openssl.
powered c
echo /usr/bin/openssl >"$work/c/lacks"
unit c SN-C -- "${bash_getty[@]}"
passed SN-C
equal '"signature"' "$(record_of SN-C | jq -c .proof)" "record of SN-C"
cert=$work/c/etc/azure-iot/device-cert.pem
openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$cert" "$cert" >"$out" 2>&1 || fail "chain of SN-C"
openssl x509 -in "$cert" -noout -pubkey >"$work/c/leaf.pub"
date >"$work/c/message"
tpm_of c tpm2_sign -Q -c 0x81020000 -g sha256 -s ecdsa -f plain -o "$work/c/signature" "$work/c/message"
openssl dgst -sha256 -verify "$work/c/leaf.pub" -signature "$work/c/signature" "$work/c/message" >"$out" 2>&1 ||
	fail "the TPM of SN-C does not sign with the certificate's key"
grep -rq 'PRIVATE KEY' "$work/c/etc" "$work/c/var" && fail "a private key is in a file"
grep -q KEY_FILE "$work/c/etc/azure-iot/device.env" && fail "device.env names a file for a key that is in the TPM"
no_trace c

# --- What must not ----------------------------------------------------------------------------------------------
# The certificate is another TPM's.
powered d
size=$(stat -c %s "$work/a/ek.der")
tpm_of d tpm2_nvdefine -Q -C o -s "$size" -a 'ownerwrite|ownerread|authread|no_da' 0x1c00002
tpm_of d tpm2_nvwrite -Q -C o -i "$work/a/ek.der" 0x1c00002
unit d SN-D -- "${bash_getty[@]}"
failed SN-D unit 'EK certificate'
equal "" "$(handles d)" "what a TPM keeps whose certificate is another's"

# No tpm2-tools.
powered e
realpath "$(command -v tpm2_sign)" >"$work/e/lacks"
unit e SN-E -- "${bash_getty[@]}"
failed SN-E unit "it lacks the program tpm2_readpublic; add it to the unit's image (package tpm2-tools)"

# The request is signed with the TPM's key, the proof with another.
powered f
mkdir "$work/f/bin"
openssl ecparam -genkey -name prime256v1 -noout -out "$work/f/other.pem"
cat >"$work/f/bin/tpm2_sign" <<EOF
#!/bin/sh
[ -e $work/f/signed ] || { : >$work/f/signed; exec $(command -v tpm2_sign) "\$@"; }
for last; do :; done
openssl dgst -sha256 -sign $work/f/other.pem >"\$last"
EOF
chmod 755 "$work/f/bin/tpm2_sign"
echo "PATH=$work/f/bin:\$PATH" >"$work/f/profile"
unit f SN-F -- "${bash_getty[@]}"
failed SN-F unit "the unit's proof of its key"
[ -e "$work/f/signed" ] || fail "the wrong key was not used"

# IoT Edge reads no key out of a TPM this way.
powered g
unit g SN-G -- "${bash_getty[@]}"
failed SN-G operator 'layout = iot-edge reads keys from files'

# No TPM at all.
unit h SN-H -- "${bash_getty[@]}"
failed SN-H unit 'it has no TPM at the device file'

stop "$line_pid"
no_findings "$work"/*.err
equal 3 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "passed units"
equal 0 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%' AND (entry LIKE '%SN-E%' OR entry LIKE '%SN-G%')")" \
	"certificates of units that made no key"
nothing_lost
