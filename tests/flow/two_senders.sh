#!/bin/bash
# One process sends for a station: `sync --watch` beside `run`. Whoever comes second leaves it to the first, and takes
# over when that ends or is killed in the middle of a call; what was in its hands is there once.
. "$(dirname "$0")/lib.sh"
service
devices --count 6 --kinds sensor
line 3
waits() { sql "SELECT count(*) FROM outbox WHERE state <> 'enrolled'"; }
none_waits() { [ "$(waits)" = 0 ]; }
in_hand() { [ "$(sql "SELECT count(*) FROM outbox WHERE state = 'sending'")" -gt 0 ]; }
watching() { # LOG: sync --watch in the background; its number is $watch_pid
	"$station" sync --watch --dir "$dir" >"$1" 2>"$1.err" 9>&- &
	watch_pid=$!
	pids+=("$watch_pid")
}

# The watch was first: the line leaves the sending to it.
watching "$work/watch"
locked() { grep -q ":$(stat -c %i "$dir/sync.lock" 2>/dev/null) " /proc/locks; }
wait_for 20 locked || fail "nobody took the lock"
stop "$service_pid"
line_up --count 3
for i in 0 1 2; do seat $((i + 1)) $i; done
wait "$line_pid" || fail "the line does not go on beside sync --watch"
equal 3 "$(waits)" "records that wait"
wait_for 20 grep -q 'must be reachable' "$work/watch.err" || fail "the watch does not say that nobody is there"
service --latency-ms 2000
wait_for 60 grep -q '3 enrolled' "$work/watch" || fail "the watch has sent nothing"
equal 0 "$(waits)" "records that wait"

# It is killed in the middle of a call: the line takes over, and finds what the service has already made.
line_up
for i in 0 1 2; do empty $((i + 1)); done
for i in 3 4 5; do seat $((i - 2)) $i; done
wait_for 60 in_hand || fail "the watch sends nothing"
kill -KILL "$watch_pid"
wait "$watch_pid" 2>/dev/null
expect 0 "$station" status --dir "$dir"
await '.event == "sync" and .enrolled > 0'
wait_for 60 none_waits || fail "the line has not taken over"
equal 6 "$(enrollments)" "enrollments"
equal 0 "$(sql "SELECT count(*) FROM outbox WHERE state = 'quarantined'")" "records in quarantine"

# By hand beside the line: it says who sends, and that all is done.
expect 0 "$station" sync --dir "$dir"
says "another process sends for this station: 0 wait"
expect 0 "$station" sync --dir "$dir" --json
has '.event == "sync-elsewhere" and .pending == 0'

# The line ends: the watch that waited takes over.
watching "$work/second"
wait_for 20 grep -q 'another process sends' "$work/second" || fail "the second watch does not say who sends"
# In somebody's hands, before the watch can have its turn: that is when it looks for what was left.
sqlite3 -cmd '.timeout 5000' "$dir/station.db" \
	"UPDATE outbox SET state = 'sending', next = 'get' WHERE id = (SELECT min(id) FROM outbox)" || fail "no row was put back"
stop "$line_pid"
wait_for 60 none_waits || fail "the second watch has not taken over"
stop "$watch_pid"
equal 6 "$(enrollments)" "enrollments"

# The one that is asked for once takes over too, when the other ends before all is done.
stop "$service_pid"
service --fail-every 1 --fail-status 503
sqlite3 -cmd '.timeout 5000' "$dir/station.db" "UPDATE outbox SET state = 'queued', next = 'get'" || fail "no row was put back"
watching "$work/third"
wait_for 20 in_hand
"$station" sync --dir "$dir" >"$work/once" 2>"$work/once.err" 9>&- &
once_pid=$!
pids+=("$once_pid")
wait_for 20 grep -q 'another process sends' "$work/once" || fail "it does not say who sends"
stop "$service_pid"
service
# It sleeps meanwhile: rows that failed often on a busy machine would be due later than it has patience for.
kill -STOP "$once_pid"
kill -KILL "$watch_pid"
wait "$watch_pid" 2>/dev/null
sqlite3 -cmd '.timeout 5000' "$dir/station.db" \
	"UPDATE outbox SET state = 'queued' WHERE state = 'retry'" || fail "no row was put back"
kill -CONT "$once_pid"
wait "$once_pid" || fail "the one that was asked for once has not taken over: $(cat "$work/once.err")"
none_waits || fail "$(waits) wait"
equal 6 "$(enrollments)" "enrollments"
nothing_lost
