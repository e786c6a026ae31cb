#!/bin/bash
# A configuration that is wrong: exit 2, and the line and the key are named.
. "$(dirname "$0")/lib.sh"
service
line 1
cp "$dir/station.ini" "$work/good.ini"

# refused SED TEXT: the configuration so edited is refused with such words
refused() {
	sed "$1" "$work/good.ini" >"$dir/station.ini"
	expect 2 "$station" run --headless --dir "$dir" --count 1
	says "$2"
	says "Correct it, then try again."
}
number() { grep -n -m1 "$1" "$work/good.ini" | cut -d: -f1; }

at=$(number '^token')
refused "${at}a pine-source = file:/pin" "station.ini:$((at + 1)): unknown key: \"pine-source\""
refused '/^\[slot/,$d' 'missing section: at least one [slot "NAME"]'
refused "${at}s/\$/?pin-value=1234/" "station.ini:$at: "
says "pin-value"
grep -q 1234 "$errs" && fail "the PIN is said again"
refused "$(number '^pin-source')s/.*/pin-source = 123456/" "station.ini:$(number '^pin-source'): "
grep -q 123456 "$errs" && fail "the PIN is said again"
refused '/^issuing-key/d' 'missing key: issuing-key in section [hsm]'
refused 's/^driver = smp/driver = smoke/' "smoke"
refused 's/^attest = tpm/attest = faith/' 'not one of the allowed words: "faith"'
refused 's/^\[service\]/[servixe]/' 'unknown section: "servixe"'
refused '$a link = serial:/dev/null' 'key is set twice: "link"'

# As a program sees it.
expect 2 "$station" run --headless --json --dir "$dir" --count 1
has '.event == "error" and .class == "operator" and (.text | contains("station.ini:"))'

# And the good one works.
cp "$work/good.ini" "$dir/station.ini"
expect 0 "$station" sync --dir "$dir"
