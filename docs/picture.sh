#!/bin/bash
# Takes the picture of the README: a real line on a real terminal (tmux), captured with its colours as
# docs/line.ans; docs/svg.awk makes docs/line.svg of it.
# usage: STATION_BIN=build/release/bin docs/picture.sh
. "$(dirname "$0")/../tests/flow/lib.sh"
docs=$(cd "$(dirname "$0")" && pwd)
screen() { command tmux -S "$work/tmux" -f /dev/null "$@"; }
# The station outlives its terminal; who holds its lock is it.
server() { awk -v file="$(stat -c %i "$dir/station.lock" 2>/dev/null)" '$6 ~ ":" file "$" { print $5 }' /proc/locks; }
trap 'kill $(server) 2>/dev/null; screen kill-server 2>/dev/null; clean_up' EXIT
shows() { screen capture-pane -p | grep -qE -- "$1"; }
see() { wait_for 60 shows "$1" || { screen capture-pane -p; fail "the screen never shows: $1"; }; }
scan() { screen send-keys -l "$1"$'\r'; sleep 0.3; }

# Units that work, and one that says it stored what it was given, and did not.
kinds=gateway,sensor,meter,controller,sensor,gateway
service
devices --count 6 --kinds $kinds --seed 7
liar=$(serial_of 1)
stop "$devices_pid"
devices --count 6 --kinds $kinds --seed 7 --baud 19200 --fault "silent:$liar"
line 6
sed -i -e '/^\[profile "controller"\]/a scan = label' -e 's/^id = .*/id = line-07/' "$dir/station.ini"
printf 'badge-ada\n\n' | "$station" operator add ada --role officer --name 'Ada Keller' --dir "$dir" >"$out" || fail "no officer"
printf 'badge-ada\nbadge-thi\n\n' |
	"$station" operator add thi --role technician --name 'Nguyen Thi Lan' --dir "$dir" >"$out" || fail "no technician"

screen new-session -d -x 110 -y 30 "TERM=tmux-256color $station run --dir $dir; sleep 100" 9>&-
screen set-option status off
screen resize-window -x 110 -y 30
see 'Seat a unit'
scan B:badge-thi
see 'Nguyen Thi Lan'

# Slots by device: two pass, one fails, one waits for its label, one runs, one is empty.
seat 1 0
see 'PASS'
seat 4 3
see 'SCAN THE LABEL'
seat 2 1
see 'FAIL'
seat 3 2
see 'Shift ✔ 2'
empty 1
see 'Seat the next unit'
sleep 4 # the flash of the FAIL is over, and so are the scans' messages
seat 5 5
see 'Preparing the TPM'
umask 022
screen capture-pane -e -N -p >"$docs/line.ans"
LC_ALL=C awk -f "$docs/svg.awk" "$docs/line.ans" >"$docs/line.svg"
