#!/bin/bash
# Plugs pulled at every step, units changing ports: pulls.sh SEED slow|quick. Each pair of units is pulled six times
# at most, when one of the two has come to a step; half of the time they change places. With slow answers the steps
# last long enough in which a unit is asked. With quick ones the hand comes in those that only write to the database.
# Where each was hit goes to /tmp/pulls.
. /station/tests/vm/lib.sh
seed=$1
speed=$2
PULLS=6
HOLD_MAX=10 # seconds; the station waits 20 for its database
kinds=(sensor controller meter sensor)
service
for i in 1 2 3 4; do make_bulk_unit bulk$i; done
for i in 1 2 3 4; do make_acm_unit acm$i; done
make_ftdi_unit ftdi1
faults=()
[ "$speed" = quick ] || faults=(--fault slow)
start_units --kinds "$(IFS=,; echo "${kinds[*]}")" --buf-size 512 ${faults[@]+"${faults[@]}"} --seed "$seed"
usb_line "bulk 0" "bulk 1" "acm 2" "acm 3" "ftdi ftdi"
line_up

draw() { drawn=$((RANDOM % $1)); } # not in a subshell: that has another seed
nap() { # up to so many milliseconds
	draw "$1"
	sleep "$(printf '%d.%03d' $((drawn / 1000)) $((drawn % 1000)))"
}
done_with() { [ -z "$1" ] || passed "$1"; }

# Where a hand aims. A controller has no issue to aim at: its key is written to the database just before.
draw_step() { # unit
	local i steps
	for i in "${!unit_names[@]}"; do [ "${unit_names[i]}" != "$1" ] || break; done
	case $speed-${kinds[i % ${#kinds[@]}]} in
	quick-sensor) steps=(issue record) ;;
	quick-*) steps=(record) ;;
	slow-meter) steps=(identify inject verify) ;;
	slow-*) steps=(identify key inject verify) ;;
	esac
	draw ${#steps[@]}
	step=${steps[drawn]}
}

# Until the unit has come to a step since the line numbered; false if it ended before, or did not come. Nothing is
# started at each look: some steps are over in a moment.
follow() { # unit, step, line, seconds
	local who line found=1 reader end=$((SECONDS + $4))
	who=\"$(serial "$1")\"
	exec {said}< <(exec tail -s 0.05 -n "+$3" -f "$work/events")
	reader=$!
	while [ "$SECONDS" -lt "$end" ] && read -r -t $((end - SECONDS)) -u "$said" line; do
		case $line in
		'{"event":"unit"'*"$who"*) break ;;
		'{"event":"step"'*"$who"*"\"step\":\"$2\""*) found=0; break ;;
		esac
	done
	exec {said}<&-
	kill "$reader" 2>/dev/null
	return $found
}

# A hand that is ready to hold the database. One does at a time, and not for longer than the station waits; after it,
# whoever waits has a second.
held=
ready_to_hold() {
	exec {turn}>>"$work/turn"
	exec {held}> >(exec sqlite3 -cmd '.timeout 2000' "$dir/station.db" >/dev/null 2>&1)
}
hold() { flock -n "$turn" && echo 'BEGIN IMMEDIATE;' >&"$held"; }
let_go() {
	[ -n "$held" ] || return
	exec {held}>&-
	sleep 1
	flock -u "$turn"
	exec {turn}>&-
	held=
}

# Two steps only write to the database: it is held from the step before, and they wait. False if it has not come there,
# or may have gone on.
come_to() { # unit, step, line
	case $2 in
	identify) follow "$1" identify "$3" 60 ;;
	issue) follow "$1" key "$3" 60 && hold && follow "$1" issue "$3" "$HOLD_MAX" ;;
	record) follow "$1" verify "$3" 60 && hold && follow "$1" record "$3" "$HOLD_MAX" ;;
	*)
		follow "$1" "$2" "$3" 60
		nap 300
		false
		;;
	esac
}

# Where the unit has come since the line numbered
stands() { # unit, line
	local at
	at=$(tail -n "+$2" "$work/events" | grep -F "\"$(serial "$1")\"" |
		sed -n 's/^{"event":"step".*"step":"\([a-z]*\)".*/\1/p; s/^{"event":"unit".*/ended/p' | tail -n 1)
	echo "${at:-before}"
}

pull() { # unit, port, line, [the step where it is known to stand]
	local at=$4
	[ -n "$at" ] || at=$(stands "$1" "$3")
	unplug "$1" "$2"
	[ "$at" = "$(stands "$1" "$3")" ] || at=between
	passed "$1" || echo "$at" >>/tmp/pulls
}

# pull_pair PORT PORT UNIT [UNIT]: until both have passed. The hand aims at one, and pulls the other wherever it stands.
pull_pair() {
	local x=$1 y=$2 a=$3 b=${4:-} left=$PULLS since step at z
	while [ "$left" -gt 0 ] && ! { done_with "$a" && done_with "$b"; }; do
		draw 2
		[ "$drawn" = 0 ] || [ -z "$b" ] || { z=$x; x=$y; y=$z; }
		draw 2
		if [ -n "$b" ] && ! passed "$b" && { [ "$drawn" = 1 ] || passed "$a"; }; then z=$a; a=$b; b=$z; fi
		draw_step "$a"
		since=$(($(lines) + 1))
		[ "$speed" = slow ] || ready_to_hold
		plug "$a" "$x"
		[ -z "$b" ] || plug "$b" "$y"
		at=
		! come_to "$a" "$step" "$since" || at=$step
		pull "$a" "$x" "$since" "$at"
		[ -z "$b" ] || pull "$b" "$y" "$since" ''
		let_go
		left=$((left - 1))
		nap 3000
	done
	finish "$a" "$x"
	[ -z "$b" ] || finish "$b" "$y"
}

# Seated until it has passed. Who failed because it was pulled sits there as failed until it is seated again.
finish() { # unit, port
	local try
	for try in 1 2 3 4 5; do
		passed "$1" && return
		plug "$1" "$2"
		wait_for 40 passed "$1"
		unplug "$1" "$2"
		sleep 2
	done
	await_pass 1 "$1"
}

hands=()
{ RANDOM=$seed; pull_pair 0 1 bulk1 bulk2; pull_pair 0 1 bulk3 bulk4; } & hands+=($!)
{ RANDOM=$((seed + 1)); pull_pair 2 3 acm1 acm2; pull_pair 2 3 acm3 acm4; } & hands+=($!)
{ RANDOM=$((seed + 2)); pull_pair ftdi - ftdi1; } & hands+=($!)
for hand in "${hands[@]}"; do wait "$hand" || fail "a hand gave up (seed $seed)"; done
line_down
all_is_right
