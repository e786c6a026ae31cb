#!/bin/bash
# Comments are /* */; no notes to self; each .c says first what it is for; no mutable globals but the log sink.
# usage: style.sh SOURCE_DIR [BUILD_DIR]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${2:+$(cd "$2" && pwd)}
cd "$1"
product="base pki hsm fixtures audit enroll station"
bad=0
complain() { echo "$1"; bad=1; }

found=$(find $product tests -name '*.[ch]' -exec awk -f "$here/code.awk" {} + | grep '//' || true)
[ -z "$found" ] || complain "$(echo "$found" | sed 's|$|   <- comments are /* */|')"

found=$(find $product tests -name '*.[ch]' -exec grep -nHE 'TODO|FIXME|XXX|HACK' {} + | grep -v 'XXXXXX' || true)
[ -z "$found" ] || complain "$(echo "$found" | sed 's/$/   <- finish it or open an issue/')"

for file in $(find $product tests -name '*.c'); do
	read -r first < "$file" || true
	case $first in '/*'*) ;; *) complain "$file:1: opens without a comment that says what it is for" ;; esac
done

# Writable symbols by section; .data.rel.ro is a constant table that the loader fills once.
[ -n "$build" ] || exit $bad
found=$(find "$build" -path '*.dir/*.o' ! -path "$build/tests/*" -exec objdump -t {} + |
	awk '/file format/ { file = $1 } $4 ~ /^\.(data|bss|tdata|tbss)/ || $3 ~ /^\.(data|bss|tdata|tbss)/ || /\*COM\*/ {
		if ($0 ~ /\.data\.rel\.ro/ || $0 ~ / d  \./ || $NF ~ /^(__gcov|\.LASAN|__asan|__llvm|__sanc|__start|__tsan|\.Lubsan|\.L|\*\.LC|__const|__profc|__profd|__covrec)/) next
		print file " " $NF }' | sed "s|^$build/||; s|^\([^ ]*\)/CMakeFiles/[^/]*\.dir/|\1/|; s|\.o: | |" |
	grep -vE 'base/log\.c sink_(fd|level)$' || true)
[ -z "$found" ] || complain "$(echo "$found" | sed 's/$/   <- mutable global/')"
exit $bad
