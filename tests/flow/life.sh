#!/bin/bash
# After enrollment: what is not in the cloud yet, and why; what a lead decides about a record that was refused,
# and about a device: disabled it registers no more, enabled it does, deleted it is unknown.
. "$(dirname "$0")/lib.sh"
service --poll-retry-after 1
devices --count 4 --kinds sensor,sensor,sensor,meter
for i in 0 1 2; do serials[i]=$(serial_of $i); done
line 4

# Somebody has put other records under the IDs of two units.
for i in 0 1; do
	api PUT "/enrollments/${serials[i]}" "{\"registrationId\":\"${serials[i]}\",\"deviceId\":\"other-$i\",\"attestation\":{\"type\":\"symmetricKey\"}}" >"$out" ||
		fail "the service takes no enrollment"
done
for i in 0 1 2 3; do seat $((i + 1)) $i; done
serve 0 4
expect 0 "$station" enroll list --dir "$dir"
expect 1 "$station" sync --dir "$dir"
expect 0 "$station" enroll list --dir "$dir"
says "0 queued, 0 being sent, 0 to be tried again, 2 quarantined; 1 in the service, 0 given up"
says "${serials[0]}"
says "attestation.type: ours is x509, the service has symmetricKey"
says "deviceId: ours is ${serials[0]}, the service has other-0"
! grep -q "${serials[2]}" "$out" || fail "what is in the service is listed"
expect 0 "$station" enroll list --all --dir "$dir"
says "${serials[2]}"
expect 0 "$station" enroll list --dir "$dir" --json
has '.event == "records" and .quarantined == 2 and .enrolled == 1'
equal 2 "$(count '.event == "record" and .state == "quarantined" and (.difference | length) >= 2')" "records with their differences"
expect 2 "$station" enroll retry "${serials[0]}" --dir "$dir"
expect 0 "$station" enroll retry --dir "$dir" --json
has '.records == 0'

# A lead decides, with a reason.
printf '\n71717171\n71717171\n' | "$station" operator add ada --role officer --dir "$dir" >"$out" || fail "no first officer"
printf 'ada\n71717171\n\n64646464\n64646464\n' | "$station" operator add lea --role lead --dir "$dir" >"$out" || fail "no lead"
printf 'lea\n64646464\nbadge-tim-0815\n\n' | "$station" operator add tim --role technician --dir "$dir" >"$out" || fail "no technician"
as() { # LINES STATUS COMMAND...: what people answer
	local lines=$1 want=$2
	shift 2
	printf "$lines" >"$work/answers"
	expect "$want" "$station" "$@" --dir "$dir" <"$work/answers"
}
lea='lea\n64646464\n'
entries() { # KIND REGISTRATION-ID REASON
	sql "SELECT count(*) FROM audit_entry WHERE json_extract(entry, '\$.kind') = '$1' AND json_extract(entry, '\$.registration_id') = '$2'
		AND json_extract(entry, '\$.reason') = '$3' AND json_extract(entry, '\$.operator') = 'lea'"
}
as "$lea" 2 enroll release "${serials[0]}"
says "--reason TEXT"
as 'badge-tim-0815\n' 2 enroll release "${serials[0]}" --reason "because"
says "needs a lead or an officer; tim is technician"
expect 2 "$station" enroll release "${serials[0]}" --reason "because" --dir "$dir" </dev/null
as "$lea" 2 enroll release "${serials[2]}" --reason "because"
says "no record of ${serials[2]} is quarantined"
api DELETE "/enrollments/${serials[0]}" >"$out" || fail "the service deletes no enrollment"
as "$lea" 0 enroll release "${serials[0]}" --reason "the other was a test"
expect 0 "$station" enroll list --dir "$dir"
says "1 queued"
says "since"
expect 1 "$station" sync --dir "$dir"
equal 1 "$(entries enrollment-released "${serials[0]}" "the other was a test")" "releases in the log"
as "$lea" 0 enroll drop "${serials[1]}" --reason "scrapped"
equal 1 "$(entries enrollment-dropped "${serials[1]}" scrapped)" "drops in the log"
expect 0 "$station" enroll list --dir "$dir"
says "0 quarantined; 2 in the service, 1 given up"
expect 0 "$station" enroll list --all --dir "$dir"
says "given up by lea: scrapped"
expect 0 "$station" enroll list --all --dir "$dir" --json
has ".registrationId == \"${serials[1]}\" and .state == \"dropped\" and .droppedBy == \"lea\" and .droppedWhy == \"scrapped\""
expect 0 "$station" sync --dir "$dir"
log_is_whole

# A device registers with what lies in its flash, as long as nobody has disabled it.
base=https://$host/$(jq -r .idScope "$service_json")/registrations
registration() { # SERIAL: how its registration ends, or the error code
	local id=$1 operation flash=$work/plant/devices/$1
	device() { # METHOD URL BODY
		curl -sS --max-time 20 --cacert "$(jq -r .caFile "$service_json")" --cert "$flash/chain.pem" --key "$flash/device.key" \
			-X "$1" -H 'Content-Type: application/json; charset=utf-8' -d "$3" "$2?api-version=2021-06-01" 2>>"$errs"
	}
	operation=$(device PUT "$base/$id/register" "{\"registrationId\":\"$id\"}" | jq -r '.operationId // .errorCode')
	case $operation in [0-9]) ;; ??????) echo "$operation" && return ;; esac
	device GET "$base/$id/operations/$operation" '' >/dev/null
	device GET "$base/$id/operations/$operation" '' | jq -r '.status // .errorCode'
}
unit=${serials[2]}
equal assigned "$(registration "$unit")" "registration"
expect 0 "$station" enroll show "$unit" --dir "$dir" --json
has ".registrationId == \"$unit\" and .state == \"enrolled\" and .service[\"registrationState.status\"] == \"assigned\"
	and .service[\"attestation.x509.clientCertificates.primary.info.sha256Thumbprint\"] ==
	.ours[\"attestation.x509.clientCertificates.primary.info.sha256Thumbprint\"]"
expect 0 "$station" enroll show "$unit" --dir "$dir"
says "registrationState.status"
! grep -q '^\*' "$out" || fail "a difference where there is none"
expect 2 "$station" enroll show nobody-1 --dir "$dir"
as "$lea" 2 enroll disable "$unit"
as 'badge-tim-0815\n' 2 enroll disable "$unit" --reason "stolen"
says "disabling a device needs a lead or an officer"
as "$lea" 2 enroll disable nobody-1 --reason "stolen"
says "no unit nobody-1 has passed here"
as "$lea" 0 enroll disable "$unit" --reason "stolen"
equal 1 "$(entries enrollment-disabling "$unit" stolen)" "intents in the log"
equal 1 "$(entries enrollment-disabled "$unit" stolen)" "devices disabled in the log"
equal disabled "$(registration "$unit")" "registration of a disabled device"
as "$lea" 0 enroll disable "$unit" --reason "stolen"
as "$lea" 0 enroll enable "$unit" --reason "found again" --json
has '.event == "enrollment-enabled"'
equal assigned "$(registration "$unit")" "registration of a device that is enabled again"

# Somebody has given it another certificate: that is not undone by the way.
api GET "/enrollments/$unit" >"$work/record"
api DELETE "/enrollments/$unit" >"$out" || fail "the service deletes no enrollment"
as "$lea" 2 enroll disable "$unit" --reason "stolen again"
says "the service has no record of $unit"
api PUT "/enrollments/$unit" "{\"registrationId\":\"$unit\",\"attestation\":{\"type\":\"x509\",\"x509\":{\"clientCertificates\":{\"primary\":{
	\"certificate\":$(jq -Rs . "$work/plant/devices/${serials[0]}/chain.pem" | sed 's/\(END CERTIFICATE-----\\n\).*/\1"/')}}}}}" >"$out" || fail "the service takes no enrollment"
as "$lea" 2 enroll disable "$unit" --reason "stolen again"
says "another certificate"
as "$lea" 0 enroll delete "$unit" --reason "stolen for good"
equal 401002 "$(registration "$unit")" "registration of a deleted device"
equal 1 "$(entries enrollment-deleted "$unit" "stolen for good")" "deletions in the log"

# A device of a group has no record: a disabled one of its own shuts it out, until it is deleted.
meter=$(serial_of 3)
as "$lea" 2 enroll enable "$meter" --reason "no reason"
says "the group of $meter decides"
as "$lea" 2 enroll delete "$meter" --reason "no reason"
says "whose group decides"
as "$lea" 0 enroll disable "$meter" --reason "stolen"
api GET "/enrollments/$meter" >"$out"
has '.provisioningStatus == "disabled" and .attestation.type == "symmetricKey"'
as "$lea" 0 enroll disable "$meter" --reason "stolen"
as "$lea" 0 enroll delete "$meter" --reason "found"
! api GET "/enrollments/$meter" >"$out" 2>"$errs" || fail "what shut it out is still there"

# A recall asks which units: by certificate, key, issuer, time.
flash=$work/plant/devices/$unit
number=$(openssl x509 -in "$flash/chain.pem" -noout -serial | cut -d= -f2)
thumbprint=$(openssl x509 -in "$flash/chain.pem" -noout -fingerprint -sha256 | cut -d= -f2)
key=$(openssl x509 -in "$flash/chain.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
issuer=$(openssl x509 -in "$flash/chain.pem" -noout -issuer -nameopt multiline | sed -n 's/.*commonName *= //p')
for question in "--certificate $number" "--certificate $thumbprint" "--key $key"; do
	expect 0 "$station" unit list $question --dir "$dir" --json
	equal "$unit" "$(jq -r .serial "$out")" "unit found by $question"
done
expect 0 "$station" unit list --issuer "$issuer" --since "$(date -u +%F)" --profile sensor --dir "$dir" --json
equal 3 "$(count '.event == "unit"')" "units of this issuer"
expect 0 "$station" unit list --issuer "$issuer" --until 2020-01-01 --dir "$dir" --json
equal 0 "$(count '.event == "unit"')" "units of another time"
expect 2 "$station" unit list --certificate xyz --dir "$dir"
expect 2 "$station" unit list --since yesterday --dir "$dir"

# Without the service nothing is changed, and that is said.
stop "$service_pid"
as "$lea" 4 enroll disable "${serials[0]}" --reason "stolen"
equal 0 "$(entries enrollment-disabled "${serials[0]}" stolen)" "devices disabled in the log without the service"
log_is_whole
