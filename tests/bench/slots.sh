#!/bin/bash
# Does one slot cost another anything? The time of a unit on a slow line (9600 baud), alone and on each of 32 slots at
# once, as the station itself reports it. Prints one JSON object; asserts no times, only that every unit passed.
#
#   STATION_BIN=build/release/bin tests/bench/slots.sh [SLOTS [BAUD]]      default: 32, 9600
. "$(dirname "$0")/../flow/lib.sh"
slots=${1:-32}
baud=${2:-9600}
alone=3

# of the units in $1 that passed: smallest, middle and largest time, in seconds
times() { jq -s -c '[.[] | select(.event == "unit" and .result == "PASS") | .seconds] | sort | [.[0], .[length / 2 | floor], .[-1]]' "$1"; }
passed() { [ "$(jq -s '[.[] | select(.event == "unit" and .result == "PASS")] | length' "$work/events")" -eq "$1" ]; }
one_passed() { passed "$count"; }

service
devices --count $((slots + alone)) --kinds sensor --baud "$baud"
line "$slots"

line_up
for ((count = 1; count <= alone; count++)); do
	seat 1 $((slots + count - 1))
	wait_for 120 one_passed || fail "the unit that is alone does not pass"
	empty 1
	await ".event == \"free\" and .serial == \"$(serial_of $((slots + count - 1)))\""
done
stop "$line_pid"
one=$(times "$work/events")

for ((i = 1; i <= slots; i++)); do seat "$i" $((i - 1)); done
line_up
wait_for 300 passed "$slots" || fail "not all units passed"
stop "$line_pid"
all=$(times "$work/events")
nothing_lost
jq -n -c --argjson slots "$slots" --argjson baud "$baud" --argjson one "$one" --argjson all "$all" \
	'{slots: $slots, baud: $baud, alone_seconds: $one, together_seconds: $all,
	  ratio_middle: ($all[1] / $one[1]), ratio_worst: ($all[2] / $one[1])}'
