#!/bin/bash
# The service's own host instead of the global one, for station and device alike: the station enrolls a unit there, and
# the unit registers with what lies in its flash, at the same host.
. "$(dirname "$0")/lib.sh"
service
devices --count 1 --kinds sensor
line 1
expect 0 "$station" enroll check --dir "$dir" --json
has '.role == "devices" and .found == "the service'"'"'s own host, for devices, too"'
seat 1 0
serve 0 1
expect 0 "$station" sync --dir "$dir"
equal 1 "$(enrollments)" "enrollments"

flash=$work/plant/devices/$(serial_of 0)
read -r scope id its_host < <(jq -r '"\(.idScope) \(.registrationId) \(.host):\(.port)"' "$flash/provisioning.json")
equal "$host" "$its_host" "host in the device's flash"
status=$(curl -sS --max-time 20 --cacert "$(jq -r .caFile "$service_json")" --cert "$flash/chain.pem" --key "$flash/device.key" \
	-X PUT -H 'Content-Type: application/json; charset=utf-8' -d "{\"registrationId\":\"$id\"}" -o "$out" -w '%{http_code}' \
	"https://$its_host/$scope/registrations/$id/register?api-version=2021-06-01" 2>"$errs")
equal 202 "$status" "status of the device's registration"
