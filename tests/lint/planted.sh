#!/bin/bash
# A lint that can't fail checks nothing: each script runs on a copy of the tree with one violation planted,
# and must fail and name the planted file.
# usage: planted.sh SOURCE_DIR
set -eu
source=$(cd "$1" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/planted.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
failed=0
cases=0

# All headers, and base: enough for every rule, and small enough to copy often.
fresh() {
	rm -rf "$tmp/tree" "$tmp/build"
	mkdir -p "$tmp/tree/tests"
	cd "$source"
	find base pki hsm fixtures audit enroll station -name '*.h' -exec cp --parents -t "$tmp/tree/" {} +
	cp -R base cmake .clang-format "$tmp/tree/"
	cp -R station/po station/screens "$tmp/tree/station/"
	cp -R tests/lint "$tmp/tree/tests/"
	cp -R README.md docs "$tmp/tree/"
	mkdir -p "$tmp/tree/tests/fuzz/corpus"
	cd "$tmp/tree"
}

expect_failure() { # script, file that must be named, what it is about
	cases=$((cases + 1))
	if "$source/tests/lint/$1" "$tmp/tree" ${build:-} >"$tmp/out" 2>&1; then
		echo "$1 passes: $3"
		failed=1
	elif ! grep -qF "$2" "$tmp/out"; then
		echo "$1 fails without naming $2: $3"
		failed=1
	fi
}

# script, file, one line of code to plant
plant() {
	printf '/* Planted. */\n%s\n' "$3" > "$2"
	expect_failure "$1" "$2" "$3"
	rm "$2"
}

fresh

plant includes.sh pki/planted.c '#include "hsm/hsm.h"'
plant includes.sh base/planted.c '#include "audit/audit.h"'
plant includes.sh station/planted.c '#include "hsm/hsm_internal.h"'
plant includes.sh audit/planted.c '#include "audit.h"'
plant includes.sh enroll/planted.c '#include "enroll/emulator/dps_internal.h"'
plant includes.sh fixtures/emulator/planted.c '#include "enroll/enroll.h"'
plant includes.sh fixtures/planted.c '#include "station/job.h"'
plant includes.sh fixtures/planted.c '#include "fixtures/device/device.h"'
plant includes.sh fixtures/emulator/planted.c '#include "fixtures/device/device_internal.h"'
plant includes.sh fixtures/device/planted.c '#include "base/bytes.h"'
plant includes.sh fixtures/device/planted.c '#include <stdlib.h>'
plant includes.sh audit/planted.c '#include <sqlite3.h>'
plant includes.sh hsm/planted.c '#include <openssl/x509.h>'
plant includes.sh pki/planted.c '#include <sys/socket.h>'
plant includes.sh enroll/planted.h '#include <curl/curl.h>'
plant includes.sh base/planted.c '#  include <glib.h>'
for call in strcpy strcat strncpy sprintf strtok gets atoi gmtime localtime alloca rand system popen memcmp malloc; do
	plant banned.sh enroll/planted.c "int x = $call(0);"
done
plant banned.sh hsm/planted.c 'void f(void) { goto out; out: return; }'
plant banned.sh audit/planted.c 'void f(void) { exit(1); }'
plant banned.sh pki/planted.c 'const char *f(void) { return getenv("HOME"); }'
plant headers.sh base/planted.h 'struct planted { size_t n; };'
plant headers.sh base/planted.h 'static inline int planted(long n) { return n; }'
plant sizes.sh base/planted.c "int planted(void)
{
$(for i in $(seq 100); do echo "	(void)$i;"; done)
	return 0;
}"
plant sizes.sh tests/lint/planted.c "$(for i in $(seq 701); do echo "extern int planted_$i;"; done)"
plant format.sh base/planted.c 'int planted( void ){return 0;}'
plant style.sh base/planted.c 'int planted(void); // no'
plant style.sh tests/lint/planted.c '/* TODO: more */'
fresh
echo 'int planted(void);' > pki/planted.c
expect_failure style.sh pki/planted.c "no opening comment"

fresh
build=$tmp/build
for global in 'int planted = 7;' 'static int planted;' '_Thread_local int planted = 7;'; do
	objects=$tmp/build/hsm/CMakeFiles/hsm.dir
	mkdir -p "$objects"
	echo "$global int *planted_at(void) { return &planted; }" | ${CC:-gcc} -O2 -fPIC -c -xc - -o "$objects/planted.c.o"
	expect_failure style.sh "hsm/planted.c planted" "$global"
done
# What is constant, even where the loader writes it, is no violation.
echo 'static const char *const names[] = { "a" }; const char *planted(int i) { return names[i]; }' |
	${CC:-gcc} -O2 -fPIC -c -xc - -o "$objects/planted.c.o"
if "$source/tests/lint/style.sh" "$tmp/tree" "$build" 2>&1 | grep -F planted; then
	echo "style.sh takes a constant table for a global"
	failed=1
fi
build=

fresh
echo '/* Planted. */' > tests/fuzz/fuzz_planted.c
expect_failure corpus.sh tests/fuzz/fuzz_planted.c "no corpus"
mkdir -p tests/fuzz/corpus/orphan
rm tests/fuzz/fuzz_planted.c
expect_failure corpus.sh tests/fuzz/corpus/orphan "corpus without a target"

fresh
sed -i 's/PASS/DONE/' docs/line.ans
expect_failure picture.sh docs/line.svg "another capture"
sed -i 's/&amp;/and/' docs/svg.awk
expect_failure picture.sh docs/svg.awk "text that means something in XML"

# The device's side on its own. "Planted" names what the complaint must be about.
fresh
cp "$source"/fixtures/device/*.c fixtures/device/
plant_portable() { # what must be named, code
	printf '/* Planted. */\n#include "device.h"\n%s\n' "$2" > fixtures/device/planted.c
	expect_failure portable.sh "$1" "$2"
	rm fixtures/device/planted.c
}
"$source/tests/lint/portable.sh" "$tmp/tree" || { echo "portable.sh fails where nothing is planted"; failed=1; }
plant_portable planted.c 'int f(void); int f(void) { return g(); }'
plant_portable planted.c 'int f(long n); int f(long n) { return n; }'
plant_portable 'calls malloc' 'void *malloc(size_t n); void *f(void); void *f(void) { return malloc(1); }'
plant_portable 'state of its own' 'int f(void); int f(void) { static int n; return n++; }'
plant_portable planted.c '#include <errno.h>'
plant_portable 'lines in .c files' "$(seq 600 | sed 's|.*|/* & */|')"
plant_portable 'lines of code' "$(seq 600 | sed 's|.*|extern int planted_&;|')"

# A screen that says one thing, and its translation. file, sed expression, what must be named.
translations() {
	fresh
	rm station/screens/*.c station/po/*.po
	printf 'de\n' > station/po/LINGUAS
	printf 'f("station-de", "de", T(l, "Planted %%u"), /* TRANSLATORS: at most 6 columns */ N_("Planet"));\n' \
		> station/screens/text.c
	sed '/^$/,$d' "$source/station/po/de.po" > station/po/de.po
	printf '\nmsgid "Planted %%u"\nmsgstr "Gesät: %%u"\n\nmsgid "Planet"\nmsgstr "Planet"\n' >> station/po/de.po
	station/po/update.sh >/dev/null 2>&1
	[ -z "$1" ] || sed -i "$2" "$1"
}
plant_translation() {
	translations "$1" "$2"
	expect_failure translations.sh "$3" "$2"
}
translations '' ''
"$source/tests/lint/translations.sh" "$tmp/tree" || { echo "translations.sh fails where nothing is missing"; failed=1; }
plant_translation station/po/de.po 's/Gesät: %u//' 'de.po: Planted %u'
plant_translation station/po/de.po '/Gesät/d; s/^msgid "Planted %u"/#~ &\n#~ msgstr ""/' 'de.po: Planted %u'
plant_translation station/po/de.po 's/^#, c-format/#, fuzzy, c-format/' 'fuzzy'
plant_translation station/po/de.po 's/Gesät: %u/Gesät: %s/' 'msgfmt'
plant_translation station/po/de.po 's/Gesät:/Gesät:\\a/' 'control'
plant_translation station/po/de.po 's/Gesät:/Gesa\xcc\x88t:/' 'combining'
plant_translation station/po/de.po 's/"Planet"$/"Planeten"/2; s/msgstr "Planet"/msgstr "Planeten"/' 'Planeten (at most 6'
plant_translation station/po/de.po 's/msgstr "Planet"/msgstr "中国行星"/' '中国行星 (at most 6'
plant_translation station/po/station.pot 's/Planted/Other/' 'station.pot: Planted %u'
plant_translation station/screens/text.c 's/Planted/Other/' 'de.po: Other %u'
plant_translation station/po/LINGUAS 's/de//' 'LINGUAS: de'

# Words in comments and strings are not calls.
fresh
printf '/* strcpy(a, b) // TO DO */\nconst char *const planted = "system(1) // https://x";\n' > base/planted.c
for script in banned.sh style.sh; do
	if "$source/tests/lint/$script" "$tmp/tree" 2>&1 | grep -F planted; then
		echo "$script takes a comment or a string for code"
		failed=1
	fi
done
echo "$cases violations planted"
exit $failed
