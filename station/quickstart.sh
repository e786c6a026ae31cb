#!/usr/bin/env bash
# From a bare Debian 12 to 24 provisioned devices: installs the packages that station/packages.txt
# names, builds the release preset, runs `station demo`. Root, or sudo. Run it again: it only builds and runs.
#
#   ./station/quickstart.sh [options of station demo]
set -euo pipefail
cd "$(dirname "$0")/.."

./station/install-packages.sh station/packages.txt

echo "== Building (build/release)"
cmake --preset release >build-release.log 2>&1 && cmake --build --preset release >>build-release.log 2>&1 || {
  tail -n 40 build-release.log
  echo "The build failed; all of it is in build-release.log." >&2
  exit 1
}
rm -f build-release.log

echo "== Provisioning: 24 devices, 4 slots, mixed kinds"
if [ $# -eq 0 ]; then set -- --devices 24 --slots 4; fi
exec build/release/bin/station demo "$@"
