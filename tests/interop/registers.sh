#!/bin/bash
# The station provisions devices; then each registers by itself with Microsoft's SDK, by what lies in its flash, and the
# service knows it as assigned.
# usage: registers.sh tpm|x509_group|x509_individual|symmetric_group|symmetric_individual
. "$(dirname "$0")/lib.sh"

# The demo makes a device of each kind but the last.
by_demo() { # the serial's beginning
	dir=$work/demo
	expect 0 "$station" demo --headless --json --keep --dir "$dir" --devices 4
	service_json=$dir/dps.json
	pids+=("$(jq .pid "$service_json")")
	flash=$(echo "$dir"/devices/"$1"-*)
}

by_line() {
	service
	devices --count 1 --kinds meter
	line 1
	sed -i '/^model = meter/,/^group-key/s/^enroll = group$/enroll = individual/; /^group = meters$/d' "$dir/station.ini"
	seat 1 0
	serve 0 1
	expect 0 "$station" sync --dir "$dir"
	flash=$work/plant/devices/$(serial_of 0)
}

# registers TRANSPORT: and the service says so
registers() {
	sdk registers.js "$flash" "$1"
	api GET "/registrations/$id" >"$out" || fail "the service has no registration of $id"
	equal '["assigned",true]' "$(jq -c '[.status, (.assignedHub | length > 0)]' "$out")" "state of $id"
}

case $1 in
tpm) by_demo gateway ;;
x509_group) by_demo sensor ;;
x509_individual) by_demo controller ;;
symmetric_group) by_demo meter ;;
symmetric_individual) by_line ;;
*) fail "no kind $1" ;;
esac
id=$(jq -er .registrationId "$flash/provisioning.json") || fail "no provisioning.json in $flash"
equal "$(jq .port "$service_json")" "$(jq .port "$flash/provisioning.json")" "port"
case $1 in
*_group) if api GET "/enrollments/$id" >"$out" 2>&1; then fail "an enrollment of its own"; fi ;;
*) api GET "/enrollments/$id" >"$out" || fail "no enrollment of $id" ;;
esac
registers http
if [ "$1" != tpm ]; then registers mqtt; fi
