#!/bin/bash
# A sender that is killed (kill -9) while it drains the outbox into a service with every fault: refusals, lost and
# spoilt answers, resets before and after the work, items that fail. In the end each record is in the service, was
# written there once, and is the one that was queued.
#
#   tests/crash/sync_kill.sh [KILLS [SEED]]     default 20 kills, seed 1; 1000 are the long form
#
# STATION_BIN names the folder of the programs (build/dev/bin). The last line sums up; on failure the directory is kept.
set -u
cd "$(dirname "$0")/../.."
kills=${1:-20}
RANDOM=${2:-1}
: "${STATION_BIN:=$PWD/build/dev/bin}"
export STATION_BIN
. tests/flow/lib.sh

faults=(--latency-ms 20 --fail-every 7 --fail-status 503 --drop-reply-every 9 --fail-item-every 31 --reset-before-every 11
	--reset-after-every 13 --wrong-etag-every 5 --garble-every 17 --garble-as text)
# base64 of an RSA-2048 endorsement key by its shape; the service does not ask whether it is unique
ek=$(printf "$({
	printf '013a0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa00060080004300100800000000000100'
	printf '01%.0s' {1..256}
} | sed 's/../\\x&/g')" | base64 -w0)
rows=0
first=1

# queue N: so many more records, as the line would write them
queue() {
	sqlite3 -cmd '.timeout 20000' "$dir/station.db" "WITH RECURSIVE n(i) AS (SELECT $rows + 1 UNION ALL SELECT i + 1 FROM n
		WHERE i < $rows + $1) INSERT INTO outbox(job, registration_id, payload, changed_ms) SELECT printf('kill/%d', i),
		printf('unit-%06d', i), CAST(printf('{\"registrationId\":\"unit-%06d\",\"provisioningStatus\":\"enabled\",' ||
		'\"attestation\":{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"$ek\"}}}', i) AS BLOB), 0 FROM n" || fail "rows can't be queued"
	rows=$((rows + $1))
}
state() { sql "SELECT n FROM outbox_count WHERE state = '$1'"; }
touched() { [ "$(sql 'SELECT max(changed_ms) FROM outbox')" != "$before" ] || ! kill -0 "$pid" 2>/dev/null; }

# Half of them die within 60 ms of their first call, where the outcome of a call is not known; the others later.
kill_once() {
	local ms
	[ "$(state queued)" -ge 300 ] || queue 500
	# What waits long after a failure is due at once, or there would be nothing to kill but a sleep.
	sqlite3 -cmd '.timeout 20000' "$dir/station.db" "UPDATE outbox SET not_before_ms = 0 WHERE state = 'retry'"
	before=$(sql 'SELECT max(changed_ms) FROM outbox')
	"$station" sync --watch --dir "$dir" >>"$work/sync.log" 2>>"$work/sync.err" 9>&- &
	pid=$!
	wait_for 20 touched || fail "the sender does nothing"
	ms=$((RANDOM % 60))
	((RANDOM % 2)) && ms=$((RANDOM % 300))
	sleep "$(printf '0.%03d' "$ms")"
	kill -KILL "$pid" || fail "the sender ended by itself: $(tail -n 3 "$work/sync.err")"
	wait "$pid" 2>/dev/null
	in_hand=$((in_hand + ($(state sending) > 0)))
}

service "${faults[@]}"
line 1
sed -i 's/^policy = /operations-per-minute = 60000\npolicy = /' "$dir/station.ini"
expect 0 "$station" sync --dir "$dir"
start_s=$SECONDS
in_hand=0
for ((n = 0; n < kills; n++)); do
	kill_once
	((n % 100)) || echo "$n kills, $(state enrolled) of $rows records enrolled, $((SECONDS - start_s)) s"
done
[ "$in_hand" -gt 0 ] || fail "no kill met a call"
sent=$(state enrolled)

# The faults end; what is left is sent, and nothing was refused.
stop "$service_pid"
service
sqlite3 -cmd '.timeout 20000' "$dir/station.db" "UPDATE outbox SET not_before_ms = 0 WHERE state = 'retry'"
expect 0 "$station" sync --dir "$dir" --json
equal "$rows" "$(state enrolled)" "enrolled records"
equal 0 "$(state quarantined)" "records in quarantine"

# All that the service has, page by page: each record once, its own, and never written again.
curl_all() {
	local page
	: >"$work/all"
	token=
	while :; do
		curl -sS --fail-with-body --cacert "$(jq -r .caFile "$service_json")" -H "Authorization: $(sas)" -D "$work/head" \
			-H 'Content-Type: application/json' -H 'x-ms-max-item-count: 1000' ${token:+-H "x-ms-continuation: $token"} \
			-d '{"query":"SELECT * FROM enrollments"}' "https://$host/enrollments/query?api-version=2021-10-01" >"$work/page" ||
			fail "the service can't be asked: $(cat "$work/page")"
		jq -r '.[] | [.registrationId, .attestation.tpm.endorsementKey, .createdDateTimeUtc == .lastUpdatedDateTimeUtc] | @tsv' \
			"$work/page" >>"$work/all"
		token=$(sed -n 's/^x-ms-continuation: *\([^\r]*\)\r*$/\1/Ip' "$work/head")
		[ -n "$token" ] || break
	done
}
curl_all
sql "SELECT registration_id FROM outbox ORDER BY 1" >"$work/wanted"
cut -f1 "$work/all" | LC_ALL=C sort >"$work/got"
cmp -s "$work/wanted" "$work/got" || fail "the service holds others than the outbox: $(diff "$work/wanted" "$work/got" | head -n 5)"
equal "$rows" "$(grep -cF "$(printf '\t%s\ttrue' "$ek")" "$work/all")" "records written once, with their own key"
echo "$kills kills, $in_hand of them in a call, $rows records, $sent enrolled before the last kill, 0 lost, $((SECONDS - start_s)) s (seed ${2:-1})"
