/*
 * The error object. The root cause and the path to it live in separate fields,
 * so that wrapping can never truncate the cause away.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

int err_set(struct err *err, enum err_class class, long code, const char *fmt, ...)
{
	va_list args;

	err->class = class;
	err->code = code;
	err->where[0] = '\0';
	va_start(args, fmt);
	(void)vsnprintf(err->what, sizeof(err->what), fmt, args);
	va_end(args);
	/* Texts quote what devices and files said. */
	str_make_printable(err->what);
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char step[sizeof(err->where)];
	char joined[2 * sizeof(err->where) + 3];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(step, sizeof(step), fmt, args);
	va_end(args);
	str_make_printable(step);
	(void)snprintf(joined, sizeof(joined), "%s%s%s", step, err->where[0] != '\0' ? ": " : "", err->where);
	memcpy(err->where, joined, sizeof(err->where) - 1);
	err->where[sizeof(err->where) - 1] = '\0';
	return -1;
}

int err_raise(struct err *err, enum err_class class)
{
	if (class > err->class)
		err->class = class;
	return -1;
}

void err_clear(struct err *err)
{
	memset(err, 0, sizeof(*err));
}

const char *err_class_name(enum err_class class)
{
	static const char *const names[] = { "none", "retry", "unit", "operator", "station", "bug" };

	return (size_t) class < ARRAY_LEN(names) ? names[class] : "bug";
}

const char *err_text(const struct err *err, char *out, size_t cap)
{
	(void)snprintf(out, cap, "%s%s%s", err->where, err->where[0] != '\0' ? ": " : "", err->what);
	return out;
}

void base_assert_failed(const char *expr, const char *file, int line)
{
	(void)fprintf(stderr, "station: broken invariant %s at %s:%d\n", expr, file, line);
	abort();
}
