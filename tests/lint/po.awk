# A PO file as one line per text: msgid, msgstr, "fuzzy" or "-", columns at most (0: any), by tabs.
# Strings stay escaped as they are in the file; the header and obsolete entries are left out.
function quoted(line) { sub(/^[^"]*"/, "", line); sub(/"[^"]*$/, "", line); return line }
function finish() {
	if (id != "")
		print id "\t" str "\t" (fuzzy ? "fuzzy" : "-") "\t" columns
	id = str = into = ""
	fuzzy = columns = 0
}
/^#~/ { next }
/^#\. .*at most [0-9]+ columns/ {
	if (into == "str") finish()
	n = $0; sub(/^.*at most /, "", n); n += 0
	if (columns == 0 || n < columns) columns = n
	next
}
/^#,.*fuzzy/ { if (into == "str") finish(); fuzzy = 1; next }
/^#/ { if (into == "str") finish(); next }
/^msgid / { if (into == "str") finish(); into = "id" }
/^msgstr / { into = "str" }
/^(msgid|msgstr|) *"/ { if (into == "id") id = id quoted($0); else str = str quoted($0) }
END { finish() }
