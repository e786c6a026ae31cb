#!/bin/bash
# Consoles of every kind: monochrome and ASCII, eight colours, many; Chinese at 80×24. PASS and FAIL are told by word and
# symbol on each, so that nobody needs to see a colour.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen_lib.sh"
. "$(dirname "$0")/wire_lib.sh"
service
devices --count 3 --kinds sensor
for i in 0 1 2; do serials[i]=$(serial_of $i); done
stop "$devices_pid"
devices --count 3 --kinds sensor --fault "silent:${serials[1]}"
line 4
seat 1 0
seat 2 1

# Its colours, bold and reverse of the first line that holds a text
dress() { shown_in_colour | grep -m 1 -F -- "$1"; }
# edges: the columns in which the frames of the tiles end, each once
edges() {
	local line col
	while IFS= read -r line; do
		case $line in *[│┐┘\|+]) printf '%s\n' "$line" | wc -L ;; esac
	done < <(shown | sed 's/ *$//') | sort -u | xargs
}
aligned() { [ "$(edges)" = 80 ]; }

# --- A VT100 on a serial line: no colours, no characters beyond ASCII --------------------------------------------
term=vt100 locale=C wired vt100 80 24
see "[OK] PASS"
see "[X] FAIL"
see "Service ok"
sleep 4 # a new FAIL flashes for three seconds
same_screen vt100-80x24
press F1
see "On every screen"
same_screen vt100-help-80x24
press F5
see "certificate"
press F6
see "token answers"
press F7
see "yield"
press l
see "[OK] PASS"
press x
see "Stop the station?"
same_screen vt100-stop-80x24
press Escape
see_no "Stop the station?"
# All languages, and back to the first.
for title in Help Help Ayuda Giup Hilfe; do # no Chinese without UTF-8
	see "F1 $title"
	press g
	sleep 0.5
done
see "F1 Help"
LC_ALL=C grep -qa $'[\200-\377]' "$work/vt100.raw" && fail "bytes beyond ASCII on an ASCII console"
grep -qaE $'\033\\[[0-9;]*(3|4)[0-9]m' "$work/vt100.raw" && fail "colours on a console without any"
press d
let_go vt100 0

# --- Eight colours, and more ------------------------------------------------------------------------------------
for term in linux xterm xterm-256color screen ansi; do
	wired "$term" 80 24
	see "✔ PASS"
	see "✘ FAIL"
	wait_for 20 aligned || never "has edges in columns" "$(edges)"
	grep -qaE $'\033\\[[0-9;]*42[;m]' "$work/$term.raw" || fail "$term: PASS is not green"
	grep -qaE $'\033\\[[0-9;]*41[;m]' "$work/$term.raw" || fail "$term: FAIL is not red"
	press d
	let_go "$term" 0
done
term=

# --- Wide characters line up ------------------------------------------------------------------------------------
wired chinese 80 24
see "F1 Help"
press g
see "F1 帮助"
see "✔"
wait_for 20 aligned || never "has edges in columns" "$(edges)"
same_screen chinese-80x24
for key in F1 F3 F4 F5 F6 F7; do
	press "$key"
	sleep 0.3
	shown >"$out"
	[ "$(wc -l <"$out")" -eq 24 ] || fail "the screen has another number of lines"
	[ "$(wc -L <"$out")" -le 80 ] || fail "$key: a line is wider than the screen"
done
press x
see_like '│.*│'
[ "$(shown | grep -E '^ *[│┌└]' | sed 's/ *$//' | while IFS= read -r line; do printf '%s\n' "$line" | wc -L; done | sort -u | wc -l)" -eq 1 ] ||
	never "does not line up" "the dialog"
press Escape
press d
let_go chinese 0
