#!/usr/bin/env bash
# Measures, in one run on one token: the raw C_Sign rate, the pipeline's rate, the same certificates by
# `openssl x509 -req -engine pkcs11` and by certtool with a PKCS#11 URL (a process each), and prints the ratios.
#
#   tests/bench/run.sh [--short] [BUILD_DIR]      default: build/release with its tests
#
# Asserts no times: only that every part did its job.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
seconds=5 units=20000 processes=100
if [ "${1:-}" = --short ]; then seconds=1 units=200 processes=3; shift; fi
build=${1:-$top/build/bench}
if [ ! -x "$build/tests/bench_sign" ]; then
  cmake --preset release -S "$top" -B "$build" -DSTATION_TESTS=ON >/dev/null
  cmake --build "$build" --target station bench_sign bench_pipeline >/dev/null
fi
module=/usr/lib/softhsm/libsofthsm2.so
work=$(mktemp -d "${TMPDIR:-/tmp}/station-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
dir=$work/station
"$build/bin/station" init "$dir" --id bench >/dev/null
export SOFTHSM2_CONF=$dir/softhsm2.conf
pin=$dir/secrets/hsm-pin

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }'; }
per_second() { awk -v n="$1" -v from="$2" -v to="$3" 'BEGIN { printf "%.1f", n / (to - from) }'; }
now() { date +%s.%N; }

raw1=$("$build/tests/bench_sign" "$module" "$pin" issuing 1 "$seconds")
raw2=$("$build/tests/bench_sign" "$module" "$pin" issuing 2 "$seconds")

"$build/tests/bench_pipeline" "$dir" 2 $((units / 10)) 0 >/dev/null # warms the files up
pipe1=$("$build/tests/bench_pipeline" "$dir" 1 $((units / 4)) 1000000)
pipe16=$("$build/tests/bench_pipeline" "$dir" 16 "$units" 2000000)
"$build/bin/station" audit verify --dir "$dir" >/dev/null

# The same job as a shell script does it: a request signed by the token's key, one process each.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" \
  -subj /CN=bench -out "$work/csr.pem" 2>/dev/null
printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n' >"$work/ext"
printf 'cn = bench\nexpiration_days = 3650\nsigning_key\ntls_www_client\n' >"$work/template"
url="pkcs11:token=bench;object=issuing;type=private"
ln -sf "$module" "$work/module.so"

from=$(now)
for _ in $(seq "$processes"); do
  PKCS11_MODULE_PATH=$module openssl x509 -req -in "$work/csr.pem" -engine pkcs11 -CAkeyform engine \
    -CAkey "$url;pin-value=$(cat "$pin")" -CA "$dir/ca/intermediate.pem" -days 3650 -set_serial "0x$(openssl rand -hex 19)" \
    -extfile "$work/ext" -out "$work/openssl.pem" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
done
by_openssl=$(per_second "$processes" "$from" "$(now)")
openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$dir/ca/intermediate.pem" "$work/openssl.pem" >/dev/null

from=$(now)
for _ in $(seq "$processes"); do
  GNUTLS_PIN=$(cat "$pin") certtool --provider "$module" --generate-certificate --load-request "$work/csr.pem" \
    --load-ca-certificate "$dir/ca/intermediate.pem" --load-ca-privkey "$url" --template "$work/template" \
    --outfile "$work/certtool.pem" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
done
by_certtool=$(per_second "$processes" "$from" "$(now)")
openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$dir/ca/intermediate.pem" "$work/certtool.pem" >/dev/null

printf '%-58s %10s\n' "per second, on $(nproc) cores" "" \
  "raw C_Sign, P-256, 1 thread" "$raw1" "raw C_Sign, P-256, 2 threads" "$raw2" \
  "pipeline, CSR to synced record, 1 worker" "$pipe1" "pipeline, CSR to synced record, 16 workers" "$pipe16" \
  "openssl x509 -req -engine pkcs11, a process each" "$by_openssl" "certtool with a PKCS#11 URL, a process each" "$by_certtool"
printf '%-58s %10s   aim: %s\n' "pipeline / raw C_Sign (2 threads)" "$(ratio "$pipe16" "$raw2")" 0.50 \
  "pipeline / openssl" "$(ratio "$pipe16" "$by_openssl")" 30 \
  "pipeline / certtool" "$(ratio "$pipe16" "$by_certtool")" 30
