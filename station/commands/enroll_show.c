/*
 * station enroll show SERIAL: what the service holds, beside what this station sent, field by field. The service
 * shows a certificate by its thumbprint and no keys (dps-api 0.4, 0.5), so ours are shown the same way.
 */
#include "enroll/enroll.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/encode.h"
#include "station/commands/enroll.h"
#include "station/exit.h"
#include "station/find.h"
#include "station/line.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

#define DEPTH_MAX 12

struct shown {
	struct found_unit *unit;
	const char *state; /* of our record; NULL: there is none, as for a unit of a group */
	json_t *ours, *service;
	bool json;
};

/* Leaves by their paths, each as a text; what is deeper than that, as a whole. */
static int flatten(json_t *flat, const char *path, json_t *value, unsigned depth)
{
	const char *name;
	json_t *member;

	if (!json_is_object(value) || depth == 0) {
		char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		int rc = json_object_set_new(flat, path,
					     json_string(text != NULL ? text : json_string_value(value)));

		free(text);
		return rc;
	}
	json_object_foreach(value, name, member)
	{
		/* Whole, however long: two names that begin alike are two fields. */
		CLEANUP(json_freep)
		json_t *below = json_sprintf("%s%s%s", path, path[0] != '\0' ? "." : "", name);

		if (below == NULL || flatten(flat, json_string_value(below), member, depth - 1) < 0)
			return -1;
	}
	return 0;
}

static int flatten_text(struct bytes text, json_t **ret, struct err *err)
{
	CLEANUP(json_freep)
	json_t *json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	CLEANUP(json_freep) json_t *flat = json_object();

	if (!json_is_object(json) || flat == NULL || flatten(flat, "", json, DEPTH_MAX) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the enrollment is not JSON");
	*ret = flat;
	flat = NULL;
	return 0;
}

#define SLOT "attestation.x509.clientCertificates.primary."

static int show_thumbprint(struct shown *shown, struct err *err)
{
	char hex[HEX_LEN(SHA256_LEN) + 1];

	if (json_object_del(shown->ours, SLOT "certificate") < 0)
		return 0;
	if (hex_encode(BYTES_ARRAY(shown->unit->leaf_sha256), hex, sizeof(hex)) < 0)
		return err_set(err, ERR_BUG, 0, "a thumbprint does not fit");
	for (char *c = hex; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	if (json_object_set_new(shown->ours, SLOT "info.sha256Thumbprint", json_string(hex)) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

/* The service's words end on a terminal. */
static void print_value(const char *text, int width)
{
	char safe[65];

	str_clip(safe, sizeof(safe), text != NULL ? text : "-");
	str_make_printable(safe);
	(void)printf("%-*s", width, safe);
}

static void print_field(const char *field, const char *ours, const char *service)
{
	/* A difference only where both speak: what we never send is the cloud operator's. */
	bool differs = ours != NULL && service != NULL && strcasecmp(ours, service) != 0;

	(void)printf("%c ", differs ? '*' : ' ');
	print_value(field, 64);
	(void)printf("\n    ours     ");
	print_value(ours, 0);
	(void)printf("\n    service  ");
	print_value(service, 0);
	(void)printf("\n");
}

static void print_text(const struct shown *shown)
{
	const char *field;
	json_t *value;

	(void)printf("%s (%s), job %lld, record %s\n", shown->unit->registration_id, shown->unit->serial,
		     (long long)shown->unit->job, shown->state != NULL ? shown->state : "none");
	json_object_foreach(shown->service, field, value) print_field(
		field, json_string_value(json_object_get(shown->ours, field)), json_string_value(value));
	json_object_foreach(shown->ours, field, value) if (json_object_get(shown->service, field) == NULL)
		print_field(field, json_string_value(value), NULL);
}

static void print_json(const struct shown *shown)
{
	CLEANUP(json_freep)
	json_t *object = json_pack("{s:s, s:s, s:s, s:I, s:s?, s:O, s:O}", "event", "enrollment", "serial",
				   shown->unit->serial, "registrationId", shown->unit->registration_id, "job",
				   (json_int_t)shown->unit->job, "state", shown->state, "ours", shown->ours,
				   "service", shown->service);
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	if (text != NULL)
		(void)puts(text);
	free(text);
}

static int load_ours(struct db *db, struct shown *shown, struct err *err)
{
	BUF_AUTO(payload, ENROLL_PAYLOAD_MAX);
	enum enroll_state state = ENROLL_QUEUED;
	bool found = false;

	if (enroll_payload(db, shown->unit->registration_id, &payload, &state, &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	shown->state = enroll_state_name(state);
	json_decref(shown->ours);
	shown->ours = NULL;
	if (flatten_text(buf_bytes(&payload), &shown->ours, err) < 0)
		return -1;
	return show_thumbprint(shown, err);
}

/* An enrollment that the service does not have is an answer: nothing stands in its column. */
static int load_theirs(struct line *line, struct shown *shown, int *ret_exit, struct err *err)
{
	BUF_AUTO(json, ENROLL_REPLY_MAX);
	struct enroll_service *service = NULL;
	bool found = false;

	if (line_service_open(line, &service, err) < 0 ||
	    enroll_get(service, shown->unit->registration_id, &json, &found, err) < 0) {
		if (err->class == ERR_RETRY || (err->class == ERR_OPERATOR && err->code > 0))
			*ret_exit = EXIT_SERVICE;
		return -1;
	}
	if (!found)
		return 0;
	json_decref(shown->service);
	shown->service = NULL;
	return flatten_text(buf_bytes(&json), &shown->service, err);
}

static void shown_deinit(struct shown *shown)
{
	json_decref(shown->ours);
	json_decref(shown->service);
}

int enroll_command_show(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(line_closep) struct line *line = NULL;
	FOUND_UNIT_AUTO(unit);
	CLEANUP(shown_deinit) struct shown shown = { .unit = &unit, .json = options->json };
	struct db *db;
	int unused = 0;

	shown.ours = json_object();
	shown.service = json_object();
	if (line_open_sync(options->dir, &line, &unused, err) < 0)
		return -1;
	db = line_station(line)->db;
	if (unit_find(db, options->args[1], &unit, err) < 0 || load_ours(db, &shown, err) < 0 ||
	    load_theirs(line, &shown, ret_exit, err) < 0)
		return -1;
	if (shown.json)
		print_json(&shown);
	else
		print_text(&shown);
	*ret_exit = EXIT_DONE;
	return 0;
}
