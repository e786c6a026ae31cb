#!/bin/bash
# A scanner is a keyboard that anybody can print for, and a device says what it likes: nothing of it is executed,
# nothing of it reaches the terminal, and what is right works as before.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen_lib.sh"
. "$(dirname "$0")/wire_lib.sh"
service
devices --count 6 --kinds sensor
line 4
sed -i '/^\[profile "sensor"\]/a scan = label\nlabel-pattern = sensor-.*' "$dir/station.ini"
for i in {0..5}; do serials[i]=$(serial_of $i); done

# Names are for the screen: what acts on a terminal is none.
printf 'badge-x\n4711\n4711\n' >"$work/answers"
for name in $'A\033[2JB' $'A\033]0;owned\007' $'A\rB' $'A\177' $'A\302\233mB' $'A\377'; do
	expect 2 "$station" operator add evil --name "$name" --role officer --dir "$dir" <"$work/answers"
done
people

wired one 80 24
at_work
scan B:badge-ana
see "Ana Lima"
seat 1 0
see "SCAN THE LABEL"

client=$(cat "$work/one.pid")
# What a hostile label must not change. The first lines are the log's, whose last entry is Ana's log-in.
state() {
	sql "SELECT count(*) FROM audit_entry; SELECT count(*) FROM job"
	shown | sed -n '1s/[0-9:]* *$//p'
	shown | grep -c 'SCAN THE LABEL'
	ls -d "/proc/$client" "/proc/$station_pid"
}
# feed MS BYTES: typed by the scanner, until the last one is out; bytes as for printf(1)
feed() {
	printf '%b' "$2" >"$work/label"
	rm -f "$work/one.raw.gap"
	order one "type $1 $work/label"
	wait_for 120 test -s "$work/one.raw.gap" || fail "never typed: $2"
	# Held up for longer, the scanner has made two labels of it: then nothing is proved.
	[ "$(cat "$work/one.raw.gap")" -lt 30 ] || echo "the scanner was late by $(cat "$work/one.raw.gap") ms"
}
# refused MS BYTES: nothing comes of it but a sentence; a label that is right is taken right after
refused() {
	feed "$@"
	see "This barcode can't be used. Scan again."
	scan "${serials[5]}"
	see "Now scan the slot, or seat the unit."
	# What is typed is taken in turn: by now all of it was.
	equal "$before" "$(state)" "after $2"
}
before=$(state)

# --- At 200 characters a second ---------------------------------------------------------------------------------
refused 5 'x\r'
refused 5 'xx\r'
refused 5 'dog'
refused 5 'x\r\rd\ro\rg\r'
refused 5 '\030\003\003\r'
for key in OP OQ OR OS '[15~' '[17~' '[18~' '[19~' '[A' '[B' '[C' '[D' '[1;5A' '[5~' '[6~' '[H' '[F'; do
	refused 5 "${serials[1]}\\033$key\\r"
done
refused 5 '\033x\033d\033o\033g'
refused 5 '\033OP\033OQ\033OR\033OS\033[15~\033[17~\033[18~\033[19~'
refused 5 "${serials[1]}\\033[2J\\033[31m\\033[?1049l\\r"
refused 5 '\033]0;owned\007\033]52;c;b3duZWQ=\007'
refused 5 '\033P$q"p\033\\\033_x\033\\\033^d\033\\'
refused 5 '\033[200~x\rd\033[201~'
refused 5 'sensor-1\000\000\000\r'
refused 5 'sensor-1\177\177\177\b\b\r'
refused 5 '\200\215\220\233\235\237d'
refused 5 '\0303\0207\0302\0233d\0377\0376\0300\0257\r'
refused 5 '\r\r\r\r'
refused 5 '/q\r'
refused 5 "$(printf '%0128d' 0)1\\r"
refused 5 "$(for i in {1..9}; do printf 'x\\r%sd\\n\\033OH\\033' "${serials[1]}"; done)"

# --- As fast as it goes ---------------------------------------------------------------------------------------
refused 0 "$(printf '%010000d' 0)"
refused 0 "$(printf 'x\\r\\033[19~d%.0s' {1..1000})"
refused 0 '\033x\r'

# Seeded noise, all bytes.
for seed in 1 2 3; do
	bytes=$(openssl enc -aes-128-ctr -K "$(printf '%032d' $seed)" -iv "$(printf '%032d' 0)" -in /dev/zero 2>/dev/null |
		head -c 300 | od -An -v -to1 | sed 's/ /\\0/g' | tr -d '\n')
	refused 5 "$bytes"
done

# --- Where a text is asked for ----------------------------------------------------------------------------------
# A badge, and then a label instead of a PIN: no answer, no try, no key.
scan B:badge-bo
see "PIN:"
before=$(state)
for bytes in '4711\r' '1234\r' '\033d' '\033x\r' '\033[19~' '\033\033\033' '12\177\r' "${serials[1]}\\r" '\0\0\0\r'; do
	feed 5 "$bytes"
	see "This barcode can't be used"
	sleep 0.2
	equal "$before" "$(state)" "after $bytes at the PIN"
	on_screen "PIN:" || never "does not ask any more after" "$bytes"
	on_screen "Tries left" && never "counts" "$bytes as a try"
	# Longer than the sentence stands, shorter than the question.
	press 1 Escape
	see_no "PIN:"
	scan B:badge-bo
	see "PIN:"
done
# Somebody else's badge is somebody else; a PIN by hand is one.
scan B:badge-ana
see_no "PIN:"
scan B:badge-bo
see "PIN:"
type_text 4711
press Enter
see "Bo Olsen"
scan B:badge-ana
see "Ana Lima"

# --- What a person does still works -------------------------------------------------------------------------------
press F4
see "Queue  "
press l
see "SCAN THE LABEL"
scan "${serials[0]}"
see "✔ PASS"

# --- A device that says what it likes -------------------------------------------------------------------------------
# First: another device may get the number of the terminal that goes, and would be met where nobody put it.
empty 1
stop "$devices_pid"
evil() { # DEVICE JSON-PATH TEXT
	local file=$work/plant/devices/${serials[$1]}/device.json
	jq "$2 = \"$3\"" "$file" >"$work/evil" && cp "$work/evil" "$file"
}
evil 1 .serial '\u001b]0;owned\u0007'
evil 2 .serial 'sensor-1\u001b[2J\u001b[31mowned'
evil 3 .model 'sensor\u001b[?1049lowned'
evil 4 .serial 'sensor-\u009b2Jowned\u202e'
devices --count 6 --kinds sensor
: >"$work/one.raw"
for i in 1 2 3 4; do seat $i $i; done
failed() { [ "$(shown | grep -o '✘ FAIL' | wc -l)" -eq 4 ]; }
wait_for 60 failed || never "does not show" "four refusals"
press Down Enter
sleep 1
press F5
see "failed"
press F7
sleep 1
press F2
for bytes in $'\033]0;' $'\007owned' $'\033[2Jowned' $'\033[31mowned' $'lowned' $'\302\2332J' $'\342\200\256'; do
	grep -qaF -- "$bytes" "$work/one.raw" && fail "a device's bytes reach the terminal: $(printf '%q' "$bytes")"
done
shown_in_colour | sed $'s/\033\\[[0-9;]*m//g; s/\033(B//g; s/[\016\017]//g' >"$out"
LC_ALL=C grep -qa $'[\001-\010\013-\037\177]' "$out" && fail "control characters on the screen"
equal 4 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"unit-failed\"%'")" "refusals in the log"
equal 0 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%'||char(27)||'%' OR entry LIKE '%\\u001b%'")" "escape sequences in the log"
LC_ALL=C grep -qa $'\033' "$dir/station.log" && fail "escape sequences in station.log"
for i in 1 2 3 4; do empty $i; done
sleep 1
seat 1 5
scan "${serials[5]}"
see "✔ PASS"
works
nothing_lost
press x Enter
let_go one 1
