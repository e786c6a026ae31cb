#!/bin/bash
# Which device is which: devices in another order, with the same serial number, several that fit one link; contacts that
# bounce; who may open a port; a device that the kernel's driver has; the wizard, with something that arrives.
. /station/tests/vm/lib.sh
service
for i in 1 2 3 4; do make_bulk_unit bulk$i; done
for i in 1 2 3; do make_acm_unit acm$i; done
start_units --kinds sensor,controller
# Two adapters with one serial number, as cheap ones have.
echo SAME >"$gadgets/acm1/strings/0x409/serialnumber"
echo SAME >"$gadgets/acm2/strings/0x409/serialnumber"
usb_line "bulk 0" "bulk 1" "acm 2" "acm 3"
there() { [ -e "/sys/bus/usb/devices/$(usb_name "$1")/devnum" ] && [ -e "/dev/bus/usb/$(node_of "$1")" ]; }
node_of() { printf '%03d/%03d' "$(cat "/sys/bus/usb/devices/$(usb_name "$1")/busnum")" "$(cat "/sys/bus/usb/devices/$(usb_name "$1")/devnum")"; }
await_there() { wait_for 10 there "$1" || fail "nothing is at port $1"; }
slot_of() { jq -r "select(.event == \"unit\" and .serial == \"$(serial "$1")\" and .result == \"PASS\") | .slot" "$work/events"; }

# --- A slot is a place: plugged in in the other order, names of nodes changed -------------------------------------------
# A while in the other ports, so that the kernel's numbers and ttyACM names are others than a fresh start would give.
plug acm2 3
plug acm1 2
first=$(readlink "$by_path/port-2")
unplug acm2 3
unplug acm1 2
plug bulk2 1
plug acm1 2
plug acm2 3
plug bulk1 0
[ "$(readlink "$by_path/port-2")" != "$first" ] || fail "the terminals have the same names, so nothing is shown"
await_there 0
expect 0 "$station" fixture list --dir "$dir"
cat "$out"
expect 0 "$station" fixture list --dir "$dir" --json
equal 2 "$(jq -s '[.[] | select(.event == "place" and .id == "1209:0001")] | length' "$out")" "bulk devices in the list"
equal 2 "$(jq -s '[.[] | select(.event == "place" and .serial == "SAME" and (.device | startswith("/dev/tty")))] | length' "$out")" \
	"adapters with the same serial number in the list"
line_up
for unit in bulk1 bulk2 acm1 acm2; do await_pass 60 $unit; done
equal "1 2 3 4" "$(slot_of bulk1) $(slot_of bulk2) $(slot_of acm1) $(slot_of acm2)" "slots of the units"
echo "VM: a slot is a place"

# --- Contacts that bounce: shorter than 300 ms is no arrival, and one job comes of it --------------------------------------
unplug bulk1 0
unplug acm1 2
for i in 1 2 3 4; do
	plug bulk3 0
	sleep 0.1
	unplug bulk3 0
	sleep 0.1
done
plug bulk3 0
await_pass 60 bulk3
equal 1 "$(sql "SELECT count(*) FROM job WHERE serial = '$(serial bulk3)'")" "jobs of the unit that bounced"
equal 1 "$(grep -F "\"$(serial bulk3)\"" "$work/events" | grep -c '"step":"identify"')" "how often it began"
unplug bulk3 0
unplug bulk2 1
unplug acm2 3
line_down
mv "$work/events" "$work/events.before"
echo "VM: a bounce is one job"

# --- Several that fit ------------------------------------------------------------------------------------------------------
probe() { # status, slot, verdict
	expect "$1" "$station" fixture probe "$2" --dir "$dir" --json
	equal "$3" "$(jq -r .verdict "$out")" "verdict of slot $2"
}
cp "$dir/station.ini" "$work/station.ini.kept"
sed -i "s|^link = usb:.*@$(usb_name 0)|link = usb:$bulk_id|; s|^link = usb:.*@$(usb_name 1)|link = usb:$bulk_id?serial=$(serial bulk2)|" "$dir/station.ini"
plug bulk3 0
plug bulk2 1
await_there 0
await_there 1
probe 1 1 no-port
jq -er .why "$out" | grep -F "$(usb_name 0)" | grep -qF "$(usb_name 1)" || fail "it does not name the two: $(jq -r .why "$out")"
probe 0 2 well
equal "$(serial bulk2)" "$(jq -r .serial "$out")" "the unit that its serial number chooses"
unplug bulk2 1
wait_for 10 eval '! there 1'
probe 0 1 well
equal "$(serial bulk3)" "$(jq -r .serial "$out")" "the only unit that fits"
probe 1 2 no-place
cp "$work/station.ini.kept" "$dir/station.ini"
echo "VM: several that fit are named"

# --- Who may open it ---------------------------------------------------------------------------------------------------------
plug acm1 2
await_there 0
tty=$(readlink "$by_path/port-2")
node=/dev/bus/usb/$(node_of 0)
cp -r "$dir" /tmp/theirs
chown -R line:line /tmp/theirs
chmod 755 "$work" /tmp /dev/serial "$by_path"
as_line() { expect "$1" setpriv --reuid=line --regid=line "${@:2}"; }
probe_as() { # groups, status, slot, verdict
	as_line "$2" "$1" "$station" fixture probe "$3" --dir /tmp/theirs --json
	equal "$4" "$(jq -r .verdict "$out")" "verdict of slot $3 for $1"
}
chown root:station "$tty" "$node" # as 60-station.rules does
chmod 660 "$tty" "$node"
for slot in 1 3; do
	probe_as --clear-groups 1 $slot no-permission
	jq -er .advice "$out" | grep -qF 60-station.rules || fail "it does not say what to do: $(cat "$out")"
	as_line 1 --clear-groups "$station" fixture probe $slot --dir /tmp/theirs
	says "group      station may open it"
	probe_as --groups=station 0 $slot well
done
as_line 0 --clear-groups "$station" fixture list --dir /tmp/theirs
echo "VM: the group opens what the rule gives it"

# --- The wizard ------------------------------------------------------------------------------------------------------------------
unplug acm1 2
unplug bulk3 0
sleep 1
# wizard UNIT PORT: what it says when the unit arrives
wizard() {
	"$station" fixture wizard 9 --dir "$dir" <&9 >"$out" 2>"$errs" 9>&- &
	local pid=$!
	wait_for 20 grep -q "now" "$out" || fail "the wizard does not begin"
	sleep 2
	plug "$1" "$2"
	wait "$pid" || fail "the wizard finds nothing"
}
wizard bulk4 1
says '[slot "9"]'
says "link = $(link_of bulk 1)"
unplug bulk4 1
sleep 1
wizard acm3 3
says "serial:/dev/tty"
says "$(serial acm3)"
unplug acm3 3
echo "VM: the wizard sees what arrives"

# --- A device that the kernel's driver has ------------------------------------------------------------------------------------
# An ACM device has no interface of ours: it is refused, and keeps its terminal.
plug acm1 2
tty=$(readlink "$by_path/port-2")
sed -i "s|^link = serial:$by_path/port-2|link = usb:1209:0002@$(usb_name 2)|" "$dir/station.ini"
probe 1 3 no-port
jq -er .why "$out" | grep -qF "no vendor interface" || fail "it says: $(jq -r .why "$out")"
[ -c "$tty" ] || fail "the terminal is gone after a probe of its device"
cp "$work/station.ini.kept" "$dir/station.ini"
probe 0 3 well
# usbserial takes any interface if it is told to, from then on; it is sent away while the line is used, and is back
# afterwards.
generic=/sys/bus/usb-serial/drivers/generic
echo "${bulk_id/:/ }" >"$generic/new_id" || fail "the kernel's driver takes no IDs"
plug bulk3 0
driver_has_it() { [ -e "/sys/bus/usb/devices/$(usb_name 0)/$(usb_name 0):1.0/driver" ] && tty_is_there 0; }
wait_for 10 driver_has_it || fail "usbserial does not take the device"
probe 0 1 well
wait_for 10 driver_has_it || fail "the kernel's driver is not back"
[ -c "$(tty_at 0)" ] || fail "the kernel's terminal is not back"
unplug bulk3 0
unplug acm1 2
echo "VM: the kernel's driver is back"

# What was used for nothing else passes, too; the bulk unit under the kernel's driver.
line_up
plug bulk4 0
plug acm3 2
await_pass 60 bulk4
await_pass 60 acm3
line_down
cat "$work/events.before" >>"$work/events"
all_is_right
