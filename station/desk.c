/*
 * The desk's state, what workers ask of it, and what time does to it. Workers
 * only compare and copy under the lock; whatever touches the database is the
 * reading thread's and happens outside of it.
 */
#include "station/desk_internal.h"

#include <stdlib.h>

#include "base/log.h"

#define LOOK_MS     2000  /* how often the people are looked up */
#define ASK_MS      30000 /* how long a dialog waits for an answer */
#define TELL_MAX    8     /* notes of one tick: the mailbox keeps few places for us */
#define A_MINUTE_MS 60000

int64_t desk_now_ms(const struct desk *desk)
{
	return desk->conf.now_ms != NULL ? desk->conf.now_ms() : deadline_now_ms();
}

int desk_new(const struct desk_conf *conf, struct desk **ret_desk, struct err *err)
{
	CLEANUP(desk_freep) struct desk *desk = calloc(1, sizeof(*desk));
	int64_t n = 0;

	if (desk == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	desk->conf = *conf;
	(void)pthread_mutex_init(&desk->lock, NULL);
	pairing_init(&desk->pairing, conf->conf->slots_n);
	desk->attended = true;
	desk->touched_ms = desk_now_ms(desk);
	if (people_count(conf->db, &n, err) < 0)
		return err_wrap(err, "people");
	desk->demanded = n > 0;
	*ret_desk = desk;
	desk = NULL;
	return 0;
}

void desk_free(struct desk *desk)
{
	if (desk == NULL)
		return;
	(void)pthread_mutex_destroy(&desk->lock);
	free(desk);
}

static size_t slot_index(const struct desk *desk, const struct conf_slot *slot)
{
	size_t i = (size_t)(slot - desk->conf.conf->slots);

	base_assert(i < desk->conf.conf->slots_n);
	return i;
}

static enum wait may_start(const struct desk *desk, const struct conf_profile *profile, const char *label)
{
	if (desk->clock_doubt)
		return WAIT_CLOCK;
	if (!desk->attended)
		return WAIT_TERMINAL;
	if (desk->demanded && desk->who.id[0] == '\0')
		return WAIT_OPERATOR;
	if (profile != NULL && profile->label.demanded && label[0] == '\0')
		return WAIT_LABEL;
	return WAIT_NONE;
}

enum wait desk_may_start(struct desk *desk, const struct conf_slot *slot, const struct conf_profile *profile,
			 const char *serial, struct seating *ret_seating)
{
	static const struct label_rules any = { 0 };
	size_t i = slot_index(desk, slot);
	const char *label;
	enum wait wait;

	(void)pthread_mutex_lock(&desk->lock);
	if (!desk->pairing.slots[i].seated)
		desk->touched_ms = desk_now_ms(desk);
	label = pairing_sit(&desk->pairing, i, serial, profile != NULL ? &profile->label : &any);
	wait = may_start(desk, profile, label);
	if (wait == WAIT_NONE) {
		str_clip(ret_seating->operator_id, sizeof(ret_seating->operator_id), desk->who.id);
		str_clip(ret_seating->label, sizeof(ret_seating->label), label);
		pairing_begin(&desk->pairing, i);
	}
	(void)pthread_mutex_unlock(&desk->lock);
	return wait;
}

void desk_left(struct desk *desk, const struct conf_slot *slot)
{
	(void)pthread_mutex_lock(&desk->lock);
	pairing_leave(&desk->pairing, slot_index(desk, slot));
	(void)pthread_mutex_unlock(&desk->lock);
}

void desk_touch(struct desk *desk)
{
	(void)pthread_mutex_lock(&desk->lock);
	desk->touched_ms = desk_now_ms(desk);
	(void)pthread_mutex_unlock(&desk->lock);
	desk->asked_ms = desk_now_ms(desk);
}

void desk_set_attended(struct desk *desk, bool attended)
{
	(void)pthread_mutex_lock(&desk->lock);
	desk->attended = attended;
	(void)pthread_mutex_unlock(&desk->lock);
}

void desk_set_clock_doubt(struct desk *desk, bool doubt)
{
	(void)pthread_mutex_lock(&desk->lock);
	desk->clock_doubt = doubt;
	(void)pthread_mutex_unlock(&desk->lock);
}

bool desk_login_required(struct desk *desk)
{
	bool demanded;

	(void)pthread_mutex_lock(&desk->lock);
	demanded = desk->demanded;
	(void)pthread_mutex_unlock(&desk->lock);
	return demanded;
}

int desk_outlast(struct desk *desk, enum scan_fate told, int ret, struct err *err)
{
	if (ret == 0 || err->class != ERR_RETRY)
		return ret;
	log_line(LOG_LEVEL_WARN, "desk-busy", "where=%s what=%s", err->where, err->what);
	if (told != SCAN_NONE) {
		/* Whoever stands there waited with us. */
		desk_touch(desk);
		desk_note_scan(desk, told, NULL, err->what);
	}
	err_clear(err);
	return 0;
}

static void tell_waits(struct desk *desk)
{
	struct pairing_answer answer;
	bool more = true;

	for (unsigned i = 0; i < TELL_MAX && more; i++) {
		(void)pthread_mutex_lock(&desk->lock);
		more = pairing_next(&desk->pairing, desk_now_ms(desk), &answer);
		(void)pthread_mutex_unlock(&desk->lock);
		if (more)
			desk_note_answer(desk, &answer);
	}
}

/* Another process may have added the first operator, or disabled the one who works here. */
static int look_at_people(struct desk *desk, struct err *err)
{
	struct person person;
	bool found = false, was = desk_login_required(desk);
	int64_t n = 0;

	if (people_count(desk->conf.db, &n, err) < 0)
		return -1;
	(void)pthread_mutex_lock(&desk->lock);
	desk->demanded = n > 0;
	(void)pthread_mutex_unlock(&desk->lock);
	if (n > 0 && !was)
		desk_note_operator(desk, "");
	if (desk->who.id[0] == '\0')
		return 0;
	if (people_find(desk->conf.db, desk->who.id, &person, &found, err) < 0)
		return -1;
	return found && !person.disabled ? 0 : desk_log_out(desk, "disabled", err);
}

static bool is_idle(struct desk *desk, int64_t now_ms)
{
	int64_t after_ms = (int64_t)desk->conf.conf->logout_minutes * A_MINUTE_MS;
	bool idle;

	(void)pthread_mutex_lock(&desk->lock);
	idle = after_ms > 0 && now_ms - desk->touched_ms >= after_ms;
	(void)pthread_mutex_unlock(&desk->lock);
	return idle;
}

static int tick(struct desk *desk, struct err *err)
{
	int64_t now_ms = desk_now_ms(desk);

	tell_waits(desk);
	if (desk->dialog.asks != DESK_ASKS_NOTHING && now_ms - desk->asked_ms >= ASK_MS)
		desk_end_dialog(desk);
	if (now_ms >= desk->next_look_ms) {
		desk->next_look_ms = now_ms + LOOK_MS;
		if (look_at_people(desk, err) < 0)
			return err_wrap(err, "people");
	}
	return is_idle(desk, now_ms) ? desk_log_out(desk, "idle", err) : 0;
}

int desk_tick(struct desk *desk, struct err *err)
{
	return desk_outlast(desk, SCAN_NONE, tick(desk, err), err);
}
