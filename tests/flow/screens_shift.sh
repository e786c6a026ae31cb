#!/bin/bash
# The shift is handed over at the screens while units run: they keep the operator they began with. Log-out, wrong PINs, a
# lock, and a screen in the language of who works there.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen_lib.sh"
service
slow_devices sensor 9600
devices --count 4 --kinds sensor
for i in 0 1 2 3; do serials[i]=$(serial_of $i); done
line 4
people
terminal shift 80 24 "$run"

# Ana's shift.
see "Nobody is logged in"
scan B:badge-ana
see "Ana Lima"
seat 1 0
see_tile 1 "${serials[0]}" "✔ PASS"
see "Shift ✔ 1  ✘ 0"
seat_slow 2 0
see_tile 2 "$(slow_serial 0)" "Writing to the unit"

# Tim takes over; the unit runs on. The screen speaks his language, the count begins anew.
scan B:badge-tim
see "Tim Roth"
see_no "Ana Lima"
see "$(word de Shift) ✔ 0  ✘ 0"
see "$(word de Line)"
see_tile 2 "$(slow_serial 0)" "● "
seat 3 1
see_tile 3 "${serials[1]}" "✔ $(word de PASS)"
see_tile 2 "$(slow_serial 0)" "✔ $(word de PASS)"
see "$(word de Shift) ✔ 2  ✘ 0"
served_by() { sql "SELECT json_extract(entry, '\$.operator') FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-provisioned\"%\"unit\":\"$1\"%'"; }
equal "ana ana tim" "$(served_by "${serials[0]}") $(served_by "$(slow_serial 0)") $(served_by "${serials[1]}")" "who served the units"

# Out by a key: the next unit waits. The badge's PIN, wrong and then right; the digits are never shown.
press F8
see "$(word de "Nobody is logged in")"
seat 4 2
see_tile 4 "${serials[2]}" "$(word de "LOG IN")"
scan B:badge-bo
see "$(word de "PIN:")"
type_text 4700
see "****"
not_on_screen 4700 || never "shows" "a PIN"
press Enter
see "$(word de "Wrong PIN.")"
see_like "$(word de "Tries left:") 4"
type_text 4711
press Enter
see "Bo Olsen"
see "Shift ✔ "
see_tile 4 "${serials[2]}" "✔ PASS"
press F8
see "Nobody is logged in"

# By ID. Who has no PIN can't log in so; five wrong PINs lock, and then the right one helps no more.
login() { # ID
	press F8
	see "Scan your badge, or type your ID:"
	type_text "$1"
	press Enter
}
login ana
see "Nobody has this ID."
press Escape
see_no "Nobody has this ID."
login bo
for left in 4 3 2 1; do
	see "PIN:"
	type_text 1
	press Enter
	see "Tries left: $left"
done
type_text 1
press Enter
see "Locked. Ask the line lead."
press Escape
see_no "Locked. Ask the line lead."
scan B:badge-bo
see "Nobody here has this badge."
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE json_extract(entry, '\$.kind') = 'operator-locked'")" "locks in the log"

# Another one is let in, and goes by the empty badge.
scan B:badge-ana
see "Ana Lima"
scan B:
see "Nobody is logged in"
stop_line 0
equal "operator-logged-in shift-handed-over operator-logged-out operator-logged-in operator-logged-out operator-logged-in operator-logged-out" \
	"$(sql "SELECT json_extract(entry, '$.kind') FROM audit_entry WHERE entry LIKE '%\"kind\":\"operator-logged%' OR entry LIKE '%shift-handed%' ORDER BY idx" | xargs)" \
	"who came and went"
if grep -raqE '4711|4700|badge-(bo|ana|tim)' "$dir"; then fail "a PIN or a badge is in a file"; fi
nothing_lost
