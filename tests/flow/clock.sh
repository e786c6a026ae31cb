# A clock that contradicts the log: units wait until it is set right or accepted, and nothing is issued meanwhile.
. "$(dirname "$0")/lib.sh"

service
devices --count 3 --kinds sensor
line 1
seat 1 0
serve 0 1

# The log's latest time moves an hour ahead, as if the clock were set back; the log's own guard has to go for that.
an_hour_ahead() {
	sqlite3 -cmd '.timeout 5000' "$dir/station.db" \
		"DROP TRIGGER IF EXISTS audit_head_forward; UPDATE audit_head SET clock_ms = clock_ms + 3600000" || fail "sqlite3"
}
an_hour_ahead
expect 1 "$station" clock --dir "$dir"
says "set the clock right"

seat 1 1
line_up
await '.event == "wait" and .for == "clock"'
equal 1 "$(sql "SELECT count(*) FROM cert_serial")" "certificates while the clock is in doubt"

# In a station without operators one person may accept it; the unit that waits goes on by itself.
expect 0 "$station" clock accept --dir "$dir"
await '.event == "unit" and .result == "PASS"'
expect 0 "$station" clock --dir "$dir"

# It is set back while the line works: the next unit waits.
an_hour_ahead
sleep 4 # it is looked at every two seconds
seat 1 2
await '.event == "wait" and .serial == "'"$(serial_of 2)"'"'
stop "$line_pid"
equal 2 "$(sql "SELECT count(*) FROM cert_serial")" "certificates in the end"
equal 1 "$(sql "SELECT count(*) FROM audit_entry WHERE entry LIKE '%clock-accepted%'")" "entries of the acceptance"
log_is_whole
