#!/bin/bash
# The service is down, refuses the login, throttles, fails, or loses its replies after it has done the work: the
# line goes on, nothing is lost, nothing is doubled, and the sentence says what to do.
. "$(dirname "$0")/lib.sh"
service
devices --count 12 --kinds sensor,gateway
line 12
pending() { expect 0 "$station" status --dir "$dir" --json; jq .pending "$out"; }

# Down: the line passes units all the same; sync says so with 4, and all waits.
stop "$service_pid"
for i in 0 1 2; do seat $((i + 1)) $i; done
serve 0 3
equal 3 "$(count '.result? == "PASS"')" "units that passed without the service"
equal 3 "$(pending)" "records that wait"
expect 4 "$station" sync --dir "$dir"
says "$host"
says "the service must be reachable on its port"
expect 4 "$station" sync --dir "$dir" --json
has '.event == "error" and .class == "operator"'
equal 3 "$(pending)" "records that wait"

# Back: all of them, once.
service
expect 0 "$station" sync --dir "$dir" --json
has '.event == "sync" and .enrolled == 3 and .pending == 0'
equal 3 "$(enrollments)" "enrollments"
expect 0 "$station" sync --dir "$dir"
says "0 enrolled"

# 401: another key in the token than the service's policy has.
for i in 0 1 2; do empty $((i + 1)); done
cp "$dir/station.ini" "$work/good.ini"
openssl rand -base64 48 >"$work/other.key"
expect 0 "$station" hsm import other-policy --dir "$dir" <"$work/other.key"
sed -i 's/object=dps-policy/object=other-policy/' "$dir/station.ini"
seat 4 3
serve 0 1
equal 1 "$(pending)" "records that wait"
expect 4 "$station" sync --dir "$dir"
says "check policy and key in [service]"
equal 1 "$(pending)" "records that wait"
equal 0 "$(sql "SELECT count(*) FROM outbox WHERE state = 'quarantined'")" "blamed records"
cp "$work/good.ini" "$dir/station.ini"
expect 0 "$station" sync --dir "$dir"
equal 4 "$(enrollments)" "enrollments"
empty 4

# trouble FIRST UNITS OPTIONS...: so many units pass, from the first on, before the service comes back like this
trouble() {
	local first=$1 n=$2 i
	shift 2
	stop "$service_pid"
	for ((i = first; i < first + n; i++)); do seat $((i + 1)) $i; done
	serve 0 "$n"
	equal "$n" "$(pending)" "records that wait"
	service "$@"
	for ((i = first; i < first + n; i++)); do empty $((i + 1)); done
}

# 429: said, and obeyed; what waits can be sent at once by hand.
trouble 4 2 --fail-every 1 --fail-status 429 --retry-after 600
expect 1 "$station" sync --dir "$dir" --json
has '.event == "sync" and .enrolled == 0 and .pending == 2 and .quarantined == 0'
expect 0 "$station" enroll list --dir "$dir"
says "throttled"
soon=$(($(date +%s) * 1000 + 500000))
equal 2 "$(sql "SELECT count(*) FROM outbox WHERE state = 'retry' AND not_before_ms > $soon")" "records that wait as long as asked"
stop "$service_pid"
service
expect 0 "$station" enroll retry --dir "$dir"
says "2 records are queued again"
expect 0 "$station" sync --dir "$dir"
equal 6 "$(enrollments)" "enrollments"

# 500 for every second call: done by trying again.
trouble 6 2 --fail-every 2 --fail-status 500
expect 0 "$station" sync --dir "$dir" --json
expect 0 "$station" sync --dir "$dir"
stop "$service_pid"
service
equal 8 "$(enrollments)" "enrollments"

# The reply is lost after the service has made the enrollments: they are found there, compared, and done.
trouble 8 2 --drop-reply-every 1
expect 0 "$station" sync --dir "$dir" --json
equal 0 "$(pending)" "records that wait"
equal 10 "$(enrollments)" "enrollments"

# Every second item of a bulk call fails.
trouble 10 2 --fail-item-every 2
expect 0 "$station" sync --dir "$dir" --json
equal 12 "$(enrollments)" "enrollments"
equal 12 "$(sql "SELECT count(*) FROM outbox WHERE state = 'enrolled'")" "enrolled records"
equal 12 "$(sql 'SELECT count(DISTINCT registration_id) FROM outbox')" "records"
nothing_lost
