#!/bin/bash
# Devices that lie, keep silent, flood, come and go in a loop, or claim another unit's serial number, each beside a bulk
# and an ACM unit that are served meanwhile: these pass, the bad slot says what is wrong, and the station grows by
# nothing. Times and processor use are printed, not asserted: the bad device lives on the same processors here.
. /station/tests/vm/lib.sh
GROWTH_KB=16384
service
for i in 1 2 3 4 5 6 7; do make_bulk_unit bulk$i; make_acm_unit acm$i; done
start_units --kinds sensor,controller

# Slot 3 is for bad bulk devices, slot 4 for a bad terminal.
for manner in no-pair two-pairs no-bulk silent flood babble; do
	bulk_gadget "bad-$manner"
	start "$work/$manner.log" fake_usb "$manner" "/ffs/bad-$manner"
done
printf 'A\033[2J\001"\\B' >"$gadgets/bad-no-pair/strings/0x409/serialnumber"
printf '%0126d' 0 >"$gadgets/bad-no-bulk/strings/0x409/serialnumber"
gadget acm-bad 0x0002 acm.acm-bad
bad_tty=/dev/ttyGS$(cat "$gadgets/acm-bad/functions/acm.acm-bad/port_num")
usb_line "bulk 0" "acm 1" "bulk 2" "acm 3"
line_up

ticks() { awk '{ print $14 + $15 }' "/proc/$line_pid/stat"; }
rss_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$line_pid/status"; }
# The fewest of a while: a look has some open.
descriptors() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		set -- "/proc/$line_pid/fd"/*
		echo $#
		sleep 0.2
	done | sort -n | head -n 1
}
seconds_of() { jq -r "select(.event == \"unit\" and .serial == \"$(serial "$1")\" and .result == \"PASS\") | .seconds" "$work/events"; }

# serve_beside WHAT NUMBER: the good units of this number, while the bad device is at work
serve_beside() {
	local before
	before=$(ticks)
	plug "bulk$2" 0
	plug "acm$2" 1
	await_pass 90 "bulk$2"
	await_pass 90 "acm$2"
	echo "VM: beside $1: bulk $(seconds_of "bulk$2") s, ACM $(seconds_of "acm$2") s;" \
		"the station: $(($(ticks) - before)) ticks, $(rss_kb) kB, $(descriptors) descriptors"
	unplug "bulk$2" 0
	unplug "acm$2" 1
}
# Since when: the next of the same kind must be said, too.
said() { tail -n "+$3" "$work/events" | jq -e -s "any(.[]; .slot? == \"$1\" and (.event == \"port\" or .result? == \"FAIL\") and (.text | contains(\"$2\")))" >/dev/null; }
await_said() { wait_for 60 said "$1" "$2" "${3:-1}" || { cp "$work/events" "$out"; fail "slot $1 does not say: $2"; }; }
# The station's own looks have the device at times.
probed() { "$station" fixture probe "$1" --dir "$dir" --json >"$out" 2>"$errs"; [ "$(jq -r .verdict "$out")" = "$2" ]; }
await_probe() { wait_for 60 probed "$1" "$2" || fail "a probe of slot $1 does not say $2"; }

serve_beside nobody 1

# --- Descriptors that lie ----------------------------------------------------------------------------------------
for manner in two-pairs no-bulk no-pair; do
	plug "bad-$manner" 2
	await_probe 3 no-port
	says "no vendor interface with one bulk endpoint each way"
	await_said 3 "no vendor interface with one bulk endpoint each way"
	expect 0 "$station" fixture list --dir "$dir"
	! grep -q "$(printf '[\001\033]')" "$out" || fail "the list shows what the device invents"
	expect 0 "$station" fixture list --dir "$dir" --json
	has ".place? == \"$(usb_name 2)\""
	[ "$manner" = no-pair ] || unplug "bad-$manner" 2
done
serve_beside "a device that lies" 2
unplug bad-no-pair 2
kb=$(rss_kb)
fds=$(descriptors)

# --- NAKs for ever --------------------------------------------------------------------------------------------------
plug bad-silent 2
serve_beside "one that is silent" 3
await_probe 3 silent
unplug bad-silent 2

# --- Floods ---------------------------------------------------------------------------------------------------------------
head -c 65536 /dev/urandom >"$work/noise"
# beside_flood MANNER NUMBER
beside_flood() {
	local began=$SECONDS before since
	before=$(ticks)
	since=$(($(lines) + 1))
	plug "bad-$1" 2
	await_said 3 "does not answer" "$since"
	serve_beside "one that floods ($1)" "$2"
	sleep 10
	unplug "bad-$1" 2
	wait_for 10 grep -q sent "$work/$1.log" || fail "nothing was flooded"
	echo "VM: $1 for $((SECONDS - began)) s: the station $(($(ticks) - before)) ticks, sent and taken $(sed -n 's/.*"sent":\([0-9]*\).*/\1/p' "$work/$1.log" | tail -n 1) bytes"
	wait_for 20 freed 3 || fail "slot 3 is not free"
}
freed() { [ "$(jq -r 'select(.slot? == "'"$1"'" and (.event == "free" or .event == "unit")) | .event' "$work/events" | tail -n 1)" = free ]; }
beside_flood flood 4
plug acm-bad 3
while :; do cat "$work/noise"; done >"$bad_tty" 2>/dev/null 9>&- &
noise=$!
pids+=("$noise")
await_said 4 "does not answer"
beside_flood babble 5
stop "$noise"
unplug acm-bad 3

# --- A unit in a loop, and one that has another's serial ---------------------------------------------------------------
bulk_gadget bad-loop
bulk_gadget bad-thief
bad_units() { start "$work/bad.log" "$STATION_BIN/device-emulator" --dir "$work/bad" --count 2 --kinds sensor --seed 77 "$@"; }
bad_units
bad_pid=$started
looped=$(jq -r .devices[0].serial "$work/bad/devices.json")
claim=$work/bad/devices/$(jq -r .devices[1].serial "$work/bad/devices.json")/device.json
stop "$bad_pid"
jq ".serial = \"$(serial bulk7)\"" "$claim" >"$claim.new" && mv "$claim.new" "$claim"
bad_units --ffs /ffs/bad-loop --ffs /ffs/bad-thief

since=$(lines)
while echo "dummy_udc.2" >"$gadgets/bad-loop/UDC"; do
	sleep 0.3
	echo >"$gadgets/bad-loop/UDC"
	sleep 0.3
done 2>/dev/null 9>&- &
loop=$!
pids+=("$loop")
serve_beside "one that comes and goes" 6
sleep 20
stop "$loop"
echo >"$gadgets/bad-loop/UDC" 2>/dev/null
[ $(($(lines) - since)) -lt 200 ] || fail "a plug that flaps fills the log: $(($(lines) - since)) lines"
echo "dummy_udc.2" >"$gadgets/bad-loop/UDC" || fail "the unit of the loop can't be plugged in"
loop_passed() { grep -F "\"$looped\"" "$work/events" | grep -qF '"PASS"'; }
wait_for 90 loop_passed || { cp "$work/events" "$out"; fail "a unit that came and went does not pass when it stays"; }
echo >"$gadgets/bad-loop/UDC"

plug bulk7 0
wait_for 60 heard bulk7 '"step"' || fail "bulk7 does not begin"
echo "dummy_udc.2" >"$gadgets/bad-thief/UDC" || fail "the thief can't be plugged in"
plug acm7 1
await_pass 90 bulk7
await_pass 90 acm7
echo "VM: beside one with its serial: bulk $(seconds_of bulk7) s, ACM $(seconds_of acm7) s"
await_said 3 "$(serial bulk7)"
unplug bulk7 0
unplug acm7 1
equal 0 "$(jq -s '[.[] | select(.slot? == "3" and .result? == "PASS" and .serial == "'"$(serial bulk7)"'")] | length' "$work/events")" \
	"passes of the thief"
echo >"$gadgets/bad-thief/UDC"

sleep 3
echo "VM: at the end: $(rss_kb) kB (first $kb), $(descriptors) descriptors (first $fds), $(lines) lines"
[ $(($(rss_kb) - kb)) -lt "$GROWTH_KB" ] || fail "the station grew"
[ "$(descriptors)" -le $((fds + 4)) ] || fail "the station keeps what it opened"
line_down
all_is_right

# Who floods keeps the station's own looks at work all the time; without it a probe says what comes.
plug bad-flood 2
await_probe 3 garbage
unplug bad-flood 2
