#!/bin/bash
# Plugs pulled at every step, units changing ports: pulls.sh SEED. Each unit of a pair of ports is pulled four times
# at most, wherever it stands; half of the time the two change places. How often which step was hit goes to
# /tmp/pulls.
. /station/tests/vm/lib.sh
seed=$1
PULLS=4
service
for i in 1 2 3 4; do make_bulk_unit bulk$i; done
for i in 1 2 3 4; do make_acm_unit acm$i; done
make_ftdi_unit ftdi1
# Slow answers, so that every step lasts long enough to be hit.
start_units --kinds sensor,controller,meter,sensor --buf-size 512 --fault slow --seed "$seed"
usb_line "bulk 0" "bulk 1" "acm 2" "acm 3" "ftdi ftdi"
line_up

steps=(identify key issue inject verify record)
chance() { echo $((RANDOM % $1)); }
nap() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }
done_with() { [ -z "$1" ] || passed "$1"; }

# Until the step named has begun since the line numbered $3, or a few seconds are over: some units are beyond it. Two
# steps are over before a hand can come in between; the database that they write to is held meanwhile, and they wait.
until_step() { # unit, step, line
	case $2 in
	issue) hold_after "$1" key "$3" ;;
	record) hold_after "$1" verify "$3" ;;
	esac
	wait_for 4 heard "$1" "\"step\":\"$2\"" "$3"
}
held=
hold_after() { # unit, step, line
	wait_for 20 heard "$1" "\"step\":\"$2\"" "$3" || return # slow answers
	exec {held}> >(exec sqlite3 -cmd '.timeout 10000' "$dir/station.db" >/dev/null 2>&1)
	echo 'BEGIN IMMEDIATE;' >&"$held"
}
let_go() { [ -z "$held" ] || { exec {held}>&-; held=; }; }

pull() { # unit, port
	local step
	step=$(grep -F "\"$(serial "$1")\"" "$work/events" | sed -n 's/.*"step":"\([a-z]*\)".*/\1/p' | tail -n 1)
	unplug "$1" "$2"
	passed "$1" || echo "${step:-before}" >>/tmp/pulls
}

# pull_pair PORT PORT UNIT [UNIT]: until both have passed
pull_pair() {
	local x=$1 y=$2 a=$3 b=${4:-} left=$PULLS since
	while [ "$left" -gt 0 ] && ! { done_with "$a" && done_with "$b"; }; do
		[ "$(chance 2)" = 0 ] || [ "$y" = - ] || { local z=$x; x=$y; y=$z; }
		since=$(($(lines) + 1))
		plug "$a" "$x"
		[ -z "$b" ] || plug "$b" "$y"
		until_step "$a" "${steps[$(chance ${#steps[@]})]}" "$since"
		nap "$(chance 300)"
		pull "$a" "$x"
		[ -z "$b" ] || pull "$b" "$y"
		let_go
		left=$((left - 1))
		nap "$(chance 4000)"
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
