#!/bin/bash
# What an integrator asks while a line is built: what is plugged in where, what is wrong at a slot, which place a slot is.
. "$(dirname "$0")/lib.sh"

# Before there is a configuration; and a configuration that is there has to be right.
expect 0 "$station" fixture list --dir "$work/none"
expect 0 "$station" fixture list --dir "$work/none" --json
jq -e -s 'all(.[]; .event == "place" and (.place | length > 0))' "$out" >/dev/null || fail "the list is no list of places"
expect 2 "$station" fixture
expect 2 "$station" fixture probe
expect 2 "$station" fixture sniff 1
says "usage: station fixture"

service
devices --count 3 --kinds sensor
mute=$(serial_of 1)
stop "$devices_pid"
devices --count 3 --kinds sensor --fault "mute:$mute"
line 4
sed -i "s|^link = serial:$dir/slots/4|link = serial:/dev/null|" "$dir/station.ini"

# --- list -------------------------------------------------------------------------------------------------------
seat 1 0
expect 0 "$station" fixture list --dir "$dir" --json
has '.event == "slot" and .slot == "1" and .plugged_in'
has '.event == "slot" and .slot == "2" and (.plugged_in | not)'
expect 0 "$station" fixture list --dir "$dir"
says "nothing is plugged in there"

# --- probe ------------------------------------------------------------------------------------------------------
# probe STATUS SLOT VERDICT: once for people, once for programs
probe() {
	expect "$1" "$station" fixture probe "$2" --dir "$dir"
	says "to do"
	expect "$1" "$station" fixture probe "$2" --dir "$dir" --json
	equal "$3" "$(jq -r .verdict "$out")" "verdict of slot $2"
}
probe 0 1 well
equal "$(serial_of 0) sensor blank" "$(jq -r '"\(.serial) \(.model) \(.state)"' "$out")" "the unit"
probe 1 2 no-place
seat 2 1
probe 1 2 silent
probe 1 4 no-port
expect 2 "$station" fixture probe 9 --dir "$dir"
says 'no slot "9"'

# Somebody else has the port: who.
flock -F "$(tty_of 2)" sleep 60 9>&- &
holder=$!
pids+=("$holder")
seat 3 2
locked() { grep -q "FLOCK.*WRITE $holder " /proc/locks; }
wait_for 10 locked || fail "the port is not locked"
probe 1 3 busy
jq -er .busy_by "$out" | grep -q "process $holder)" || fail "it does not say who has the port"
stop "$holder"

# --- Beside a running station --------------------------------------------------------------------------------------
empty 2
line_up
await '.slot? == "1" and .result? == "PASS"'
await '.slot? == "3" and .result? == "PASS"'
# It holds a port only while it looks or works: an idle slot can be probed, sooner or later.
idle_slot() { "$station" fixture probe 1 --dir "$dir" --json >"$out" 2>"$errs"; }
wait_for 30 idle_slot || fail "an idle slot can't be probed"
equal provisioned "$(jq -r .state "$out")" "the unit's state"

# --- wizard -----------------------------------------------------------------------------------------------------------
echo | timeout 20 "$station" fixture wizard 3 >"$out" 2>"$errs"
equal 1 $? "exit status of a wizard that nothing was shown to"
says 'Plug a board into slot "3" now.'
says "Nothing was plugged in"

# --- Contacts that bounce ----------------------------------------------------------------------------------------------
# A unit that comes and goes in a loop is seated less and less often, is no failure, and fills no log.
for i in {1..60}; do
	seat 1 0
	sleep 0.15
	empty 1
	sleep 0.1
done
said() { jq -s "[.[] | select(.event == \"$1\" and .slot == \"1\")] | length" "$work/events"; }
seated=$(said seated)
[ "$seated" -lt 25 ] || fail "a unit that came 60 times in 15 s was seated $seated times"
[ "$(wc -l <"$work/events.err")" -lt 20 ] || fail "the log is full of it"
# It goes for good, and comes to stay.
freed() { [ "$(said free)" -eq "$(said seated)" ]; }
wait_for 30 freed || fail "it is gone, and the slot is not free"
seated=$(said seated)
seat 1 0
again() { [ "$(said seated)" -gt "$seated" ]; }
wait_for 30 again || fail "it stays, and is not seen"
stop "$line_pid"
equal 2 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "units that passed"
equal 0 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-failed\"%'")" "failures"
nothing_lost

# --- Boot noise ---------------------------------------------------------------------------------------------------------
# Seated in the middle of two seconds of boot log and noise: it passes, and nobody calls it a failure.
stop "$devices_pid"
for i in 1 3; do empty $i; done
line_up
devices --count 4 --kinds sensor --fault bootlog
seat 2 3
await '.slot? == "2" and .result? == "PASS"'
stop "$line_pid"
seen '.slot? == "2" and (.result? == "FAIL" or .event == "port")' && fail "boot noise is a failure"
nothing_lost
