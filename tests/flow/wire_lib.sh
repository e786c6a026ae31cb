# Shared by the tests that break terminals: a line between terminal and station. After screen_lib.sh.

# wired NAME COLS ROWS [COMMAND...]: as terminal, through a line that can be watched (tests/fakes/pty.c): what the
# command writes is in $work/NAME.raw, its status in NAME.status, the terminal before and after in NAME.{before,after},
# its number in NAME.pid. Default: the station runs. term and locale are its own.
wired() {
	local name=$1 cols=$2 rows=$3
	shift 3
	[ $# -gt 0 ] || set -- "$station" run --dir "$dir"
	rm -f "$work/$name".{pid,status,after,raw}
	[ -p "$work/$name.control" ] || mkfifo "$work/$name.control"
	{
		printf 'stty -a >%q\n' "$work/$name.before"
		printf "sh -c 'echo \$\$ >\"\$0\"; exec \"\$@\"' %q %s\n" "$work/$name.pid" "$(printf '%q ' "$@")"
		printf 'echo $? >%q.new; stty -a >%q; mv %q.new %q\n' "$work/$name.status" "$work/$name.after" \
			"$work/$name.status" "$work/$name.status"
	} >"$work/$name.sh"
	terminal "$name" "$cols" "$rows" "env TERM=${term:-xterm-256color} LC_ALL=${locale:-C.UTF-8}" \
		"$STATION_BIN/../tests/fake_pty" "$work/$name.raw" "$work/$name.control" bash "$work/$name.sh"
}

# order NAME WHAT: to the line, see tests/fakes/pty.c
order() { echo "$2" >"$work/$1.control"; }

# at_work: the station's screen is there. Its number is $station_pid.
at_work() {
	see_like 'F1 (Help|帮助)'
	station_pid=$(server)
}

# works: the station of the last at_work
works() { kill -0 "$station_pid" 2>/dev/null || { cp "$dir/station.log" "$errs"; fail "the station ended"; }; }
has_ended() { ! kill -0 "$1" 2>/dev/null; }
ended() { wait_for 30 has_ended "$1" || fail "process $1 is still there"; }

# let_go NAME STATUS: the station gives the terminal back as it was, and ends there with the status
let_go() {
	wait_for 30 test -e "$work/$1.status" || { shown >"$out"; fail "$1: the terminal is not given back"; }
	equal "$2" "$(cat "$work/$1.status")" "exit status at the terminal $1"
	diff "$work/$1.before" "$work/$1.after" >"$out" || fail "$1: the terminal is not as it was"
}

passed() { sql "SELECT count(*) FROM job WHERE state = 'passed'"; }
have_passed() { [ "$(passed)" -eq "$1" ]; }
all_passed() { wait_for 90 have_passed "$1" || fail "$(passed) units passed instead of $1"; }
