/* Words of station/job.c: "unit %s, step %s: ". A serial holds neither comma nor blank. */
#include "station/cause.h"

#include <string.h>

/* text after prefix and one word that ends with end; NULL if it does not begin so. */
static const char *skip(const char *text, const char *prefix, const char *end)
{
	const char stops[] = { end[0], ' ', '\0' };
	size_t n = strlen(prefix), word;

	if (strncmp(text, prefix, n) != 0)
		return NULL;
	word = strcspn(text + n, stops);
	text += n + word;
	return word > 0 && strncmp(text, end, strlen(end)) == 0 ? text + strlen(end) : NULL;
}

const char *cause_without_place(const char *text)
{
	const char *step = skip(text, "unit ", ", "), *cause;

	cause = step != NULL ? skip(step, "step ", ": ") : NULL;
	return cause != NULL && *cause != '\0' ? cause : text;
}
