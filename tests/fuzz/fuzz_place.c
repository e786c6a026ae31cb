/*
 * What adapters, the kernel and units say where a place is looked for or probed: properties ("KEY=value" lines), a line of
 * /proc/locks, and the bytes that a line carries. Whatever comes, what is shown is printable and fits.
 */
#include <stdlib.h>

#include "fixtures/places_internal.h"

#define KEYS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct properties {
	char *key[KEYS_MAX], *value[KEYS_MAX];
	size_t n;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const char *get(const void *arg, const char *key)
{
	const struct properties *all = arg;

	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->key[i], key) == 0)
			return all->value[i];
	return NULL;
}

static void split(char *text, struct properties *all)
{
	while (text != NULL && all->n < KEYS_MAX) {
		char *end = strchr(text, '\n'), *equals;

		if (end != NULL)
			*end++ = '\0';
		equals = strchr(text, '=');
		if (equals != NULL) {
			*equals = '\0';
			all->key[all->n] = text;
			all->value[all->n++] = equals + 1;
		}
		text = end;
	}
}

static void check_text(const char *text, size_t cap)
{
	must(memchr(text, '\0', cap) != NULL);
	for (size_t i = 0; text[i] != '\0'; i++)
		must(text[i] >= 0x20 && text[i] <= 0x7e);
}

static void check_place(const struct fixture_place *place)
{
	char link[192];

	check_text(place->place, sizeof(place->place));
	check_text(place->device, sizeof(place->device));
	check_text(place->driver, sizeof(place->driver));
	check_text(place->id, sizeof(place->id));
	check_text(place->serial, sizeof(place->serial));
	check_text(place->product, sizeof(place->product));
	must(place->place[0] != '\0' && strchr(place->place, ' ') == NULL);
	must(fixture_place_link(place, link, sizeof(link)) == 0);
	must(strchr(link, '?') != NULL || fixture_place_is(place, link));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	struct properties all = { .n = 0 };
	const struct place_source source = { get, &all };
	struct fixture_place place;
	char out[64];

	must(text != NULL);
	must(fixture_verdict_name(probe_classify(bytes_of(data, size / 4), bytes_of(data, size)))[0] != '\0');
	if (size > 0)
		memcpy(text, data, size);
	must(busy_lock_owner(text, 0, 0x18, 9) >= 0);
	place_text(out, sizeof(out), text);
	check_text(out, sizeof(out));
	(void)!place_serial_path(text, out, sizeof(out));
	(void)!place_usb_port(text, out, sizeof(out));
	split(text, &all);
	if (place_read_serial(&source, &place))
		check_place(&place);
	if (place_read_usb(&source, &place))
		check_place(&place);
	free(text);
	return 0;
}
