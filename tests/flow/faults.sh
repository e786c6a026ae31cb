#!/bin/bash
# A line that loses, spoils and delays bytes, and units that reboot: tried again until it is done.
. "$(dirname "$0")/lib.sh"
service
devices --count 5 --kinds gateway,sensor,controller,meter,sensor --seed 5
for i in 0 1 2 3 4; do serials[i]=$(serial_of $i); done
stop "$devices_pid"
# A TPM command is never repeated by itself, so the gateway only reboots.
devices --count 5 --kinds gateway,sensor,controller,meter,sensor --seed 5 --fault "reboot:${serials[0]}" \
	--fault "garbage:${serials[1]}" --fault "drop:${serials[2]}" --fault "reboot:${serials[2]}" \
	--fault "truncate:${serials[3]}" --fault "slow:${serials[4]}"
line 5
for i in 0 1 2 3 4; do seat $((i + 1)) $i; done
serve 0 5
for i in 0 1 2 3 4; do has ".serial? == \"${serials[i]}\" and .result? == \"PASS\""; done
equal 0 "$(count '.result? == "FAIL"')" "failed units"
equal 3 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%'")" "certificates for three units"
for i in 1 2 4; do
	chain=$work/plant/devices/${serials[i]}/chain.pem
	openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$chain" "$chain" >"$out" 2>&1 || fail "$chain"
done
expect 0 "$station" sync --dir "$dir"
equal 4 "$(enrollments)" "enrollments"
nothing_lost
