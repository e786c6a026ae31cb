/* The log sink: a line is built in one buffer and written with one write(2), so lines of threads never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "base/deadline.h"
#include "base/encode.h"

static _Atomic int sink_fd = -1;
static _Atomic int sink_level = LOG_LEVEL_INFO;

void log_open(int fd, enum log_level level)
{
	atomic_store(&sink_fd, fd);
	atomic_store(&sink_level, (int)level);
}

bool log_enabled(enum log_level level)
{
	return atomic_load(&sink_fd) >= 0 && (int)level <= atomic_load(&sink_level);
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	char line[1024], at[CLOCK_ISO_LEN + 1];
	va_list args;
	int head, body;
	size_t n;

	if (!log_enabled(level))
		return;
	clock_iso8601(clock_wall_ms(), at);
	head = snprintf(line, sizeof(line) - 1, "t=%s level=%s event=%s ", at, names[level], event);
	if (head < 0 || (size_t)head >= sizeof(line) - 1)
		return;
	va_start(args, fmt);
	body = vsnprintf(line + head, sizeof(line) - 1 - (size_t)head, fmt, args);
	va_end(args);
	if (body < 0)
		return;
	str_make_printable(line);
	n = strlen(line);
	line[n] = '\n';
	/* Losing a log line loses nothing that is promised. */
	if (write(atomic_load(&sink_fd), line, n + 1) < 0)
		return;
}

void log_bytes(const char *event, const char *name, struct bytes data)
{
	char hex[2 * 64 + 1];

	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	if (hex_encode(bytes_of(data.p, data.len < 64 ? data.len : 64), hex, sizeof(hex)) < 0)
		return;
	log_line(LOG_LEVEL_DEBUG, event, "%s_bytes=%zu %s=%s", name, data.len, name, hex);
}
