#!/bin/bash
# The log: whoever changes an entry, takes one out or puts one in is found out, and the entry is named: exit 3.
. "$(dirname "$0")/lib.sh"
service
devices --count 3 --kinds sensor
line 3
for i in 0 1 2; do seat $((i + 1)) $i; done
serve 0 3
cp "$dir/station.db" "$work/good.db"
rm -f "$dir"/station.db-*
entries=$(sql 'SELECT count(*) FROM audit_entry')

# Whole: each entry is one line of JSON, in order, and says what happened.
expect 0 "$station" audit show --dir "$dir"
equal "$entries" "$(wc -l <"$out")" "entries shown"
jq -s -e 'map(.index) == [range(length)]' "$out" >/dev/null || fail "the entries are not in order"
equal "1 3 3" "$(count '.kind == "station-started"') $(count '.kind == "certificate-issued"') $(count '.kind == "unit-provisioned"')" \
	"kinds of entries"
expect 0 "$station" audit verify --dir "$dir"
says "The log is whole: $entries entries"

# poisoned BAD STATEMENTS: the log after them is not whole, from that entry on
poisoned() {
	cp "$work/good.db" "$dir/station.db"
	sqlite3 "$dir/station.db" "DROP TRIGGER audit_entry_no_update; DROP TRIGGER audit_entry_no_delete;
		DROP TRIGGER audit_head_forward; DROP TRIGGER audit_head_no_delete; $2" || fail "sqlite3"
	expect 3 "$station" audit verify --dir "$dir" --json
	has ".event == \"audit\" and .whole == false and .bad == $1 and (.reason | length > 0)"
	expect 3 "$station" audit verify --dir "$dir"
	says "THE LOG WAS CHANGED. First bad entry: $1: "
	says "call the security officer"
}
poisoned 4 "UPDATE audit_entry SET entry = replace(entry, 'sensor', 'censor') WHERE idx = 4"
poisoned 2 "UPDATE audit_entry SET entry = entry || ' ' WHERE idx = 2"
poisoned 3 "DELETE FROM audit_entry WHERE idx = 3"
poisoned $((entries - 1)) "DELETE FROM audit_entry WHERE idx = $((entries - 1))"
poisoned 0 "UPDATE audit_entry SET entry = replace(entry, 'flow', 'flaw') WHERE idx = 0"

# Without such tools the database itself refuses.
cp "$work/good.db" "$dir/station.db"
for statement in "UPDATE audit_entry SET entry = '{}' WHERE idx = 1" "DELETE FROM audit_entry WHERE idx = 1" "DELETE FROM audit_head"; do
	if sqlite3 "$dir/station.db" "$statement" >"$out" 2>"$errs"; then fail "taken: $statement"; fi
	says "append-only"
done
log_is_whole
