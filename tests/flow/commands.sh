#!/bin/bash
# What the commands say and how they end, as people and other programs rely on it.
. "$(dirname "$0")/lib.sh"

# Wrong usage: 2, and what is right.
wrong() {
	expect 2 "$station" "$@"
	says "${text:-usage: station $1}"
}
expect 2 "$station"
says "station demo"
text='unknown command "fly"' wrong fly
wrong run --watch
wrong run --headless now
wrong init
wrong unit
wrong unit show
wrong unit fetch x
wrong enroll
wrong audit verify again
wrong hsm import
wrong operator
wrong clock accept now
text="--reason TEXT" wrong unit release x
wrong status --count 1
text='"0" is not a number from 1 to' wrong run --headless --count 0
text='"33" is not a number from 1 to 32' wrong demo --slots 33
text='"x" is not a number' wrong demo --devices x
text='station id "Line 1": 1 to 32 of a-z, 0-9 and -' wrong init "$work/other" --id "Line 1"
expect 0 "$station" --help
for command in demo init run status sync unit enroll audit hsm operator clock; do says "station $command"; done

# No station directory: 2, and nothing is made there.
mkdir "$work/empty"
for command in "run --headless" status sync "unit list" "unit show x" "enroll list" "enroll retry" "enroll drop x --reason y" "audit show" "audit verify" "hsm list" "operator list" clock; do
	expect 2 "$station" $command --dir "$work/empty"
	says "$work/empty/station."
done
equal "" "$(ls -A "$work/empty")" "files in a folder that is no station directory"

# A working line.
service
kinds=sensor,gateway,meter,sensor
devices --count 4 --kinds $kinds
bad=$(serial_of 3)
stop "$devices_pid"
devices --count 4 --kinds $kinds --fault "csr-sig:$bad"
line 4
expect 2 "$station" init "$dir"
says "this is a station directory already"
expect 0 "$station" status --dir "$dir" --json
has '.event == "status" and .passed == 0 and .enrolled == 0 and .pending == 0 and .audit_entries == 2'
for i in 0 1 2 3; do seat $((i + 1)) $i; done
serve 1 4

# DIR may come from the environment; --dir wins.
export STATION_DIR=$dir
expect 0 "$station" status
says "3 passed"
expect 2 "$station" status --dir "$work/empty"
unset STATION_DIR

expect 0 "$station" sync --dir "$dir" --json
has '.event == "sync" and .pending == 0 and .quarantined == 0'
expect 0 "$station" status --dir "$dir" --json
has '.passed == 3 and .enrolled == 2 and .pending == 0 and .quarantined == 0'
jq -e --argjson n "$(sql 'SELECT count(*) FROM audit_entry')" '.audit_entries == $n' "$out" >/dev/null || fail "entries of the log"

# Units: one that passed, with its certificate; one that failed, with its cause; one that nobody knows.
serial=$(serial_of 0)
expect 0 "$station" unit list --dir "$dir" --json
has ".event == \"unit\" and .serial == \"$serial\" and .state == \"passed\" and .attest == \"x509\""
equal 3 "$(count '.state == "passed"')" "units that passed"
expect 0 "$station" unit list --dir "$dir"
says "$serial"
expect 0 "$station" unit show "$serial" --dir "$dir"
says "passed"
says "issued by flow issuing CA"
expect 0 "$station" unit show "$serial" --dir "$dir" --json
number=$(openssl x509 -in "$work/plant/devices/$serial/chain.pem" -noout -serial | cut -d= -f2)
has ".certificateSerial == \"${number,,}\" and .registrationId == \"$serial\" and .slot == \"1\""
expect 2 "$station" unit show nobody-7 --dir "$dir"
says "no unit nobody-7 is known here"
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-failed\"%$bad%'")" "the failed unit in the log"

# Records, the log, the token.
expect 0 "$station" enroll list --dir "$dir" --json
has '.event == "records" and .enrolled == 2 and .quarantined == 0 and .dropped == 0'
equal 0 "$(count '.event == "record"')" "records that the service does not have"
expect 0 "$station" enroll list --all --dir "$dir" --json
equal 2 "$(count '.event == "record" and .state == "enrolled" and (.registrationId | length > 0)')" "records"
expect 0 "$station" enroll retry --dir "$dir" --json
has '.event == "retry" and .records == 0'
expect 2 "$station" enroll retry nobody --dir "$dir"
says "no record of nobody waits to be tried again"
log_is_whole
expect 0 "$station" hsm list --dir "$dir"
says "token flow"
expect 0 "$station" hsm list --dir "$dir" --json
equal "3 0" "$(count .present) $(count '.present | not')" "keys that are there, and not"
echo "no key" >"$work/bad.key"
expect 2 "$station" hsm import bad --dir "$dir" <"$work/bad.key"
expect 2 "$station" hsm import dps-policy --dir "$dir" <"$work/policy.key"
says "dps-policy"
chmod 644 "$work/policy.key"
expect 2 "$station" hsm import other --dir "$dir" <"$work/policy.key"
says "is open to others (mode 644)"

# A unit that passed before is none of those that --count waits for.
empty 4
line_up --count 1
await '.event == "unit" and .result == "ALREADY"'
sleep 1
kill -0 "$line_pid" || fail "--count 1 ends with a unit that passed before"
seat 4 3
wait "$line_pid"
equal "1 $bad" "$? $(jq -r 'select(.result? == "FAIL").serial' "$work/events")" "the unit that it ends with"

# One station works in a directory; the others read beside it.
line_up
await '.event == "unit" and .result == "ALREADY"'
expect 0 "$station" sync --dir "$dir"
says "another process sends for this station"
expect 2 "$station" run --headless --dir "$dir"
says "another station works in $dir"
for command in status "unit list" "enroll list" "audit show" "audit verify"; do expect 0 "$station" $command --dir "$dir"; done
kill -TERM "$line_pid"
wait "$line_pid"
status=$?
[ $status -le 1 ] || fail "a station that was stopped ends with $status"
log_is_whole
