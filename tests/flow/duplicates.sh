#!/bin/bash
# Two devices with one serial, one key, or one EK: the second is refused and the first is named, whether they
# come one after the other or at the same time.
. "$(dirname "$0")/lib.sh"
service
line 2

# refused KIND WHAT TEXT: of two devices the second is refused with such words
refused() {
	rm -rf "$work/plant/devices"
	devices --count 2 --kinds "$1" --duplicate "$2" --seed "$3"
	empty 2
	seat 1 0
	serve 0 1
	has '.event == "unit" and .result == "PASS"'
	empty 1
	seat 2 1
	serve 1 1
	has ".event == \"unit\" and .result == \"FAIL\" and .class == \"unit\" and (.text | contains(\"$4\"))"
	says "$(serial_of 0)"
	stop "$devices_pid"
}
refused sensor serial 11 "is already known with hardware ID"
refused sensor key 12 "this key already belongs to unit"
refused gateway ek 13 "this endorsement key already belongs to unit"
nothing_lost
equal 3 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "units that passed"
equal 3 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-failed\"%'")" "refusals in the log"

# At the same time.
twins() {
	rm -rf "$work/plant/devices"
	devices --count 2 --kinds "$1" --duplicate "$2" --seed "$3"
	seat 1 0
	seat 2 1
	serve 1 2
	equal "1 1" "$(count '.result? == "PASS"') $(count '.result? == "FAIL"')" "of two with one $2: passed, failed"
	stop "$devices_pid"
}
twins sensor serial 21
twins sensor key 22
twins gateway ek 23
nothing_lost
equal 6 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "units that passed"
expect 0 "$station" sync --dir "$dir"
equal 6 "$(enrollments)" "enrollments"
