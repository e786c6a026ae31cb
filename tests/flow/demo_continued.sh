#!/bin/bash
# A demo that was killed is continued; two at once do not see each other; two in one directory are refused.
. "$(dirname "$0")/lib.sh"
dir=$work/demo

# Killed as soon as the first units have passed.
"$station" demo --headless --json --dir "$dir" --devices 30 >"$work/events" 2>"$work/events.err" 9>&- &
demo=$!
pids+=("$demo")
wait_for 90 seen '.event == "unit" and .result == "PASS"' || fail "no unit passes"
kill -KILL "$demo"
wait "$demo" 2>/dev/null

# Its emulators end with it; their locks say when.
expect 0 timeout 60 flock "$dir/devices" true
expect 0 timeout 60 flock "$dir/station.lock" true
before=$(sql "SELECT count(*) FROM job WHERE state = 'passed'")
expect 0 "$station" demo --headless --json --dir "$dir" --devices 30
equal '[30,30,0,0,0,30]' \
	"$(tail -n 1 "$out" | jq -c '[.units, .passed, .failed, .pending, .quarantined, .enrolled + .group]')" "continued summary"
equal "$before" "$(count '.event == "unit" and .result == "ALREADY"')" "units that were done before"
equal 30 "$(sql 'SELECT count(DISTINCT registration_id) FROM job')" "registration IDs"
equal "$(sql "SELECT count(*) FROM job WHERE attest = 'x509'")" \
	"$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"certificate-issued\"%'")" "certificates issued"
for chain in "$dir"/devices/*/chain.pem; do
	openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$chain" "$chain" >/dev/null 2>"$errs" || fail "$chain"
done
log_is_whole

# Two at once.
"$station" demo --headless --json --dir "$work/one" --devices 8 >"$work/one.out" 2>&1 9>&- &
one=$!
"$station" demo --headless --json --dir "$work/two" --devices 8 >"$work/two.out" 2>&1 9>&- &
two=$!
pids+=("$one" "$two")
wait "$one" || { cp "$work/one.out" "$out"; fail "the first of two demos"; }
wait "$two" || { cp "$work/two.out" "$out"; fail "the second of two demos"; }
for name in one two; do
	equal '[8,8,0]' "$(tail -n 1 "$work/$name.out" | jq -c '[.units, .passed, .pending]')" "$name of two"
done

# Two in one directory: the second is refused, and the first does not notice.
"$station" demo --headless --json --dir "$dir" --devices 60 --keep >"$work/events" 2>&1 9>&- &
first=$!
pids+=("$first")
wait_for 90 seen '.event == "unit"' || fail "no unit is seated"
expect 2 "$station" demo --headless --dir "$dir" --devices 60
says "in use by another dps-emulator"
wait "$first" || { cp "$work/events" "$out"; fail "the first demo was disturbed"; }
pids+=("$(jq .pid "$dir/dps.json")")
log_is_whole
