#!/bin/bash
# A unit that goes while it is served, and one that stops answering: FAIL with the cause named; seated again,
# it passes with the certificate that was issued before.
. "$(dirname "$0")/lib.sh"
service
# Slow enough that a hand comes in between.
devices --count 2 --kinds sensor --baud 9600
for i in 0 1; do serials[i]=$(serial_of $i); done
line 2
line_up

# Pulled.
seat 1 0
await '.event == "step" and .step == "inject"'
empty 1
stop "$devices_pid" KILL
await '.result? == "FAIL"'
has_event() { seen "$1" || fail "no event has: $1"; }
has_event ".serial? == \"${serials[0]}\" and .result? == \"FAIL\" and .step == \"inject\" and (.text | contains(\"step inject\"))"

# Hangs: it sits there and says nothing.
devices --count 2 --kinds sensor --baud 9600
seat 2 1
await '.step? == "inject" and .slot == "2"'
kill -STOP "$devices_pid"
await '.slot? == "2" and .result? == "FAIL"'
has_event ".serial? == \"${serials[1]}\" and .result? == \"FAIL\" and (.text | contains(\"does not answer\"))"
equal 2 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-failed\"%'")" "failures in the log"
equal 0 "$(sql "SELECT count(*) FROM outbox")" "records for the service"

# Both come back; one after the other, so that the slot sees another unit in between.
kill -CONT "$devices_pid"
seat 2 0
await ".serial? == \"${serials[0]}\" and .result? == \"PASS\""
seat 2 1
await ".serial? == \"${serials[1]}\" and .result? == \"PASS\""
stop "$line_pid"
equal 2 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%'")" "certificates for two units"
for i in 0 1; do
	chain=$work/plant/devices/${serials[i]}/chain.pem
	openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$chain" "$chain" >"$out" 2>&1 || fail "$chain"
	equal "serial=$(sql "SELECT hex(cert_serial) FROM job WHERE serial = '${serials[i]}'")" \
		"$(openssl x509 -in "$chain" -noout -serial)" "certificate of ${serials[i]}"
done
nothing_lost
