#!/bin/bash
# Who may include whom: directions, doors only, third-party headers only in their folder (docs/ARCHITECTURE.md).
# usage: includes.sh SOURCE_DIR
set -eu
cd "$1"
folders="base pki hsm fixtures audit enroll station"

# The folders in which a library's header may appear; "-" is anybody's (libc, kernel).
library_folders() {
	case $1 in
	openssl/x509*|openssl/pem.h) echo "pki enroll station fixtures/emulator enroll/emulator" ;;
	openssl/*) echo "base pki hsm enroll station fixtures/emulator enroll/emulator" ;;
	sqlite3.h) echo "base" ;;
	p11-kit/*|pkcs11.h) echo "hsm" ;;
	libserialport.h|libusb*|libudev.h|tss2/*|cbor.h|cbor/*) echo "fixtures fixtures/emulator" ;;
	curl/*) echo "enroll" ;;
	microhttpd.h|gnutls/*) echo "enroll/emulator" ;;
	jansson.h) echo "audit enroll enroll/emulator fixtures/emulator station" ;;
	ini.h|ncurses*|curses.h|term.h|libintl.h|qrencode.h|libpq-fe.h) echo "station" ;;
	sys/socket.h|netdb.h|resolv.h|arpa/*|netinet/*|poll.h|fcntl.h|dirent.h) echo "not-pki" ;;
	linux/*|sys/*|std*.h|string.h|strings.h|errno.h|limits.h|ctype.h|math.h|inttypes.h|unistd.h|time.h) echo "-" ;;
	pthread.h|signal.h|spawn.h|termios.h|getopt.h|libgen.h|locale.h|wchar.h|wctype.h|assert.h|malloc.h) echo "-" ;;
	pty.h|pwd.h|grp.h|sched.h|setjmp.h|syslog.h|iconv.h|langinfo.h|fnmatch.h|ftw.h|glob.h|link.h|dlfcn.h) echo "-" ;;
	endian.h|byteswap.h|utime.h|search.h|semaphore.h|ucontext.h|execinfo.h|float.h|fenv.h|regex.h) echo "-" ;;
	*) echo "unlisted" ;;
	esac
}

# The rooms that are programs of their own count as folders here.
room_of() {
	case $1 in
	fixtures/emulator/*|fixtures/device/*|enroll/emulator/*) echo "${1%/*}" ;;
	*) echo "${1%%/*}" ;;
	esac
}

own_allowed() { # includer room, included path
	case $1:$2 in
	fixtures/device:*) return 1 ;;
	fixtures/emulator:fixtures/device/device.h) return 0 ;;
	fixtures:fixtures/device/*) return 1 ;;
	station:pki/pki.h|station:hsm/hsm.h|station:audit/audit.h|station:enroll/enroll.h) return 0 ;;
	station:fixtures/fixture.h|station:fixtures/smp.h) return 0 ;;
	*:base/*/*) return 1 ;;
	*:base/*) return 0 ;;
	fixtures/emulator:fixtures/emulator/*|enroll/emulator:enroll/emulator/*) return 0 ;;
	fixtures/emulator:fixtures/*/*|enroll/emulator:enroll/*/*) return 1 ;;
	fixtures/emulator:fixtures/*|enroll/emulator:enroll/*) return 0 ;;
	fixtures:fixtures/emulator/*|enroll:enroll/emulator/*) return 1 ;;
	*) [ "$1" = "${2%%/*}" ] ;;
	esac
}

bad=0
complain() { echo "$1: $2"; bad=1; }

check_own() { # place, room, path
	# This folder is copied into firmware, so its files name each other without the way there.
	case $2/$3 in fixtures/device/device.h|fixtures/device/device_internal.h) return ;; esac
	if [ ! -e "$3" ]; then
		complain "$1" "\"$3\" is not a path from the top of the tree"
	elif ! own_allowed "$2" "$3"; then
		complain "$1" "$2 may not include \"$3\""
	fi
}

check_library() { # place, file, room, header
	local who
	if [ "$3" = fixtures/device ]; then
		case $4 in stdint.h|stddef.h|stdbool.h|string.h) return ;; esac
		complain "$1" "fixtures/device may not include <$4>: it is for firmware"
		return
	fi
	who=$(library_folders "$4")
	case $who in
	-) return ;;
	not-pki) [ "$3" != pki ] || complain "$1" "pki is pure: no <$4>"; return ;;
	unlisted) complain "$1" "<$4> is in no folder's list; see tests/lint/includes.sh"; return ;;
	esac
	case " $who " in
	*" $3 "*) ;;
	*) complain "$1" "<$4> belongs to: $who" ;;
	esac
	case $2 in
	*.c|*_internal.h) ;;
	*) complain "$1" "<$4> may appear in .c files and *_internal.h only" ;;
	esac
}

while IFS=: read -r file line text; do
	name=${text#*[<\"]}
	name=${name%%[>\"]*}
	room=$(room_of "$file")
	case $text in
	*\"*) check_own "$file:$line" "$room" "$name" ;;
	*) check_library "$file:$line" "$file" "$room" "$name" ;;
	esac
done < <(find $folders -name '*.[ch]' -exec grep -nHE '^[[:space:]]*#[[:space:]]*include' {} +)
exit $bad
