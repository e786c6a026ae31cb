#!/bin/bash
# A unit that lost the key of its certificate stays refused until it is released. Then it begins again and gets
# another certificate; what was before stays known. So does one that passed and is reworked.
. "$(dirname "$0")/lib.sh"
service
# Slow enough that a hand comes in between.
devices --count 3 --kinds sensor --baud 9600
for i in 0 1 2; do serials[i]=$(serial_of $i); done
line 1
line_up
released() { sql "SELECT count(*) FROM job WHERE state = 'released'"; }
certificate() { openssl x509 -in "$work/plant/devices/$1/chain.pem" -noout -serial | cut -d= -f2; }

# Pulled while its certificate is injected; its flash is erased before it comes back.
seat 1 0
issued() { [ "$(sql "SELECT count(*) FROM job WHERE leaf IS NOT NULL")" -eq 1 ]; } # before that it would not matter
wait_for 60 issued || fail "no certificate is issued"
empty 1
stop "$devices_pid" KILL
await '.result? == "FAIL" and .step == "inject"'
stop "$line_pid"
old_key=$work/old.key
mv "$work/plant/devices/${serials[0]}/device.key" "$old_key"
old=$(sql "SELECT hex(cert_serial) FROM job WHERE serial = '${serials[0]}'")
devices --count 3 --kinds sensor
seat 1 0
serve 1 1
has '.event == "unit" and .result == "FAIL" and .class == "unit" and (.text | contains("already known with another key"))'

# Released, it passes with another certificate. The old one stays in the log, its number taken, its key known.
expect 2 "$station" unit release "${serials[0]}" --dir "$dir"
expect 0 "$station" unit release "${serials[0]}" --reason "flash erased" --dir "$dir" --json
has '.event == "released" and .job == 1'
expect 0 "$station" status --dir "$dir" --json
has '.passed == 0 and .failed == 0 and .open == 0'
serve 0 1
has '.event == "unit" and .result == "PASS"'
expect 0 "$station" unit show "${serials[0]}" --dir "$dir" --json
equal '"released" "passed"' "$(jq -c .state "$out" | xargs -d '\n')" "states of the two jobs"
new=$(certificate "${serials[0]}")
[ "$new" != "$old" ] || fail "the certificate's number was used twice"
equal 2 "$(sql "SELECT count(*) FROM cert_serial WHERE hex(serial) IN ('$old', '$new')")" "numbers taken"
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE json_extract(entry, '\$.kind') = 'unit-released'
	AND json_extract(entry, '\$.cert_serial') = '${old,,}' AND json_extract(entry, '\$.reason') = 'flash erased'")" "releases in the log"
empty 1
stop "$devices_pid"
cp "$old_key" "$work/plant/devices/${serials[1]}/device.key"
devices --count 3 --kinds sensor
seat 1 1
serve 1 1
has ".event == \"unit\" and .result == \"FAIL\" and (.text | contains(\"this key already belongs to unit ${serials[0]}\"))"
empty 1
nothing_lost
equal 1 "$(released)" "released jobs"

# One that passed and is in the service: reworked, it passes again, and its new record replaces the first one.
seat 1 2
serve 0 1
first=$(certificate "${serials[2]}")
expect 0 "$station" sync --dir "$dir"
equal 2 "$(enrollments)" "enrollments"
thumbprint() { openssl x509 -in "$work/plant/devices/${serials[2]}/chain.pem" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d :; }
enrolled_thumbprint() { api GET "/enrollments/${serials[2]}" | jq -r '.attestation.x509.clientCertificates.primary.info.sha256Thumbprint'; }
rework() { # REASON
	expect 0 "$station" unit release "${serials[2]}" --reason "$1" --dir "$dir"
	serve 0 1
	has '.event == "unit" and .result == "PASS"'
}
stop "$service_pid" # or it would have the new record before anybody asks
rework "board repaired"
service
[ "$(certificate "${serials[2]}")" != "$first" ] || fail "the reworked unit kept its certificate"
nothing_lost
expect 2 "$station" enroll disable "${serials[2]}" --reason "stolen" --dir "$dir"
says "run station sync first"
expect 0 "$station" sync --dir "$dir"
equal 2 "$(enrollments)" "enrollments after the repair"
equal "$(thumbprint)" "$(enrolled_thumbprint)" "certificate in the service"

# What somebody else put there is not replaced.
api DELETE "/enrollments/${serials[2]}" >"$out" || fail "the service deletes no enrollment"
api PUT "/enrollments/${serials[2]}" "{\"registrationId\":\"${serials[2]}\",\"attestation\":{\"type\":\"symmetricKey\"}}" >"$out" || fail "the service takes no enrollment"
rework "board repaired again"
expect 1 "$station" sync --dir "$dir"
expect 0 "$station" enroll list --dir "$dir" --json
equal 1 "$(count ".state == \"quarantined\" and .registrationId == \"${serials[2]}\"")" "records that wait for a person"
api DELETE "/enrollments/${serials[2]}" >"$out" || fail "the service deletes no enrollment"
expect 2 "$station" enroll retry "${serials[2]}" --dir "$dir"
expect 0 "$station" enroll release "${serials[2]}" --reason "somebody's record deleted" --dir "$dir"
expect 0 "$station" sync --dir "$dir"
equal "$(thumbprint)" "$(enrolled_thumbprint)" "certificate in the service"

# And by two people, once there are any.
printf '\n71717171\n71717171\n' | "$station" operator add ada --role officer --dir "$dir" >"$out" || fail "no first officer"
printf 'ada\n71717171\n\n64646464\n64646464\n' | "$station" operator add lea --role lead --dir "$dir" >"$out" || fail "no lead"
expect 2 "$station" unit release "${serials[2]}" --reason "again" --dir "$dir" </dev/null
printf 'lea\n64646464\nada\n71717171\n' | "$station" unit release "${serials[2]}" --reason "again" --dir "$dir" >"$out" ||
	fail "an officer and a lead can't release it"
equal 4 "$(released)" "released jobs"
nothing_lost
