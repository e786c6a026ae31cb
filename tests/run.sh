#!/bin/bash
# Builds the station and runs its tests; installs what is missing first.
#
#   tests/run.sh          everything with gcc, then unit, flow and interop tests with the address and
#                         undefined-behaviour sanitizers
#   tests/run.sh --all    also real USB in a virtual machine (tests/vm, short; downloads a kernel of 70 MB once), clang
#                         (without crash, flow and interop), the thread sanitizer (flows in which threads meet), and
#                         five seconds of each fuzz target
#
# The last line says how many tests passed and failed; the exit code is 0 if none failed. SKIP_PACKAGES=1
# leaves the packages alone.
set -u
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
all=
case "${1:-}" in
"") ;;
--all) all=1 ;;
*) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
passed=0
failed=0
cores=$(nproc)
jobs=$((cores * 3)) # most tests wait for processes, terminals and clocks

fail() { echo "FAILED: $*"; failed=$((failed + 1)); }

build() { # preset
	local log=build/$1.log
	mkdir -p build
	if ! { cmake --preset "$1" && cmake --build --preset "$1" -j "$cores"; } >"$log" 2>&1; then
		grep -E -A 6 'error:|warning:|FAILED:|CMake Error|undefined reference' "$log" | tail -n 60
		fail "build of $1 (all of it: $log)"
		return 1
	fi
}

# What failed beside others on a busy machine runs once more, alone. What passes then is named: it may be the test that
# is in a hurry, or a fault that shows only under load. A sanitizer's finding stays one. The exit status: how many fail.
again() { # preset, how many
	local log=build/$1.again.log bad
	! grep -qE 'Sanitizer|runtime error:' "build/$1.tests.log" || return "$2"
	ctest --test-dir "build/$1" --rerun-failed --output-on-failure >"$log" 2>&1
	sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) .* Passed .*/passed only alone: \1/p' "$log"
	bad=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1/p' "$log")
	return "${bad:-$2}"
}

run() { # preset, ctest arguments...
	local preset=$1 log=build/$1.tests.log total bad left
	shift
	echo "== $preset"
	build "$preset" || return
	ctest --test-dir "build/$preset" -j "$jobs" --output-on-failure "$@" >"$log" 2>&1
	total=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\2/p' "$log")
	bad=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1/p' "$log")
	if [ -z "$total" ]; then
		tail -n 20 "$log"
		fail "$preset: no tests ran"
		return
	fi
	if [ "$bad" -ne 0 ]; then
		grep -vE '^ *[0-9]+/[0-9]+ Test .* Passed|^ *Start ' "$log"
		again "$preset" "$bad"
		bad=$?
	fi
	# What this machine can't show is named, and is no pass.
	left=$(grep -cE '^[[:space:]]+[0-9]+ - .* \(Skipped\)$' "$log")
	sed -nE 's/^[[:space:]]+[0-9]+ - (.*) \(Skipped\)$/left out, see the top of it: \1/p' "$log"
	passed=$((passed + total - bad - left))
	failed=$((failed + bad))
	echo "$preset: $((total - bad - left)) passed, $bad failed, $left left out"
}

fuzz() { # seconds
	echo "== fuzz"
	local log=build/fuzz.tests.log
	mkdir -p build
	tests/fuzz/run.sh "$1" 2>&1 | tee "$log"
	if [ "${PIPESTATUS[0]}" -ne 0 ] && ! grep -q '^FINDING' "$log"; then
		fail "fuzz targets did not run"
	fi
	passed=$((passed + $(grep -c '^ok ' "$log")))
	failed=$((failed + $(grep -c '^FINDING' "$log")))
}

vm() {
	echo "== vm"
	if tests/vm/run.sh --short; then
		passed=$((passed + 1))
	else
		fail "vm"
	fi
}

if [ -z "${SKIP_PACKAGES:-}" ]; then
	station/install-packages.sh station/packages.txt tests/packages.txt || exit 1
	# What needs npm is left out where there is none.
	command -v npm >/dev/null || station/install-packages.sh tests/interop/packages.txt
fi
# The tests in which threads meet: workers, sender, pulse, plug, desk and screens; a connection each of the emulator.
threads='^(flow/(demo.*|duplicates|faults|fixture|scan|screens.*|service|stock|terminals|two_senders|unplugged)|interop/(install|device_.*_mqtt)|unit/(base_(db|group)|dps_(https|mqtt_(session|tls))|enroll_sender))$'
start=$SECONDS
run dev
run asan -L '^(unit|flow|interop)$'
if [ -n "$all" ]; then
	vm
	run clang -LE '^(crash|flow|interop)$'
	run tsan -R "$threads"
	fuzz 5
fi
echo "$((SECONDS - start)) seconds"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
