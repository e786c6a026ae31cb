#!/bin/bash
# The terminal goes away in the middle of units: those that run are finished and recorded, the next one waits. Whoever
# comes back finds the line as it is. By a closed window, and by the key that leaves it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen_lib.sh"
service
slow_devices sensor,meter,sensor,meter 9600
devices --count 3 --kinds sensor
for i in 0 1 2; do serials[i]=$(serial_of $i); done
line 4
state_is() { [ "$(sql "SELECT state FROM job WHERE serial = '$1'")" = "$2" ]; }
passed() { wait_for 60 state_is "$1" passed || fail "unit $1 is not recorded"; }
# Nothing is begun for it: neither a job nor an entry.
waits() {
	sleep 2
	equal "0 0" "$(sql "SELECT count(*) FROM job WHERE serial = '$1'") $(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%$1%'")" \
		"jobs and entries of a unit that waits"
}

# The window is closed while two units run.
terminal first 80 24 "$run"
seat 1 0
see_tile 1 "${serials[0]}" "✔ PASS"
seat_slow 2 0
seat_slow 3 1
see_tile 2 "$(slow_serial 0)" "Writing to the unit"
see_tile 3 "$(slow_serial 1)" "✔ PASS"
first=$(server)
tmux kill-session -t first
state_is "$(slow_serial 0)" open || fail "the unit was done before the terminal went"
seat 4 1
passed "$(slow_serial 0)"
waits "${serials[1]}"

# A new window: the tiles are there, also of what happened meanwhile, and the unit that waited goes on.
terminal second 80 24 "$run"
see_tile 1 "${serials[0]}" "✔ PASS"
see_tile 2 "$(slow_serial 0)" "✔ PASS"
see_tile 3 "$(slow_serial 1)" "✔ PASS"
see_tile 4 "${serials[1]}" "✔ PASS"
see "Shift ✔ 4  ✘ 0"
equal "$first" "$(server)" "the station"

# Left by its key while a unit runs; the shell has its terminal again, and the result is there later.
seat_slow 1 2
see_tile 1 "$(slow_serial 2)" "Writing to the unit"
press d
see "The station works on, and waits when its units are done."
see "ended with 0"
state_is "$(slow_serial 2)" open || fail "the unit was done before the terminal went"
seat 2 2
passed "$(slow_serial 2)"
waits "${serials[2]}"
terminal third 100 30 "$run"
resize 80 24
see_tile 1 "$(slow_serial 2)" "✔ PASS"
see_tile 2 "${serials[2]}" "✔ PASS"
see "Shift ✔ 6  ✘ 0"

# Ended in the middle of a unit, it gives the terminal back; started again, it finishes the unit.
seat_slow 3 3
see_tile 3 "$(slow_serial 3)" "● "
stop_line 0
terminal fourth 80 24 "$run"
see_tile 3 "$(slow_serial 3)" "✔ PASS"
stop_line 0
equal 7 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "units that passed"
nothing_lost
