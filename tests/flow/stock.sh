#!/bin/bash
# Devices with stock mcumgr firmware: files over the standard groups, believed by their digest. The device is an SMP
# server written from the specification alone (tests/fakes/smp_server.c), one process each.
. "$(dirname "$0")/lib.sh"
fake=$STATION_BIN/../tests/fake_smp_server
service
line 1
base=$(sed -n '/^\[station\]/,/^key = /p' "$dir/station.ini")

# device NAME ID ARGS...: on $work/NAME.tty unless it is on TCP; $work/NAME is its file system
device() {
	local name=$1 id=$2
	shift 2
	mkdir -p "$work/$name/lfs"
	start "$work/$name.log" "$fake" --dir "$work/$name" --setting "factory/serial=$id" --shell "hwinfo id=hw-$name
> " "$@"
	device_pid=$started
}
on_tty() { device "$@" --pty "$work/$1.tty"; }
file() { echo "$work/$1/lfs/$2"; }
uploads() { jq -r -s --arg n "/lfs/$2" '[.[] | select(.event == "upload" and .name == $n) | .off] | join(" ")' "$work/$1.log"; }

# slots PROFILE:LINK...: the configuration, with a slot for each
slots() {
	local i=0 slot
	{
		printf '%s\n' "$base"
		printf '[profile "node"]\nattest = x509\nkey = station\nenroll = individual\n'
		printf 'serial-from = settings:factory/serial\nhwid-from = shell:hwinfo id\n'
		printf '[profile "meter"]\nattest = symmetric\nenroll = group\ngroup = meters\ngroup-key = pkcs11:object=meters\n'
		printf 'serial-from = settings:factory/serial\nmodel-from = text:Meter 3\nsymkey-path = /lfs/sym\n'
		for slot; do
			i=$((i + 1))
			printf '[slot "%d"]\nprofile = %s\ndriver = smp-stock\nlink = %s\n' "$i" "${slot%%:*}" "${slot#*:}"
		done
	} >"$dir/station.ini"
}

# holds_identity NAME: chain up to our root, the key is the leaf's, the settings are the unit's
holds_identity() {
	local id
	id=$(jq -r .registrationId "$(file "$1" provisioning.json)") || fail "no settings on $1"
	openssl verify -CAfile "$dir/ca/root.pem" -untrusted "$(file "$1" chain.pem)" "$(file "$1" chain.pem)" >/dev/null 2>&1 ||
		fail "the chain on $1"
	equal "$(openssl x509 -in "$(file "$1" chain.pem)" -noout -pubkey)" \
		"$(openssl pkey -inform DER -in "$(file "$1" key.der)" -pubout)" "the key on $1"
	equal "subject=CN = $id" "$(openssl x509 -in "$(file "$1" chain.pem)" -noout -subject)" "subject of $1"
	equal '"file-hash"' "$(sql "SELECT json_extract(entry, '\$.proof') FROM audit_entry WHERE entry LIKE '%unit-provisioned%'
		AND json_extract(entry, '\$.registration_id') = '$id'" | jq -R .)" "proof of $1"
}

# Every kind of firmware at once: complete, without hash, before SMP version 2 and without status, small buffers, over TCP.
on_tty full SN-FULL
on_tty readback SN-READBACK --no-hash
on_tty old SN-OLD --old --no-hash --no-status
on_tty small SN-SMALL --buf 256
device tcp SN-TCP --buf 1024
tcp=$(jq -rn 'input.link' "$work/tcp.log")
on_tty meter M-0001
on_tty liar SN-LIAR --lie-hash
on_tty dropped SN-DROPPED --drop-at 900
on_tty muted SN-MUTED --mute-at 2
slots node:serial:"$work"/{full,readback,old,small}.tty node:tcp:"$tcp" meter:serial:"$work/meter.tty" \
	node:serial:"$work"/{liar,dropped,muted}.tty
serve 1 9
equal "8 1" "$(count '.result? == "PASS"') $(count '.result? == "FAIL"')" "passed, failed"
for name in full readback old small tcp dropped muted; do holds_identity $name; done
grep -q '"hash"' "$work/full.log" || fail "nothing was hashed"
! grep -q '"download"' "$work/full.log" || fail "something was read back that could be hashed"
grep -q '"download","name":"/lfs/key.der"' "$work/readback.log" || fail "the key was not read back"
equal 1 "$(jq -s '[.[] | select(.event == "upload" and .name == "/lfs/provisioning.json" and .off == 0)] | length' "$work/small.log")" \
	"settings written"
[ "$(uploads small chain.pem | wc -w)" -gt "$(uploads tcp chain.pem | wc -w)" ] || fail "chunks do not follow the buffer"
# In the middle of the chain the line went; the rest of it came behind what was there.
equal 2 "$(grep -c '"ready"' "$work/dropped.log")" "terminals"
equal "$(uploads dropped chain.pem | tr ' ' '\n' | sort -nu | paste -sd' ')" "$(uploads dropped chain.pem)" "parts of a chain whose link broke"
# A part whose answer was lost is not written twice.
equal "$(uploads muted chain.pem | tr ' ' '\n' | sort -nu | paste -sd' ')" "$(uploads muted chain.pem)" "parts of a chain whose answer was lost"
# The meter has the group's key for its ID, as raw bytes.
equal "$(printf 'm-0001' | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(base64 -d <"$work/meters.key" | od -An -v -tx1 | tr -d ' \n')" -r | cut -d' ' -f1)" \
	"$(od -An -v -tx1 "$(file meter sym)" | tr -d ' \n')" "the meter's key"
has '.serial? == "SN-LIAR" and .result? == "FAIL" and (.text | contains("is not on the unit as it was written"))'
equal 0 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%SN-LIAR%'")" "certificates of the liar"
equal 0 "$(sql "SELECT count(*) FROM job WHERE state = 'passed' AND key_item_sha256 IS NOT NULL")" "digests of keys that are done with"
equal "hw-full Zephyr 3.7.0 frdm_k64f" "$(sql "SELECT json_extract(entry, '\$.hwid') || ' ' || json_extract(entry, '\$.firmware') || ' ' ||
	json_extract(entry, '\$.model') FROM audit_entry WHERE entry LIKE '%unit-provisioned%SN-FULL%'")" "what is known of a unit"
nothing_lost

# What was kept and is no more is seen in verify: the key, the chain, the symmetric key.
on_tty rotten1 SN-ROTTEN1 --rots /lfs/key.der
on_tty rotten2 SN-ROTTEN2 --rots /lfs/chain.pem --no-hash
on_tty rotten3 M-0002 --rots /lfs/sym
# One that takes the key and then no chain has a certificate that never arrived.
on_tty full1 SN-FULL1
on_tty full2 SN-FULL2
mkdir "$work"/full{1,2}/lfs/chain.pem
slots node:serial:"$work"/rotten{1,2}.tty meter:serial:"$work/rotten3.tty" node:serial:"$work"/full{1,2}.tty
serve 1 5
rotten() { has ".serial? == \"$1\" and .result? == \"FAIL\" and .step == \"verify\" and (.text | contains(\"$2\"))"; }
rotten SN-ROTTEN1 "does not hold the key that it was given"
rotten SN-ROTTEN2 "does not hold what it said it stored"
rotten M-0002 "does not hold the key that it was given"
for id in SN-FULL1 SN-FULL2; do has ".serial? == \"$id\" and .result? == \"FAIL\" and .step == \"inject\""; done
certificates() { sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%certificate-issued%\"$1\"%'"; }
equal "1 1" "$(certificates SN-FULL1) $(certificates SN-FULL2)" "certificates"
# Repaired, the first has its key still and gets the certificate that it has; the second lost it, and gets no other.
rmdir "$work"/full{1,2}/lfs/chain.pem
rm "$(file full2 key.der)"
slots node:serial:"$work"/full{1,2}.tty
serve 1 2
has '.serial? == "SN-FULL1" and .result? == "PASS"'
holds_identity full1
has '.serial? == "SN-FULL2" and .result? == "FAIL" and (.text | contains("lost the key that its certificate was issued for"))'
equal "1 1" "$(certificates SN-FULL1) $(certificates SN-FULL2)" "certificates afterwards"
nothing_lost

# Seated again it has passed before, and nothing is written.
before=$(grep -c upload "$work/full.log")
slots node:serial:"$work/full.tty"
line_up
await '.result? == "ALREADY" and .serial == "SN-FULL"'
stop "$line_pid"
equal "$before" "$(grep -c upload "$work/full.log")" "uploads to a unit that passed before"
# Another one with its serial.
on_tty twin SN-FULL
slots node:serial:"$work/twin.tty"
serve 1 1
has '.result? == "FAIL" and (.text | contains("already known with hardware ID hw-full"))'
[ ! -e "$(file twin key.der)" ] || fail "a key on a twin"
nothing_lost

# What such units can't do is said before the first one is seated, with file and line.
refused() { # text, sed expression
	sed -i "$2" "$dir/station.ini"
	expect 2 "$station" run --headless --count 1 --dir "$dir"
	grep -qE "station.ini:[0-9]+: .*$1" "$errs" || fail "it does not say: $1"
	slots node:serial:"$work/full.tty"
}
refused "units of this driver make no key; key = station is needed" 's/^key = station/key = device/'
refused "this driver reaches no TPM" 's/^attest = x509/attest = tpm/'
refused "serial-from and hwid-from can't be a text" 's/^serial-from = .*/serial-from = text:one/'
refused "serial-from is settings:NAME" 's/^serial-from = .*/serial-from = devicetree/'
refused "needs serial-from" '/^serial-from/d'
refused "has no use for the key owner" 's/^hwid-from/owner = root:root\n&/'
refused "does not begin with /" 's/^hwid-from/key-path = key.der\n&/'
refused "two items have the path" 's/^hwid-from/key-path = \/lfs\/chain.pem\n&/'
