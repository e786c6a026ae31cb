#!/bin/bash
# Calls that the house does not make (docs/STYLE.md). Comments and strings are not code.
# allow.txt excuses a call: "path call reason".
# usage: banned.sh SOURCE_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
folders="base pki hsm fixtures audit enroll station"
never='strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|gets|atoi|atol|atoll|gmtime|localtime|ctime|asctime|alloca|rand|srand|random|system|popen|tmpnam|mktemp'
# Raw comparison and raw memory stay in base: bytes_equal, CRYPTO_memcmp, struct buf; calloc makes an object.
outside_base='memcmp|bcmp|malloc|realloc'
code() { find "$@" -name '*.[ch]' -exec awk -f "$here/code.awk" {} +; }

bad=0
call() { # pattern; stdin is code
	grep -E "(^|[^A-Za-z0-9_.>])($1)[[:space:]]*\(" | not_excused || true
}
not_excused() {
	awk 'NR == FNR { if (NF > 2 && $1 !~ /^#/) { path[++n] = $1; word[n] = $2 }; next }
		{ for (i = 1; i <= n; i++) if (index($0, path[i] ":") == 1 && index($0, word[i] "(")) next; print }' \
		tests/lint/allow.txt -
}
found=$(code $folders tests | call "$never"; code ${folders#base } | call "$outside_base")
if [ -n "$found" ]; then
	echo "$found" | sed 's/$/   <- banned call/'
	bad=1
fi
# Programs may exit and read their environment; base may abort on a broken invariant.
found=$(
	code $folders | grep -E '(^|[^A-Za-z0-9_])goto[[:space:]]+[A-Za-z_]' || true
	code $folders | call 'getenv|secure_getenv|exit|_exit|abort' |
		grep -vE '^(station|fixtures/emulator|enroll/emulator)/|^base/err\.c:[0-9]*:.*abort' || true
)
if [ -n "$found" ]; then
	echo "$found" | sed 's/$/   <- library code never jumps, exits or reads the environment/'
	bad=1
fi
exit $bad
