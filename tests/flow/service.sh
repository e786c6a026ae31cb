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

# sync_all: what waits is sent in the end, however often that takes
sync_all() {
	local end=$((SECONDS + 90))
	until timeout 60 "$station" sync --dir "$dir" --json >"$out" 2>"$errs"; do
		[ $SECONDS -lt $end ] || fail "it is never sent"
		sleep 0.2
	done
	equal 0 "$(pending)" "records that wait"
}

# trouble FIRST UNITS OPTIONS...: so many units, from the first on, while the service is so
trouble() {
	local first=$1 n=$2 i
	shift 2
	stop "$service_pid"
	for ((i = first; i < first + n; i++)); do seat $((i + 1)) $i; done
	serve 0 "$n"
	equal "$n" "$(pending)" "records that wait"
	service "$@"
	timeout 60 "$station" sync --dir "$dir" --json >"$out" 2>"$errs"
	first_sync=$?
	for ((i = first; i < first + n; i++)); do empty $((i + 1)); done
}

# 429: said, obeyed, and done later.
trouble 4 2 --fail-every 1 --fail-status 429 --retry-after 1
equal 1 $first_sync "exit of a sync that was throttled"
equal 2 "$(pending)" "records that wait"
expect 0 "$station" enroll list --dir "$dir"
says "throttled"
stop "$service_pid"
service
sync_all
equal 6 "$(enrollments)" "enrollments"

# 500
trouble 6 2 --fail-every 1 --fail-status 500
equal 1 $first_sync "exit of a sync that met errors"
equal 2 "$(pending)" "records that wait"
stop "$service_pid"
service
sync_all
equal 8 "$(enrollments)" "enrollments"

# The reply is lost after the service has made the enrollments: found there, compared, done.
trouble 8 2 --drop-reply-every 1
equal 2 "$(enrollments | xargs -I{} expr {} - 8)" "enrollments that the station has not heard of"
sync_all
equal 10 "$(enrollments)" "enrollments"

# Every third item of a bulk call fails.
trouble 10 2 --fail-item-every 2
sync_all
equal 12 "$(enrollments)" "enrollments"
equal 12 "$(sql "SELECT count(*) FROM outbox WHERE state = 'enrolled'")" "enrolled records"
equal 12 "$(sql 'SELECT count(DISTINCT registration_id) FROM outbox')" "records"
nothing_lost
