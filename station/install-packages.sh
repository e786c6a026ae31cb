#!/bin/bash
# Installs the Debian packages named in the lists given, if any is missing. Needs no network when none is.
# usage: install-packages.sh LIST...
set -eu

missing() {
	for package in $(sed 's/#.*//' "$@"); do
		case $(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null || true) in
		installed*) ;;
		*) echo "$package" ;;
		esac
	done
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "This is not Debian. Install what provides these, then start again with SKIP_PACKAGES=1:" >&2
	sed 's/#.*//' "$@" | xargs echo " " >&2
	exit 1
fi
wanted=$(missing "$@")
[ -n "$wanted" ] || exit 0
as_root=
if [ "$(id -u)" -ne 0 ]; then
	as_root="sudo"
	[ -t 0 ] || as_root="sudo -n"
	if ! command -v sudo >/dev/null || ! $as_root true 2>/dev/null; then
		echo "These packages are missing; as root run:" >&2
		echo "  apt-get update && apt-get install -y --no-install-recommends" $wanted >&2
		exit 1
	fi
fi
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing $(echo "$wanted" | wc -l) packages"
# A stale package list is no reason to stop: the install says whether it matters.
$apt update >"$log" 2>&1 || true
if ! $apt install --no-install-recommends $wanted >>"$log" 2>&1 </dev/null; then
	tail -n 20 "$log" >&2
	echo "the packages could not be installed:" $wanted >&2
	exit 1
fi
