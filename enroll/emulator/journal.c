/*
 * The state file: one JSON object per line, {"op":"put","table":…,"id":…,"doc":…}
 * or "delete". A line counts when its line end is there, so the only damage that
 * a crash can do is a torn last line, and that one was never answered.
 */
#include "enroll/emulator/dps_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/file.h"

#define LINE_MAX_BYTES (1024 * 1024)

struct dps_journal {
	int fd;
	struct buf pending;
	bool broken;
};

static const char *const table_names[DPS_TABLES] = {
	[DPS_ENROLLMENTS] = "enrollments",
	[DPS_GROUPS] = "enrollmentGroups",
	[DPS_REGISTRATIONS] = "registrations",
	[DPS_CERTIFICATES] = "certificates",
};

static int table_from_name(const char *name, enum dps_table *ret)
{
	for (size_t i = 0; name != NULL && i < DPS_TABLES; i++) {
		if (strcmp(name, table_names[i]) == 0) {
			*ret = (enum dps_table)i;
			return 0;
		}
	}
	return -1;
}

static int replay_line(const char *line, size_t len, dps_journal_fn *replay, void *arg, struct err *err)
{
	CLEANUP(json_freep) json_t *entry = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *op = json_string_value(json_object_get(entry, "op"));
	const char *id = json_string_value(json_object_get(entry, "id"));
	const json_t *doc = json_object_get(entry, "doc");
	enum dps_table table;

	if (op == NULL || id == NULL || strlen(id) > DPS_ID_MAX ||
	    table_from_name(json_string_value(json_object_get(entry, "table")), &table) < 0)
		return err_set(err, ERR_OPERATOR, 0, "not a change");
	if (strcmp(op, "delete") == 0)
		return replay(arg, table, id, NULL, err);
	if (strcmp(op, "put") != 0 || !json_is_object(doc))
		return err_set(err, ERR_OPERATOR, 0, "not a change");
	return replay(arg, table, id, doc, err);
}

/* Returns the length of the whole lines in *ret_end. */
static int replay_file(FILE *file, dps_journal_fn *replay, void *arg, off_t *ret_end, struct err *err)
{
	BUF_AUTO(buffer, LINE_MAX_BYTES);
	char *line = (char *)buf_reserve(&buffer, LINE_MAX_BYTES);
	off_t end = 0;

	if (line == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "no memory to read the state");
	for (size_t number = 1; fgets(line, LINE_MAX_BYTES, file) != NULL; number++) {
		size_t len = strlen(line);

		if (len == 0 || line[len - 1] != '\n') {
			if (len + 1 >= LINE_MAX_BYTES || !feof(file))
				return err_set(err, ERR_OPERATOR, 0, "line %zu is too long", number);
			break;
		}
		if (replay_line(line, len, replay, arg, err) < 0)
			return err_wrap(err, "line %zu", number);
		end += (off_t)len;
	}
	*ret_end = end;
	return 0;
}

static int replay_path(const char *path, dps_journal_fn *replay, void *arg, off_t *ret_end, struct err *err)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "re");

	if (file == NULL)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	if (replay_file(file, replay, arg, ret_end, err) < 0)
		return err_wrap(err, "state file %s", path);
	return 0;
}

static int open_locked(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, ERR_OPERATOR, errno, "state file %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return err_set(err, ERR_OPERATOR, errno, "state file %s is in use by another dps-emulator",
			       path);
	}
	return fd;
}

int dps_journal_open(const char *path, dps_journal_fn *replay, void *arg, struct dps_journal **ret_journal,
		     struct err *err)
{
	CLEANUP(fd_closep) int fd = open_locked(path, err);
	struct dps_journal *journal;
	off_t end = 0;

	if (fd < 0 || replay_path(path, replay, arg, &end, err) < 0)
		return -1;
	if (ftruncate(fd, end) < 0 || fsync(fd) < 0)
		return err_set(err, ERR_STATION, errno, "state file %s: %s", path, strerror(errno));
	journal = calloc(1, sizeof(*journal));
	if (journal == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "no memory");
	journal->fd = fd;
	buf_init(&journal->pending, 8 * LINE_MAX_BYTES);
	fd = -1;
	*ret_journal = journal;
	return 0;
}

void dps_journal_close(struct dps_journal *journal)
{
	if (journal == NULL)
		return;
	(void)close(journal->fd);
	buf_deinit(&journal->pending);
	free(journal);
}

int dps_journal_add(struct dps_journal *journal, enum dps_table table, const char *id, const json_t *doc,
		    struct err *err)
{
	CLEANUP(json_freep)
	json_t *entry = json_pack("{s:s, s:s, s:s, s:O*}", "op", doc != NULL ? "put" : "delete", "table",
				  table_names[table], "id", id, "doc", doc);
	char *text = entry != NULL ? json_dumps(entry, JSON_COMPACT) : NULL;
	size_t before = journal->pending.len;
	int rc = text != NULL ? buf_append(&journal->pending, bytes_str(text)) : -1;

	if (rc == 0)
		rc = buf_append_u8(&journal->pending, '\n');
	free(text);
	if (rc < 0) {
		journal->pending.len = before;
		return err_set(err, ERR_STATION, ENOMEM, "no memory for the state file");
	}
	return 0;
}

int dps_journal_sync(struct dps_journal *journal, struct err *err)
{
	if (journal->pending.len == 0 && !journal->broken)
		return 0;
	/* After a failed write nobody knows what the file holds; only a restart can tell. */
	if (journal->broken || file_write_all(journal->fd, buf_bytes(&journal->pending)) < 0 ||
	    fdatasync(journal->fd) < 0) {
		journal->broken = true;
		return err_set(err, ERR_STATION, errno, "the state file can't be written: %s",
			       strerror(errno));
	}
	buf_clear(&journal->pending);
	return 0;
}
