/*
 * The view: each event changes one tile or one fact of the footer. A result
 * stays on its tile until the next unit is seated, whatever else happens there.
 */
#include "station/view.h"

#include "station/cause.h"

void view_init(struct view *view, const struct conf *conf, bool login_required)
{
	*view = (struct view){ .tiles_n = conf->slots_n, .login_required = login_required };
	str_clip(view->station_id, sizeof(view->station_id), conf->id);
	for (size_t i = 0; i < conf->slots_n; i++)
		str_clip(view->tiles[i].slot, sizeof(view->tiles[i].slot), conf->slots[i].name);
}

static struct tile *tile_of(struct view *view, const char *slot)
{
	for (size_t i = 0; i < view->tiles_n; i++)
		if (strcmp(view->tiles[i].slot, slot) == 0)
			return &view->tiles[i];
	return NULL;
}

static bool is_result(enum tile_state state)
{
	return state == TILE_PASS || state == TILE_ALREADY || state == TILE_FAIL;
}

/* Everything of the unit before goes; only the slot keeps its name. */
static void seat(struct tile *tile, const struct event *e, int64_t now_ms)
{
	struct tile fresh = { .state = TILE_RUNNING, .seated = true, .since_ms = now_ms };

	str_clip(fresh.slot, sizeof(fresh.slot), tile->slot);
	str_clip(fresh.serial, sizeof(fresh.serial), e->serial);
	*tile = fresh;
}

static void enter_step(struct tile *tile, const struct event *e)
{
	tile->state = TILE_RUNNING;
	tile->seated = true;
	str_clip(tile->step, sizeof(tile->step), e->step);
	tile->step_index = e->step_index;
	tile->steps_n = e->steps_n;
}

static void enter_wait(struct tile *tile, const struct event *e)
{
	tile->state = TILE_WAITING;
	tile->seated = true;
	tile->wait = e->wait;
	str_clip(tile->serial, sizeof(tile->serial), e->serial);
}

static void conclude(struct tile *tile, enum tile_state state, const struct event *e)
{
	tile->state = state;
	tile->elapsed_ms = e->elapsed_ms;
	tile->class = e->class;
	str_clip(tile->serial, sizeof(tile->serial), e->serial);
	str_clip(tile->registration_id, sizeof(tile->registration_id), e->registration_id);
	str_clip(tile->text, sizeof(tile->text), cause_without_place(e->text));
	if (e->step[0] != '\0')
		str_clip(tile->step, sizeof(tile->step), e->step);
}

static void set_free(struct tile *tile)
{
	tile->seated = false;
	if (!is_result(tile->state))
		tile->state = TILE_EMPTY;
}

static void set_port_trouble(struct tile *tile, const struct event *e)
{
	tile->seated = false;
	tile->state = TILE_PORT;
	tile->class = e->class;
	str_clip(tile->text, sizeof(tile->text), e->text);
}

static void apply_to_tile(struct view *view, struct tile *tile, const struct event *e, int64_t now_ms)
{
	switch (e->kind) {
	case EVENT_SEATED:
		seat(tile, e, now_ms);
		break;
	case EVENT_STEP:
		enter_step(tile, e);
		break;
	case EVENT_WAIT:
		enter_wait(tile, e);
		break;
	case EVENT_FREE:
		set_free(tile);
		break;
	case EVENT_PORT:
		set_port_trouble(tile, e);
		break;
	case EVENT_PASS:
		conclude(tile, TILE_PASS, e);
		view->shift.passed++;
		break;
	case EVENT_ALREADY:
		conclude(tile, TILE_ALREADY, e);
		break;
	case EVENT_FAIL:
		conclude(tile, TILE_FAIL, e);
		tile->flash_until_ms = now_ms + VIEW_FLASH_MS;
		view->shift.failed++;
		view->fails++;
		break;
	case EVENT_STOP:
		conclude(tile, TILE_FAIL, e);
		break;
	case EVENT_SERVICE:
	case EVENT_SYNC:
	case EVENT_SCAN:
	case EVENT_OPERATOR:
	case EVENT_HSM:
	case EVENT_QUEUE:
		break;
	}
}

static void set_operator(struct view *view, const struct event *e)
{
	str_clip(view->operator_id, sizeof(view->operator_id), e->operator_id);
	str_clip(view->operator_name, sizeof(view->operator_name), e->operator_name);
	str_clip(view->role, sizeof(view->role), e->role);
	view->login_required = true;
	if (e->operator_id[0] == '\0' || strcmp(view->shift.owner, e->operator_id) == 0)
		return;
	str_clip(view->shift.owner, sizeof(view->shift.owner), e->operator_id);
	view->shift.passed = 0;
	view->shift.failed = 0;
}

static void set_scan(struct view *view, const struct event *e, int64_t now_ms)
{
	view->scan = e->fate;
	str_clip(view->scan_slot, sizeof(view->scan_slot), e->slot);
	str_clip(view->scan_text, sizeof(view->scan_text), e->text);
	view->scan_until_ms = now_ms + VIEW_MESSAGE_MS;
}

static void set_service(struct view *view, const struct event *e)
{
	view->service_known = true;
	view->service_ok = e->kind == EVENT_SYNC || e->reachable;
	str_clip(view->service_text, sizeof(view->service_text), e->text);
}

static void set_stopped(struct view *view, const struct event *e)
{
	view->stopped = true;
	view->fails++;
	str_clip(view->stop_text, sizeof(view->stop_text), e->text);
}

static void apply_to_station(struct view *view, const struct event *e, int64_t now_ms)
{
	switch (e->kind) {
	case EVENT_SERVICE:
	case EVENT_SYNC:
		set_service(view, e);
		break;
	case EVENT_SCAN:
		set_scan(view, e, now_ms);
		break;
	case EVENT_OPERATOR:
		set_operator(view, e);
		break;
	case EVENT_HSM:
		view->hsm_known = true;
		view->hsm_ok = e->reachable;
		str_clip(view->hsm_label, sizeof(view->hsm_label), e->text);
		break;
	case EVENT_QUEUE:
		view->waiting = e->waiting;
		view->refused = e->refused;
		break;
	case EVENT_STOP:
		set_stopped(view, e);
		break;
	case EVENT_SEATED:
	case EVENT_STEP:
	case EVENT_PASS:
	case EVENT_FAIL:
	case EVENT_PORT:
	case EVENT_ALREADY:
	case EVENT_WAIT:
	case EVENT_FREE:
		break;
	}
}

void view_apply(struct view *view, const struct event *event, int64_t now_ms)
{
	struct tile *tile = tile_of(view, event->slot);

	if (tile != NULL)
		apply_to_tile(view, tile, event, now_ms);
	apply_to_station(view, event, now_ms);
}
