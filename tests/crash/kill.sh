#!/bin/bash
# A station that is killed (kill -9) at random moments of its work, and what must be true in the end:
# every device has one certificate or key and it is the recorded one, no serial number was used twice,
# the log is whole, the service knows each device once.
#
#   tests/crash/kill.sh [KILLS [SEED]]     default 200 kills, seed 1; 10000 are the long form
#
# STATION_BIN names the folder of the programs (build/dev/bin), SEATER the seater beside this script.
# The last line sums up; exit status 0 if all is well. On failure the station directory is kept.
set -u
cd "$(dirname "$0")/../.."
kills=${1:-200}
seed=${2:-1}
bin=${STATION_BIN:-$PWD/build/dev/bin}
seater=${SEATER:-$bin/../tests/seater}
per_round=300
slots=8
work=$(mktemp -d "${TMPDIR:-/tmp}/station-kill-XXXXXX")
RANDOM=$seed

running= # the station of this moment
wrong=0
total_kills=0
total_units=0
total_resumed=0
pids=()

complain() { echo "WRONG: $*"; wrong=$((wrong + 1)); }
die() { complain "$*"; exit 1; }

stop() { # pid
	kill "$1" 2>/dev/null && wait "$1" 2>/dev/null
	while kill -0 "$1" 2>/dev/null; do sleep 0.05; done
}

stop_all() {
	for pid in "${pids[@]}"; do stop "$pid"; done
	pids=()
}

finish() {
	[ -z "$running" ] || kill -9 "$running" 2>/dev/null
	stop_all
	[ "$wrong" -gt 0 ] && echo "kept: $work" || rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# A station that starts after a crash recovers first, and locks readers out meanwhile.
db() { sqlite3 -readonly -cmd '.timeout 20000' "$dir/station.db" "$@"; }
station() { "$bin/station" "$@" --dir "$dir"; }
json() { sqlite3 :memory: "SELECT json_extract(readfile('$1'), '\$.$2')"; }

# A demo of one device makes the directory; its service stays, and more devices come.
set_up() { # devices
	local status
	"$bin/station" demo --devices 1 --slots "$slots" --headless --keep --dir "$dir" >"$dir.demo" 2>&1
	status=$?
	[ ! -s "$dir/dps.json" ] || pids+=("$(json "$dir/dps.json" pid)")
	[ "$status" -eq 0 ] || die "the directory can't be made: $(tail -n 3 "$dir.demo")"
	"$bin/device-emulator" --dir "$dir" --count "$1" --stay \
		--kinds gateway,sensor,controller,meter,sensor,controller,meter >"$dir.devices" 2>&1 &
	pids+=($!)
	for _ in $(seq 600); do
		grep -q ready "$dir.devices" && break
		sleep 0.1
	done
	grep -q ready "$dir.devices" || die "no devices: $(cat "$dir.devices")"
	sqlite3 :memory: "SELECT json_extract(value, '\$.tty') FROM json_each(readfile('$dir/devices.json'), '\$.devices')" \
		>"$dir.terminals"
	"$seater" "$dir/slots" "$slots" 400 "$RANDOM" <"$dir.terminals" &
	pids+=($!)
}

# Half of them die within 40 ms of work, where a unit is met half done most often, one of eight while
# the station starts, one of sixteen after a second or so, the others within 150 ms.
kill_once() {
	local pid status ms first="" fifo=$dir.events
	rm -f "$fifo"
	mkfifo "$fifo"
	"$bin/station" run --headless --json --dir "$dir" >"$fifo" 2>>"$dir.stderr" &
	pid=$!
	running=$pid
	exec 3<"$fifo"
	ms=$((RANDOM % 150))
	case $((RANDOM % 16)) in
	0 | 1) ms=$((RANDOM % 80)) ;;
	2) read -r -t 30 first <&3; ms=$((RANDOM % 1500)) ;;
	[3-7]) read -r -t 30 first <&3 ;;
	*) read -r -t 30 first <&3; ms=$((RANDOM % 40)) ;;
	esac
	sleep "$(printf '0.%03d' $((ms % 1000)))"
	[ "$ms" -lt 1000 ] || sleep 1
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	status=$?
	running=
	[ "$status" -eq 137 ] ||
		die "the station ended by itself with status $status: ${first:-} $(tail -n 3 <&3) $(tail -n 3 "$dir.stderr")"
	exec 3<&-
	total_kills=$((total_kills + 1))
	db "SELECT id FROM job WHERE state = 'open'" >>"$dir.open"
}

# The last station is left alone until every device has passed, and is asked to end.
run_to_the_end() { # devices
	local pid status passed=0 want=0
	"$bin/station" run --headless --json --dir "$dir" >"$dir.last" 2>>"$dir.stderr" &
	pid=$!
	running=$pid
	for _ in $(seq 3000); do
		passed=$(db "SELECT n FROM job_count WHERE state = 'passed'")
		[ "$passed" -lt "$1" ] || break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	[ "$passed" -eq "$1" ] || complain "$passed of $1 devices passed: $(tail -n 3 "$dir.last" "$dir.stderr")"
	kill -TERM "$pid"
	wait "$pid"
	status=$?
	running=
	grep -q '"result":"FAIL"' "$dir.last" && want=1
	[ "$status" -eq "$want" ] || complain "the last run ended with status $status, not $want"
}

expect() { # what, SQL that must give 0
	local n
	n=$(db "$2")
	[ "$n" = 0 ] || complain "$1: $n"
}

entries() { # kind
	echo "(SELECT json_extract(entry, '\$.unit') AS unit, entry FROM audit_entry WHERE json_extract(entry, '\$.kind') = '$1')"
}

check_records() {
	expect "units with another number of certificates than one" \
		"SELECT count(*) FROM job WHERE attest = 'x509' AND (SELECT count(*) FROM $(entries certificate-issued) WHERE unit = serial) <> 1"
	expect "derived keys that are not recorded once" \
		"SELECT count(*) FROM job WHERE attest = 'symmetric' AND (SELECT count(*) FROM $(entries key-derived) WHERE unit = serial) <> 1"
	expect "units that are not recorded once" \
		"SELECT count(*) FROM job WHERE (SELECT count(*) FROM $(entries unit-provisioned) WHERE unit = serial) <> 1"
	expect "certificates of nobody" \
		"SELECT (SELECT count(*) FROM $(entries certificate-issued)) - (SELECT count(*) FROM job WHERE attest = 'x509')"
	expect "serial numbers used twice" "SELECT count(*) - count(DISTINCT serial) FROM cert_serial"
	expect "certificates whose number was not reserved for them" \
		"SELECT count(*) FROM job WHERE leaf IS NOT NULL AND cert_serial NOT IN (SELECT serial FROM cert_serial WHERE job = job.id)"
	expect "units without exactly one enrollment to send" \
		"SELECT count(*) FROM job WHERE profile IN ('gateway', 'controller') AND (SELECT count(*) FROM outbox WHERE outbox.job = 'demo/' || job.id) <> 1"
	expect "enrollments of group members" \
		"SELECT count(*) FROM outbox JOIN job ON outbox.job = 'demo/' || job.id WHERE profile NOT IN ('gateway', 'controller')"
	expect "enrollments that are not in the service" "SELECT count(*) FROM outbox WHERE state <> 'enrolled'"
	expect "counters that lie" \
		"SELECT count(*) FROM job_count WHERE n <> (SELECT count(*) FROM job WHERE job.state = job_count.state)"
	[ "$(db 'PRAGMA integrity_check')" = ok ] || complain "the database is damaged"
	station audit verify >"$dir.audit" || complain "the log: $(cat "$dir.audit")"
}

# What the devices really hold: chains that verify, of their own keys, equal to the journal's and the log's.
check_devices() {
	local serial der=$dir.der sql=$dir.sql hash id
	mkdir -p "$der"
	: >"$sql"
	for serial in $(db "SELECT serial FROM job WHERE attest = 'x509'"); do
		local flash=$dir/devices/$serial
		if [ ! -s "$flash/chain.pem" ]; then
			complain "$serial has no chain"
			continue
		fi
		openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$flash/chain.pem" "$flash/chain.pem" \
			>/dev/null 2>&1 || complain "the chain of $serial does not verify"
		openssl x509 -in "$flash/chain.pem" -outform DER -out "$der/$serial"
		[ "$(openssl x509 -in "$flash/chain.pem" -noout -pubkey)" = "$(openssl pkey -in "$flash/device.key" -pubout 2>/dev/null)" ] ||
			complain "the chain of $serial is for another key"
		hash=$(sha256sum <"$der/$serial")
		echo "SELECT '$serial' FROM job WHERE serial = '$serial' AND leaf IS NOT readfile('$der/$serial');" >>"$sql"
		echo "SELECT '$serial' WHERE NOT EXISTS (SELECT 1 FROM $(entries certificate-issued) WHERE unit = '$serial' AND json_extract(entry, '\$.cert_sha256') = '${hash%% *}');" >>"$sql"
	done
	[ -z "$(db <"$sql")" ] || complain "not what was recorded: $(db <"$sql" | sort -u | head -n 5)"
	for serial in $(db "SELECT serial FROM job"); do
		id=$(json "$dir/devices/$serial/provisioning.json" registrationId)
		[ "$id" = "$(db "SELECT registration_id FROM job WHERE serial = '$serial'")" ] ||
			complain "$serial has the provisioning data of '$id'"
	done
}

url_encode() { sed 's/+/%2B/g; s|/|%2F|g; s/=/%3D/g'; }

# A login of our own, made without the station (dps-api 4.3).
shared_access_signature() {
	local host key expires=$(($(date +%s) + 3600)) sig
	host=$(json "$dir/dps.json" host)
	key=$(json "$dir/dps.json" key | base64 -d | od -An -v -tx1 | tr -d ' \n')
	sig=$(printf '%s\n%s' "$host" "$expires" |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64 -w0 | url_encode)
	echo "SharedAccessSignature sr=$host&sig=$sig&se=$expires&skn=$(json "$dir/dps.json" policy)"
}

# The service holds what the outbox says, once each, and nothing else.
check_service() {
	local base="https://$(json "$dir/dps.json" host):$(json "$dir/dps.json" port)" id found
	local login="Authorization: $(shared_access_signature)" config=$dir.curl reply=$dir.reply
	mkdir -p "$reply"
	: >"$config"
	for id in $(db "SELECT registration_id FROM outbox"); do
		printf 'url = "%s/enrollments/%s?api-version=2021-10-01"\noutput = "%s/%s"\n' \
			"$base" "$id" "$reply" "$id" >>"$config"
	done
	curl -sS --cacert "$dir/dps-ca.pem" -H "$login" -K "$config" || complain "the service can't be asked"
	for id in $(db "SELECT registration_id FROM outbox"); do
		[ "$(json "$reply/$id" registrationId)" = "$id" ] || complain "the service does not hold $id: $(head -c 200 "$reply/$id")"
	done
	curl -sS --cacert "$dir/dps-ca.pem" -H "$login" -H 'Content-Type: application/json' -H 'x-ms-max-item-count: 10000' \
		-d '{"query":"SELECT * FROM enrollments"}' -o "$dir.query" "$base/enrollments/query?api-version=2021-10-01"
	found=$(sqlite3 :memory: "SELECT count(*) FROM json_each(readfile('$dir.query'))")
	[ "$found" = "$(db 'SELECT count(*) FROM outbox')" ] ||
		complain "the service holds $found enrollments, the outbox $(db 'SELECT count(*) FROM outbox')"
}

round() { # number, kills
	local devices=$((3 * $2)) n resumed done
	[ "$devices" -ge 40 ] || devices=40
	dir=$work/$1
	set_up "$devices"
	: >"$dir.open"
	for ((n = 0; n < $2; n++)); do
		kill_once
		# A log that is not whole is seen soon, and not after a thousand kills.
		if ((n % 20 == 0)); then
			station audit verify >"$dir.audit" || die "the log, after kill $n: $(cat "$dir.audit")"
		fi
	done
	done=$(db "SELECT n FROM job_count WHERE state = 'passed'")
	run_to_the_end "$devices"
	stop "${pids[-1]}" # the seater
	unset 'pids[-1]'
	station sync >"$dir.sync" || complain "sync: $(cat "$dir.sync")"
	check_records
	check_devices
	check_service
	resumed=$(sort -un "$dir.open" | wc -l)
	[ "$resumed" -gt 0 ] || [ "$2" -lt 100 ] || complain "no kill met a unit half done"
	echo "round $1: $2 kills, $devices units, $done of them before the last kill, $resumed resumed"
	total_units=$((total_units + devices))
	total_resumed=$((total_resumed + resumed))
	stop_all
	[ "$wrong" -gt 0 ] || rm -rf "$dir" "$dir".*
}

start=$SECONDS
for ((left = kills, i = 1; left > 0 && wrong == 0; left -= per_round, i++)); do
	round "$i" $((left < per_round ? left : per_round))
done
echo "$total_kills kills, $total_units units, $total_resumed resumed, $wrong wrong, $((SECONDS - start)) s (seed $seed)"
[ "$wrong" -eq 0 ]
