#!/bin/bash
# Prompts belong to a slot: one waits for its label while the others work. Answered by the label, or by slot and label; a
# wrong label fails the unit. Who has never seen the station needs a scanner and two keys.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen_lib.sh"
service
kinds=sensor,controller,meter,gateway
devices --count 12 --kinds $kinds
for i in {0..11}; do serials[i]=$(serial_of $i); done
line 4
sed -i '/^\[profile "sensor"\]/a scan = label' "$dir/station.ini"
people
terminal label 80 24 "$run"

# The first unit of somebody who has a badge and a PIN: two scans, the PIN, no other key.
scan B:badge-bo
see "PIN:"
type_text 4711
press Enter
see "Bo Olsen"
seat 1 0
see_tile 1 "${serials[0]}" "SCAN THE LABEL"
scan "${serials[0]}"
see_tile 1 "${serials[0]}" "✔ PASS"
# Of somebody who has a badge alone: two scans and no key. The label may come before the unit.
scan B:badge-ana
see "Ana Lima"
scan "${serials[4]}"
see "Now scan the slot, or seat the unit."
seat 1 4
see_tile 1 "${serials[4]}" "✔ PASS"

# One waits, the others pass unit after unit.
seat 1 8
see_tile 1 "${serials[8]}" "SCAN THE LABEL"
same_waits() { see_tile 1 "${serials[8]}" "SCAN THE LABEL"; }
for round in 0 1 2; do
	for slot in 2 3 4; do seat $slot $((round * 4 + slot - 1)); done
	for slot in 2 3 4; do see_tile $slot "${serials[round * 4 + slot - 1]}" "✔ PASS"; done
	same_waits
done
see "Shift ✔ 10  ✘ 0  100 %"
see "F1 Help"
same_screen label-80x24
equal 0 "$(sql "SELECT count(*) FROM job WHERE serial = '${serials[8]}'")" "jobs of a unit that waits"

# What is no label of ours is refused, and the unit goes on waiting; none of it was a key.
scan "SLOT:9"
see "This barcode can't be used."
same_waits
# The label of another unit, scanned to the slot: the unit fails, and nothing is issued for it.
scan SLOT:1
see "Now scan the label."
scan "${serials[0]}"
see "The label is of another unit."
see_tile 1 "${serials[8]}" "✘ FAIL" "The unit was not accepted. Put the" "unit aside."
equal "ana: unit ${serials[8]}, step identify: the label says ${serials[0]}, the unit reports ${serials[8]}" "$(sql "
	SELECT json_extract(entry, '\$.operator') || ': ' || json_extract(entry, '\$.cause') FROM audit_entry
	WHERE json_extract(entry, '\$.kind') = 'unit-failed'")" "failure in the log"
equal 0 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%${serials[8]}%'")" "certificates of a mislabelled unit"

# Seated again and scanned rightly, slot first, it passes.
empty 1
see_tile 1 "${serials[8]}" "✘ FAIL" "Seat the next unit"
seat 1 8
see_tile 1 "${serials[8]}" "SCAN THE LABEL"
scan SLOT:1
see "Now scan the label."
scan "${serials[8]}"
see_tile 1 "${serials[8]}" "✔ PASS"
see "Shift ✔ 11  ✘ 1"
stop_line 1
nothing_lost
