#!/bin/bash
# What the virtual machine does, by $VM_FORM and $VM_SEED.
set -u
cd /station/tests/vm
PULLS_WANTED=100

do_test() { # script, arguments
	echo "VM: $*"
	bash "$@" || { echo "VM: FAILED: $*"; exit 1; }
}

# Only those that hit a step count: not a unit that had said nothing, or had ended, or was on its way to the next.
touch /tmp/pulls
show_pulls() { sort /tmp/pulls | uniq -c | sed 's/^/VM: pulled in:/'; }
pulls_so_far() { grep -Evc '^(before|between|ended)$' /tmp/pulls; }
pull_plugs() { # seed
	do_test pulls.sh "$1" slow
	do_test pulls.sh "$1" quick
	echo "VM: $(pulls_so_far) plugs pulled"
}

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
		pull_plugs "$seed"
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
	pull_plugs "$VM_SEED"
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
