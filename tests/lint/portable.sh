#!/bin/bash
# fixtures/device goes into firmware: it compiles alone, without a C library's help but for mem* and strlen, and
# stays as small as it is said to be.
# usage: portable.sh SOURCE_DIR
set -eu
folder=$1/fixtures/device
tmp=$(mktemp -d "${TMPDIR:-/tmp}/portable.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
bad=0
complain() { echo "$1: $2"; bad=1; }

# A copy in a place of its own: nothing else of ours can be found from there.
cp "$folder"/*.[ch] "$tmp/"
for file in "$tmp"/*.c; do
	(cd "$tmp" && "${CC:-cc}" -std=c99 -pedantic-errors -ffreestanding -nostdlib -fno-stack-protector -O2 -Wall -Wextra \
		-Wconversion -Wsign-conversion -Wshadow -Werror -c "${file##*/}") ||
		complain "fixtures/device/${file##*/}" "does not compile alone"
done
for file in "$folder"/*.[ch]; do
	others=$(sed -n 's/^#[[:space:]]*include[[:space:]]*//p' "$file" |
		grep -vxE '<(stdint|stddef|stdbool|string)[.]h>|"device(_internal)?[.]h"' | tr '\n' ' ') || true
	[ -z "$others" ] || complain "${file#"$1"/}" "includes $others"
done
if [ $bad = 0 ]; then
	ld -r -o "$tmp/all.o" "$tmp"/*.o
	calls=$(nm -u "$tmp/all.o" | awk '$2 !~ /^(memcpy|memmove|memset|memcmp|memchr|strlen|_GLOBAL_OFFSET_TABLE_)$/ { print $2 }')
	[ -z "$calls" ] || complain "fixtures/device" "calls $(echo "$calls" | tr '\n' ' ')"
	writable=$(objdump -t "$tmp/all.o" | awk '$4 ~ /^\.(data|bss)/ || $3 ~ /^\.(data|bss)/ { if ($0 !~ /\.data\.rel\.ro/ && $0 !~ / d  \./) print $NF }')
	[ -z "$writable" ] || complain "fixtures/device" "keeps state of its own: $writable"
fi

# Less than 600 lines do the work, comments and all; with both headers it is less than 600 lines of code.
lines=$(cat "$folder"/*.c | wc -l)
[ "$lines" -lt 600 ] || complain "fixtures/device" "$lines lines in .c files (limit 599)"
code=$(cat "$folder"/*.[ch] | grep -cvE '^[[:space:]]*($|/?\*)')
[ "$code" -lt 600 ] || complain "fixtures/device" "$code lines of code (limit 599)"
exit $bad
