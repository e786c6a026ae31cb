# Shared by the tests of consoles; sourced after lib.sh. Linux devices with a real getty, login and shell (agetty with
# bash, busybox with ash), each with an /etc and a /var of its own.
fake=${STATION_BIN%/bin}/tests/fake_console
for needed in agetty login busybox unshare "$fake"; do
	command -v "$needed" >/dev/null || fail "no $needed; see tests/packages.txt"
done
# Left out where nobody may log in on a terminal or mount: without root, and in a chroot.
[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || { echo "left out: a getty needs root and mounts of its own"; exit 77; }
printf secret-pw >"$work/password"
printf wrong-pw >"$work/wrong"
bash_getty=(agetty -L '{}' 115200 vt100)
ash_getty=(busybox getty -L 115200 '{}' vt100)
cp "$(command -v busybox)" "$work/ash"
chmod 755 "$work" "$work/ash"
identity='serial-from = command:cat /etc/serial\nmodel-from = text:linux\nuser = unit\n'

# unit NAME SERIAL OPTIONS... -- GETTY...: powers a device on; its files are in $work/NAME, its link in slots/NAME.
# $work/NAME/profile, if there is one, is what its shells read first; $work/NAME/lacks names the programs that it lacks.
unit() {
	local name=$1 serial=$2 hash part
	shift 2
	mkdir -p "$work/$name"/{etc,var,work-etc,work-var,home}
	touch "$work/$name/lacks"
	chmod 755 "$work/$name"/{etc,var}
	hash=$(openssl passwd -6 secret-pw)
	{
		cat /etc/passwd
		echo "unit:x:0:0::$work/$name/home:/bin/bash"
		echo "busy:x:0:0::$work/$name/home:$work/ash"
		echo "aziotcs:x:901:901::/:/bin/false"
		echo "aziotks:x:902:902::/:/bin/false"
	} >"$work/$name/etc/passwd"
	{ cat /etc/group; echo "aziotcs:x:901:"; echo "aziotks:x:902:"; } >"$work/$name/etc/group"
	{ cat /etc/shadow; for part in unit busy; do echo "$part:$hash:19000:0:99999:7:::"; done; } >"$work/$name/etc/shadow"
	[ ! -e "$work/$name/profile" ] || cp "$work/$name/profile" "$work/$name/etc/profile"
	echo "$serial" >"$work/$name/etc/serial"
	chmod 644 "$work/$name/etc"/{passwd,group,serial}
	start "$work/$name.log" unshare -m bash -c '
		for part in etc var; do
			mount -t overlay overlay -o "lowerdir=/$part,upperdir=$1/$part,workdir=$1/work-$part" /$part || exit 1
		done
		while read -r program; do mount --bind /dev/null "$program" || exit 1; done <"$1/lacks"
		exec "${@:2}"' x "$work/$name" "$fake" "$dir/slots/$name" "$@"
	unit_pid=$started
}

# slot NAME PROFILE
slot() { printf '[slot "%s"]\nprofile = %s\ndriver = console\nlink = serial:%s/slots/%s\n' "$1" "$2" "$dir" "$1"; }
# x509 NAME: a profile whose units make their key themselves; more of its lines may follow
x509() {
	printf '[profile "%s"]\nattest = x509\nkey = device\nenroll = individual\n'"$identity" "$1"
	printf 'password-file = %s/%s\n' "$work" "${2-password}"
}

no_trace() { # unit
	if find "$work/$1/home" "$work/$1/etc" "$work/$1/var" -name '*history*' -o -name '*.station-*' | grep .; then
		fail "$1 keeps a history or a temporary file"
	fi
}
mode() { stat -c '%u:%g %a' "$1"; }
chain_is_right() { # unit, path of the chain, path of the key
	openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$work/$1$2" "$work/$1$2" >"$out" 2>&1 || fail "chain of $1"
	equal "$(openssl x509 -in "$work/$1$2" -noout -pubkey)" "$(openssl pkey -in "$work/$1$3" -pubout)" "key of $1"
}
logged_out() { [ "$(ps -o comm= --ppid "$1")" = agetty ]; }
