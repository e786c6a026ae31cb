#!/bin/bash
# What an idle station costs: percent of one processor with 32 slots, when nothing is plugged in, and when a unit that
# has passed sits on each of them. Prints one JSON object; asserts no times, only that every unit passed.
#
#   STATION_BIN=build/release/bin tests/bench/idle.sh [SECONDS]      default: 10 a phase
. "$(dirname "$0")/../flow/lib.sh"
seconds=${1:-10}
slots=32

# ticks: processor time of the line so far, with all its threads
ticks() { awk '{ print $14 + $15 }' "/proc/$line_pid/stat"; }
# percent: of one processor, over so many seconds from now
percent() {
	local before
	before=$(ticks)
	sleep "$seconds"
	awk -v t="$(($(ticks) - before))" -v s="$seconds" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", 100 * t / hz / s }'
}
passes() { [ "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" -eq "$slots" ]; }

service
devices --count "$slots" --kinds sensor
line "$slots"

sed -i 's|^link = serial:.*/slots/\(.*\)|link = serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:\1:1.0|' "$dir/station.ini"
line_up
sleep 3
empty=$(percent)
stop "$line_pid"

cp "$work/station.ini" "$dir/station.ini"
line_up
for ((i = 1; i <= slots; i++)); do seat "$i" $((i - 1)); done
wait_for 120 passes || fail "not all units passed"
sleep 3
seated=$(percent)
stop "$line_pid"
nothing_lost
printf '{"slots":%d,"seconds":%d,"empty_percent":%s,"seated_percent":%s}\n' "$slots" "$seconds" "$empty" "$seated"
