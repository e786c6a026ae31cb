/*
 * The loop of a headless station. The end of the standard input means that
 * nobody scans any more, and nothing else: most stations have /dev/null there.
 */
#include "station/headless.h"

#include <errno.h>
#include <termios.h>

#include <openssl/crypto.h>

#include "station/scan_lines.h"

#define TICK_MS 500

struct headless {
	struct line *line;
	struct desk *desk;
	const struct options *options;
	struct tally *tally;
	int fd; /* -1: nobody scans */
	struct scan_lines lines;
	struct desk_dialog shown;
	bool pin_is_late; /* nobody answered in time: the PIN may still come */
	bool echo_off;
	struct termios before; /* while the echo is off */
};

static bool finished(const struct headless *h)
{
	const struct options *options = h->options;

	return h->tally->stopped > 0 ||
	       (options->count > 0 && h->tally->passed + h->tally->failed >= options->count);
}

static void report_waiting(struct headless *h)
{
	struct event event;

	while (!finished(h) && line_take_event(h->line, &event)) {
		report_event(h->options->json, &event);
		tally_add(h->tally, &event);
	}
}

/* A shell that put us into the background keeps the terminal: reading it would stop the line. */
static bool is_ours(int fd)
{
	pid_t front = fd >= 0 ? tcgetpgrp(fd) : -1;

	return front < 0 || front == getpgrp();
}

/* Changing the terminal from the background would stop the line as well; the shell has its own settings there. */
static void restore_echo(struct headless *h)
{
	if (!is_ours(STDIN_FILENO))
		return;
	if (h->echo_off)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &h->before);
	h->echo_off = false;
}

static void stop_echo(struct headless *h)
{
	struct termios quiet;

	if (h->echo_off || h->fd < 0 || !is_ours(h->fd) || tcgetattr(h->fd, &h->before) < 0)
		return;
	quiet = h->before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	h->echo_off = tcsetattr(h->fd, TCSADRAIN, &quiet) == 0;
}

static void show_dialog(struct headless *h)
{
	const struct desk_dialog was = h->shown;

	desk_get_dialog(h->desk, &h->shown);
	if (was.asks == DESK_ASKS_PIN && h->shown.asks == DESK_ASKS_NOTHING)
		h->pin_is_late = true;
	/* Each time: whoever comes back from the background makes up for it. */
	if (h->shown.asks == DESK_ASKS_PIN || h->pin_is_late)
		stop_echo(h);
	else
		restore_echo(h);
	if (h->shown.asks == DESK_ASKS_PIN &&
	    (was.asks != DESK_ASKS_PIN || was.verdict != h->shown.verdict ||
	     was.tries_left != h->shown.tries_left || strcmp(was.operator_id, h->shown.operator_id) != 0))
		report_dialog(h->options->json, &h->shown);
}

static int answer_pin(struct headless *h, struct bytes text, struct err *err)
{
	SECRET_AUTO pin = { NULL, 0 };

	if (secret_copy(text, &pin, err) < 0)
		return -1;
	return desk_answer_pin(h->desk, &pin, err);
}

/* It may be a badge, or a PIN that came too late: nothing of it stays. */
static int take_scan(struct headless *h, struct bytes text, struct err *err)
{
	char scan[SCAN_MAX + 1];
	int ret = bytes_to_str(text, scan, sizeof(scan));

	base_assert(ret == 0);
	ret = desk_scan(h->desk, scan, err);
	OPENSSL_cleanse(scan, sizeof(scan));
	return ret;
}

static int take_line(struct headless *h, struct bytes text, struct err *err)
{
	struct desk_dialog dialog;

	desk_get_dialog(h->desk, &dialog);
	if (dialog.asks == DESK_ASKS_PIN)
		h->shown.asks = DESK_ASKS_NOTHING; /* answered, by whatever comes now */
	if (dialog.asks == DESK_ASKS_PIN && !desk_is_badge(h->desk, text))
		return answer_pin(h, text, err);
	return take_scan(h, text, err);
}

/* The line after a question for a PIN that ended unanswered may be that PIN: it is no label, and not shown. */
static int take_line_or_late_pin(struct headless *h, struct bytes text, struct err *err)
{
	bool late = h->pin_is_late && !desk_is_badge(h->desk, text);

	h->pin_is_late = false;
	if (!late)
		return take_line(h, text, err);
	restore_echo(h);
	desk_refuse_scan(h->desk);
	return 0;
}

/* What the scanner types first, where it does. */
static struct bytes without_prefix(const struct headless *h, struct bytes text)
{
	struct bytes prefix = bytes_str(line_station(h->line)->conf->scanner_prefix);

	if (text.len >= prefix.len && bytes_equal(bytes_of(text.p, prefix.len), prefix))
		return bytes_of(text.p + prefix.len, text.len - prefix.len);
	return text;
}

/* After each line its events are read, since the mailbox keeps few places for them. */
static int take_lines(struct headless *h, struct err *err)
{
	struct bytes text = BYTES_NONE;
	enum scan_line line;

	while (!finished(h) && (line = scan_lines_next(&h->lines, &text)) != SCAN_LINE_NONE) {
		if (line == SCAN_LINE_REFUSED)
			desk_refuse_scan(h->desk);
		else if (take_line_or_late_pin(h, without_prefix(h, text), err) < 0)
			return -1;
		report_waiting(h);
		show_dialog(h);
	}
	return 0;
}

static int read_lines(struct headless *h, struct err *err)
{
	size_t room;
	uint8_t *to = scan_lines_room(&h->lines, &room);
	ssize_t n = read(h->fd, to, room);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		restore_echo(h);
		h->fd = -1;
		return 0;
	}
	scan_lines_add(&h->lines, (size_t)n);
	return take_lines(h, err);
}

static void end(struct headless *h)
{
	restore_echo(h);
	scan_lines_deinit(&h->lines);
}

int headless_serve(struct line *line, const struct options *options, struct tally *tally, struct err *err)
{
	CLEANUP(end)
	struct headless h = { .line = line,
			      .desk = line_station(line)->desk,
			      .options = options,
			      .tally = tally,
			      .fd = STDIN_FILENO };
	bool readable = false, signalled = false;

	if (scan_lines_init(&h.lines, err) < 0)
		return -1;
	while (!signalled && !finished(&h)) {
		const struct deadline tick = deadline_in_ms(TICK_MS);

		if (line_wait(line, &tick, is_ours(h.fd) ? h.fd : -1, &readable, &signalled, err) < 0)
			return -1;
		report_waiting(&h);
		if (readable && read_lines(&h, err) < 0)
			return -1;
		if (desk_tick(h.desk, err) < 0)
			return -1;
		show_dialog(&h);
	}
	return 0;
}
