/* The door of enroll/ to batches wants a key, a judge of keys, and a log; here they are introduced to each other. */
#include "station/commands/carrying.h"

#include <inttypes.h>

#include "audit/audit.h"
#include "base/deadline.h"

static int check(void *arg, const char *station, const uint8_t key_sha256[SHA256_LEN], struct bytes message,
		 struct bytes sig, struct err *err)
{
	struct carrying *carrying = arg;

	return vouch_check(carrying->dir, station, key_sha256, message, sig, err);
}

static int note(void *arg, struct db_tx *tx, const char *kind, const struct enroll_batch *batch,
		struct err *err)
{
	struct carrying *carrying = arg;
	bool receipt = strncmp(kind, "receipt", 7) == 0;
	char key[64], n[24], enrolled[24], quarantined[24], returned[24];
	const struct audit_field fields[] = {
		{ "batch", batch->id },
		{ "records", n },
		{ "from", !batch->ours ? batch->station : NULL },
		{ "enrolled", receipt ? enrolled : NULL },
		{ "quarantined", receipt ? quarantined : NULL },
		{ "returned", receipt ? returned : NULL },
		{ "station", carrying->acting.conf->id },
	};
	const struct audit_event event = { kind, key, fields, ARRAY_LEN(fields) };
	struct audit_head head;

	if (audit_head(tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "%s-%" PRId64, kind, head.size) < 0 ||
	    str_format(n, sizeof(n), "%" PRId64, batch->n) < 0 ||
	    str_format(enrolled, sizeof(enrolled), "%" PRId64, batch->enrolled) < 0 ||
	    str_format(quarantined, sizeof(quarantined), "%" PRId64, batch->quarantined) < 0 ||
	    str_format(returned, sizeof(returned), "%" PRId64, batch->returned) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	return audit_append(tx, carrying->carrier.now_ms, &event, err);
}

static void left_out(void *arg, const char *registration_id, const char *why)
{
	struct carrying *carrying = arg;

	carrying->left_out++;
	if (carrying->json)
		(void)printf("{\"event\":\"left-out\",\"registrationId\":\"%s\",\"reason\":\"%s\"}\n",
			     registration_id, why);
	else
		(void)printf("left out: %s: %s\n", registration_id, why);
}

int carrying_open(const struct options *options, struct carrying *carrying, struct err *err)
{
	if (acting_open(options->dir, &carrying->acting, err) < 0 ||
	    enroll_init(carrying->acting.db, err) < 0)
		return -1;
	carrying->dir = options->dir;
	carrying->json = options->json;
	carrying->carrier = (struct enroll_carrier){
		.db = carrying->acting.db,
		.station = carrying->acting.conf->id,
		.now_ms = clock_wall_ms(),
		.scratch = options->dir,
		.check = check,
		.note = note,
		.left_out = left_out,
		.arg = carrying,
	};
	return 0;
}

int carrying_open_key(struct carrying *carrying, struct err *err)
{
	if (vouch_open_key(carrying->dir, carrying->acting.conf, &carrying->vouch, err) < 0)
		return -1;
	carrying->carrier.signer = &carrying->vouch.signer;
	memcpy(carrying->carrier.key_sha256, carrying->vouch.key_sha256, SHA256_LEN);
	return 0;
}

int carrying_open_device_keys(struct carrying *carrying, struct err *err)
{
	if (vouch_open_device_keys(carrying->dir, carrying->acting.conf, &carrying->vouch, err) < 0)
		return -1;
	if (carrying->vouch.device_keys.mac != NULL)
		carrying->carrier.device_keys = &carrying->vouch.device_keys;
	return 0;
}

void carrying_close(struct carrying *carrying)
{
	vouch_close(&carrying->vouch);
	acting_close(&carrying->acting);
}
