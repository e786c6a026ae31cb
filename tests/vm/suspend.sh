#!/bin/bash
# The machine is suspended (devices alone: the kernel's pm_test) while units are served, and resumed.
. /station/tests/vm/lib.sh
service
make_bulk_unit bulk1
make_acm_unit acm1
start_units --kinds sensor,controller --buf-size 512 --fault slow
usb_line "bulk 0" "acm 2"
line_up
plug bulk1 0
plug acm1 2
working() { heard bulk1 '"inject"' || heard acm1 '"inject"'; }
wait_for 60 working || fail "nobody works"
echo devices >/sys/power/pm_test || fail "this kernel can't try to suspend"
echo freeze >/sys/power/state
echo none >/sys/power/pm_test
echo "VM: resumed"
for unit in bulk1 acm1; do
	port=$([ $unit = bulk1 ] && echo 0 || echo 2)
	for try in 1 2 3; do
		wait_for 40 passed $unit && break
		unplug $unit $port
		sleep 2
		plug $unit $port
	done
	await_pass 1 $unit
	echo "VM: $unit passed"
done
line_down
all_is_right
