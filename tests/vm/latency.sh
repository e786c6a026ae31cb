#!/bin/bash
# What a question costs beyond the transport, and what a look at a unit that sits there costs (tests/bench/usb.c). The
# machine is emulated, so what counts is the ratio of two things measured in the same run; no times are asserted.
. /station/tests/vm/lib.sh
make_bulk_unit bulk1
for i in 1 2 3; do make_acm_unit acm$i; done # other devices, that a look must not pay for
start_units --kinds sensor
plug bulk1 0
for i in 1 2 3; do plug acm$i "$i"; done
is_there() { [ -e "/sys/bus/usb/devices/$(usb_name 0)/devnum" ]; }
wait_for 10 is_there || fail "the unit is not there"
expect 0 bench_usb "$bulk_id@$(usb_name 0)" 500
echo "VM: $(cat "$out")"
