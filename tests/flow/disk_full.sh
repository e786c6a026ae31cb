#!/bin/bash
# The disk fills up while units are recorded: the line stops with exit 3, nothing is issued after, and what was
# recorded is whole. With room again, the line goes on. The kernel refuses the writes for real: by a limit on the
# size of files, and on a small file system where one may be mounted.
. "$(dirname "$0")/lib.sh"
service
units=12

# A certificate on a device is one in the log.
only_logged_chains() {
	local chain sha
	for chain in "$work"/plant/devices/*/chain.pem; do
		[ -e "$chain" ] || continue
		sha=$(openssl x509 -in "$chain" -outform DER | sha256sum | cut -d' ' -f1)
		equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"cert_sha256\":\"$sha\"%certificate-issued%'")" \
			"log entries of $chain"
	done
}

# try_full COMMAND...: the line on a disk that gets full, run by the command
try_full() {
	expect 3 "$@" "$station" run --headless --json --count $units --dir "$dir"
	has '.result? == "STOP" and .class == "station" and (.text | length > 0)'
	passed=$(count '.result? == "PASS"')
	nothing_lost
	only_logged_chains
	[ "$passed" -lt $units ] || fail "the disk was not full"
	equal "$passed" "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "units that passed"

	# Still too full: it may do a little more, since the database was tidied up, and stops in the same way.
	expect 3 "$@" "$station" run --headless --dir "$dir" --count $units
	says "Nothing more is issued. Call the line lead."
	nothing_lost
	only_logged_chains
	passed=$(sql "SELECT count(*) FROM job WHERE state = 'passed'")
}

# goes_on: with room again, the rest of the units; each has one certificate
goes_on() {
	serve 0 $((units - passed))
	equal $units "$(sql "SELECT count(*) FROM job WHERE state = 'passed'")" "units that passed"
	equal $units "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%'")" "certificates"
	equal $units "$(sql "SELECT count(*) FROM outbox")" "records"
	nothing_lost
	only_logged_chains
}

# By a limit; its signal is ignored, so that write fails as it does on a full disk.
limited() { (
	trap '' XFSZ
	ulimit -f "$limit"
	exec "$@"
); }

devices --count $units --kinds sensor
line $units
for ((i = 0; i < units; i++)); do seat $((i + 1)) $i; done
limit=96
export -f limited
export limit
try_full bash -c 'limited "$@"' limited
goes_on
stop "$devices_pid"

# On a small file system, with a ballast that leaves some pages.
mkdir "$work/small"
if ! mount -t tmpfs -o size=8m none "$work/small" 2>/dev/null; then
	echo "no file system may be mounted here; the limit has been tried"
	exit 0
fi
rm -rf "$work/plant/devices"
dir=$work/small/line
devices --count $units --kinds sensor --seed 3
line $units
for ((i = 0; i < units; i++)); do seat $((i + 1)) $i; done
free=$(df -k --output=avail "$work/small" | tail -n 1)
head -c $(((free - 128) * 1024)) /dev/zero >"$work/small/ballast"
try_full env
rm "$work/small/ballast"
goes_on
