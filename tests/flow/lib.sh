# Shared by the flow tests: a station directory, the emulators, a technician's hand, and what to expect.
#
# A test is a script that sources this, does what people at the line do, and ends when the first expectation
# fails. Everything lives in $work, which goes with the script, and so does every process that it started.
# STATION_BIN: the folder of station, device-emulator and dps-emulator.
set -u -o pipefail
umask 077
export LC_ALL=C.UTF-8
: "${STATION_BIN:?the folder with the programs}"
station=$STATION_BIN/station
work=$(mktemp -d "${TMPDIR:-/tmp}/station-flow.XXXXXX")
dir=$work/line # the station directory; $work/plant is the emulators'
out=$work/out  # what the last program said on standard output
errs=$work/errs
unset STATION_DIR SOFTHSM2_CONF
# A sanitizer's finding must not pass for one of the station's own exit statuses.
export ASAN_OPTIONS=exitcode=99 TSAN_OPTIONS=exitcode=99
pids=()
mkfifo "$work/hold"
exec 9<>"$work/hold" # the emulators' standard input: stays open for as long as the script

clean_up() {
	local status=$?
	for pid in ${pids[@]+"${pids[@]}"}; do
		# First on, then off: a signal to go on that comes while the leak sanitizer stops the world hangs it.
		kill -CONT "$pid" 2>/dev/null && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	if grep -aE -A 20 'Sanitizer:|runtime error:' "$work"/*.err 2>/dev/null; then status=1; fi
	mountpoint -q "$work/small" 2>/dev/null && umount "$work/small"
	rm -rf "$work"
	exit $status
}
trap clean_up EXIT
trap 'exit 1' INT TERM

fail() {
	echo "FAILED (line ${BASH_LINENO[*]:0:2}): $*"
	for file in "$out" "$errs"; do
		[ -s "$file" ] && echo "--- ${file##*/}" && tail -n 40 "$file"
	done
	exit 1
}

# expect STATUS COMMAND...: runs it, keeps what it says in $out and $errs, and checks how it ends.
expect() {
	local want=$1 got
	shift
	timeout -k 5 120 "$@" >"$out" 2>"$errs"
	got=$?
	[ "$got" -eq "$want" ] || fail "$* ended with $got instead of $want"
	no_findings "$errs"
}

# no_findings FILES...: no sanitizer complains there
no_findings() { ! grep -aE 'Sanitizer:|runtime error:' "$@" 2>/dev/null || fail "a sanitizer complains"; }

# says TEXT: the last program said it, on either stream.
says() { grep -qF -- "$1" "$out" "$errs" || fail "it does not say: $1"; }

# equal WANT GOT WHAT
equal() { [ "$1" = "$2" ] || fail "$3: \"$2\" instead of \"$1\""; }

# has FILTER: of the JSON objects in $out, at least one makes the jq filter true.
has() { jq -e -s "any(.[]; $1)" "$out" >/dev/null || fail "no event has: $1"; }

# count FILTER: of how many of them it is true
count() { jq -s "[.[] | select($1)] | length" "$out"; }

# sql STATEMENT: answers from station.db, beside whoever works there
sql() { sqlite3 -readonly -cmd '.timeout 5000' "$dir/station.db" "$1"; }

wait_for() { # seconds, command...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# start LOG PROGRAM ARGS...: in the background, until it says that it is ready. Its number is $started.
start() {
	local log=$1
	shift
	: >"$log"
	"$@" <&9 >"$log" 2>"$log.err" 9>&- &
	started=$!
	pids+=("$started")
	wait_for 60 ready_or_gone "$log" || fail "$1 is not ready"
	grep -q '"ready"' "$log" || { cat "$log" "$log.err"; fail "$1 did not start"; }
}
ready_or_gone() { grep -q '"ready"' "$1" || ! kill -0 "$started" 2>/dev/null; }

# stop NUMBER [SIGNAL]
stop() {
	kill "-${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# devices ARGS...: seats are tty by index, from 0; see devices.json
devices() {
	start "$work/devices.log" "$STATION_BIN/device-emulator" --dir "$work/plant" "$@"
	devices_pid=$started
}

# service [ARGS...]: the emulated service; its state and, if it is free, its port outlive it
service() {
	start "$work/service.log" "$STATION_BIN/dps-emulator" --dir "$work/plant" --state "$work/plant/dps-state.jsonl" "$@"
	service_pid=$started
	service_json=$work/plant/dps.json
	host=$(jq -r '"\(.host):\(.port)"' "$service_json")
	[ ! -e "$dir/station.ini" ] || sed -i "s/^\(host\|device-host\) = .*/\1 = $host/" "$dir/station.ini"
}

# line SLOTS: what an integrator does once, against the emulated service: init, configuration, the policy's
# key, the meters' group and its key.
line() {
	local slots=$1 i
	expect 0 "$station" init "$dir" --id flow
	mkdir "$dir/slots"
	{
		sed -n '/^\[station\]/,/^issuing-key/p' "$dir/station.ini"
		printf '[service]\nhost = %s\nid-scope = %s\ndevice-host = %s\nca-file = %s\nauth = sas\n' "$host" \
			"$(jq -r .idScope "$service_json")" "$host" "$(jq -r .caFile "$service_json")"
		printf 'policy = %s\nkey = pkcs11:object=dps-policy\n' "$(jq -r .policy "$service_json")"
		printf '[profile "gateway"]\nmodel = gateway\nattest = tpm\nenroll = individual\n'
		printf '[profile "sensor"]\nmodel = sensor\nattest = x509\nkey = device\nenroll = individual\n'
		printf '[profile "controller"]\nmodel = controller\nattest = x509\nkey = station\nenroll = individual\n'
		printf '[profile "meter"]\nmodel = meter\nattest = symmetric\nenroll = group\ngroup = meters\n'
		printf 'group-key = pkcs11:object=meters\n'
		for ((i = 1; i <= slots; i++)); do
			printf '[slot "%d"]\nprofile = gateway sensor controller meter\ndriver = smp\nlink = serial:%s/slots/%d\n' \
				"$i" "$dir" "$i"
		done
	} >"$work/station.ini"
	cp "$work/station.ini" "$dir/station.ini"
	jq -j .key "$service_json" >"$work/policy.key"
	expect 0 "$station" hsm import dps-policy --dir "$dir" <"$work/policy.key"
	[ -e "$work/meters.key" ] || meters_group
	expect 0 "$station" hsm import meters --dir "$dir" <"$work/meters.key"
}

meters_group() {
	openssl rand -base64 32 >"$work/meters.key"
	api PUT /enrollmentGroups/meters "{\"enrollmentGroupId\":\"meters\",\"attestation\":{\"type\":\"symmetricKey\",
		\"symmetricKey\":{\"primaryKey\":\"$(cat "$work/meters.key")\",\"secondaryKey\":\"$(openssl rand -base64 32)\"}}}" >"$out" ||
		fail "the service takes no group"
}

tty_of() { jq -er ".devices[$1].tty" "$work/plant/devices.json" || fail "no device $1"; }
serial_of() { jq -er ".devices[$1].serial" "$work/plant/devices.json" || fail "no device $1"; }

# seat SLOT DEVICE; empty SLOT
seat() { ln -sfn "$(tty_of "$2")" "$dir/slots/$1.new" && mv -T "$dir/slots/$1.new" "$dir/slots/$1"; }
empty() { rm -f "$dir/slots/$1"; }

# serve STATUS UNITS: the line works until so many units are done; events are in $out.
serve() { expect "$1" "$station" run --headless --json --count "$2" --dir "$dir"; }

# line_up: the line works in the background; events are in $work/events.
line_up() { # [OPTION...]
	"$station" run --headless --json --dir "$dir" "$@" >"$work/events" 2>"$work/events.err" 9>&- &
	line_pid=$!
	pids+=("$line_pid")
}
seen() { jq -e -s "any(.[]; $1)" "$work/events" >/dev/null 2>&1; }
# await FILTER: until the line in the background has said such an event
await() { wait_for 90 seen "$1" || { cp "$work/events" "$out"; cp "$work/events.err" "$errs"; fail "never: $1"; }; }

# sas: a login for the service, made from dps.json as any client would
sas() {
	local sr se sig
	sr=$(jq -r .host "$service_json")
	se=$(($(date +%s) + 3600))
	sig=$(printf '%s\n%s' "$sr" "$se" |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(jq -r .key "$service_json" | base64 -d | od -An -v -tx1 | tr -d ' \n')" -binary |
		base64 -w0 | jq -Rr @uri)
	echo "SharedAccessSignature sr=$sr&sig=$sig&se=$se&skn=$(jq -r .policy "$service_json")"
}

# api METHOD PATH [BODY]: the service's own answer; fails when it is none of 2xx.
api() {
	curl -sS --fail-with-body --max-time 60 --cacert "$(jq -r .caFile "$service_json")" -X "$1" -H "Authorization: $(sas)" \
		-H 'Content-Type: application/json' ${3+--data "$3"} \
		"https://$(jq -r '"\(.host):\(.port)"' "$service_json")$2?api-version=2021-10-01"
}

# enrollments: how many individual ones the service has
enrollments() { api POST /enrollments/query '{"query":"SELECT * FROM enrollments"}' | jq length; }

log_is_whole() {
	expect 0 "$station" audit verify --dir "$dir" --json
	has '.event == "audit" and .whole'
}

# Whatever went wrong before: a unit that passed has one record, one enrollment or group, and the log is whole.
# One that was released after it had passed keeps them.
nothing_lost() {
	local passed="(state = 'passed' OR state = 'released' AND finished_ms IS NOT NULL)"
	log_is_whole
	equal "$(sql "SELECT count(*) FROM job WHERE $passed")" \
		"$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-provisioned\"%'")" "records of passed units"
	equal "$(sql "SELECT count(*) FROM job WHERE $passed AND attest <> 'symmetric'")" \
		"$(sql "SELECT count(*) FROM outbox")" "rows in the outbox"
}
