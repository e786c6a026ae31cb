#!/bin/bash
# faults.sh FAULT: endpoints that stall, or garbage between the packets: the step is run again, the units pass.
. /station/tests/vm/lib.sh
make_bulk_unit bulk1
make_bulk_unit bulk2
service
start_units --kinds sensor,controller --fault "$1"
usb_line "bulk 0" "bulk 1"
line_up
for try in 1 2 3 4 5 6; do
	passed bulk1 || plug bulk1 0
	passed bulk2 || plug bulk2 1
	wait_for 40 passed bulk1
	wait_for 40 passed bulk2
	unplug bulk1 0
	unplug bulk2 1
	{ passed bulk1 && passed bulk2; } && break
	sleep 2
done
await_pass 1 bulk1
await_pass 1 bulk2
line_down
[ "$1" != stall ] || grep -q stalled "$work/events.err" || fail "nothing stalled"
all_is_right
