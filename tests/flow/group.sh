#!/bin/bash
# Enrollment groups by the station: made from a profile, looked at, disabled, enabled, and rolled over to another CA without
# a moment in which a device can't register. What an individual enrollment carries is seen in the service.
. "$(dirname "$0")/lib.sh"
service --poll-retry-after 1
devices --count 2 --kinds sensor
line 2
base=https://$host/$(jq -r .idScope "$service_json")/registrations
ca=$(jq -r .caFile "$service_json")

# The sensors belong to a group, the controllers are enrolled one by one, the counters' group has a key of its own.
sed -i '/^\[profile "sensor"\]/,/^\[/{s/^enroll = .*/enroll = group\ngroup = sensors\ntags = line=7\ndesired = interval=30\nreprovision = reset/}' "$dir/station.ini"
printf '[profile "counter"]\nattest = symmetric\nenroll = group\ngroup = counters\ngroup-key = pkcs11:object=counters\ntags = line=7\n' >>"$dir/station.ini"
cp "$dir/station.ini" "$work/whole.ini"

group() { expect "$1" "$station" enroll group "${@:2}" --dir "$dir"; }
entries() { sql "SELECT count(*) FROM audit_entry WHERE json_extract(entry, '\$.kind') = 'group-changed' AND $1"; }

# registers ID CHAIN KEY: the final answer is in $out
registers() {
	local id=$1 url operation
	local device=(curl -sS --max-time 20 --cacert "$ca" --cert "$2" --key "$3" -H 'Content-Type: application/json' -o "$out" -w '%{http_code}')
	status=$("${device[@]}" -X PUT -d "{\"registrationId\":\"$id\"}" "$base/$id/register?api-version=2021-06-01" 2>"$errs") ||
		fail "$id does not reach the service"
	for _ in 1 2 3 4 5; do
		[ "$status" = 202 ] || return 0
		operation=$(jq -r .operationId "$out")
		status=$("${device[@]}" "$base/$id/operations/$operation?api-version=2021-06-01" 2>"$errs") || fail "no answer to $id"
	done
}
assigned() { registers "$@"; has '.status == "assigned" and .registrationState.x509.enrollmentGroupId == "sensors"'; }

# What can't be a group.
group 2 create nobody
says 'no [profile "nobody"]'
group 2 create controller
says 'enrolls its units one by one'
group 2 create counter --ca plant
says '--ca is for profiles of attest = x509'
group 2 show sensors
says 'the service has no group sensors'
group 2 roll sensors
says '--certificate FILE or --ca NAME'
group 2 bury sensors
sed -i 's/^tags = line=7/tags = unit=${serial}/' "$dir/station.ini"
group 2 create sensor
says 'the same for all its devices'
cp "$work/whole.ini" "$dir/station.ini"

# The group is made, twice without harm, and a unit of the line is in it.
group 0 create sensor
says 'Group sensors is now created.'
group 0 create sensor --json
has '.event == "group-changed" and .act == "created" and (.changed | not)'
group 0 create counter # a line works with the keys of all its profiles
seat 1 0
serve 0 1
serial=$(serial_of 0)
old_id=$(tr 'A-Z' 'a-z' <<<"$serial")
old=("$old_id" "$work/plant/devices/$serial/chain.pem" "$work/plant/devices/$serial/device.key")
assigned "${old[@]}"
group 0 show sensors --json
has '.group.initialTwin.tags.line == "7" and .group.initialTwin.properties.desired.interval == 30'
has '.group.reprovisionPolicy == {"updateHubAssignment": true, "migrateDeviceData": false}'
has ".group.attestation.x509.signingCertificates.primary.info.sha256Thumbprint == \"$(openssl x509 -in "$dir/ca/intermediate.pem" -noout -fingerprint -sha256 | cut -d= -f2 | tr -d :)\""

# Another group under this name is not taken for ours.
sed -i 's/^tags = line=7/tags = line=8/' "$dir/station.ini"
group 2 create sensor
says 'initialTwin.tags.line'
cp "$work/whole.ini" "$dir/station.ini"

# Disabled, the devices are told so; enabled, they are let in again.
group 0 disable sensors
registers "${old[@]}"
has '.status == "disabled"'
group 0 disable sensors
says 'was already disabled'
group 0 show sensors
says 'disabled'
group 0 enable sensors
assigned "${old[@]}"

# The new CA: another plant's, whose device registers as soon as the roll-over begins.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/new.key" -subj '/CN=new CA' -days 2 -out "$work/new.pem" \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>"$errs" || fail "no new CA"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/device.key" -subj /CN=new-1 -out "$work/device.csr" 2>"$errs" &&
	openssl x509 -req -in "$work/device.csr" -CA "$work/new.pem" -CAkey "$work/new.key" -CAcreateserial -days 2 \
		-extfile <(echo basicConstraints=CA:FALSE) -out "$work/device.pem" 2>"$errs" || fail "no new device"
cat "$work/device.pem" "$work/new.pem" >"$work/device-chain.pem"
new=(new-1 "$work/device-chain.pem" "$work/device.key")
registers "${new[@]}"
equal 401 "$status" "status of the new CA's device before the roll-over"
group 2 roll sensors --finish
says 'no roll-over is under way'
group 2 roll sensors --certificate "$work/device.pem"
group 2 roll sensors --certificate "$work/nowhere.pem"
group 0 roll sensors --certificate "$work/new.pem"
assigned "${new[@]}"
assigned "${old[@]}"
group 0 show sensors
says 'new CA'
# Taken back, the new one's devices are out again; then once more.
group 2 roll sensors --cancel --finish
says 'by --finish or by --cancel'
group 0 roll sensors --cancel
says 'Group sensors is now roll-cancelled.'
registers "${new[@]}"
equal 401 "$status" "status of the new CA's device after the roll-over was taken back"
assigned "${old[@]}"
group 2 roll sensors --cancel
says 'no roll-over is under way'
group 0 roll sensors --certificate "$work/new.pem"
assigned "${new[@]}"

# The station has the old certificate alone: what needs the other one says so.
group 2 disable sensors
says 'new CA'
says '--certificate FILE'
group 0 disable sensors --certificate "$work/new.pem"
group 0 enable sensors --certificate "$work/new.pem"
assigned "${new[@]}"
assigned "${old[@]}"
group 0 roll sensors --finish --certificate "$work/new.pem"
assigned "${new[@]}"
registers "${old[@]}"
equal 401 "$status" "status of the old CA's device after the roll-over"
equal '401002 CA certificate not found.' "$(jq -r '"\(.errorCode) \(.message)"' "$out")" "answer to the old CA's device"

# A group of names in the service.
sed -i 's/^group = sensors/group = named/' "$dir/station.ini"
group 0 create sensor --ca plant-1
group 0 roll named --ca plant-2
group 0 show named --json
has '.group.attestation.x509.caReferences == {"primary": "plant-1", "secondary": "plant-2"}'
group 0 roll named --finish
group 0 show named --json
has '.group.attestation.x509.caReferences == {"primary": "plant-2"}'
cp "$work/whole.ini" "$dir/station.ini"

# A key that the service makes is in the token, and nowhere else; the group keeps it when it is disabled and enabled.
expect 0 "$station" hsm list --dir "$dir" --json
has '.for == "counter" and .present'
keys() { api POST /enrollmentGroups/counters/attestationmechanism '' | jq -c .symmetricKey; }
before=$(keys)
group 0 disable counters
group 0 enable counters
equal "$before" "$(keys)" "the group's keys"
group 0 create counter
says 'was already created'
! grep -rqF "$(jq -r .primaryKey <<<"$before")" "$dir" || fail "the key is in a file"

# What a record carries, with what its unit says.
sed -i '/^\[profile "sensor"\]/,/^\[/{s/^enroll = .*/enroll = individual\ndevice-id = dev-${serial}/;/^group =/d;s/^tags = .*/tags = line=7 unit=${serial} slot=${slot} by=${operator}/}' "$dir/station.ini"
empty 1
seat 2 1
serve 0 1
expect 0 "$station" sync --dir "$dir"
serial=$(serial_of 1)
api GET "/enrollments/$(tr 'A-Z' 'a-z' <<<"$serial")" >"$out" || fail "the service has no record"
has ".deviceId == \"dev-$serial\" and .initialTwin.tags == {\"line\": \"7\", \"unit\": \"$serial\", \"slot\": \"2\", \"by\": \"\"}"
has '.initialTwin.properties.desired == {"interval": 30} and .provisioningStatus == "enabled"'
cp "$work/whole.ini" "$dir/station.ini"

# Who did it: nobody is asked while there are no operators; then an officer, and a lead may disable.
equal 3 "$(entries "json_extract(entry, '\$.act') = 'rolled' AND json_extract(entry, '\$.operator') IS NULL")" "roll-overs"
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE json_extract(entry, '\$.kind') = 'key-imported' AND json_extract(entry, '\$.object') = 'counters'")" \
	"keys that came into the token"
as() { # LINES STATUS WORDS...: what people answer, a line each
	printf "$1" >"$work/answers"
	expect "$2" "$station" "${@:3}" --dir "$dir" <"$work/answers"
}
as 'badge-ada-4711\n\n' 0 operator add ada --role officer
as 'badge-ada-4711\nbadge-lea-4712\n\n' 0 operator add lea --role lead
group 2 disable counters </dev/null
as 'badge-lea-4712\n' 0 enroll group disable counters
as 'badge-lea-4712\n' 2 enroll group enable counters
says 'this takes an officer; lea is lead'
as 'badge-ada-4711\n' 0 enroll group enable counters
equal 1 "$(entries "json_extract(entry, '\$.act') = 'disabled' AND json_extract(entry, '\$.operator') = 'lea'")" "entries by lea"
equal 1 "$(entries "json_extract(entry, '\$.act') = 'enabled' AND json_extract(entry, '\$.operator') = 'ada'")" "entries by ada"
as 'badge-ada-4711\nbadge-lea-4712\n' 2 enroll group create counter
says 'bringing a key into the token needs two officers'
log_is_whole

stop "$service_pid"
group 4 show counters
