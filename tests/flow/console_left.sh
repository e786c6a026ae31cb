#!/bin/bash
# What a job that is broken off leaves on a console's device, and what the next one makes of it: the power fails while
# a file is half done, the station is killed, a file can't have its owner.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/console_lib.sh"
service
line 1
{
	sed '/^\[slot/,$d' "$dir/station.ini"
	x509 x509
	x509 nobody
	echo 'owner = no-such-user:no-such-group'
	slot a x509
	slot b x509
	slot c nobody
} >"$work/console.ini"
cp "$work/console.ini" "$dir/station.ini"
passed() { await ".serial? == \"$1\" and .result? == \"PASS\""; }

# slow UNIT: the first file that it is given is half done for a while
slow() {
	mkdir -p "$work/$1/bin"
	cat >"$work/$1/bin/chmod" <<EOF
#!/bin/sh
[ -e $work/$1/slowed ] || { : >$work/$1/slowed; sleep 5; }
exec $(command -v chmod) "\$@"
EOF
	chmod 755 "$work/$1/bin/chmod"
	echo "PATH=$work/$1/bin:\$PATH" >"$work/$1/profile"
}
half_done() { find "$work/$1/etc/iot" -name '*.station-*' 2>/dev/null | grep -q .; }
one_certificate() { # serial
	equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%' AND entry LIKE '%$1%'")" "certificates of $1"
}
line_up

# A power cut leaves half a file, which goes with the next write of the same one.
slow a
unit a SN-A -- "${bash_getty[@]}"
wait_for 30 half_done a || fail "nothing is half done"
kill -USR1 "$unit_pid"
passed SN-A
chain_is_right a /etc/iot/chain.pem /etc/iot/device.key
one_certificate SN-A
no_trace a

# The station is killed: its shell and the command are still there when it comes back.
slow b
unit b SN-B -- "${bash_getty[@]}"
wait_for 30 half_done b || fail "nothing is half done"
stop "$line_pid" KILL
logged_out "$unit_pid" && fail "who was killed logged out"
line_up
passed SN-B
chain_is_right b /etc/iot/chain.pem /etc/iot/device.key
one_certificate SN-B
no_trace b
wait_for 10 logged_out "$unit_pid" || fail "somebody is logged in"

# What fails takes its file along.
unit c SN-C -- "${bash_getty[@]}"
await '.serial? == "SN-C" and .result? == "FAIL" and .class == "unit"'
seen '.serial? == "SN-C" and (.text? // "" | contains("owner"))' || fail "the owner is not named"
half_done c && fail "a file that can't have its owner stays"
no_trace c
stop "$line_pid"
no_findings "$work"/*.err
nothing_lost
