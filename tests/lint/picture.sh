#!/bin/bash
# The README's picture is what docs/svg.awk makes of the capture, and svg.awk draws what a screen may hold: colours,
# wide characters, frames, and text that means something in XML.
# usage: picture.sh SOURCE_DIR
set -eu
cd "$1"
export LC_ALL=C
bad=0
complain() { echo "$1: $2"; bad=1; }
svg() { awk -f docs/svg.awk "$@"; }

svg docs/line.ans | cmp -s - docs/line.svg || complain docs/line.svg "is not what docs/svg.awk makes of docs/line.ans"
grep -qF '](docs/line.svg)' README.md || complain README.md "does not show docs/line.svg"

# expect SCREEN WHAT: drawn, the screen holds it; with !, it does not
expect() {
	local drawn sign=''
	drawn=$(printf "$1" | svg)
	[ "${2#!}" = "$2" ] || sign='!'
	case $drawn in
	*"${2#!}"*) [ -z "$sign" ] || complain docs/svg.awk "draws ${2#!} of $1" ;;
	*) [ -n "$sign" ] || complain docs/svg.awk "does not draw $2 of $1" ;;
	esac
}
expect 'a<b>&c\n' '>a&lt;b&gt;&amp;c</text>'
expect 'ab cd\n' '<text x="39.2" y="27.5" textLength="16.8">cd</text>'
expect '\346\274\242x\n' '<text x="30.8" y="27.5">x</text>' # a wide character takes two columns
expect 'e\314\201x\n' $'>e\314\201x</text>' # an accent takes none
expect '\033[41m \033[0m\n' '<rect x="14" y="14" width="8.4" height="18" fill="#d13438"/>'
expect '\033[1;32mok\033[0m no\n' 'fill="#2ea043" class="b">ok</text>'
expect '\033[1;32mok\033[0m no\n' '>no</text>'
expect '\033[7mX\033[27mY\n' '<text x="14" y="27.5" fill="#12161c">X</text>'
expect '\342\224\200\342\224\200\n' 'width="16.8" height="1.2"' # a frame's edge is one rectangle
expect '\342\226\204\n' '<rect x="14" y="23" width="8.4" height="9"'
expect 'a\007\033]0;t\007b\n' '!'$'\007'
expect 'a\377b\n' '>a?b</text>'
exit $bad
