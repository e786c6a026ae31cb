#!/bin/bash
# Runs each fuzz target for some seconds with libFuzzer, from a copy of its corpus. One line per target; an input
# that breaks one is kept in build/fuzz/findings, and the exit code is 1.
# usage: tests/fuzz/run.sh SECONDS [TARGET...]
set -eu
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2; }
seconds=$1
shift
[ $# -gt 0 ] || set -- $(cd tests/fuzz && for f in fuzz_*.c; do n=${f#fuzz_}; echo "${n%.c}"; done)
findings=$PWD/build/fuzz/findings
tmp=$(mktemp -d "${TMPDIR:-/tmp}/fuzz.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$findings"
if ! { cmake --preset fuzz && cmake --build --preset fuzz -j "$(nproc)" --target $(printf 'fuzz_%s ' "$@"); } >"$tmp/log" 2>&1; then
	tail -n 30 "$tmp/log"
	exit 1
fi

one() { # name
	cp -R "tests/fuzz/corpus/$1" "$tmp/$1"
	if build/fuzz/tests/fuzz_"$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$findings/$1-" "$tmp/$1" >"$tmp/$1.log" 2>&1; then
		echo "ok $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$tmp/$1.log") runs"
	else
		echo "FINDING $1: $(grep -hoE "(SUMMARY|ERROR): .*" "$tmp/$1.log" | tail -n 1)"
		cp "$tmp/$1.log" "$findings/$1.log"
		return 1
	fi
}
export -f one
export seconds tmp findings
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'one "$1"' one {} || exit 1
