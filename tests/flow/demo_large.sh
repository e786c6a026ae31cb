#!/bin/bash
# More devices and slots than the demo has by itself.
. "$(dirname "$0")/lib.sh"
dir=$work/demo

expect 0 "$station" demo --headless --json --dir "$dir" --devices 40 --slots 16
equal '[40,40,0,0,0,40]' \
	"$(tail -n 1 "$out" | jq -c '[.units, .passed, .failed, .pending, .quarantined, .enrolled + .group]')" "summary"
equal 16 "$(jq -r 'select(.event == "unit") | .slot' "$out" | sort -u | wc -l)" "slots that worked"
equal 40 "$(ls "$dir"/devices/*/provisioning.json | wc -l)" "provisioned devices"
log_is_whole
