/* station enroll trust FILE: two officers let another station's batches and receipts in. */
#include <inttypes.h>
#include <stdio.h>

#include "audit/audit.h"
#include "base/encode.h"
#include "station/commands/acting.h"
#include "station/commands/enroll.h"
#include "station/exit.h"
#include "station/vouch.h"

static int read_text(const char *path, struct buf *ret, struct err *err)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "re");
	uint8_t *to = buf_reserve(ret, ret->max);

	if (file == NULL)
		return err_set(err, ERR_OPERATOR, 0, "%s can't be opened", path);
	if (to == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	ret->len = fread(to, 1, ret->max, file);
	if (ferror(file) != 0 || fgetc(file) != EOF)
		return err_set(err, ERR_OPERATOR, 0, "%s can't be read, or is too long", path);
	return 0;
}

static int append_trust(struct db_tx *tx, const char *here, const char *station, const char *sha,
			const struct witnesses *witnesses, struct err *err)
{
	struct audit_head head;
	char key[64];
	const struct audit_field fields[] = {
		{ "trusted", station },
		{ "key_sha256", sha },
		{ "witness_1", witnesses->first[0] != '\0' ? witnesses->first : NULL },
		{ "witness_2", witnesses->second[0] != '\0' ? witnesses->second : NULL },
		{ "station", here },
	};
	const struct audit_event event = { "station-trusted", key, fields, ARRAY_LEN(fields) };

	if (audit_head(tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "station-trusted-%" PRId64, head.size) < 0)
		return err_set(err, ERR_BUG, 0, "an audit key does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}

/* The file is there before the entry is durable, so that no entry speaks of a trust that never came. */
static int trust(struct acting *acting, const char *dir, const char *station, const char *sha,
		 struct bytes text, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct witnesses witnesses;

	if (acting_two(acting, ACT_TRUST, &witnesses, err) < 0 || db_begin(acting->db, &tx, err) < 0 ||
	    people_check_witnesses(&tx, ACT_TRUST, &witnesses, err) < 0 ||
	    append_trust(&tx, acting->conf->id, station, sha, &witnesses, err) < 0 ||
	    vouch_trust(dir, station, text, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

int enroll_command_trust(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(acting_close) struct acting acting = { 0 };
	char station[ENROLL_STATION_MAX + 1], sha[HEX_LEN(SHA256_LEN) + 1];
	BUF_AUTO(text, VOUCH_TEXT_MAX);
	BUF_AUTO(spki, PKI_SPKI_MAX);
	uint8_t digest[SHA256_LEN];

	if (acting_open(options->dir, &acting, err) < 0 || read_text(options->args[1], &text, err) < 0 ||
	    vouch_text_read(buf_bytes(&text), station, &spki, err) < 0)
		return -1;
	if (strcmp(station, acting.conf->id) == 0)
		return err_set(err, ERR_OPERATOR, 0, "%s is this very station's id", station);
	sha256(buf_bytes(&spki), digest);
	if (hex_encode(BYTES_ARRAY(digest), sha, sizeof(sha)) < 0)
		return err_set(err, ERR_BUG, 0, "a digest does not fit");
	/* Before anybody agrees. */
	if (!options->json)
		(void)printf(
			"station %s, key %s\nCompare this with what \"station audit key\" shows there.\n",
			station, sha);
	(void)fflush(stdout);
	if (trust(&acting, options->dir, station, sha, buf_bytes(&text), err) < 0)
		return -1;
	if (options->json)
		(void)printf("{\"event\":\"trusted\",\"station\":\"%s\",\"key_sha256\":\"%s\"}\n", station,
			     sha);
	else
		(void)printf("batches and receipts of station %s are taken from now on\n", station);
	*ret_exit = EXIT_DONE;
	return 0;
}
