/* Forms, and the query of a target, which is written like one (WHATWG URL 5.1). */
#include "enroll/emulator/login_internal.h"

/* Piece by piece: "%2B" stays a plus. */
static int decode(struct bytes value, char *out, size_t cap)
{
	size_t n = 0;

	if (value.len == 0)
		return -1;
	for (;;) {
		const uint8_t *plus = value.len > 0 ? memchr(value.p, '+', value.len) : NULL;
		size_t len = plus != NULL ? (size_t)(plus - value.p) : value.len;

		if (dps_percent_decode(bytes_of(value.p, len), out + n, cap - n) < 0)
			return -1;
		n += strlen(out + n);
		if (plus == NULL)
			return 0;
		if (n + 1 >= cap)
			return -1;
		out[n++] = ' ';
		value = bytes_of(plus + 1, value.len - len - 1);
	}
}

int dps_form_value(struct bytes form, const char *name, char *out, size_t cap)
{
	const size_t name_len = strlen(name);

	while (form.len > 0) {
		const uint8_t *end = memchr(form.p, '&', form.len);
		size_t len = end != NULL ? (size_t)(end - form.p) : form.len;

		if (len > name_len && form.p[name_len] == '=' &&
		    bytes_equal(bytes_of(form.p, name_len), bytes_str(name)))
			return decode(bytes_of(form.p + name_len + 1, len - name_len - 1), out, cap);
		if (end == NULL)
			break;
		form = bytes_of(end + 1, form.len - len - 1);
	}
	return -1;
}

struct bytes dps_target_query(const char *target)
{
	const char *mark = strchr(target, '?');

	return mark != NULL ? bytes_str(mark + 1) : BYTES_NONE;
}
