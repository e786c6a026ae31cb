# Prints "file:line:code" of C sources with comments removed and the insides of string and character
# constants blanked, so that the other lint scripts see code only. A // comment comes out as "//".
function flush_line() { if (out ~ /[^ \t]/) print FILENAME ":" FNR ":" out }
FNR == 1 { in_comment = 0 }
{
	out = ""
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		two = substr($0, i, 2)
		if (in_comment) {
			if (two == "*/") { in_comment = 0; i++; out = out " " }
		} else if (two == "/*") {
			in_comment = 1
			i++
		} else if (two == "//") {
			out = out "//"
			break
		} else if (c == "\"" || c == "'") {
			out = out c
			for (i++; i <= n && substr($0, i, 1) != c; i++)
				if (substr($0, i, 1) == "\\") i++
			out = out c
		} else {
			out = out c
		}
	}
	flush_line()
}
