#!/bin/bash
# Each header compiles alone under the warnings of cmake/HouseFlags.cmake.
# usage: headers.sh SOURCE_DIR
set -eu
cd "$1"
cc=${CC:-gcc}
packages="openssl sqlite3 p11-kit-1 libcurl jansson inih libserialport libusb-1.0 libcbor tss2-esys libmicrohttpd cmocka"
flags="-std=gnu11 -D_GNU_SOURCE -DOPENSSL_NO_DEPRECATED -DOPENSSL_API_COMPAT=30000 -I. -Werror"
for flag in $(grep -oE -- '[ (]-W[a-z][a-z0-9=-]*' cmake/HouseFlags.cmake | tr -d ' ('); do
	case $flag in -Wl*) continue ;; esac
	if "$cc" -Werror "$flag" -fsyntax-only -xc /dev/null 2>/dev/null; then
		flags="$flags $flag"
	fi
done
flags="$flags $(pkg-config --cflags $packages)"
export cc flags

check() {
	printf '#include "%s"\n#include "%s"\n' "$1" "$1" | "$cc" $flags -fsyntax-only -xc - || { echo "$1: does not compile alone"; return 1; }
}
export -f check
find base pki hsm fixtures audit enroll station tests -name '*.h' | xargs -P 2 -I{} bash -c 'check "$1"' check {}
