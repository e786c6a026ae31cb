#!/bin/bash
# The token: a wrong PIN is one try and a clear stop; an absent token is named; nothing is issued. Exit 3.
. "$(dirname "$0")/lib.sh"
service
devices --count 1 --kinds sensor
line 1
seat 1 0

# A wrong PIN: one try, and how many are left as far as the token tells.
cp "$dir/secrets/hsm-pin" "$work/pin"
printf wrong-1234 >"$dir/secrets/hsm-pin"
serve 3 1
has '.event == "error" and .class == "operator" and (.text | contains("refused the PIN") and contains("tries left: ")
	and contains("it is not tried twice")) and .advice == "Correct it, then try again."'
equal 1 "$(cat "$out" "$errs" | grep -c 'refused the PIN')" "sentences about the PIN"
if grep -q wrong-1234 "$out" "$errs"; then fail "the PIN is said"; fi
expect 3 "$station" hsm list --dir "$dir"
says "refused the PIN"

# Absent: the token was taken out, and its module finds another or none.
cp "$work/pin" "$dir/secrets/hsm-pin"
mv "$dir/tokens" "$work/tokens"
mkdir "$dir/tokens"
serve 3 1
has '.event == "error" and (.text | contains("no token matches pkcs11:token=flow; put it in"))'
rmdir "$dir/tokens"
serve 3 1
mv "$work/tokens" "$dir/tokens"

# Neither a PIN file, nor an issuing key.
mv "$dir/secrets/hsm-pin" "$work/pin"
serve 3 1
says "$dir/secrets/hsm-pin"
mv "$work/pin" "$dir/secrets/hsm-pin"
cp "$dir/station.ini" "$work/good.ini"
sed -i 's/object=issuing/object=missing/' "$dir/station.ini"
serve 3 1
says "object=missing"
expect 1 "$station" hsm list --dir "$dir"
says MISSING
sed 's/object=issuing/object=root/' "$work/good.ini" >"$dir/station.ini"
serve 3 1 # the issuer's certificate is for another key
cp "$work/good.ini" "$dir/station.ini"

# Nothing came of all that; and with the token back in, the unit passes.
equal 0 "$(sql 'SELECT count(*) FROM job')" "units begun"
equal 0 "$(sql 'SELECT count(*) FROM outbox')" "records"
serve 0 1
has '.event == "unit" and .result == "PASS"'
expect 0 "$station" hsm list --dir "$dir" --json
equal 3 "$(count '.event == "key" and .present')" "keys"
nothing_lost
