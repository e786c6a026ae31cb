#!/bin/bash
# Brings station.pot and the translations up to what the screens say; new texts are left empty.
# usage: update.sh [--print]     --print: only print what station.pot should be
set -eu
cd "$(dirname "$0")/../.."
export LC_ALL=C.UTF-8

# Without line numbers and dates, so that it changes only when a text does.
print_pot() {
	xgettext --language=C --from-code=UTF-8 --keyword --keyword=T:2 --keyword=N_ --flag=T:2:pass-c-format \
		--add-comments=TRANSLATORS --add-location=file --package-name=station --force-po --output=- \
		station/screens/*.c |
		sed -e '/^"\(POT-Creation-Date\|PO-Revision-Date\|Last-Translator\|Language-Team\|Language\|Report-Msgid-Bugs-To\):/d' \
			-e '1,/^msgid/{/^#/d}' -e 's/charset=CHARSET/charset=UTF-8/'
}

if [ "${1:-}" = --print ]; then
	print_pot
	exit 0
fi
print_pot > station/po/station.pot.new
mv station/po/station.pot.new station/po/station.pot
for code in $(cat station/po/LINGUAS); do
	po=station/po/$code.po
	msgmerge --quiet --update --backup=none --no-fuzzy-matching --add-location=file "$po" station/po/station.pot
	msgattrib --no-obsolete --output-file="$po" "$po"
	echo "$code: $(msgfmt --statistics --output-file=/dev/null "$po" 2>&1)"
done
