/*
 * What was scanned. The three kinds are told apart by how they begin, and the
 * configuration is refused when they could be mixed up. What a scanner typed is
 * shown again only after it proved to be a label of ours.
 */
#include "station/desk_internal.h"

void desk_note_scan(struct desk *desk, enum scan_fate fate, const struct conf_slot *slot, const char *text)
{
	struct event event = { .kind = EVENT_SCAN, .fate = fate };

	if (slot != NULL)
		str_clip(event.slot, sizeof(event.slot), slot->name);
	str_clip(event.text, sizeof(event.text), text);
	mailbox_note(desk->conf.events, &event);
}

void desk_note_answer(struct desk *desk, const struct pairing_answer *answer)
{
	const struct conf *conf = desk->conf.conf;

	if (answer->fate == SCAN_NONE)
		desk_note_scan(desk, SCAN_MALFORMED, NULL, "too many labels wait for their units");
	else
		desk_note_scan(desk, answer->fate, answer->has_slot ? &conf->slots[answer->slot] : NULL,
			       answer->label);
}

static void refuse(struct desk *desk, const char *why)
{
	(void)pthread_mutex_lock(&desk->lock);
	pairing_break(&desk->pairing);
	(void)pthread_mutex_unlock(&desk->lock);
	desk_note_scan(desk, SCAN_MALFORMED, NULL, why);
}

void desk_refuse_scan(struct desk *desk)
{
	desk_touch(desk);
	refuse(desk, "not a scan: too long, or not of characters that can be printed");
}

static bool is_printable(const char *text)
{
	size_t n = strnlen(text, SCAN_MAX + 1);

	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return n > 0 && n <= SCAN_MAX;
}

/* Of one profile that scans, at least, it must be a label; if there is one alone, its reason is said. */
static bool is_label(const struct desk *desk, const char *text, struct err *why)
{
	const struct conf *conf = desk->conf.conf;
	char serial[LABEL_MAX + 1];
	unsigned scanning = 0;

	for (size_t i = 0; i < conf->profiles_n; i++) {
		if (!conf->profiles[i].label.demanded)
			continue;
		if (label_read(&conf->profiles[i].label, text, serial, why) == 0)
			return true;
		scanning++;
	}
	if (scanning != 1)
		(void)err_set(why, ERR_OPERATOR, 0, "%s",
			      scanning == 0 ? "no profile asks for labels" : "not a label of any profile");
	return false;
}

static void take_label(struct desk *desk, const char *text)
{
	struct pairing_answer answer;
	struct err why = { 0 };

	if (!is_label(desk, text, &why)) {
		refuse(desk, why.what);
		return;
	}
	(void)pthread_mutex_lock(&desk->lock);
	answer = pairing_label(&desk->pairing, text, desk_now_ms(desk));
	(void)pthread_mutex_unlock(&desk->lock);
	desk_note_answer(desk, &answer);
}

static void take_slot(struct desk *desk, size_t slot)
{
	struct pairing_answer answer;

	(void)pthread_mutex_lock(&desk->lock);
	answer = pairing_slot(&desk->pairing, slot, desk_now_ms(desk));
	(void)pthread_mutex_unlock(&desk->lock);
	desk_note_answer(desk, &answer);
}

static bool begins_with(struct bytes text, const char *prefix)
{
	size_t n = strlen(prefix);

	return text.len >= n && bytes_equal(bytes_of(text.p, n), bytes_str(prefix));
}

bool desk_is_badge(const struct desk *desk, struct bytes text)
{
	return begins_with(text, desk->conf.conf->badge_prefix);
}

int desk_scan(struct desk *desk, const char *text, struct err *err)
{
	const struct conf *conf = desk->conf.conf;
	struct bytes badge = bytes_str(text);

	if (!is_printable(text)) {
		desk_refuse_scan(desk);
		return 0;
	}
	desk_touch(desk);
	if (desk_is_badge(desk, badge)) {
		size_t n = strlen(conf->badge_prefix);

		if (badge.len == n)
			return desk_logout(desk, err);
		return desk_outlast(desk, SCAN_BUSY,
				    desk_take_badge(desk, bytes_of(badge.p + n, badge.len - n), err), err);
	}
	for (size_t i = 0; i < conf->slots_n; i++) {
		if (strcmp(conf->slots[i].barcode, text) == 0) {
			take_slot(desk, i);
			return 0;
		}
	}
	if (begins_with(badge, conf->slot_prefix))
		refuse(desk, "no slot has this barcode");
	else
		take_label(desk, text);
	return 0;
}
