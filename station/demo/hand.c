/*
 * The technician's hand: a slot is a symbolic link to the terminal of the
 * device that sits there, replaced atomically when the next one is seated.
 */
#include "station/demo/demo.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <jansson.h>

struct hand {
	char dir[DIRECTORY_PATH_MAX];
	json_t *devices;                 /* the array of devices.json */
	size_t next;                     /* the next device to seat   */
	char seated[CONF_SLOTS_MAX][17]; /* names of the slots that hold one */
	struct {
		char slot[17]; /* empty: nothing planned */
		struct deadline when;
	} later[CONF_SLOTS_MAX];
	unsigned done;
};

static int read_devices(struct hand *hand, struct err *err)
{
	BUF_AUTO(text, 4 * 1024 * 1024);
	json_t *json;

	if (directory_read_file(hand->dir, "devices.json", &text, err) < 0)
		return -1;
	json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	hand->devices = json_incref(json_object_get(json, "devices"));
	json_decref(json);
	if (!json_is_array(hand->devices) || json_array_size(hand->devices) > DEMO_DEVICES_MAX)
		return err_set(err, ERR_OPERATOR, 0, "devices.json lists no devices");
	return 0;
}

int hand_new(const char *dir, struct hand **ret_hand, struct err *err)
{
	CLEANUP(hand_freep) struct hand *hand = calloc(1, sizeof(*hand));
	char slots[DIRECTORY_PATH_MAX];

	if (hand == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (str_format(hand->dir, sizeof(hand->dir), "%s", dir) < 0 ||
	    directory_path(dir, "slots", slots, err) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the station directory's path is too long");
	if (mkdir(slots, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", slots, strerror(errno));
	if (read_devices(hand, err) < 0)
		return -1;
	*ret_hand = hand;
	hand = NULL;
	return 0;
}

void hand_free(struct hand *hand)
{
	if (hand == NULL)
		return;
	json_decref(hand->devices);
	free(hand);
}

/* True when a device sat on the slot; the slot is remembered as holding one or not. */
static bool swap_seat(struct hand *hand, const char *slot, bool now)
{
	char(*free_seat)[17] = NULL;

	for (size_t i = 0; i < CONF_SLOTS_MAX; i++) {
		if (strcmp(hand->seated[i], slot) == 0) {
			if (!now)
				hand->seated[i][0] = '\0';
			return true;
		}
		if (hand->seated[i][0] == '\0' && free_seat == NULL)
			free_seat = &hand->seated[i];
	}
	if (now && free_seat != NULL)
		str_clip(*free_seat, sizeof(*free_seat), slot);
	return false;
}

static int link_slot(const struct hand *hand, const char *slot, const char *tty, struct err *err)
{
	char path[DIRECTORY_PATH_MAX + 32], fresh[DIRECTORY_PATH_MAX + 40];

	if (str_format(path, sizeof(path), "%s/slots/%s", hand->dir, slot) < 0 ||
	    str_format(fresh, sizeof(fresh), "%s.new", path) < 0)
		return err_set(err, ERR_BUG, 0, "a slot's path does not fit");
	(void)unlink(fresh);
	if (tty == NULL) {
		(void)unlink(path);
		return 0;
	}
	if (symlink(tty, fresh) < 0 || rename(fresh, path) < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int hand_seat_next(struct hand *hand, const char *slot, struct err *err)
{
	bool more = hand->next < json_array_size(hand->devices);
	const char *tty = NULL;

	if (more) {
		tty = json_string_value(json_object_get(json_array_get(hand->devices, hand->next), "tty"));
		if (tty == NULL)
			return err_set(err, ERR_OPERATOR, 0, "devices.json: a device without a tty");
		hand->next++;
	}
	if (swap_seat(hand, slot, more))
		hand->done++;
	return link_slot(hand, slot, tty, err);
}

void hand_seat_later(struct hand *hand, const char *slot, unsigned pause_ms)
{
	size_t free_plan = ARRAY_LEN(hand->later), i = 0;

	/* A slot has one plan, wherever it stands: two would skip a device. */
	for (; i < ARRAY_LEN(hand->later) && strcmp(hand->later[i].slot, slot) != 0; i++)
		if (hand->later[i].slot[0] == '\0' && free_plan == ARRAY_LEN(hand->later))
			free_plan = i;
	if (i == ARRAY_LEN(hand->later))
		i = free_plan;
	base_assert(i < ARRAY_LEN(hand->later));
	str_clip(hand->later[i].slot, sizeof(hand->later[i].slot), slot);
	hand->later[i].when = deadline_in_ms(pause_ms);
}

int hand_work(struct hand *hand, struct err *err)
{
	char slot[17];

	for (size_t i = 0; i < ARRAY_LEN(hand->later); i++) {
		if (hand->later[i].slot[0] == '\0' || !deadline_passed(&hand->later[i].when))
			continue;
		str_clip(slot, sizeof(slot), hand->later[i].slot);
		hand->later[i].slot[0] = '\0';
		if (hand_seat_next(hand, slot, err) < 0)
			return -1;
	}
	return 0;
}

unsigned hand_devices(const struct hand *hand)
{
	return (unsigned)json_array_size(hand->devices);
}

unsigned hand_done(const struct hand *hand)
{
	return hand->done;
}
