#!/bin/bash
# Every text of the screens is in station.pot and, translated, in each language of LINGUAS; what is missing
# is listed by language and text. Translations keep the formats, fit where the source says how much room
# there is ("TRANSLATORS: at most N columns"), and hold nothing that a terminal would not just print.
# usage: translations.sh SOURCE_DIR
set -eu
shopt -s lastpipe
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
export LC_ALL=C.UTF-8
tmp=$(mktemp -d "${TMPDIR:-/tmp}/translations.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
bad=0
complain() { sed "s|^|$1: |; s|\$|   <- $2|" > "$tmp/said"; [ ! -s "$tmp/said" ] || { cat "$tmp/said"; bad=1; }; }
table() { awk -f "$here/po.awk"; }
texts() { cut -f1 "$1" | sort; }

station/po/update.sh --print | table > "$tmp/source"
table < station/po/station.pot > "$tmp/pot"
comm -23 <(texts "$tmp/source") <(texts "$tmp/pot") | complain station/po/station.pot "run station/po/update.sh"
comm -13 <(texts "$tmp/source") <(texts "$tmp/pot") | complain station/po/station.pot "no screen says this"

# Columns are the source's, so that a limit counts from the moment it is written there.
too_wide() { # table of a language
	awk -F'\t' 'NR == FNR { max[$1] = $4; next } max[$1] > 0 && $2 != "" { print max[$1] "\t" $2 }' "$tmp/source" "$1" |
		while IFS=$'\t' read -r columns text; do
			[ "$(printf '%s' "${text//\\\"/\"}" | wc -L)" -le "$columns" ] || echo "$text (at most $columns columns)"
		done
}
awk -F'\t' '{ print $1 "\t" $1 "\t" $3 "\t" $4 }' "$tmp/source" > "$tmp/en"
too_wide "$tmp/en" | complain station/screens "too wide"

for code in $(cat station/po/LINGUAS); do
	po=station/po/$code.po
	table < "$po" > "$tmp/$code"
	comm -23 <(texts "$tmp/source") <(awk -F'\t' '$2 != ""' "$tmp/$code" | cut -f1 | sort) | complain "$po" "not translated"
	comm -13 <(texts "$tmp/source") <(texts "$tmp/$code") | complain "$po" "no screen says this"
	awk -F'\t' '$3 == "fuzzy" { print $1 }' "$tmp/$code" | complain "$po" "fuzzy: check it, then take the mark away"
	grep '^#~ msgid' "$po" | complain "$po" "obsolete"
	# A backslash but before a quotation mark, and what is no character of its own: control, format, combining.
	cut -f2 "$tmp/$code" | grep -P '\\(?!")|[\p{Cc}\p{Cf}\p{M}\p{Zl}\p{Zp}\p{Co}]' | complain "$po" "control or combining characters"
	too_wide "$tmp/$code" | complain "$po" "too wide"
	msgfmt --check --output-file=/dev/null "$po" 2>&1 | complain "$po" "msgfmt --check"
	grep -qF "\"$code\"" station/screens/text.c || echo "$code" | complain station/screens/text.c "not in languages[]"
done
for code in $(sed -n 's/.*"station-\([A-Za-z_]*\)".*/\1/p' station/screens/text.c); do
	grep -qx "$code" station/po/LINGUAS || echo "$code" | complain station/po/LINGUAS "is in languages[]"
done
exit $bad
