#!/bin/bash
# The station with real USB: a virtual machine (QEMU, no KVM needed) boots Debian's own kernel, whose dummy_hcd gives
# USB devices on both ends: FunctionFS and CDC-ACM gadgets, played by device-emulator; and QEMU's own FTDI adapter.
#
#   tests/vm/run.sh [--short] [SEED]   a unit on each kind of link, one plug pulled; under five minutes
#   tests/vm/run.sh --long [SEED]      twelve units together; then a hundred plugs pulled, units changing ports,
#                                      stalled endpoints, the machine suspended; and the parts that follow
#   tests/vm/run.sh --places [SEED]    which device is which: other order, same serial numbers, permissions, the wizard
#   tests/vm/run.sh --hostile [SEED]   devices that lie, keep silent, flood or come and go, beside units that pass
#   tests/vm/run.sh --latency          what a question over USB costs beyond the transport; prints it
#   tests/vm/run.sh --together | --pulls | --faults | --suspend [SEED]   one part of the long form
#
# Downloads the kernel's package (about 70 MB) the first time. Ends with 0 if every unit ended once, right, and recorded.
# STATION_BIN: the folder with the programs; default build/dev/bin. Test programs are in ../tests beside it.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
form=short
case "${1:-}" in
--short | --long | --together | --pulls | --faults | --suspend | --places | --hostile | --latency) form=${1#--}; shift ;;
-*) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
seed=${1:-1}
case $seed in
*[!0-9]*) echo "a seed is a number, not $seed" >&2; exit 2 ;;
esac
STATION_BIN=$(cd "${STATION_BIN:-$top/build/dev/bin}" && pwd)
export STATION_BIN
out=${VM_DIR:-$top/build/vm}
limit=280
[ "$form" = short ] || limit=5400
for program in qemu-system-x86_64 busybox cpio dpkg apt-get; do
	command -v "$program" >/dev/null || { echo "$program is missing; see tests/packages.txt" >&2; exit 1; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/station-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
bash "$here/image.sh" "$out" "$work"
log=$out/$form-$seed.log
echo "== vm $form, seed $seed (all it says: $log)"
# The FTDI adapter and the guest's second UART are the two ends of one cable.
timeout -k 5 "$limit" qemu-system-x86_64 -machine pc,accel=tcg -cpu max -m 1536 -smp 2 -nodefaults -display none -no-reboot \
	-kernel "$work/kernel" -initrd "$work/initramfs" \
	-append "console=ttyS0 quiet panic=-1 vm.form=$form vm.seed=$seed" -serial stdio \
	-usb -chardev "socket,id=ftdi,path=$work/cable,server=on,wait=off" -device usb-serial,chardev=ftdi \
	-chardev "socket,id=uart,path=$work/cable" -device isa-serial,chardev=uart \
	-device virtio-rng-pci </dev/null 2>&1 | tee "$log" | grep -aE --line-buffered '^VM:|FAILED' || true
if grep -aq '^VM: the test ended with status 0' "$log"; then
	echo "ok vm $form"
else
	tail -n 60 "$log"
	echo "FAILED: vm $form, seed $seed"
	exit 1
fi
