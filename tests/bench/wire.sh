#!/bin/bash
# What share of a line at 115,200 baud injecting uses, by the size of the unit's packet buffer. The emulator paces the
# line, but hands each answer over when the line begins to carry it, so a figure is too good by at most one short answer;
# and a USB adapter's own delay is not in it. The chain is two certificates, as a unit gets them. Prints one JSON object
# a unit (bench_wire says how it counts); asserts no times, only that the unit keeps what it was given.
#
#   tests/bench/wire.sh [BUILD_DIR [ROUNDS]]      default: build/bench, 3
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build/bench}" && pwd)
rounds=${2:-3}
export STATION_BIN=$build/bin
. "$here/../flow/lib.sh"
baud=115200

expect 0 "$station" init "$dir" --id wire
cat "$dir/ca/intermediate.pem" "$dir/ca/intermediate.pem" >"$work/chain.pem"
printf '{"attestation":"x509","registrationId":"sensor-000001","idScope":"0ne00000000","host":"%s","port":8883}' \
	global.azure-devices-provisioning.net >"$work/dps.json"

for size in 512 1024 4352; do
	devices --count "$rounds" --kinds sensor --baud "$baud" --buf-size "$size"
	for ((i = 0; i < rounds; i++)); do
		expect 0 "$build/tests/bench_wire" "serial:$(tty_of "$i")" "$baud" "$work/$size-$i.rec" "$work/chain.pem" "$work/dps.json"
		jq -c ". + {buf_size: $size}" "$out"
		cmp -s "$work/chain.pem" "$work/plant/devices/$(serial_of "$i")/chain.pem" || fail "the unit has another chain"
	done
	stop "$devices_pid"
	rm -rf "$work/plant"
done
