#!/bin/bash
# Units that say yes and store nothing, or answer nothing that can be read: FAIL with the cause, no enrollment,
# a record in the log; the others pass. One that says nothing at all is an empty slot.
. "$(dirname "$0")/lib.sh"
service
kinds=sensor,controller,meter,gateway,sensor,sensor,sensor
devices --count 7 --kinds $kinds --seed 6
for i in 0 1 2 3 4 5 6; do serials[i]=$(serial_of $i); done
stop "$devices_pid"
devices --count 7 --kinds $kinds --seed 6 --fault "silent:${serials[0]}" --fault "silent:${serials[1]}" --fault "silent:${serials[2]}" \
	--fault "silent:${serials[3]}" --fault "length:${serials[4]}" --fault "mute:${serials[5]}"
line 7
for i in 0 1 2 3 4 5 6; do seat $((i + 1)) $i; done
serve 1 6

lied() { # serial, step, text
	has ".serial? == \"$1\" and .result? == \"FAIL\" and .class == \"unit\" and .step == \"$2\" and (.text | contains(\"$3\"))"
	equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-failed\"%\"unit\":\"$1\"%'")" "record of $1"
	has "(.serial? == \"$1\" and .result? == \"PASS\") | not"
}
for i in 0 1 2 3; do lied "${serials[i]}" verify "the unit does not hold what it said it stored"; done
# Frames that promise 65,535 bytes: somebody is there, but nobody knows who.
has '.serial? == "unknown" and .slot == "5" and .result? == "FAIL" and (.text | contains("lines came that are no frames"))'
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-failed\"%\"unit\":\"unknown\"%'")" "record of the unknown"
equal 0 "$(count '.slot? == "6"')" "events of a slot where nobody speaks"
has ".serial? == \"${serials[6]}\" and .result? == \"PASS\""
equal "1 5" "$(count '.result? == "PASS"') $(count '.result? == "FAIL"')" "passed, failed"
expect 0 "$station" sync --dir "$dir"
equal 1 "$(enrollments)" "enrollments"
expect 0 "$station" unit show "${serials[0]}" --dir "$dir"
says "the unit does not hold what it said it stored"
nothing_lost

# Repaired, they pass. Not so the two that got a certificate and then lost its key: one unit, one certificate,
# and that one is for a key that nobody has.
stop "$devices_pid"
devices --count 7 --kinds $kinds --seed 6
for i in 0 1 2 3 4 5 6; do seat $((i + 1)) $i; done
serve 1 6
has ".serial? == \"${serials[0]}\" and .result? == \"FAIL\" and (.text | contains(\"already known with another key\"))"
has ".serial? == \"${serials[1]}\" and .result? == \"FAIL\" and (.text | contains(\"lost the key that its certificate was issued for\"))"
equal 5 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "units that passed"
equal 5 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%'")" "certificates for five units"
nothing_lost
