# Shared by the tests of the screens: a real terminal (tmux), a hand on the keyboard, and a scanner. After lib.sh.
#
# Every test has a tmux server of its own. Captured screens are compared with those that are checked in
# under tests/flow/screens, after what differs from run to run is masked (mask below).
set -u
screens=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/screens
run="$station run --dir $dir"
tmux() { command tmux -S "$work/tmux" -f /dev/null "$@"; }
# server: the process that works behind the terminals; nothing if there is none
server() { awk -v file="$(stat -c %i "$dir/station.lock" 2>/dev/null)" '$6 ~ ":" file "$" { print $5 }' /proc/locks; }
no_server() { [ -z "$(server)" ]; }
# Whatever ends the test ends the terminal, and the station that works behind it.
end_screens() {
	local status=$? pid
	tmux kill-server 2>/dev/null
	pid=$(server)
	[ -z "$pid" ] || { kill "$pid" && wait_for 20 no_server; }
	if [ -e "$dir/station.log" ]; then cp "$dir/station.log" "$work/station.err"; fi
	if [ "$status" -ne 0 ] && [ -s "$work/station.err" ]; then tail -n 20 "$work/station.err"; fi
	(exit "$status")
	clean_up
}
trap end_screens EXIT

# terminal NAME COLS ROWS COMMAND...: a window of that size in which the command runs
terminal() {
	local name=$1 cols=$2 rows=$3
	shift 3
	tmux new-session -d -s "$name" -x "$cols" -y "$rows" "$*; echo \"ended with \$?\"; exec sleep 1000" 8>&- 9>&-
	tmux set-option -t "$name" status off
	terminal=$name
	resize "$cols" "$rows"
}
resize() { tmux resize-window -t "$terminal" -x "$1" -y "$2"; }

# shown: the screen as text; shown_in_colour: with its colours, for pictures
shown() { tmux capture-pane -p -t "$terminal"; }
shown_in_colour() { tmux capture-pane -e -p -t "$terminal"; }
on_screen() { shown | grep -F -- "$1" >/dev/null; }
matches() { shown | grep -E -- "$1" >/dev/null; }
not_on_screen() { ! on_screen "$1"; }
never() { shown >"$out"; fail "the screen $1: $2"; }

# see TEXT [SECONDS]: until the screen shows it; see_no: until it does not; see_like: a regular expression
see() { wait_for "${2:-40}" on_screen "$1" || never "never shows" "$1"; }
see_no() { wait_for "${2:-40}" not_on_screen "$1" || never "still shows" "$1"; }
see_like() { wait_for "${2:-40}" matches "$1" || never "never shows" "$1"; }

# tile SLOT: what its tile says, of four slots on a terminal of 80×24
tile() {
	local line first=$((($1 - 1) / 2 * 10 + 2)) col=$((($1 - 1) % 2 * 40))
	shown | sed -n "$first,$((first + 9 + ($1 - 1) / 2))p" | while IFS= read -r line; do echo "${line:col:40}"; done
}
tile_says() { # SLOT TEXT...: all of them
	local seen text
	seen=$(tile "$1")
	shift
	for text; do [[ $seen == *"$text"* ]] || return 1; done
}
# see_tile SLOT TEXT...: until its tile says all of them at once
see_tile() { wait_for 60 tile_says "$@" || never "never says on slot $1" "${*:2}"; }

# coloured BACKGROUND TEXT: it stands there in this colour (41 red, 42 green); rang: the terminal's bell, so far
coloured() { shown_in_colour | grep -E $'\e\\['"([0-9]+;)*$1m[^"$'\e'"]*$2" >/dev/null; }
rang() { [ "$(tmux display-message -p -t "$terminal" '#{window_bell_flag}')" = 1 ]; }

# What is pressed, typed and scanned has a pause before it: keys that follow each other faster are a scan.
# press KEY...: as fingers do, one after the other (names of tmux: F1, Enter, Escape, Up, q …)
press() {
	local key
	for key; do
		sleep 0.25
		tmux send-keys -t "$terminal" "$key"
	done
}
# type_text TEXT: as fingers do
type_text() {
	local i
	for ((i = 0; i < ${#1}; i++)); do
		sleep 0.25
		tmux send-keys -t "$terminal" -l "${1:i:1}"
	done
}
# scan TEXT: as a scanner does, all at once and with Enter
scan() {
	sleep 0.25
	printf '%s\r' "$1" >"$work/scan"
	tmux load-buffer "$work/scan"
	tmux paste-buffer -r -t "$terminal"
}

# word LANGUAGE TEXT: what the screens say instead
word() { TEXTDOMAINDIR=$STATION_BIN/../share/locale LANGUAGE='' gettext "station-$1" "$2"; }

# people: an officer, Bo (badge and PIN 4711), and technicians with a badge alone: Ana, and Tim, who reads German
people() {
	printf 'badge-bo\n4711\n4711\n' >"$work/answers"
	expect 0 "$station" operator add bo --name "Bo Olsen" --role officer --dir "$dir" <"$work/answers"
	printf 'badge-bo\n4711\nbadge-ana\n\n' >"$work/answers"
	expect 0 "$station" operator add ana --name "Ana Lima" --role technician --dir "$dir" <"$work/answers"
	printf 'badge-bo\n4711\nbadge-tim\n\n' >"$work/answers"
	expect 0 "$station" operator add tim --name "Tim Roth" --role technician --language de --dir "$dir" <"$work/answers"
}

# slow_devices KINDS BAUD: a second emulator, whose units stay in their steps for seconds
slow_devices() {
	start "$work/slow.log" "$STATION_BIN/device-emulator" --dir "$work/slow" --count "$(($(tr -cd , <<<"$1" | wc -c) + 1))" \
		--kinds "$1" --seed 9 --baud "$2" --buf-size 512
}
slow_serial() { jq -er ".devices[$1].serial" "$work/slow/devices.json"; }
seat_slow() { # SLOT DEVICE
	ln -sfn "$(jq -er ".devices[$2].tty" "$work/slow/devices.json")" "$dir/slots/$1.new" && mv -T "$dir/slots/$1.new" "$dir/slots/$1"
}

# mask: what differs from run to run becomes the same: clock, times, ends of serials
mask() {
	sed -E 's/[0-9]{2}:[0-9]{2}:[0-9]{2}/HH:MM:SS/g; s/(gateway|sensor|controller|meter)-[0-9]{4}-[0-9a-f]{6}/\1-NNNN-xxxxxx/g;
		s/\b[0-9]{1,2}:[0-9]{2}\b/M:SS/g; s/\b[0-9]+\.[0-9] s/N.N s/g; s/[[:space:]]+$//' | sed '$a\'
}
is_same() { shown | mask >"$work/screen" && cmp -s "$screens/$1.txt" "$work/screen"; }
# same_screen NAME: the screen becomes the one that is checked in; UPDATE_SCREENS=1 checks it in
same_screen() {
	if [ -n "${UPDATE_SCREENS:-}" ]; then
		sleep 1
		shown | mask >"$screens/$1.txt"
	fi
	wait_for 20 is_same "$1" && return
	diff -u "$screens/$1.txt" "$work/screen" >"$out"
	fail "the screen is not $1.txt"
}

# stop_line STATUS: asked and confirmed at the terminal
stop_line() {
	press x Enter
	see "ended with $1"
	wait_for 20 no_server || fail "the station still works"
	no_findings "$dir/station.log"
}
