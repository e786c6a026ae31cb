#!/bin/bash
# station enroll check, names: a private endpoint that this network's DNS knows, one that it does not know, and none.
# The network is one of its own, with a name server that the test controls: left out where that can't be had.
if [ "${1-}" != inside ]; then
	unshare -mn true 2>/dev/null || { echo "no network of its own here"; exit 77; }
	exec unshare -mn "$BASH" "$0" inside
fi
. "$(dirname "$0")/lib.sh"
ip link set lo up || fail "no loopback"
echo 'nameserver 127.0.0.77' >"$work/resolv.conf"
echo 'hosts: files dns' >"$work/nsswitch.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf && mount --bind "$work/nsswitch.conf" /etc/nsswitch.conf || fail "no mount"
zone=azure-devices-provisioning.net
start "$work/names" python3 "$(dirname "$0")/../fakes/name_server.py" 127.0.0.77 \
	known.$zone=known.privatelink.$zone known.privatelink.$zone=10.1.2.3 \
	unknown.$zone=unknown.privatelink.$zone unknown.privatelink.$zone=dps.trafficmanager.example \
	dps.trafficmanager.example=203.0.113.9 public.$zone=203.0.113.10 global.$zone=198.51.100.1
service
line 1

# found HOST CHECK RESULT WORDS: the station and its devices use HOST
found() {
	sed -i "s/^\(host\|device-host\) = .*/\1 = $1/" "$dir/station.ini"
	expect 4 "$station" enroll check --dir "$dir" --json # the address leads nowhere from here
	jq -e -s --arg h "$1" --arg c "$2" --arg r "$3" --arg w "$4" \
		'any(.[]; .host == $h and .check == $c and .result == $r and (.found + " " + (.advice // "") | contains($w)))' \
		"$out" >/dev/null || fail "no check $2 of $1 is $3: $4"
}
found known.$zone names good "is known.privatelink.$zone; 10.1.2.3 (private)"
found unknown.$zone names doubt "is unknown.privatelink.$zone, is dps.trafficmanager.example; 203.0.113.9 (public)"
found unknown.$zone names doubt "forward the zone privatelink.$zone"
found public.$zone names good "203.0.113.10 (public)"
found absent.$zone names bad "resolve = HOST=ADDRESS"

# Devices that use another host than the station are checked as devices.
sed -i "s/^device-host = .*/device-host = global.$zone/" "$dir/station.ini"
expect 4 "$station" enroll check --dir "$dir" --json
has '.role == "devices" and .check == "names" and (.found | contains("198.51.100.1 (public)"))'
