/*
 * station fixture record SLOT FILE: asks the unit of a slot all that can be asked without changing it, and
 * writes down what went over the line, for who wants to see it elsewhere. A conversation that failed is
 * recorded, too: those are the ones that are asked for.
 */
#include "station/commands/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <jansson.h>

#include "station/directory.h"
#include "station/exit.h"
#include "station/report.h"

#define ASK_MS   20000
#define LINK_CAP (DIRECTORY_PATH_MAX + CONF_TEXT_MAX + 16)

/* What the unit said. */
struct heard {
	struct unit_info unit;
	struct buf chain, dps; /* empty: it keeps none, or does not give it */
};

/* FILE is ours from here on, and nobody's before. */
static int claim_file(const char *path, struct err *err)
{
	CLEANUP(fd_closep) int fd = -1;

	if (strchr(path, ':') != NULL)
		return err_set(err, ERR_OPERATOR, 0, "%.100s: a recording's name has no colon", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, ERR_OPERATOR, errno, "%.100s: %s", path,
			       errno == EEXIST ? "it is there already, and is not overwritten"
					       : strerror(errno));
	return 0;
}

/* A unit may say no, or keep nothing: that is an answer. */
static int ask_item(struct fixture *fixture, const struct deadline *dl, enum unit_item item, struct buf *ret,
		    struct err *err)
{
	struct err no = { 0 };

	if (fixture_get(fixture, dl, item, ret, &no) == 0 || no.class == ERR_UNIT)
		return 0;
	*err = no;
	return -1;
}

static int converse(struct fixture *fixture, struct heard *heard, struct err *err)
{
	const struct deadline dl = deadline_in_ms(ASK_MS);

	if (fixture_identify(fixture, &dl, &heard->unit, err) < 0)
		return err_wrap(err, "identifying the unit");
	if (ask_item(fixture, &dl, UNIT_ITEM_CHAIN, &heard->chain, err) < 0 ||
	    ask_item(fixture, &dl, UNIT_ITEM_DPS, &heard->dps, err) < 0)
		return err_wrap(err, "reading what unit %s keeps", heard->unit.serial);
	return 0;
}

/* *ret_begun: the link was opened, so the file holds something. */
static int record(const struct conf_slot *slot, const char *file, struct heard *heard, bool *ret_begun,
		  struct err *err)
{
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	const struct fixture_settings settings = conf_slot_settings(slot);
	char link[LINK_CAP];

	if (str_format(link, sizeof(link), "record:%s:%s", file, slot->link) < 0)
		return err_set(err, ERR_OPERATOR, ENAMETOOLONG, "the recording's path is too long");
	if (fixture_open(&(struct fixture_conf){ slot->driver, link, &settings }, &fixture, err) < 0)
		return -1;
	*ret_begun = true;
	return converse(fixture, heard, err);
}

static void print_heard(const struct conf_slot *slot, const char *file, const struct heard *heard, bool json)
{
	json_t *object;
	char *text;

	if (!json) {
		(void)printf("unit %s, model %s, hardware ID %s: recorded in %s\n"
			     "Keys are not in it; serial numbers and certificates are.\n",
			     heard->unit.serial, heard->unit.model, heard->unit.hwid, file);
		return;
	}
	object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "event", "recorded", "slot",
			   slot->name, "file", file, "serial", heard->unit.serial, "model", heard->unit.model,
			   "hwid", heard->unit.hwid, "firmware", heard->unit.firmware, "chain_bytes",
			   (json_int_t)heard->chain.len, "dps_bytes", (json_int_t)heard->dps.len);
	text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	if (text != NULL)
		(void)puts(text);
	free(text);
	json_decref(object);
}

/* What the unit did wrong is on record, and said; the file is what was asked for. */
static int record_slot(const struct options *options, const struct conf_slot *slot, int *ret_exit,
		       struct err *err)
{
	struct heard heard = { .chain = { .max = FIXTURE_ITEM_MAX }, .dps = { .max = FIXTURE_ITEM_MAX } };
	const char *file = options->args[2];
	bool begun = false;
	int rc;

	if (claim_file(file, err) < 0)
		return -1;
	rc = record(slot, file, &heard, &begun, err);
	if (rc == 0)
		print_heard(slot, file, &heard, options->json);
	buf_deinit(&heard.chain);
	buf_deinit(&heard.dps);
	if (!begun)
		(void)unlink(file);
	if (rc < 0 && (!begun || err->class >= ERR_OPERATOR))
		return err_wrap(err, "slot %s", slot->name);
	if (rc < 0)
		report_error(options->json, err);
	*ret_exit = rc < 0 ? EXIT_IN_PART : EXIT_DONE;
	return 0;
}

int fixture_command_record(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(conf_freep) struct conf *conf = NULL;
	CLEANUP(fd_closep) int lock = -1;
	const struct conf_slot *slot;
	struct err busy = { 0 };

	if (conf_load(options->dir, &conf, err) < 0)
		return -1;
	slot = fixture_slot(conf, options->args[1]);
	if (slot == NULL)
		return err_set(err, ERR_OPERATOR, 0, "station.ini has no slot \"%s\"", options->args[1]);
	/* Two that talk to one unit spoil each other's conversation, on a socket without a word. */
	if (directory_lock(options->dir, &lock, &busy) < 0)
		return err_set(err, ERR_OPERATOR, busy.code, "%s",
			       busy.code == EWOULDBLOCK
				       ? "a station works here and has the ports; stop it first"
				       : busy.what);
	return record_slot(options, slot, ret_exit, err);
}
