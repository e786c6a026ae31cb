#!/bin/bash
# Only what changed is drawn again: counted in bytes on the line to the terminal, since a serial console at 9600
# baud takes 960 of them a second.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen_lib.sh"
. "$(dirname "$0")/wire_lib.sh"
service
devices --count 8 --kinds sensor
line 8
wired one 80 24
at_work

bytes() { stat -c %s "$work/one.raw"; }
# A full picture, for comparison: Ctrl-L asks for one.
see_like 'Service [✔?]'
sleep 2
before=$(bytes)
press C-l
grown() { [ $(($(bytes) - before)) -gt 1500 ]; }
wait_for 20 grown
sleep 1
picture=$(($(bytes) - before))
[ "$picture" -gt 1500 ] || fail "a full picture of $picture bytes: this measures nothing"

# Nothing happens but the clock: a few digits a second. The heartbeats of the parts are not drawn.
seconds=5
before=$(bytes)
from=$(date +%s)
sleep $seconds
seconds=$(($(date +%s) - from + 1))
idle=$(($(bytes) - before))
[ "$idle" -gt 0 ] || fail "the clock stands still"
[ "$idle" -le $((seconds * 60)) ] || fail "$idle bytes in $seconds seconds in which nothing happened"

# One of eight tiles goes through all of its steps.
slow_devices sensor 57600
before=$(bytes)
from=$(date +%s)
seat_slow 1 0
see "✔ PASS"
sleep 1
seconds=$(($(date +%s) - from + 1))
unit=$(($(bytes) - before - seconds * 60))
echo "a picture: $picture bytes, an idle second: $((idle / 5)), a unit's steps: $unit"
[ "$unit" -lt "$picture" ] || fail "$unit bytes for a unit on one of eight slots, $picture for a full picture"

# A page that is read anew each second is not drawn anew.
press F5
see "started"
sleep 1
before=$(bytes)
sleep 4
[ $(($(bytes) - before)) -le 300 ] || fail "$(($(bytes) - before)) bytes in 4 seconds on a page that stays the same"
press x Enter
let_go one 0
