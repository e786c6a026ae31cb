#!/bin/bash
# Boards that change on a console quicker than the station looks: nothing is done under the former one's name.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/console_lib.sh"
service
line 1
{
	sed '/^\[slot/,$d' "$dir/station.ini"
	x509 open
	x509 labelled
	echo 'scan = label'
	slot a open
	slot b labelled
} >"$work/console.ini"
cp "$work/console.ini" "$dir/station.ini"
mkfifo "$work/scanner"
exec 8<>"$work/scanner"
"$station" run --headless --json --dir "$dir" <"$work/scanner" >"$work/events" 2>"$work/events.err" 8>&- 9>&- &
line_pid=$!
pids+=("$line_pid")
passed() { await ".serial? == \"$1\" and .result? == \"PASS\""; }

# Plugged over to a board that waits at the same prompt: there is no moment without one.
unit a SN-A -- "${bash_getty[@]}"
passed SN-A
unit other SN-OTHER -- "${bash_getty[@]}"
mv -T "$dir/slots/other" "$dir/slots/a"
passed SN-OTHER
equal sn-other "$(jq -r .registrationId "$work/other/etc/iot/provisioning.json")" "registration ID of the second board"
equal sn-a "$(jq -r .registrationId "$work/a/etc/iot/provisioning.json")" "registration ID of the first board"

# Behind an adapter that stays where it is, while a label is waited for. The first one's label begins nothing.
unit b SN-B -- "${bash_getty[@]}"
await '.event == "wait" and .serial == "SN-B" and .for == "label"'
echo SN-C >"$work/b/etc/serial"
printf 'SN-B\r\n' >&8
await '.event == "wait" and .serial == "SN-C" and .for == "label"'
[ ! -e "$work/b/etc/iot" ] || fail "the second board was written to under the first one's name"
printf 'SN-C\r\n' >&8
passed SN-C
chain_is_right b /etc/iot/chain.pem /etc/iot/device.key
equal 0 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%SN-B%'")" "entries about a board that was taken out"

stop "$line_pid"
no_findings "$work"/*.err
equal 3 "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "passed units"
nothing_lost
