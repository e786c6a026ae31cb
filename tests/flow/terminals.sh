#!/bin/bash
# Terminals come and go, in every way there is; the station works on, and nothing is lost.
# usage: terminals.sh [ROUNDS [SEED]]   default: 10 rounds of a terminal that goes away at a random moment
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen_lib.sh"
. "$(dirname "$0")/wire_lib.sh"
rounds=${1:-10}
RANDOM=${2:-3}
service
devices --count 12 --kinds sensor,controller,meter
line 8
for i in {0..11}; do serials[i]=$(serial_of $i); done

# --- The terminal hangs up: the station works on, and another terminal finds it ---------------------------------
wired first 80 24
at_work
first_pid=$station_pid
seat 1 0
see "PASS"
equal "$(id -u) 600" "$(stat -c '%u %a' "$dir/station.sock")" "owner and mode of the socket"
kill -HUP "$(cat "$work/first.pid")"
let_go first 3
works

# Units wait now, until somebody looks.
seat 2 1
sleep 2
equal 1 "$(passed)" "units that passed with nobody there"
wired second 100 30
at_work
equal "$first_pid" "$station_pid" "the station"
all_passed 2
see_like "PASS.*PASS"

# A second terminal takes over; the first is told, and is as it was.
wired third 80 24
at_work
let_go second 0
terminal=second see "another terminal took over"
terminal=third
works

# kill -9 of the client: nobody is left to put that terminal back, the station goes on.
kill -KILL "$(cat "$work/third.pid")"
wait_for 10 test -e "$work/third.status" || fail "the client is still there"
equal 137 "$(cat "$work/third.status")" "status of a killed client"
works
wired fourth 80 24
at_work

# SIGTERM to the client: detached, with everything put back.
kill -TERM "$(cat "$work/fourth.pid")"
let_go fourth 0
works

# The window is closed.
wired fifth 80 24
at_work
tmux kill-session -t fifth
wired sixth 80 24
at_work
equal "$first_pid" "$station_pid" "the station"

# d: detached by hand; what was typed ahead is not for the shell.
press d
see "The station works on"
let_go sixth 0

# --- The station ends -----------------------------------------------------------------------------------------
# SIGTERM: as if somebody had pressed x.
wired seventh 80 24
at_work
kill -TERM "$station_pid"
let_go seventh 0
ended "$station_pid"

# kill -9: the client says so, and the socket that was left behind is no hindrance.
wired eighth 80 24
at_work
kill -KILL "$station_pid"
let_go eighth 3
see "the terminal was let go without a word"
see_no "F1 Help"
[ -S "$dir/station.sock" ] || fail "no stale socket was left: this tests nothing"
wired ninth 80 24
at_work
[ "$station_pid" != "$first_pid" ] || fail "the killed station still works"

# A headless station beside it: one works, the other says so. And the other way round.
expect 2 "$station" run --headless --dir "$dir"
says "another station works in $dir"
press x
press Enter
let_go ninth 0
ended "$station_pid"
line_up
wait_for 30 eval '[ "$(server)" = "$line_pid" ]' || fail "no headless station"
wired tenth 80 24
see "another station works in"
let_go tenth 2
stop "$line_pid"

# --- Before the screens ---------------------------------------------------------------------------------------
term=no-such-terminal wired unknown 80 24
see 'the terminal type "no-such-terminal" is not known here'
let_go unknown 2
term=dumb wired dumb 80 24
see 'nothing can be drawn on a terminal of type "dumb"'
let_go dumb 2
no_server || fail "a station works where nobody sees it"

# A PIN is asked for while the terminal is still the shell's; a wrong one is told there.
cp "$dir/station.ini" "$work/station.ini"
sed -i 's/^pin-source = .*/pin-source = prompt/' "$dir/station.ini"
wired wrong 80 24
see "PIN"
type_text "0000"
press Enter
see "PIN" 10
let_go wrong 3
see "station:"
wired right 80 24
see "PIN"
type_text "$(cat "$dir/secrets/hsm-pin")"
press Enter
at_work
not_on_screen "$(cat "$dir/secrets/hsm-pin")" || fail "the PIN is on the screen"
seat 3 2
all_passed 3
kill -TERM "$station_pid"
let_go right 0
ended "$station_pid"
cp "$work/station.ini" "$dir/station.ini"
nothing_lost

# --- A terminal that takes nothing ----------------------------------------------------------------------------
wired stalled 200 60
at_work
order stalled stop
for i in {1..8}; do empty "$i"; done
sleep 1.5
for i in {1..8}; do seat "$i" $((i + 2)); done
all_passed 11
order stalled read
eight_passed() { [ "$(shown | grep -o '✔ PASS' | wc -l)" -eq 8 ]; }
wait_for 30 eight_passed || never "does not show" "eight units that passed"
works
nothing_lost
press x Enter
let_go stalled 0

# --- A terminal that goes away at any moment --------------------------------------------------------------------
start "$work/slow.log" "$STATION_BIN/device-emulator" --dir "$work/slow" --count $((2 * rounds)) --kinds sensor,controller \
	--seed 9 --baud 57600 --buf-size 512
for i in {1..8}; do empty "$i"; done
wired round0 80 24
at_work
for ((round = 1; round <= rounds; round++)); do
	name=round$((round - 1))
	see_like 'Seat a unit.*Seat a unit.*Seat a unit'
	seat_slow 1 $((2 * round - 2))
	seat_slow 2 $((2 * round - 1))
	sleep "$((RANDOM % 3)).$((RANDOM % 10))"
	way=$((RANDOM % 4))
	case $way in
		0) kill -HUP "$(cat "$work/$name.pid")" ;;
		1) kill -KILL "$(cat "$work/$name.pid")" ;;
		2) tmux kill-session -t "$name" ;;
		3) order "$name" hang-up ;;
	esac
	sleep "0.$((RANDOM % 10))"
	works
	wired "round$round" 80 24
	at_work
	all_passed $((11 + 2 * round))
	empty 1
	empty 2
done
press x Enter
let_go "round$rounds" 0
nothing_lost
expect 0 "$station" sync --dir "$dir"
equal "$(sql "SELECT count(*) FROM outbox")" "$(enrollments)" "enrollments"
