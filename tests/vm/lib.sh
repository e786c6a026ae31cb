# Shared by the tests in the virtual machine: units with plugs, ports to plug them into, and the flow tests' lib.sh.
#
# A unit is a USB gadget whose function device-emulator plays; a port is one of dummy_hcd's, in which at most one unit
# is plugged. The FTDI adapter is QEMU's: its unit sits at the other end of the cable (/dev/ttyS1), and what is
# pulled is the adapter. No udev runs here, so plugging makes the name in /dev/serial/by-path that its rule would.
. /station/tests/flow/lib.sh
gadgets=/sys/kernel/config/usb_gadget
by_path=/dev/serial/by-path
bulk_id=1209:0001
mkdir -p "$by_path"
unit_names=() # in the order of devices.json
wires=()      # the emulator's options
plugs=()      # all gadgets, those of no unit too

remember() { unit_names+=("$1"); wires+=("$2" "$3"); }

gadget() { # unit, product, function
	local g=$gadgets/$1
	mkdir "$g" && mkdir "$g/strings/0x409" "$g/configs/c.1" "$g/functions/$3" || fail "no gadget $1"
	echo 0x1209 >"$g/idVendor"
	echo "$2" >"$g/idProduct"
	plugs+=("$1")
	ln -s "$g/functions/$3" "$g/configs/c.1"
}

bulk_gadget() { # name
	gadget "$1" 0x0001 "ffs.$1"
	mkdir -p "/ffs/$1"
	mount -t functionfs "$1" "/ffs/$1" || fail "no functionfs for $1"
}

make_bulk_unit() { # unit
	bulk_gadget "$1"
	remember "$1" --ffs "/ffs/$1"
}

make_acm_unit() { # unit
	gadget "$1" 0x0002 "acm.$1"
	remember "$1" --tty "/dev/ttyGS$(cat "$gadgets/$1/functions/acm.$1/port_num")"
}

make_ftdi_unit() { remember "$1" --tty /dev/ttyS1; }

# start_units ARGS...: the emulator plays them all; their serial numbers are those of the plugs, too.
start_units() {
	local i
	devices --count ${#unit_names[@]} "${wires[@]}" "$@"
	for i in "${!unit_names[@]}"; do
		serial_of "$i" >"$work/serial.${unit_names[i]}"
		[ ! -d "$gadgets/${unit_names[i]}" ] || cp "$work/serial.${unit_names[i]}" "$gadgets/${unit_names[i]}/strings/0x409/serialnumber"
	done
}
serial() { cat "$work/serial.$1"; }

# The kernel's name for what is plugged into a port: "2-1"
usb_name() {
	if [ "$1" = ftdi ]; then
		for device in /sys/bus/usb/devices/*/idVendor; do
			[ "$(cat "$device")" != 0403 ] || { device=${device%/*}; echo "${device##*/}"; }
		done
	else
		set -- /sys/devices/platform/dummy_hcd."$1"/usb*
		echo "${1##*/usb}-1"
	fi
}

tty_at() { # port
	set -- "/sys/bus/usb/devices/$(usb_name "$1")"/*:1.0/tty*/ "/sys/bus/usb/devices/$(usb_name "$1")"/*:1.0/tty/tty*/
	for tty; do
		case $tty in
		*/tty/ | *'*'*) ;;
		*) tty=${tty%/}; echo "/dev/${tty##*/}"; return 0 ;;
		esac
	done
	return 1
}
tty_is_there() { [ -n "$(tty_at "$1")" ]; }

name_port() { # port: what udev does when a terminal appears
	wait_for 10 tty_is_there "$1" || fail "no terminal at port $1"
	ln -sfn "$(tty_at "$1")" "$by_path/port-$1"
}

plug() { # unit, port
	if [ "$2" = ftdi ]; then
		echo 1 >"/sys/bus/usb/devices/$(usb_name ftdi)/authorized"
		name_port ftdi
		return
	fi
	echo "dummy_udc.$2" >"$gadgets/$1/UDC" || fail "unit $1 does not fit into port $2"
	case $1 in acm*) name_port "$2" ;; esac
}

unplug() { # unit, port
	if [ "$2" = ftdi ]; then
		echo 0 >"/sys/bus/usb/devices/$(usb_name ftdi)/authorized"
	else
		echo >"$gadgets/$1/UDC"
	fi
	rm -f "$by_path/port-$2"
}

# link_of KIND PORT, as it stands in station.ini
link_of() {
	case $1 in
	bulk) echo "usb:$bulk_id@$(usb_name "$2")" ;;
	*) echo "serial:$by_path/port-$2" ;;
	esac
}

# usb_line "KIND PORT"...: a station with a slot for each
usb_line() {
	local i=0 place
	line $#
	for place; do
		i=$((i + 1))
		sed -i "s|^link = serial:.*/slots/$i\$|link = $(link_of $place)|" "$dir/station.ini"
	done
}

# Of the events since the line numbered $3, is one of this kind about the unit? Cheap: it is asked often.
heard() { # unit, text, [line]
	tail -n "+${3:-1}" "$work/events" | grep -F "\"$(serial "$1")\"" | grep -qF "$2"
}
passed() { heard "$1" '"PASS"'; }
lines() { wc -l <"$work/events"; }
await_pass() { # seconds, unit
	wait_for "$1" passed "$2" || { cp "$work/events" "$out"; cp "$work/events.err" "$errs"; fail "$2 ($(serial "$2")) does not pass"; }
}

# Every unit ended once, right, and recorded.
all_is_right() {
	local unit s chain
	for unit in "${unit_names[@]}"; do
		s=$(serial "$unit")
		equal passed "$(sql "SELECT state FROM job WHERE serial = '$s'")" "state of $unit"
		equal 1 "$(grep -F "\"$s\"" "$work/events" | grep -c '"PASS"')" "how often $unit passed"
		equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-provisioned\"%\"$s\"%'")" "records of $unit"
		[ "$(sql "SELECT attest FROM job WHERE serial = '$s'")" != x509 ] || {
			equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%\"$s\"%'")" "certificates of $unit"
			chain=$work/plant/devices/$s/chain.pem
			openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$chain" "$chain" >"$out" 2>&1 || fail "$chain"
			equal "serial=$(sql "SELECT hex(cert_serial) FROM job WHERE serial = '$s'")" \
				"$(openssl x509 -in "$chain" -noout -serial)" "certificate of $unit"
		}
	done
	nothing_lost
}
line_down() {
	stop "$line_pid"
	no_findings "$work/events.err"
}

# Everything unplugged and gone, for the next test.
tear_down() {
	local unit g
	for unit in "${plugs[@]}"; do
		g=$gadgets/$unit
		echo >"$g/UDC"
		rm "$g"/configs/c.1/*.*
		umount "/ffs/$unit"
		rmdir "$g"/configs/c.1 "$g"/functions/* "$g"/strings/0x409 "$g"
	done 2>/dev/null
}
trap 'status=$?; for pid in ${pids[@]+"${pids[@]}"}; do kill $pid; done 2>/dev/null; wait; tear_down; (exit $status); clean_up' EXIT
