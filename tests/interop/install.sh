#!/bin/bash
# Installs Microsoft's packages, at the versions of package-lock.json, into DIR/node_modules. Does nothing when they
# are there. Ends with 77 when this machine can't have them: no node or npm, or no way to npm's registry.
# usage: install.sh DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
exec 9>lock
flock 9
if cmp -s "$here/package-lock.json" node_modules/installed; then exit 0; fi

left_out() {
	echo "Microsoft's packages can't be installed: $*"
	exit 77
}
command -v node >/dev/null || left_out "there is no node (tests/interop/packages.txt)"
command -v npm >/dev/null || left_out "there is no npm (tests/interop/packages.txt)"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || left_out "node $(node --version) is older than 18"

cp "$here/package.json" "$here/package-lock.json" .
# Without scripts: a library for Windows' TPMs would be compiled, which nobody here loads.
if ! npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=1 --fetch-timeout=30000 \
	>npm.log 2>&1 </dev/null; then
	cat npm.log
	if grep -qE 'code (EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|FETCH_ERROR|E407|E5[0-9][0-9])|CERT' npm.log; then
		left_out "npm's registry can't be reached"
	fi
	exit 1
fi
cp package-lock.json node_modules/installed
