#!/bin/bash
# People: the first officer, roles, wrong PINs, and what no one may do alone. Everything is in the log under the
# name of who did it, and neither badge nor PIN is anywhere.
. "$(dirname "$0")/lib.sh"
service
devices --count 1 --kinds sensor
line 1
seat 1 0
serial=$(serial_of 0)

# as LINES COMMAND...: what people answer, a line each
as() {
	local lines=$1 want=$2
	shift 2
	printf "$lines" >"$work/answers"
	expect "$want" "$station" "$@" --dir "$dir" <"$work/answers"
	rm -f "$work/answers"
}
entries() { sql "SELECT count(*) FROM audit_entry WHERE json_extract(entry, '\$.kind') = '$1' AND $2"; }

# The first one is an officer, whom nobody vouches for; afterwards somebody must.
as 'badge-tim-0815\n\n' 2 operator add tim --role technician
says "the first operator of a station must be an officer"
as 'badge-ada-4711\n71717171\n71717171\n' 0 operator add ada --role officer --name "Ada L." --language de --json
has '.event == "operator" and .id == "ada" and .role == "officer" and .badge and .pin and .state == "active" and .language == "de"'
equal 1 "$(entries operator-added "json_extract(entry, '\$.operator') = 'setup'")" "entries by setup"
as 'badge-eve-6666\n\n' 2 operator add eve --role officer
says "no operator here has this badge or ID"

# Whoever adds says who it is: a badge with its PIN, with or without the scanner's prefix, or an ID.
as 'B:badge-ada-4711\n71717171\nB:badge-bob-4712\n82828282\n82828282\n' 0 operator add bob --role officer
as 'ada\n71717171\n\n93939393\n93939393\n' 0 operator add lea --role lead
as 'lea\n93939393\nbadge-tim-0815\n\n' 0 operator add tim --role technician
as 'lea\n93939393\n\n1234\n1234\n' 2 operator add max --role lead
says "a lead is changed by an officer; lea is lead"
as 'badge-tim-0815\nbadge-x-123\n\n' 2 operator add max --role technician
says "tim is technician"
as 'ada\n71717171\n\n1234\n1235\n' 2 operator add max --role technician
says "the two PINs differ"
as 'ada\n71717171\n\n\n' 2 operator add max --role technician
says "a badge, a PIN, or both"
as 'ada\n71717171\nbadge-tim-0815\n\n' 2 operator add max --role technician
says "this badge is operator tim's"
as '' 2 operator add max --role boss
says "--role is one of technician, lead, officer"
as '' 2 operator add max --role technician
says "nothing was answered"
chmod 644 "$work/policy.key"
expect 2 "$station" operator disable tim --dir "$dir" <"$work/policy.key"
says "open to others (mode 644)"
chmod 600 "$work/policy.key"

expect 0 "$station" operator list --dir "$dir" --json
equal 4 "$(count '.event == "operator" and .state == "active"')" "operators"
has '.id == "tim" and .badge and (.pin | not)'
expect 0 "$station" operator list --dir "$dir"
says "Ada L."

# Five wrong PINs lock, and the right one helps no more; a lead resets technicians, an officer everybody.
for left in 4 3 2 1; do
	as 'lea\n00000000\n' 2 operator disable tim
	says "tries left: $left"
done
as 'lea\n00000000\n' 2 operator disable tim
says "operator lea is locked"
as 'lea\n93939393\n' 2 operator disable tim
says "operator lea is locked"
expect 0 "$station" operator list --dir "$dir" --json
has '.id == "lea" and .state == "locked"'
equal 1 "$(entries operator-locked "json_extract(entry, '\$.person') = 'lea'")" "locks in the log"
as 'badge-ada-4711\n71717171\n\n64646464\n64646464\n' 0 operator reset lea
as 'lea\n93939393\n' 2 operator disable tim
as 'lea\n64646464\n' 0 operator disable tim
equal 1 "$(entries operator-disabled "json_extract(entry, '\$.person') = 'tim' AND json_extract(entry, '\$.operator') = 'lea'")" \
	"tim disabled by lea"
equal 1 "$(entries operator-reset "json_extract(entry, '\$.person') = 'lea' AND json_extract(entry, '\$.operator') = 'ada'")" \
	"lea reset by ada"
as 'ada\n71717171\n' 2 operator disable tim
says "is disabled already"
as 'ada\n71717171\n' 0 operator disable bob
as 'ada\n71717171\n' 2 operator disable ada
says "the last officer"
as 'ada\n71717171\n\n\n' 0 operator reset bob
as '' 2 operator disable nobody
says "no operator nobody is known here"

# From two officers on, one alone makes no third and resets none, not even under his own name.
as 'ada\n71717171\nada\n71717171\n\n54545454\n54545454\n' 2 operator add cyd --role officer
says "ada alone is one person"
as 'ada\n71717171\nlea\n64646464\n\n54545454\n54545454\n' 2 operator add cyd --role officer
says "adding or resetting an officer needs two officers; ada is officer, lea is lead"
as 'ada\n71717171\n\n54545454\n54545454\n' 2 operator reset bob
as 'ada\n71717171\nada\n71717171\n\n54545454\n54545454\n' 2 operator reset ada
equal 0 "$(entries operator-added "json_extract(entry, '\$.person') = 'cyd'")" "officers added by one"
as 'bob\n82828282\nada\n71717171\n\n54545454\n54545454\n' 0 operator add cyd --role officer
equal 1 "$(entries operator-added "json_extract(entry, '\$.person') = 'cyd' AND json_extract(entry, '\$.witness_1') = 'bob'
	AND json_extract(entry, '\$.witness_2') = 'ada'")" "the third officer in the log, with two"
as 'cyd\n54545454\nada\n71717171\n\n\n' 0 operator reset bob
equal 1 "$(entries operator-reset "json_extract(entry, '\$.person') = 'bob' AND json_extract(entry, '\$.witness_1') = 'cyd'
	AND json_extract(entry, '\$.witness_2') = 'ada'")" "the reset of an officer in the log, with two"
as 'bob\n82828282\n' 0 operator disable cyd

# Beside a running line: what one adds, the other knows.
line_up
started() { [ "$(entries station-started 1)" -ge 1 ]; }
wait_for 60 started || fail "the line does not start"
as 'ada\n71717171\nbadge-uwe-1111\n\n' 0 operator add uwe --role technician
stop "$line_pid"
equal 0 "$(sql 'SELECT count(*) FROM job')" "units served while nobody was logged in"

# What is done for a unit is done under the name of who was logged in.
printf 'B:badge-uwe-1111\n' >"$work/answers"
expect 0 "$station" run --headless --json --count 1 --dir "$dir" <"$work/answers"
rm "$work/answers"
for kind in certificate-issued unit-provisioned; do
	equal 1 "$(entries $kind "json_extract(entry, '\$.unit') = '$serial' AND json_extract(entry, '\$.operator') = 'uwe'")" "$kind by uwe"
done
expect 0 "$station" unit show "$serial" --dir "$dir" --json
has '.operator == "uwe" and .state == "passed"'

# Two people, different ones, of the right roles: a key comes in.
printf 'ada\n71717171\n' >"$work/ada"
printf 'bob\n82828282\n' >"$work/bob"
printf 'lea\n64646464\n' >"$work/lea"
key=$(openssl rand -base64 32)
together() { # STATUS PERSON PERSON COMMAND...; with $more lines
	local want=$1 one=$2 two=$3
	shift 3
	{ cat "$work/$one" "$work/$two"; printf '%s' "${more:-}"; } | expect "$want" "$station" "$@" --dir "$dir"
	[ "${PIPESTATUS[1]}" -eq 0 ] || exit 1
}
more=$key together 2 ada ada hsm import spare
says "ada alone is one person"
more=$key together 2 ada lea hsm import spare
says "needs two officers"
more=$(printf '%s\nmore' "$key") together 2 ada bob hsm import spare
says "goes on after the last answer"
equal 0 "$(entries key-imported "json_extract(entry, '\$.object') = 'spare'")" "refused imports in the log"
more=$key together 0 ada bob hsm import spare
more=$key together 2 ada bob hsm import spare
equal 1 "$(entries key-imported "json_extract(entry, '\$.object') = 'spare' AND json_extract(entry, '\$.witness_1') = 'ada'
	AND json_extract(entry, '\$.witness_2') = 'bob'")" "the key in the log, with two officers"
equal 2 "$(entries key-imported "json_extract(entry, '\$.witness_1') IS NULL")" "keys from before there were people"

# A unit is released by an officer and a lead, with a reason.
sqlite3 "$dir/station.db" "INSERT INTO job(serial, hwid, model, profile, attest, pipeline, version, slot, state, step, intended,
	started_ms) VALUES('SN-9', 'hw-9', 'sensor', 'sensor', 'x509', 'x509', 1, '1', 'failed', 'issue', 2, 5)"
together 2 ada lea unit release SN-9
says "--reason TEXT"
together 2 lea lea unit release SN-9 --reason "lost its key"
together 2 ada ada unit release SN-9 --reason "lost its key"
says "ada alone is one person"
together 2 ada lea unit release SN-0 --reason "lost its key"
says "has no job here"
together 0 ada lea unit release SN-9 --reason "lost its key"
together 2 ada lea unit release SN-9 --reason "lost its key"
equal 1 "$(entries unit-released "json_extract(entry, '\$.unit') = 'SN-9' AND json_extract(entry, '\$.reason') = 'lost its key'
	AND json_extract(entry, '\$.witness_1') = 'ada' AND json_extract(entry, '\$.witness_2') = 'lea'")" "the release in the log"
expect 0 "$station" unit show SN-9 --dir "$dir"
says "released"

# The clock fits the log; and one that does not is accepted by two officers.
expect 0 "$station" clock --dir "$dir" --json
has '.event == "clock" and (.inDoubt | not)'
together 2 ada bob clock accept
says "not in doubt"
sqlite3 "$dir/station.db" "DROP TRIGGER audit_head_forward; UPDATE audit_head SET clock_ms = clock_ms + 86400000"
expect 1 "$station" clock --dir "$dir"
says "THE CLOCK IS IN DOUBT"
together 2 ada lea clock accept
together 0 ada bob clock accept
expect 0 "$station" clock --dir "$dir" --json
equal 1 "$(entries clock-accepted "json_extract(entry, '\$.witness_1') = 'ada' AND json_extract(entry, '\$.witness_2') = 'bob'")" \
	"the clock in the log, with two officers"
log_is_whole

# Neither badge nor PIN is in any file; what they are kept as is.
rm -f "$work/ada" "$work/bob" "$work/lea"
for secret in badge-ada-4711 badge-bob-4712 badge-tim-0815 badge-uwe-1111 71717171 82828282 93939393 64646464 54545454; do
	if grep -raqF -- "$secret" "$dir" "$work/events" "$work/events.err"; then fail "$secret is in a file"; fi
done
grep -raqF lea "$dir/station.db"* || fail "the search finds nothing at all"
