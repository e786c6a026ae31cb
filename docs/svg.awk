# A captured screen (tmux capture-pane -e -p) as an SVG picture, the same one for the same capture.
# usage: LC_ALL=C awk -f docs/svg.awk [-v cols=N] CAPTURE
#
# Bytes are decoded here, since not every awk knows UTF-8. Every word stands at its own column, so that fonts of
# other widths shift nothing; frames, bars and blocks are drawn, since fonts leave gaps between them.
BEGIN {
	CELL = 8.4; LINE = 18; SIZE = 14; BASE = 13.5; PAD = 14; STROKE = 1.2; FAINT = 0.6
	BACK = 16; FORE = 17 # the terminal's own
	split("#10141a #d13438 #2ea043 #d9a60e #2f5fa8 #a371c7 #39b5c4 #e6e9ee #6e7681 #ff6b6b #56d364 #f2cc60 #79b8ff #d2a8ff #76e3ea #ffffff #12161c #d5dae1", palette, " ")
	for (i = 1; i < 256; i++)
		byte[sprintf("%c", i)] = i
	fg = FORE; bg = BACK; bold = 0; dim = 0; reverse = 0
}

# One character from text at its position i, which moves on; what is no UTF-8 becomes '?'.
function next_char(text,    b, n, code, next_byte) {
	b = byte[substr(text, i, 1)]
	n = b < 128 ? 0 : b >= 248 ? -1 : b >= 240 ? 3 : b >= 224 ? 2 : b >= 192 ? 1 : -1
	char = substr(text, i++, 1)
	code = n == 0 ? b : n == 1 ? b - 192 : n == 2 ? b - 224 : b - 240
	for (; n > 0; n--) {
		next_byte = byte[substr(text, i, 1)] + 0
		if (next_byte < 128 || next_byte > 191)
			break
		char = char substr(text, i++, 1)
		code = code * 64 + next_byte - 128
	}
	if (n == 0)
		return code
	char = "?"
	return 63
}

# East Asian wide and full-width characters, and the accents that stand on the letter before.
function width_of(code) {
	if (code >= 768 && code <= 879) return 0
	if ((code >= 4352 && code <= 4447) || (code >= 11904 && code <= 42191) || (code >= 44032 && code <= 55203) ||
	    (code >= 63744 && code <= 64255) || (code >= 65280 && code <= 65376) || (code >= 127744 && code <= 129791))
		return 2
	return 1
}

# ESC [ numbers m: colours, bold, dim, reverse; anything else changes nothing.
function select_style(numbers,    part, n, k, p) {
	n = split(numbers, part, /[;:]/)
	if (n == 0) { n = 1; part[1] = 0 }
	for (k = 1; k <= n; k++) {
		p = part[k] + 0
		if (p == 0) { fg = FORE; bg = BACK; bold = dim = reverse = 0 }
		else if (p == 1) bold = 1
		else if (p == 2) dim = 1
		else if (p == 22) bold = dim = 0
		else if (p == 7) reverse = 1
		else if (p == 27) reverse = 0
		else if (p == 39) fg = FORE
		else if (p == 49) bg = BACK
		else if (p == 38 || p == 48) k += part[k + 1] == 5 ? 2 : 4
		else if (p >= 30 && p <= 37) fg = p - 30
		else if (p >= 40 && p <= 47) bg = p - 40
		else if (p >= 90 && p <= 97) fg = p - 82
		else if (p >= 100 && p <= 107) bg = p - 92
	}
}

function number(value) { return sprintf("%.5g", value) }
function left_of(column) { return number(PAD + column * CELL) }
function rect(x, y, w, h, colour, opacity) {
	printf "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"%s\"%s/>\n", number(x), number(y), number(w), number(h), \
		colour, opacity == 1 ? "" : " opacity=\"" opacity "\""
}
function escaped(text) {
	gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text)
	return text
}

# --- a line, cell by cell: char, style, width -------------------------------------------------------

function read_line(text,    code, wide) {
	n = 0
	i = 1
	while (i <= length(text)) {
		if (match(substr(text, i), /^\033\[[0-9;:]*m/)) {
			select_style(substr(text, i + 2, RLENGTH - 3))
			i += RLENGTH
			continue
		}
		if (match(substr(text, i), /^\033([\[][0-9;:?]*[A-Za-z]|[()].|.)/) || match(substr(text, i), /^[\001-\037\177]/)) {
			i += RLENGTH
			continue
		}
		code = next_char(text)
		wide = width_of(code)
		if (wide == 0) { if (n > 0) cell[n - 1] = cell[n - 1] char; continue }
		cell[n] = char; codes[n] = code; widths[n] = wide
		front[n] = reverse ? bg : fg; behind[n] = reverse ? fg : bg
		weight[n] = bold; faint[n] = dim && !reverse
		if (wide == 2) { cell[n + 1] = ""; codes[n + 1] = 32; widths[n + 1] = 0; behind[n + 1] = behind[n] }
		n += wide
	}
	if (n > most) most = n
}

function draw_backs(y,    from, to) {
	for (from = 0; from < n; from = to) {
		for (to = from + 1; to < n && behind[to] == behind[from]; to++);
		if (behind[from] != BACK)
			rect(PAD + from * CELL, y, (to - from) * CELL, LINE, palette[behind[from] + 1], 1)
	}
}

# Arms of a frame's corner: left, right, up, down. An edge has none: it is drawn whole.
function arms_of(code) {
	return code == 9472 || code == 9474 ? "x" : code == 9484 || code == 9581 ? "rd" : code == 9488 || code == 9582 ? "ld" : \
		code == 9492 || code == 9584 ? "ru" : code == 9496 || code == 9583 ? "lu" : code == 9500 ? "rud" : code == 9508 ? "lud" : \
		code == 9516 ? "lrd" : code == 9524 ? "lru" : code == 9532 ? "lrud" : ""
}

function draw_arms(arms, x, y, colour, opacity,    cx, cy) {
	cx = x + CELL / 2; cy = y + LINE / 2
	if (arms ~ /l/) rect(x, cy - STROKE / 2, CELL / 2 + STROKE / 2, STROKE, colour, opacity)
	if (arms ~ /r/) rect(cx - STROKE / 2, cy - STROKE / 2, CELL / 2 + STROKE / 2, STROKE, colour, opacity)
	if (arms ~ /u/) rect(cx - STROKE / 2, y, STROKE, LINE / 2 + STROKE / 2, colour, opacity)
	if (arms ~ /d/) rect(cx - STROKE / 2, cy - STROKE / 2, STROKE, LINE / 2 + STROKE / 2, colour, opacity)
}

# Part of a cell for blocks: eighths from below, eighths from the left, halves, shades.
function draw_block(code, x, y, w, colour, opacity,    part) {
	part = (code - 9600) / 8
	if (code == 9600) rect(x, y, w, LINE / 2, colour, opacity)
	else if (code <= 9608) rect(x, y + LINE * (1 - part), w, LINE * part, colour, opacity)
	else if (code <= 9615) rect(x, y, w * (2 - part), LINE, colour, opacity)
	else if (code == 9616) rect(x + w / 2, y, w / 2, LINE, colour, opacity)
	else rect(x, y, w, LINE, colour, opacity * (code - 9616) / 4)
}

function is_drawn(code) { return (code >= 9600 && code <= 9619) || arms_of(code) != "" }

function same_style(a, b) {
	return front[a] == front[b] && weight[a] == weight[b] && faint[a] == faint[b] && widths[a] == widths[b]
}

# A frame's edge from left to right, and blocks that fill their cell from left to right: equal ones are one rectangle.
function is_seamless(code) { return code == 9472 || (code >= 9600 && code <= 9608) || code > 9616 }

function draw_shapes(y,    from, to, x, colour, opacity) {
	for (from = 0; from < n; from = to) {
		to = from + 1
		if (!is_drawn(codes[from]))
			continue
		while (to < n && codes[to] == codes[from] && same_style(from, to) && is_seamless(codes[from]))
			to++
		x = PAD + from * CELL
		colour = palette[front[from] + 1]
		opacity = faint[from] ? FAINT : 1
		if (codes[from] == 9474) rect(x + (CELL - STROKE) / 2, y, STROKE, LINE, colour, opacity)
		else if (codes[from] == 9472) rect(x, y + (LINE - STROKE) / 2, (to - from) * CELL, STROKE, colour, opacity)
		else if (codes[from] >= 9600) draw_block(codes[from], x, y, (to - from) * CELL, colour, opacity)
		else draw_arms(arms_of(codes[from]), x, y, colour, opacity)
	}
}

function print_word(at, columns, y, text,    more) {
	if (columns > widths[at]) more = more " textLength=\"" number(columns * CELL) "\""
	if (front[at] != FORE) more = more " fill=\"" palette[front[at] + 1] "\""
	if (weight[at]) more = more " class=\"b\""
	if (faint[at]) more = more " opacity=\"" FAINT "\""
	printf "<text x=\"%s\" y=\"%s\"%s>%s</text>\n", left_of(at), number(y + BASE), more, escaped(text)
}

function draw_words(y,    from, to, text) {
	for (from = 0; from < n; from = to) {
		to = from + 1
		if (codes[from] == 32 || is_drawn(codes[from]))
			continue
		text = cell[from]
		for (to = from + widths[from]; to < n && codes[to] != 32 && !is_drawn(codes[to]) && same_style(from, to); to += widths[from])
			text = text cell[to]
		print_word(from, to - from, y, text)
	}
}

{
	lines[NR] = $0
}

END {
	for (row = 1; row <= NR; row++)
		read_line(lines[row])
	fg = FORE; bg = BACK; bold = dim = reverse = 0
	if (cols + 0 > most) most = cols
	width = number(most * CELL + 2 * PAD); height = number(NR * LINE + 2 * PAD)
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %s %s\" width=\"%s\" height=\"%s\">\n", width, height, width, height
	printf "<style>text{font-family:\"DejaVu Sans Mono\",Menlo,Consolas,\"Liberation Mono\",monospace;font-size:%spx;white-space:pre}.b{font-weight:bold}</style>\n", SIZE
	printf "<rect width=\"%s\" height=\"%s\" rx=\"8\" fill=\"%s\"/>\n<g fill=\"%s\" shape-rendering=\"crispEdges\">\n", width, height, \
		palette[BACK + 1], palette[FORE + 1]
	for (row = 1; row <= NR; row++) {
		read_line(lines[row])
		draw_backs(PAD + (row - 1) * LINE)
		draw_shapes(PAD + (row - 1) * LINE)
		draw_words(PAD + (row - 1) * LINE)
	}
	print "</g>\n</svg>"
}
