#!/bin/bash
# Every fuzz target has inputs to start from, and every corpus a target.
# usage: corpus.sh SOURCE_DIR
set -eu
cd "$1/tests/fuzz"
bad=0
for source in fuzz_*.c; do
	[ -e "$source" ] || continue
	name=${source#fuzz_}
	name=${name%.c}
	if [ -z "$(find "corpus/$name" -type f ! -name '.*' 2>/dev/null | head -n 1)" ]; then
		echo "tests/fuzz/$source: corpus/$name is empty"
		bad=1
	fi
done
for folder in corpus/*/; do
	name=$(basename "$folder")
	[ ! -d "$folder" ] || [ -e "fuzz_$name.c" ] || { echo "tests/fuzz/corpus/$name: no target fuzz_$name.c"; bad=1; }
done
exit $bad
