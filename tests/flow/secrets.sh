#!/bin/bash
# No secret where it should not be: not in the station's files, its database, its output, its command line or
# its environment; and nobody else may read the files that hold one.
. "$(dirname "$0")/lib.sh"
service
devices --count 4
line 4
umask 022 # what the station makes from here on it must close by itself
line_up
for i in 0 1 2 3; do seat $((i + 1)) $i; done
for i in 1 2 3 4; do await ".slot? == \"$i\" and .result? == \"PASS\""; done

# The forms in which a secret could be written down: as it is, base64, hexadecimal; one per line.
: >"$work/forms"
raw() { printf "$(sed 's/../\\x&/g' <<<"$1")"; }
text_secret() {
	[ ${#1} -ge 16 ] || fail "too short to be looked for: it would be found anywhere"
	printf '%s\n' "$1" >>"$work/forms"
}
key_secret() { # in hexadecimal
	local base64
	base64=$(raw "$1" | base64 -w0)
	text_secret "${base64%%=*}"
	text_secret "$1"
	text_secret "${1^^}"
}
hex_of_base64() { base64 -d "$1" | od -An -v -tx1 | tr -d ' \n'; }
text_secret "$(cat "$dir/secrets/hsm-pin")"
text_secret "$(cat "$dir/secrets/hsm-so-pin")"
key_secret "$(hex_of_base64 "$work/policy.key")"
key_secret "$(hex_of_base64 "$work/meters.key")"
for file in "$work"/plant/devices/*/device.key; do
	# The private number alone, whatever would be wrapped around it; and the first lines of the PEM.
	key_secret "$(openssl ec -in "$file" -text -noout 2>/dev/null |
		awk '/^priv:/ { on = 1; next } /^pub:/ { on = 0 } on' | tr -d ' :\n' | tail -c 64)"
	text_secret "$(grep -v -e ----- "$file" | head -n 1 | cut -c 1-60)"
done
for file in "$work"/plant/devices/*/symmetric.key; do key_secret "$(hex_of_base64 "$file")"; done
equal "2 1" "$(ls "$work"/plant/devices/*/device.key | wc -l) $(ls "$work"/plant/devices/*/symmetric.key | wc -l)" "keys of devices"

# found FILES...: the names of those that hold a secret; raw bytes are found by looking at them in hexadecimal too
found() {
	local file
	for file; do
		{ cat "$file"; echo; od -An -v -tx1 "$file" | tr -d ' \n'; } | grep -aFf "$work/forms" >/dev/null && echo "$file"
	done
}
nowhere() { # a folder; those that are meant to hold keys are left out
	local files hits
	mapfile -t files < <(find "$1" -type f ! -path '*/secrets/*' ! -path '*/tokens/*' ! -name device.key ! -name symmetric.key \
		! -name 'dps-state*' ! -name dps.json)
	[ ${#files[@]} -ge "$2" ] || fail "only ${#files[@]} files in $1"
	hits=$(found "${files[@]}" | sort -u)
	[ -z "$hits" ] || fail "a secret is in: $hits"
}

# The search itself: it finds each of them where they are meant to be.
for file in "$dir/secrets/hsm-pin" "$work/plant/dps.json" "$work"/plant/devices/*/device.key "$work"/plant/devices/*/symmetric.key; do
	[ -n "$(found "$file")" ] || fail "the search does not find the secret of $file"
done
raw "00$(hex_of_base64 "$work/meters.key")" >"$work/planted"
[ -n "$(found "$work/planted")" ] || fail "the search does not find raw bytes"

# While the line works: its files, what it said, its command line and environment.
nowhere "$dir" 8
nowhere "$work/plant" 8
[ -z "$(found "$work/events" "$work/events.err")" ] || fail "the station says a secret"
for name in cmdline environ; do
	if cat "/proc/$line_pid/$name" >"$work/$name" 2>/dev/null; then
		[ -s "$work/$name" ] || fail "no $name"
		[ -z "$(found "$work/$name")" ] || fail "a secret in the $name of the station"
	fi
done
equal 0 "$(awk '/^Max core file size/ { print $5 }' "/proc/$line_pid/limits")" "core dumps"

# And afterwards, with the outbox sent.
stop "$line_pid"
expect 0 "$station" sync --dir "$dir"
for command in "unit list" "enroll list" "audit show" "hsm list" "status"; do
	expect 0 "$station" $command --dir "$dir" --json
	cat "$out" "$errs" >>"$work/said"
done
[ -z "$(found "$work/said")" ] || fail "a command says a secret"
nowhere "$dir" 6
equal "" "$(find "$dir/secrets" "$dir/tokens" -perm /077)" "files with keys that others may read"

# The same of a demo, which has its own way to bring in keys.
pin=$(cat "$dir/secrets/hsm-pin")
expect 0 "$station" demo --headless --devices 4 --dir "$work/demo"
[ "$(cat "$work/demo/secrets/hsm-pin")" != "$pin" ] || fail "two stations with one PIN"
: >"$work/forms"
text_secret "$(cat "$work/demo/secrets/hsm-pin")"
jq -r .key "$work/demo/dps.json" >"$work/demo.key"
key_secret "$(hex_of_base64 "$work/demo.key")"
for file in "$work"/demo/devices/*/symmetric.key; do key_secret "$(hex_of_base64 "$file")"; done
nowhere "$work/demo" 8
