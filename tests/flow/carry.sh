#!/bin/bash
# Days without a network: one station's records are carried to another by hand, sent from there, and settled by its
# receipt. Files that were changed, cut, or come from strangers are refused; kill -9 and a full disk lose nothing.
. "$(dirname "$0")/lib.sh"
units=6
service
devices --count $units --kinds sensor,gateway,meter
line $units
far=$dir
near=$work/near

# far has no network; near has. Both can derive the keys of the meters.
at() { dir=$1; }
with_keys() { # INI
	sed -i '/^issuing-key/a audit-key = pkcs11:object=audit' "$1"
	sed -i '/^\[profile "meter"\]/,/^group-key/{s/^enroll = group/enroll = individual/;/^group = /d}' "$1"
}
with_keys "$far/station.ini"
expect 0 "$station" init "$near" --id near
sed "s|^id = flow|id = near|;s|token=flow|token=near|;s|$far|$near|" "$far/station.ini" >"$work/near.ini"
cp "$work/near.ini" "$near/station.ini"
expect 0 "$station" hsm import dps-policy --dir "$near" <"$work/policy.key"
expect 0 "$station" hsm import meters --dir "$near" <"$work/meters.key"
stop "$service_pid"
for ((i = 0; i < units; i++)); do seat $((i + 1)) $i; done
serve 0 $units
status() { expect 0 "$station" status --json --dir "$1"; has "$2"; }
status "$far" '.pending == 6 and .carried == 0'

# Who is trusted: by two files that were handed over.
expect 0 "$station" audit key --dir "$far"
says "-----BEGIN PUBLIC KEY-----"
cp "$out" "$work/far.pem"
openssl pkey -pubin -in "$work/far.pem" -noout || fail "openssl does not read the key"
expect 0 "$station" audit key --dir "$near"
cp "$out" "$work/near.pem"
expect 0 "$station" enroll export "$work/batch" --json --dir "$far"
has '.event == "exported" and .records == 6'
batch=$(jq -r .batch "$out")
equal 600 "$(stat -c %a "$work/batch")" "mode of the batch"
status "$far" '.pending == 6 and .carried == 6'
expect 2 "$station" enroll import-batch "$work/batch" --dir "$near"
says "not trusted here"
expect 2 "$station" enroll trust "$work/batch" --dir "$near"
expect 2 "$station" enroll trust "$work/near.pem" --dir "$near"
says "this very station"
expect 0 "$station" enroll trust "$work/far.pem" --dir "$near"
expect 0 "$station" enroll trust "$work/near.pem" --dir "$far"

# The batch is what its manifest says, to anybody's tools.
equal 6 "$(head -n 1 "$work/batch" | jq .count)" "records in the manifest"
equal "$(sed '1d;$d' "$work/batch" | sha256sum | cut -d' ' -f1)" "$(head -n 1 "$work/batch" | jq -r .sha256)" "SHA-256"
tail -n 1 "$work/batch" | jq -r .signature | base64 -d >"$work/sig"
head -n -1 "$work/batch" >"$work/signed"
openssl dgst -sha256 -verify "$work/far.pem" -signature "$work/sig" "$work/signed" >/dev/null || fail "the signature is none"
! grep -qE 'primaryKey|secondaryKey|PRIVATE' "$work/batch" || fail "a key is in the batch"

# Held: nothing is sent from far, though the service is back.
service
sed -i "s/^\(host\|device-host\) = .*/\1 = $host/" "$near/station.ini"
expect 0 "$station" sync --dir "$far"
says "0 enrolled"
equal 0 "$(enrollments)" "enrollments"
expect 0 "$station" enroll list --json --dir "$far"
has ".reason == \"with a carrier: batch $batch\""
has '.event == "records" and .queued == 6 and .carried == 6'
expect 2 "$station" enroll export "$work/second" --dir "$far"
says "nothing waits"

# Changed, cut, foreign, or a receipt that is none.
refused() { # FILE TEXT
	expect 2 "$station" enroll import "$1" --dir "$near"
	says "$2"
	at "$near"
	equal 0 "$(sql "SELECT count(*) FROM outbox")" "records that came in"
	at "$far"
}
sed '2s/enabled/Enabled/' "$work/batch" >"$work/bad" && refused "$work/bad" "the file was changed"
sed 2d "$work/batch" >"$work/bad" && refused "$work/bad" "cut short"
head -c -5 "$work/batch" >"$work/bad" && refused "$work/bad" "cut short"
sed '1s/flow/flaw/' "$work/batch" >"$work/bad" && refused "$work/bad" "not trusted"
sed '1s/2[0-9]:[0-9][0-9]Z/99:99Z/;1s/created":"2/created":"3/' "$work/batch" >"$work/bad" && refused "$work/bad" "it was changed"
sed '1s/batch\/1/batch\/7/' "$work/batch" >"$work/bad" && refused "$work/bad" "can't read"
refused "$station" "line 1"
refused "$work" "is no file"
expect 2 "$station" enroll import-receipt "$work/batch" --dir "$near"
says "batch, no receipt"

# Taken, twice; a receipt before anything was sent settles nothing; then all of it.
expect 0 "$station" enroll import-batch "$work/batch" --json --dir "$near"
has '.event == "imported" and .records == 6 and .waiting == 6 and .again == false'
expect 0 "$station" enroll import "$work/batch" --json --dir "$near"
has '.again'
expect 1 "$station" enroll receipt "$batch" "$work/early" --dir "$near"
expect 0 "$station" enroll import-receipt "$work/early" --dir "$far"
status "$far" '.carried == 6'
expect 0 "$station" sync --json --dir "$near"
has '.event == "sync" and .enrolled == 6'
equal 6 "$(enrollments)" "enrollments"
expect 0 "$station" enroll receipt "$batch" "$work/receipt" --dir "$near"
sed '2s/enrolled/waiting/' "$work/receipt" >"$work/bad"
expect 2 "$station" enroll import-receipt "$work/bad" --dir "$far"
says "changed"
status "$far" '.carried == 6'
expect 0 "$station" enroll import "$work/receipt" --json --dir "$far"
has '.kind == "receipt" and .enrolled == 6'
status "$far" '.enrolled == 6 and .pending == 0 and .carried == 0'
expect 0 "$station" enroll import-receipt "$work/receipt" --json --dir "$far"
has '.again'
expect 0 "$station" enroll import-receipt "$work/early" --dir "$far"
status "$far" '.enrolled == 6'
nothing_lost_at() { at "$1"; log_is_whole; at "$far"; }
nothing_lost_at "$far"
nothing_lost_at "$near"
for kind in batch-exported receipt-imported station-trusted; do
	equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"$kind\"%'")" "entries $kind"
done

# Many records: copies of one that is there.
many=3000
fill() { # FROM TO
	sqlite3 -cmd '.timeout 5000' "$far/station.db" "WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
		INSERT INTO outbox(job, registration_id, payload, changed_ms)
		SELECT 'flow/many-' || i, 'many-' || i, CAST(replace(CAST(payload AS TEXT), registration_id, 'many-' || i) AS BLOB), 0
		FROM n, (SELECT * FROM outbox WHERE CAST(payload AS TEXT) LIKE '%x509%' LIMIT 1)" || fail "no rows were made"
}
fill 1 $many
equal $many "$(sql "SELECT count(*) FROM outbox WHERE state = 'queued'")" "records that wait"
held() { sql "SELECT count(*) FROM outbox WHERE carried_by IS NOT NULL"; }

# killed in the middle of an export: the file is whole or not there; what is held can be cancelled
for delay in 0.05 0.1 0.15 0.2 0.3 0.4; do
	rm -f "$work"/killed*
	"$station" enroll export "$work/killed" --dir "$far" >/dev/null 2>&1 &
	pid=$!
	sleep $delay
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
	if [ -e "$work/killed" ]; then
		equal $many "$(sed '1d;$d' "$work/killed" | wc -l)" "records of a killed export"
		equal "$(sed '1d;$d' "$work/killed" | sha256sum | cut -d' ' -f1)" "$(head -n 1 "$work/killed" | jq -r .sha256)" "SHA-256"
		equal $many "$(held)" "records that are held"
	fi
	expect 0 "$station" enroll batches --json --dir "$far"
	for id in $(jq -r 'select(.waiting > 0) | .batch' "$out"); do
		expect 0 "$station" enroll cancel "$id" --dir "$far"
	done
	equal 0 "$(held)" "records that are held"
done

# a full disk: the export says so, and nothing is held
mkdir "$work/small"
if mount -t tmpfs -o size=1m none "$work/small" 2>/dev/null; then
	expect 2 "$station" enroll export "$work/small/batch" --dir "$far"
	says "No space left"
	equal 0 "$(held)" "records that are held"
	equal 0 "$(find "$work/small" -type f | wc -l)" "files that were left behind"
	umount "$work/small"
fi

# killed in the middle of an import, again and again: in the end each record is there once
expect 0 "$station" enroll export "$work/large" --json --dir "$far"
batch=$(jq -r .batch "$out")
for delay in 0.05 0.08 0.1 0.12 0.15 0.2 0.25; do
	"$station" enroll import-batch "$work/large" --dir "$near" >/dev/null 2>&1 &
	pid=$!
	sleep $delay
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
done
expect 0 "$station" enroll import-batch "$work/large" --json --dir "$near"
has ".waiting == $many"
at "$near"
equal $many "$(sql "SELECT count(*) FROM outbox WHERE job LIKE 'flow/many-%'")" "records that came in"
equal 2 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%\"kind\":\"batch-imported\"%'")" "entries of imports"
at "$far"
equal 0 "$(find "$near" "$work" -maxdepth 1 -name '.carry*' | wc -l)" "files that were left behind"
nothing_lost_at "$far"
nothing_lost_at "$near"

# One-way forms.
expect 0 "$station" enroll cancel "$batch" --dir "$far"
sqlite3 -cmd '.timeout 5000' "$far/station.db" "DELETE FROM outbox WHERE job LIKE 'flow/many-%' AND id % 100 <> 0;
	UPDATE outbox SET state = 'queued' WHERE job NOT LIKE 'flow/many-%'" || fail "rows stay"
symmetric=$(sql "SELECT count(*) FROM outbox WHERE key_sha256 IS NOT NULL")
tpm=$(sql "SELECT count(*) FROM outbox WHERE CAST(payload AS TEXT) LIKE '%endorsementKey%'")
all=$(sql "SELECT count(*) FROM outbox")
[ "$symmetric" -gt 0 ] && [ "$tpm" -gt 0 ] || fail "a kind of unit is missing"
expect 1 "$station" enroll export "$work/dps.json" --format dps-json --dir "$far"
says "left out: "
equal $((all - symmetric)) "$(jq -s 'map(.enrollments | length) | add' "$work/dps.json")" "enrollments in dps-json"
jq -es 'all(.mode == "create" and (.enrollments | length >= 1 and length <= 10))' "$work/dps.json" >/dev/null || fail "bodies"
head -n 1 "$work/dps.json" >"$work/body.json"
api POST /enrollments "@$work/body.json" >"$out" || fail "the service does not take a body"
expect 1 "$station" enroll export "$work/devices.txt" --format iothub-devices --dir "$far"
equal $((all - symmetric - tpm)) "$(wc -l <"$work/devices.txt")" "lines of devices.txt"
jq -es 'all(.importMode == "create" and .authentication.type == "selfSigned" and
	(.authentication.x509Thumbprint.primaryThumbprint | test("^[0-9A-F]{64}$")))' "$work/devices.txt" >/dev/null || fail "devices.txt"
expect 1 "$station" enroll export "$work/all.csv" --format csv --dir "$far"
python3 - "$work/all.csv" $((all - symmetric)) <<'PY' || fail "the CSV is none"
import base64, csv, hashlib, sys
raw = open(sys.argv[1], newline="").read()
assert raw.endswith("\r\n")
rows = list(csv.DictReader(raw.splitlines(True)))
assert len(rows) == int(sys.argv[2])
for row in rows:
    assert not any(cell[:1] in ("=", "+", "-", "@") for cell in row.values())
    if row["attestation"] == "x509":
        assert hashlib.sha256(base64.b64decode(row["certificate"])).hexdigest().upper() == row["certificateSha256"]
    else:
        assert base64.b64decode(row["endorsementKey"])
PY
expect 2 "$station" enroll export "$work/x" --format xml --dir "$far"
says "dps-json, iothub-devices, csv"
