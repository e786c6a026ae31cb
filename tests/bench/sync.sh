#!/usr/bin/env bash
# What the sender makes of the service's limit of 1,000 calls a minute, without and with 100 ms of latency, and
# what a queue of a million rows costs; against dps-emulator. Asserts ratios of one run; the short form only that
# nothing is lost.
#
#   tests/bench/sync.sh [--short] [BUILD_DIR]
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
seconds=90 rows=1000000 samples=1000 short=false
if [ "${1:-}" = --short ]; then seconds=3 rows=20000 samples=50 short=true; shift; fi
build=${1:-$top/build/bench}
export STATION_BIN=$build/bin
bench=$build/tests/bench_sync
work=$(mktemp -d "${TMPDIR:-/tmp}/station-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work

# rate CONNECTIONS LATENCY_MS: near the limit, hardly throttled, nothing lost
rate() {
  "$bench" rate "$seconds" "$1" "$2" | tee "$work/rate.json"
  jq -e --argjson short $short '.lost == 0 and .unreachable == 0 and ($short or .ofTheMost >= 0.95 and .throttledShare < 0.01)' "$work/rate.json" >/dev/null ||
    { echo "fell short: $1 connections, $2 ms"; exit 1; }
}
rate 4 0
rate 4 100
# Rates of a queue that is a thousand times as long; enqueueing is what a unit waits for.
"$bench" queue "$rows" "$samples" | tee "$work/queue.json"
jq -e --argjson short $short '$short or .enqueueRatio < 1.10 and .drainRatio > 0.90' "$work/queue.json" >/dev/null || { echo "fell short: the long queue"; exit 1; }
