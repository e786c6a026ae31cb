#!/bin/bash
# What a unit says is recorded, sent elsewhere, and replayed there; no key is ever in a recording.
. "$(dirname "$0")/lib.sh"
service
devices --count 3 --kinds sensor,controller,meter
line 4
seat 1 0
sed -i "s|^link = serial:$dir/slots/\([23]\)|link = record:$work/\1.rec:serial:$dir/slots/\1|
	s|^link = serial:$dir/slots/4|link = replay:$work/sensor.rec|" "$dir/station.ini"
serial=$(serial_of 0)
record() { # STATUS SLOT FILE
	expect "$1" "$station" fixture record "$2" "$3" --dir "$dir" --json
}

# --- A conversation, and the same from the file ------------------------------------------------------------------
record 0 1 "$work/sensor.rec"
equal "$serial sensor 0" "$(jq -r '"\(.serial) \(.model) \(.chain_bytes)"' "$out")" "a blank unit"
equal 600 "$(stat -c %a "$work/sensor.rec")" "mode of the recording"
grep -q '^station-recording 1$' "$work/sensor.rec" && grep -q '^open stream$' "$work/sensor.rec" || fail "no recording"
cp "$out" "$work/first"
for i in 1 2; do
	record 0 4 "$work/replayed.$i"
	equal "$(jq -c 'del(.slot, .file)' "$work/first")" "$(jq -c 'del(.slot, .file)' "$out")" "what the replay says"
done
expect 0 "$station" fixture probe 4 --dir "$dir" --json
equal "well $serial" "$(jq -r '"\(.verdict) \(.serial)"' "$out")" "a probe of the replay"
# A file that somebody cut is told by its line.
sed '4s/.$/x/' "$work/sensor.rec" >"$work/cut.rec"
sed -i "s|^link = replay:.*|link = replay:$work/cut.rec|" "$dir/station.ini"
record 2 4 "$work/other"
says "line 4 of the recording"
sed -i "s|^link = replay:.*|link = replay:$work/sensor.rec|" "$dir/station.ini"

# --- What is not done ------------------------------------------------------------------------------------------------
before=$(md5sum <"$work/sensor.rec")
record 2 1 "$work/sensor.rec"
says "not overwritten"
equal "$before" "$(md5sum <"$work/sensor.rec")" "the first recording"
record 2 9 "$work/other"
says 'no slot'
record 2 1 "$work/a:b"
says "no colon"
empty 1
record 2 1 "$work/other"
[ ! -e "$work/other" ] || fail "a recording of nothing is left"
expect 2 "$station" fixture record 1 --dir "$dir"
says "record SLOT FILE"

# --- A line that works with recorders in it: keys of the station are in no file ----------------------------------------
line_up
await '.event == "hsm"' # it has its directory by now
record 2 4 "$work/other"
says "a station works here"
[ ! -e "$work/other" ] || fail "a recording of nothing is left"
# The replayed unit can't prove a key over a fresh nonce, nor take one: it ends, the others do not.
seat 2 1
seat 3 2
for slot in 2 3; do await ".slot? == \"$slot\" and .result? == \"PASS\""; done
await ".serial? == \"$serial\" and .result? == \"FAIL\""
stop "$line_pid"
hex_of() { # a recording: what it holds, as it went over the line, and what the SMP frames of that hold
	local bytes
	bytes=$(sed -n 's/^[<>] \([0-9a-f]*\)$/\1/p' "$1" | tr -d '\n')
	echo "$bytes"
	# Lines of frames: markers off, base64 on; each alone, so that a lost one spoils no other.
	printf "$(sed 's/../\\x&/g' <<<"$bytes")" | tr -d '\r' | grep -aoP '[\x04\x06][\x09\x14]\K[A-Za-z0-9+/=]+' |
		while read -r text; do base64 -d <<<"$text" 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; done
	echo
}
number=$(openssl ec -in "$work/plant/devices/$(serial_of 1)/device.key" -text -noout 2>/dev/null |
	awk '/^priv:/ { on = 1; next } /^pub:/ { on = 0 } on' | tr -d ' :\n' | tail -c 64)
symmetric=$(base64 -d "$work/plant/devices/$(serial_of 2)/symmetric.key" | od -An -v -tx1 | tr -d ' \n')
equal "64 64" "${#number} ${#symmetric}" "digits of keys"
for file in 2:$number 3:$symmetric; do
	secret=${file#*:} file=$work/${file%%:*}.rec
	hex_of "$file" >"$work/hex"
	grep -q "$(printf '"registrationId"' | od -An -v -tx1 | tr -d ' \n')" "$work/hex" || fail "the search finds nothing in $file"
	grep -q '^> secret [0-9]*$' "$file" || fail "nothing in $file was secret"
	for ((i = 0; i + 12 <= ${#secret}; i += 2)); do
		! grep -q "${secret:i:12}" "$work/hex" || fail "six bytes of a key are in $file"
	done
done
equal "600 600" "$(stat -c %a "$work/2.rec" "$work/3.rec" | tr '\n' ' ' | sed 's/ $//')" "modes of the recordings"
nothing_lost
