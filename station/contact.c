/* Three returns of the same unit are a hand that is not steady; from then on the wait doubles. */
#include "station/contact.h"

#define FLAPS_FREE  3u
#define FLAPS_MAX   32u
#define SHORT_MS    3000 /* a stay, or an absence, that a hand rarely makes so often */
#define FLAP_MIN_MS 300u

void contact_init(struct contact *contact, unsigned settle_ms)
{
	*contact = (struct contact){ .settle_ms = settle_ms };
}

unsigned contact_settle_ms(const struct contact *contact)
{
	unsigned ms = contact->settle_ms > FLAP_MIN_MS ? contact->settle_ms : FLAP_MIN_MS;

	if (contact->flaps <= FLAPS_FREE)
		return contact->settle_ms;
	for (unsigned i = FLAPS_FREE; i < contact->flaps && ms < CONTACT_SETTLE_MAX_MS; i++)
		ms *= 2;
	return ms < CONTACT_SETTLE_MAX_MS ? ms : CONTACT_SETTLE_MAX_MS;
}

void contact_came(struct contact *contact, const char *serial, int64_t now_ms)
{
	/* The wait that we impose ourselves is no absence. */
	int64_t away_ms = now_ms - contact->gone_ms - contact_settle_ms(contact);

	if (strcmp(contact->serial, serial) != 0 || away_ms > SHORT_MS)
		contact->flaps = 0;
	str_clip(contact->serial, sizeof(contact->serial), serial);
	contact->came_ms = now_ms;
}

void contact_went(struct contact *contact, int64_t now_ms)
{
	if (now_ms - contact->came_ms > SHORT_MS + contact_settle_ms(contact))
		contact->flaps = 0;
	else if (contact->flaps < FLAPS_MAX)
		contact->flaps++;
	contact->gone_ms = now_ms;
}
