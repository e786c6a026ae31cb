#!/bin/bash
# What the virtual machine does, by $VM_FORM and $VM_SEED.
set -u
cd /station/tests/vm
PULLS_WANTED=100

do_test() { # script, arguments
	echo "VM: $*"
	bash "$@" || { echo "VM: FAILED: $*"; exit 1; }
}

show_pulls() { sort /tmp/pulls | uniq -c | sed 's/^/VM: pulled in:/'; }
pulls_so_far() { cat /tmp/pulls 2>/dev/null | wc -l; }

case $VM_FORM in
short)
	do_test short.sh
	;;
long)
	do_test together.sh
	do_test faults.sh stall
	do_test faults.sh garbage
	do_test suspend.sh
	do_test hostile.sh
	do_test latency.sh
	for ((seed = VM_SEED; $(pulls_so_far) < PULLS_WANTED; seed++)); do
		do_test pulls.sh "$seed"
		echo "VM: $(pulls_so_far) plugs pulled"
	done
	show_pulls
	for step in identify key issue inject verify record; do
		grep -q "$step" /tmp/pulls || { echo "VM: FAILED: no plug was pulled in $step"; exit 1; }
	done
	do_test places.sh # the last: it tells usbserial to take our devices
	;;
faults)
	do_test faults.sh stall
	do_test faults.sh garbage
	;;
pulls)
	do_test pulls.sh "$VM_SEED"
	show_pulls
	;;
together | suspend | places | hostile | latency)
	do_test "$VM_FORM.sh" "$VM_SEED"
	;;
*)
	echo "VM: no form $VM_FORM"
	exit 2
	;;
esac
