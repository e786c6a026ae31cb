#!/bin/bash
# Function and file lengths: median and p95 are printed; over 100 lines a function, over 700 a file, or a
# p95 over 65 fails. allow.txt excuses a function: "path function reason".
# usage: sizes.sh SOURCE_DIR
set -eu
cd "$1"
allow=tests/lint/allow.txt
product="base pki hsm fixtures audit enroll station"

# "lines path function" for every function.
functions() {
	find "$@" -name '*.c' | ctags -L - --languages=C --kinds-C=f --fields=+ne --sort=no -f - |
		awk -F'\t' '{
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) line = substr($i, 6)
				if ($i ~ /^end:/) end = substr($i, 5)
			}
			print end - line + 1, $2, $1
		}'
}

excused() { # path function
	[ -e "$allow" ] && awk -v p="$1" -v f="$2" '$1 == p && $2 == f && NF > 2 { ok = 1 } END { exit !ok }' "$allow"
}

bad=0
product_functions=$(functions $product | sort -n)
while read -r lines path name; do
	[ "${lines:-0}" -gt 100 ] || continue
	excused "$path" "$name" || { echo "$path: $name has $lines lines (limit 100)"; bad=1; }
done <<< "$product_functions
$(functions tests)"

while read -r lines path; do
	[ "$path" = total ] || [ "$lines" -le 700 ] || { echo "$path: $lines lines (limit 700)"; bad=1; }
done < <(find $product tests -name '*.[ch]' -exec wc -l {} +)

set -- $(echo "$product_functions" | awk '{ a[NR] = $1 } END { print NR, a[int((NR + 1) / 2)], a[int(NR * 95 / 100 + 0.5)] }')
echo "$1 functions: median $2 lines, p95 $3"
[ "$3" -le 65 ] || { echo "the p95 of function lengths is $3 (limit 65)"; bad=1; }
exit $bad
