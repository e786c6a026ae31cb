#!/bin/bash
# The demo: what its summary says is true in the devices' flash and in the service; a second run doubles nothing.
. "$(dirname "$0")/lib.sh"
dir=$work/demo

summary() { tail -n 1 "$out"; }

expect 0 "$station" demo --headless --json --dir "$dir"
jq -e . "$out" >/dev/null || fail "a line is not JSON"
equal '["audit_entries","enrolled","event","failed","group","passed","pending","quarantined","seconds","units"]' \
	"$(summary | jq -c keys)" "fields of the summary"
equal '["summary",24,24,0,0,0,24]' \
	"$(summary | jq -c '[.event, .units, .passed, .failed, .pending, .quarantined, .enrolled + .group]')" "summary"
equal 24 "$(count '.event == "unit" and .result == "PASS"')" "units that passed"
equal "$(summary | jq .audit_entries)" "$(sql 'SELECT count(*) FROM audit_entry')" "entries of the log"
enrolled=$(summary | jq .enrolled)

# The chains are good, and each belongs to the key beside it.
chains=0
for chain in "$dir"/devices/*/chain.pem; do
	device=${chain%/*}
	openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$chain" "$chain" >"$out" 2>&1 || fail "$chain"
	equal "$(openssl x509 -in "$chain" -noout -pubkey)" "$(openssl pkey -in "$device/device.key" -pubout)" "key of $chain"
	equal "subject=CN = ${device##*/}" "$(openssl x509 -in "$chain" -noout -subject)" "subject"
	chains=$((chains + 1))
done
equal 12 "$chains" "chains"

# What a device needs to register.
for file in "$dir"/devices/*/provisioning.json; do
	jq -e --slurpfile dps "$dir/dps.json" '(.attestation | IN("tpm", "x509", "symmetricKey")) and .idScope == $dps[0].idScope
		and .host == $dps[0].host and .port == $dps[0].port and (.registrationId | length > 0)' "$file" >/dev/null || fail "$file"
done
equal 24 "$(ls "$dir"/devices/*/provisioning.json | wc -l)" "provisioned devices"
for file in "$dir"/devices/meter-*/symmetric.key; do
	equal 32 "$(base64 -d "$file" | wc -c)" "bytes of $file"
done
nothing_lost_in_demo() {
	log_is_whole
	equal 24 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-provisioned\"%'")" "provisioned"
	equal 12 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"certificate-issued\"%'")" "issued"
	equal "$enrolled" "$(sql "SELECT count(*) FROM outbox WHERE state = 'enrolled'")" "enrolled"
}
nothing_lost_in_demo

# Again in the same directory: all are known, nothing is doubled.
expect 0 "$station" demo --headless --json --dir "$dir"
equal 24 "$(count '.event == "unit" and .result == "ALREADY"')" "units that are known"
equal 0 "$(count '.event == "unit" and .result != "ALREADY"')" "other units"
equal "[24,24,0,$enrolled,0]" "$(summary | jq -c '[.units, .passed, .failed, .enrolled, .pending]')" "second summary"
nothing_lost_in_demo

# For people.
expect 0 "$station" demo --headless --dir "$dir"
says "24 units: 24 passed, 0 failed. Service: $enrolled enrolled, $((24 - enrolled)) through their group, 0 pending, 0 quarantined."
says "$dir/ca/root.pem"
