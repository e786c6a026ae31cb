#!/bin/bash
# Makes what the virtual machine boots: Debian's own kernel, unpacked from its package and not installed, and an
# initramfs of busybox, the modules that are needed, our programs and what they need of this machine.
# usage: image.sh KEEP_DIR OUT_DIR     makes OUT_DIR/kernel and OUT_DIR/initramfs; in KEEP_DIR stays what was downloaded
# STATION_BIN: the folder with station, device-emulator and dps-emulator; test programs are in ../tests beside it
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
keep=$1
out=$2
: "${STATION_BIN:?the folder with the programs}"
# What the guest loads, in this order; what these depend on comes before them.
modules="dummy_hcd libcomposite usb_f_fs usb_f_acm cdc_acm uhci_hcd ftdi_sio"
tools="bash jq sqlite3 openssl curl softhsm2-util swtpm
	base64 cat chmod cp cut date env flock grep head id ln ls mkdir mkfifo mktemp mv od readlink rm sed seq setpriv sleep sort stat
	tail timeout touch tr uniq wc xargs"
# What programs open by name when they run.
files="/usr/lib/softhsm/libsofthsm2.so /usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so
	/usr/share/p11-kit/modules/softhsm2.module /etc/ssl/openssl.cnf /etc/softhsm/softhsm2.conf"

# The newest kernel package that apt knows, fetched once: about 70 MB.
fetch_kernel() {
	local name
	name=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: *\(linux-image-[^ ]*\)$/\1/p' | head -n 1)
	[ -n "$name" ] || { echo "apt knows no linux-image-amd64; apt-get update" >&2; exit 1; }
	[ -e "$keep/$name/kernel" ] || {
		rm -rf "$keep"/linux-image-* "$keep/unpacked"
		mkdir -p "$keep/$name"
		(cd "$keep" && apt-get -q download "$name" >&2)
		dpkg -x "$keep"/linux-image-*.deb "$keep/unpacked"
		mv "$keep"/unpacked/boot/vmlinuz-* "$keep/$name/vmlinuz"
		mv "$keep"/unpacked/lib/modules/*/kernel "$keep/$name/kernel"
		rm -rf "$keep/unpacked" "$keep"/linux-image-*.deb
	}
	kernel=$keep/$name
	cp "$kernel/vmlinuz" "$out/kernel"
}

# A module's file, after those of everything that it says it depends on.
module_files() {
	local file dep
	file=$(find "$kernel/kernel" -name "${1//_/[-_]}.ko" | head -n 1)
	[ -n "$file" ] || { echo "the kernel has no module $1" >&2; exit 1; }
	for dep in $(grep -aoz '^depends=[^[:cntrl:]]*' "$file" | tr -d '\0' | sed 's/^depends=//; s/,/ /g'); do
		module_files "$dep"
	done
	echo "$file"
}

put_modules() {
	local module file
	mkdir -p "$root/modules"
	for module in $modules; do module_files "$module"; done | awk '!seen[$0]++' >"$root/modules/files"
	while read -r file; do
		cp "$file" "$root/modules/"
		echo "${file##*/}"
	done <"$root/modules/files" >"$root/modules/order"
	rm "$root/modules/files"
}

# put FILE [AS]: with the libraries that it is linked with
put() {
	local library
	mkdir -p "$root$(dirname "${2:-$1}")"
	cp -L "$1" "$root${2:-$1}"
	for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"; }
	done
}

put_all() {
	local name file
	mkdir -p "$root"/{bin,usr/bin,lib64,tmp,proc,sys,dev,etc,root,var/lib}
	put "$(command -v busybox)" /bin/busybox
	for name in $tools; do put "$(command -v "$name")" "/usr/bin/$name"; done
	for name in station device-emulator dps-emulator; do put "$STATION_BIN/$name" "/station/bin/$name"; done
	for name in bench_usb fake_usb; do
		[ ! -x "$STATION_BIN/../tests/$name" ] || put "$STATION_BIN/../tests/$name" "/station/bin/$name"
	done
	for file in $files; do [ ! -e "$file" ] || put "$file"; done
	mkdir -p "$root/station/tests"
	cp -r "$here" "$here/../flow" "$root/station/tests/"
	cp "$here/init" "$root/init"
	mkdir -p "$root/usr/lib/locale" && cp -r /usr/lib/locale/C.utf8 "$root/usr/lib/locale/"
	printf 'root:x:0:0:root:/root:/bin/bash\nline:x:900:900:line:/tmp:/bin/bash\n' >"$root/etc/passwd"
	printf 'root:x:0:\nline:x:900:\nstation:x:901:\n' >"$root/etc/group"
	printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
	strip --strip-debug "$root"/modules/*.ko "$root"/station/bin/* 2>/dev/null || true
}

mkdir -p "$keep" "$out"
umask 022 # not all that runs there is root
root=$(mktemp -d "$out/root.XXXXXX")
chmod 755 "$root"
trap 'rm -rf "$root"' EXIT
fetch_kernel
put_modules
put_all
(cd "$root" && find . -print0 | cpio -0 -o -H newc --quiet) >"$out/initramfs"
