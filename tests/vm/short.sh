#!/bin/bash
# A unit on each kind of link, and the bulk one's plug pulled while it is injected: it goes on where it was.
. /station/tests/vm/lib.sh
service
make_bulk_unit bulk1
make_acm_unit acm1
make_ftdi_unit ftdi1
# Small packets and slow answers, so that a hand comes in between.
start_units --kinds sensor,controller,meter --buf-size 512 --fault slow
usb_line "bulk 0" "acm 2" "ftdi ftdi"
plug ftdi1 ftdi
line_up
plug bulk1 0
plug acm1 2
injecting() { heard bulk1 '"inject"'; }
wait_for 60 injecting || fail "no inject"
unplug bulk1 0
echo "VM: pulled in inject"
passed bulk1 && fail "too late"
sleep 1
plug bulk1 0
for unit in bulk1 acm1 ftdi1; do
	await_pass 90 $unit
	echo "VM: $unit passed"
done
line_down
all_is_right
