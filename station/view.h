/*
 * What the line looks like now, as the event stream told it: the one snapshot
 * that all screens read. Nothing here asks a device, a database or a clock.
 */
#ifndef STATION_VIEW_H
#define STATION_VIEW_H

#include "station/events.h"

#define VIEW_FLASH_MS   3000 /* a new FAIL flashes so long            */
#define VIEW_MESSAGE_MS 8000 /* what became of a scan stands so long  */

enum tile_state {
	TILE_EMPTY,
	TILE_RUNNING,
	TILE_WAITING, /* for a person: tile.wait */
	TILE_PASS,
	TILE_ALREADY, /* it has passed before */
	TILE_FAIL,
	TILE_PORT, /* the slot's port can't be opened */
};

struct tile {
	char slot[17];
	enum tile_state state; /* a result stays until the next unit is seated */
	bool seated;           /* a unit sits there now */
	char serial[65];
	char registration_id[65];
	char step[17];
	unsigned step_index, steps_n;
	int64_t since_ms;    /* monotonic: seated at */
	unsigned elapsed_ms; /* of a result */
	enum wait wait;
	enum err_class class;
	char text[400]; /* of FAIL and PORT: what happened, for who repairs it */
	int64_t flash_until_ms;
};

struct view {
	char station_id[33];
	struct tile tiles[CONF_SLOTS_MAX];
	size_t tiles_n;

	struct {
		char owner[33]; /* operator ID; the same one logging in again continues it */
		unsigned passed, failed;
	} shift;                                           /* since its operator took over */
	char operator_id[33], operator_name[65], role[17]; /* empty: nobody */
	bool login_required;

	bool hsm_known, hsm_ok;
	char hsm_label[33];
	bool service_known, service_ok;
	char service_text[400];
	int64_t waiting, refused; /* records for the service */

	/* The last scan's fate, for the message line. */
	enum scan_fate scan;
	char scan_slot[17], scan_text[65];
	int64_t scan_until_ms;

	bool stopped; /* EVENT_STOP; the text says why */
	char stop_text[400];
	unsigned fails; /* EVENT_FAIL so far: the bell rings when it grows */
};

void view_init(struct view *view, const struct conf *conf, bool login_required);
/* now_ms: monotonic. An event of a slot that the configuration does not have changes nothing. */
void view_apply(struct view *view, const struct event *event, int64_t now_ms);

#endif
