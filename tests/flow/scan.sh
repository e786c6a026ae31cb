#!/bin/bash
# A scanner at a line without screens: labels and slots in every order, a wrong label, badges and a PIN, a shift
# handed over while a unit runs, and what no scanner types.
. "$(dirname "$0")/lib.sh"
service
kinds=sensor,sensor,sensor,controller
devices --count 8 --kinds $kinds
for i in {0..7}; do serials[i]=$(serial_of $i); done
line 4
sed -i '/^\[profile "sensor"\]/a scan = label' "$dir/station.ini"

mkfifo "$work/scanner"
exec 8<>"$work/scanner"
"$station" run --headless --json --dir "$dir" <"$work/scanner" >"$work/events" 2>"$work/events.err" 8>&- 9>&- &
line_pid=$!
pids+=("$line_pid")

scan() { printf '%s\r\n' "$1" >&8; }
passes() { await ".event == \"unit\" and .serial == \"${serials[$1]}\" and .result == \"PASS\" ${2-}"; }
told() { await ".event == \"scan\" and .fate == \"$1\" and .slot == \"$2\" and .text == \"$3\""; }
waits() { await ".event == \"wait\" and .serial == \"${serials[$1]}\" and .for == \"$2\""; }
# out SLOT DEVICE: taken out, and the line saw it
out() {
	local filter=".event == \"free\" and .slot == \"$1\" and .serial == \"${serials[$2]}\"" before
	before=$(jq -s "[.[] | select($filter)] | length" "$work/events")
	empty "$1"
	wait_for 30 eval "[ \"\$(jq -s '[.[] | select($filter)] | length' '$work/events')\" -gt $before ]" || fail "slot $1 is not free"
}

# Seated, then scanned; a unit of another kind passes meanwhile.
seat 1 0
waits 0 label
seat 2 3
passes 3
scan "${serials[0]}"
told matched 1 "${serials[0]}"
passes 0

# Scanned, then seated.
scan "${serials[1]}"
told held "" "${serials[1]}"
seat 3 1
passes 1
told matched 3 "${serials[1]}"

# Slot and label, with the unit there; label and slot, before the unit is there.
seat 4 2
waits 2 label
scan SLOT:4
told slot 4 ""
scan "${serials[2]}"
told matched 4 "${serials[2]}"
passes 2
out 1 0
scan "${serials[4]}"
scan SLOT:1
told held 1 "${serials[4]}"
seat 1 4
passes 4

# The label of another unit: FAIL, recorded like any other; nothing was issued. Scanned rightly, it passes.
out 3 1
seat 3 5
waits 5 label
scan SLOT:3
scan "${serials[6]}"
told mismatch 3 "${serials[6]}"
says_both="the label says ${serials[6]}, the unit reports ${serials[5]}"
await ".event == \"unit\" and .result == \"FAIL\" and .class == \"unit\" and .step == \"identify\" and (.text | contains(\"$says_both\"))"
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%$says_both%\"kind\":\"unit-failed\"%'")" "failures in the log"
equal 0 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%${serials[5]}%'")" "certificates of a mislabelled unit"
out 3 5
seat 3 5
scan "${serials[5]}"
passes 5

# What no scanner types is refused whole, and none of it reaches the output.
malformed() { [ "$(jq -s '[.[] | select(.event == "scan" and .fate == "malformed")] | length' "$work/events")" -eq "$1" ]; }
scan "$(printf 'x%.0s' {1..200})"
scan "$(printf '%s\033[2J\033]0;owned\007' "${serials[6]}")"
scan "$(printf 'SLOT:2\001')"
scan SLOT:9
wait_for 30 malformed 4 || fail "not four refused scans"
grep -qaP '[\x00-\x08\x0b-\x1f]|owned|xxxx' "$work/events" && fail "the output holds what was scanned"

# The first operator, added beside the running line: from now on somebody must be logged in.
printf 'badge-boss\n4711\n4711\n' | expect 0 "$station" operator add boss --role officer --dir "$dir"
await '.event == "operator" and .operator == ""'
out 2 3
seat 2 6
waits 6 operator
scan B:badge-nobody
await '.event == "scan" and .fate == "unknown"'
scan B:badge-boss
await '.event == "ask" and .for == "pin" and .operator == "boss" and (.wrong | not)'
scan 0815
await '.event == "ask" and .wrong and .triesLeft == 4'
scan 4711
await '.event == "operator" and .operator == "boss" and .role == "officer"'
waits 6 label
scan "${serials[6]}"
passes 6 'and .operator == "boss"'
grep -qE '0815|4711|badge-' "$work/events" && fail "a PIN or a badge is in the output"

# The shift changes while a unit runs: it goes on, with the operator it began with.
printf 'badge-boss\n4711\nbadge-tech\n\n' | expect 0 "$station" operator add tech --role technician --dir "$dir"
out 1 4
# The numbers of their terminals may become others' when the devices come again.
for i in 2 3 4; do empty $i; done
stop "$devices_pid"
devices --count 8 --kinds $kinds --baud 9600
seat 1 7
await ".event == \"step\" and .serial == \"${serials[7]}\" and .step == \"inject\""
scan B:badge-tech
await '.event == "operator" and .operator == "tech"'
seen ".event == \"unit\" and .serial == \"${serials[7]}\"" && fail "the unit was done before the shift changed"
passes 7 'and .operator == "boss"'

# Logged out: the next unit waits, also one that needs no label.
scan B:
await '.event == "operator" and .operator == "" and .why == "asked"'
seat 4 3
waits 3 operator
stop "$line_pid"
equal "operator-logged-in shift-handed-over operator-logged-out" \
	"$(sql "SELECT json_extract(entry, '$.kind') FROM audit_entry WHERE entry LIKE '%\"kind\":\"operator-logged%' OR entry LIKE '%shift-handed%' ORDER BY idx" | xargs)" \
	"who came and went"
nothing_lost

# Typed on a terminal: what is scanned shows, a PIN does not.
: >"$work/typed"
script -qfc "'$station' run --headless --dir '$dir'" "$work/typed" <"$work/scanner" >"$out" 2>"$errs" 8>&- 9>&- &
typing_pid=$!
pids+=("$typing_pid")
shows() { wait_for 30 grep -qaF "$1" "$work/typed" || fail "the terminal never shows: $1"; }
shows HSM
scan B:badge-boss
shows 'PIN      of boss'
scan 4711
shows 'operator boss, officer'
scan B:
shows 'operator nobody: scan'
grep -qaF B:badge-boss "$work/typed" || fail "the terminal does not echo scans"

# A PIN that comes after its question has ended (30 s) is no label either: refused, and not shown.
scan B:badge-boss
wait_for 30 eval '[ "$(grep -acF "PIN      of boss" "$work/typed")" -eq 2 ]' || fail "the PIN is not asked again"
sleep 31
scan 4711
shows 'scan     malformed'
grep -qaF 4711 "$work/typed" && fail "the terminal shows a PIN"
stop "$typing_pid"

# Put into the background while a PIN is asked for, it leaves the terminal to the shell, and ends when it is told to.
: >"$work/typed"
cat >"$work/shell" <<EOF
set -m
bash -c 'echo \$\$ >"$work/behind.pid"; exec "$station" run --headless --dir "$dir"'
bg
sleep 100
EOF
script -qfc "bash '$work/shell'" "$work/typed" <"$work/scanner" >"$out" 2>"$errs" 8>&- 9>&- &
typing_pid=$!
pids+=("$typing_pid")
shows HSM
behind=$(cat "$work/behind.pid")
pids+=("$behind")
scan B:badge-boss
shows 'PIN      of boss'
kill -TSTP "$behind"
wait_for 30 eval '[ "$(cut -d " " -f 3 "/proc/$behind/stat")" != T ]' || fail "the line does not go on in the background"
kill -TERM "$behind"
wait_for 30 eval '! kill -0 "$behind" 2>/dev/null' || fail "the line does not end in the background"
stop "$typing_pid"
