#!/bin/bash
# A shift at the screens: somebody logs in with a badge and provisions 24 units on four slots, two of them faulty. Every
# tile is read; the window changes its size while a unit runs; every screen shows what the shift did; five languages.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen_lib.sh"
today=$(date +%F)
service
kinds=sensor,controller,meter,gateway
devices --count 24 --kinds $kinds
for i in {0..23}; do serials[i]=$(serial_of $i); done
stop "$devices_pid"
# One whose key is not the one it signs with, one that says that it stored what it did not.
devices --count 24 --kinds $kinds --fault "csr-sig:${serials[4]}" --fault "silent:${serials[21]}"
slow_devices sensor,meter 4800
line 4
sed -i '/^\[profile "meter"\]/a scan = label' "$dir/station.ini"
people
terminal shift 80 24 "$run"

# Nobody is there yet: the unit waits for somebody, whose badge is enough.
seat 1 0
see_tile 1 "${serials[0]}" "LOG IN"
see "Nobody is logged in"
see_tile 2 "Seat a unit"
scan B:badge-ana
see "Ana Lima"
see_no "Nobody is logged in"
see_tile 1 "${serials[0]}" "✔ PASS"
rang && fail "a bell before anything failed"
coloured 42 "✔ PASS" || never "is not green" PASS

registration_id() { sql "SELECT registration_id FROM job WHERE serial = '$1'"; }

# Five times four units. A meter is asked for its label.
passes() { see_tile "$1" "${serials[$2]}" "✔ PASS"; }
for round in {0..4}; do
	for slot in 1 2 3 4; do seat $slot $((round * 4 + slot - 1)); done
	see_tile 3 "${serials[round * 4 + 2]}" "SCAN THE LABEL"
	scan "${serials[round * 4 + 2]}"
	for slot in 2 3 4; do passes $slot $((round * 4 + slot - 1)); done
	if [ $round -eq 1 ]; then
		see_tile 1 "${serials[4]}" "✘ FAIL" "The key could not be made. Put the" "unit aside."
		# White on red, when it does not flash, and heard as well.
		wait_for 20 coloured 41 "✘ FAIL" || never "is not red" FAIL
		wait_for 20 rang || fail "no bell for a failed unit"
	else
		passes 1 $((round * 4))
	fi
done
see "Shift ✔ 19  ✘ 1  95 %"

# A result stays when its unit is taken out, until the next one is seated.
empty 4
see_tile 4 "${serials[19]}" "✔ PASS" "Seat the next unit"
see_tile 3 "${serials[18]}" "✔ PASS"
seat_slow 4 1
see_tile 4 "$(slow_serial 1)" "SCAN THE LABEL"
tile_says 4 "PASS" && never "still shows on slot 4" "PASS"
seat 1 20
seat 2 21
passes 1 20
empty 1
see_tile 1 "${serials[20]}" "✔ PASS" "Seat the next unit"
see_tile 2 "${serials[21]}" "✘ FAIL" "The unit did not pass the test." "aside."

# Five languages by one key, and back to the first; the tiles stay what they are. Sentences are wrapped, so they are
# compared without blanks.
says_without_blanks() { [[ $(shown | tr -d '\n' | sed 's/[│█ ]//g') == *"$(sed 's/ //g' <<<"$1")"* ]]; }
for code in zh_CN es vi de; do
	press g
	see "$(word $code Shift) ✔ 20  ✘ 2"
	see " flow  $(word $code Line) "
	see "✘ $(word $code FAIL) "
	advice="$(word $code "The unit did not pass the test.")$(word $code "Put the unit aside.")"
	says_without_blanks "$advice" || never "does not say in $code" "$advice"
done
press g
see "Shift ✔ 20  ✘ 2"
see_tile 2 "${serials[21]}" "✘ FAIL" "The unit did not pass the test."

# What the other screens say of the token and of themselves.
press F6
see "The token answers"
see_like 'certificates +found'
see_like 'the service +found'
see "F1 Help"
press F1
same_screen help-80x24
press Escape Escape
see "Queue 0 "
see "Service ✔"

# PASS, FAIL, a unit that runs and one that waits for its label, in a small window and on a wall.
seat_slow 3 0
see_tile 3 "$(slow_serial 0)" "Writing to the unit"
same_screen line-80x24
resize 200 60
same_screen line-200x60
resize 39 9
see "The window is too"
resize 80 24
see_tile 3 "$(slow_serial 0)" "● "
see_tile 2 "${serials[21]}" "✘ FAIL"
scan "$(slow_serial 1)"
see_tile 4 "$(slow_serial 1)" "✔ PASS"
see_tile 3 "$(slow_serial 0)" "✔ PASS"
see "Shift ✔ 22  ✘ 2  91 %"

# Each screen by its key, and what it knows.
unit=$(slow_serial 0)
certificate=$("$station" unit show "$unit" --dir "$dir" --json | jq -er .certificateSerial) || fail "no certificate"
press F2 Right Right Enter
see "$certificate"
see "$unit"
see_like 'Slot +3'
see_like 'Operator +ana'
press /
scan "${serials[21]}"
see "${serials[21]}"
see "the unit does not hold what it said it stored"
press F5
see_like '[0-9]+ entries'
press /
scan "${serials[21]}"
see_like "Search: ${serials[21]}"
see_like "failed +…?[a-z0-9-]*${serials[21]: -8} +ana +verify"
not_on_screen "${serials[20]: -8}" || never "shows" "an entry of another unit"
press /
type_text nobody
see "No entry holds this."
press Escape
press F7
if [ "$today" = "$(date +%F)" ]; then
	see "24 units, 22 passed, 2 failed, yield 91.7 %"
	see_like 'Making the key +unit refused +1 '
	see_like 'Testing the unit +unit refused +1 '
fi
press F4
see "Everything is in the service: 16 records."

# Without the service the records wait, and the line goes on.
stop "$service_pid"
press l
seat 4 23
passes 4 23
see "Service ✘"
see "Queue 1 "
press q
see "1 wait, 0 refused, 16 in the service"
see_like "$(registration_id "${serials[23]}" | tail -c 16) +waiting"
press Escape
see "Shift ✔ 23  ✘ 2  92 %"

# Out by the same key as in.
press F8
see "Nobody is logged in"
press F8
see "Scan your badge, or type your ID:"
press Escape
see_no "Scan your badge"
stop_line 1
by_ana() { sql "SELECT count(*) FROM audit_entry WHERE json_extract(entry, '\$.kind') = '$1' AND json_extract(entry, '\$.operator') = 'ana'"; }
equal "23 2" "$(by_ana unit-provisioned) $(by_ana unit-failed)" "units in the log that passed and failed, with who served them"
nothing_lost
