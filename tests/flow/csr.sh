#!/bin/bash
# A CSR that is not as it must be: the unit fails with the cause, gets no certificate; its neighbours pass.
. "$(dirname "$0")/lib.sh"
service
# The serials of a seed are the same each time.
devices --count 4 --kinds sensor --seed 7
serials=($(jq -r '.devices[].serial' "$work/plant/devices.json"))
stop "$devices_pid"
devices --count 4 --kinds sensor --seed 7 --fault "csr-sig:${serials[0]}" --fault "csr-trailing:${serials[1]}" \
	--fault "csr-cn:${serials[2]}"
line 4
for i in 0 1 2 3; do seat $((i + 1)) $i; done
serve 1 4
failed() { # serial, text
	has ".event == \"unit\" and .serial == \"$1\" and .result == \"FAIL\" and .class == \"unit\" and .step == \"key\"
		and (.text | contains(\"$2\"))"
}
failed "${serials[0]}" "checking the CSR: "
failed "${serials[0]}" "signature"
failed "${serials[1]}" "checking the CSR: "
failed "${serials[2]}" "the CSR is for "
has ".serial == \"${serials[3]}\" and .result == \"PASS\""

# Each failure is in the log, with its cause, and nothing else came of it.
for i in 0 1 2; do
	equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-failed\"%\"unit\":\"${serials[i]}\"%'")" \
		"record of the failed ${serials[i]}"
	[ ! -e "$work/plant/devices/${serials[i]}/chain.pem" ] || fail "a chain on ${serials[i]}"
done
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%'")" "certificates"
expect 0 "$station" sync --dir "$dir"
equal 1 "$(enrollments)" "enrollments"
nothing_lost

# For people.
stop "$devices_pid"
devices --count 4 --kinds sensor --seed 7 --fault "csr-sig:${serials[0]}"
empty 2; empty 3; empty 4
seat 1 0
expect 1 "$station" run --headless --count 1 --dir "$dir"
says "unit ${serials[0]}, step key: checking the CSR"
says "Put the unit aside."

# Repaired, it passes.
stop "$devices_pid"
devices --count 4 --kinds sensor --seed 7
seat 1 0
serve 0 1
has ".serial == \"${serials[0]}\" and .result == \"PASS\""
nothing_lost
