#!/bin/bash
# Twelve units over bulk, ACM and FTDI together, of every kind: five ports at work at the same time.
. /station/tests/vm/lib.sh
service
for i in 1 2 3 4 5 6 7; do make_bulk_unit bulk$i; done
for i in 1 2 3 4; do make_acm_unit acm$i; done
make_ftdi_unit ftdi1
start_units --kinds sensor,controller,meter,gateway
usb_line "bulk 0" "bulk 1" "acm 2" "acm 3" "ftdi ftdi"
line_up

# One port's hand: each unit in, until it has passed, and out.
seat_all() { # port, units
	local port=$1 unit
	shift
	for unit; do
		plug "$unit" "$port"
		await_pass 120 "$unit"
		unplug "$unit" "$port"
		echo "VM: $unit passed at port $port"
	done
}
hands=()
seat_all 0 bulk1 bulk2 bulk3 bulk4 & hands+=($!)
seat_all 1 bulk5 bulk6 bulk7 & hands+=($!)
seat_all 2 acm1 acm2 & hands+=($!)
seat_all 3 acm3 acm4 & hands+=($!)
seat_all ftdi ftdi1 & hands+=($!)
for hand in "${hands[@]}"; do wait "$hand" || fail "a hand gave up"; done
line_down
all_is_right
