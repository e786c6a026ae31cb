#!/bin/bash
# After demo --keep the service answers for each individual enrollment with what its device really holds.
. "$(dirname "$0")/lib.sh"
dir=$work/demo

expect 0 "$station" demo --headless --json --keep --dir "$dir" --devices 8
# The service that stays holds nobody's pipe open: who reads what the demo says comes to its end.
kill "$(jq .pid "$dir/dps.json")"
timeout 60 sh -c '"$1" demo --headless --json --keep --dir "$2" --devices 8 2>&1 | cat' sh "$station" "$dir" >"$work/piped" ||
	fail "a pipe that the demo was given stays open"
service_json=$dir/dps.json
pids+=("$(jq .pid "$service_json")")
kill -0 "$(jq .pid "$service_json")" || fail "the service is gone"
equal "$(tail -n 1 "$out" | jq .enrolled)" "$(enrollments)" "individual enrollments"

# The EK at the handle that the SDKs use, asked of the TPM itself.
ek_of() { # device's folder
	local socket=$work/tpm.sock
	swtpm socket --tpm2 --tpmstate "dir=$1/tpm" --ctrl "type=unixio,path=$socket.ctrl" --server "type=unixio,path=$socket" \
		--flags not-need-init,startup-clear >"$work/swtpm.log" 2>&1 9>&- &
	pids+=("$!")
	wait_for 30 test -S "$socket" || fail "swtpm does not start on $1"
	tpm2_readpublic -T "swtpm:path=$socket" -c 0x81010001 -o "$work/ek.pub" >"$out" 2>"$errs" || fail "tpm2_readpublic"
	stop "${pids[-1]}"
	base64 -w0 "$work/ek.pub"
}

tpms=0
leaves=0
for file in "$dir"/devices/*/provisioning.json; do
	device=${file%/*}
	id=$(jq -r .registrationId "$file")
	case ${device##*/} in
	gateway-*)
		api GET "/enrollments/$id" >"$work/record" || fail "no enrollment of $device"
		equal "$(ek_of "$device")" "$(jq -r .attestation.tpm.endorsementKey "$work/record")" "EK of $device"
		tpms=$((tpms + 1))
		;;
	controller-*)
		api GET "/enrollments/$id" >"$work/record" || fail "no enrollment of $device"
		equal "$(openssl x509 -in "$device/chain.pem" -outform DER | sha256sum | cut -d' ' -f1)" \
			"$(jq -r '.attestation.x509.clientCertificates.primary.info.sha256Thumbprint | ascii_downcase' "$work/record")" \
			"thumbprint of $device"
		leaves=$((leaves + 1))
		;;
	*) # through its group: no record of its own
		if api GET "/enrollments/$id" >"$out" 2>&1; then fail "an enrollment of $device"; fi
		;;
	esac
done
equal "2 2" "$tpms $leaves" "enrollments of both kinds"

# The derived key is the one that the service derives from its group.
group=$(api POST /enrollmentGroups/meters/attestationmechanism '' | jq -r .symmetricKey.primaryKey)
hex=$(echo "$group" | base64 -d | od -An -v -tx1 | tr -d ' \n')
for device in "$dir"/devices/meter-*; do
	want=$(jq -j .registrationId "$device/provisioning.json" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -binary | base64 -w0)
	equal "$want" "$(tr -d '\n' <"$device/symmetric.key")" "derived key of $device"
done
