/*
 * Carried files: the whole file, and each input as a line of one too, since a digest keeps what is
 * made up from getting that far. What is read can be written again, and is the same bytes.
 */
#include <stdlib.h>

#include "enroll/carry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be(const struct buf *written, struct bytes line)
{
	if (written->len != line.len + 1 || !bytes_equal(bytes_of(written->p, line.len), line))
		abort();
}

static void must_say(const struct err *err)
{
	if (err->class != ERR_OPERATOR || err->what[0] == '\0')
		abort();
}

static void read_record(struct bytes line, struct buf *again)
{
	CARRY_ROW_AUTO(row);
	struct err err = { 0 };

	if (carry_record_parse(line, "line-a", &row.record, &err) < 0) {
		must_say(&err);
		return;
	}
	if (carry_record_line(&row.record, again, &err) < 0)
		abort();
	must_be(again, line);
}

static void read_outcome(struct bytes line, struct buf *again)
{
	struct carry_outcome outcome = { .difference.max = DIFFERENCE_JSON_MAX };
	struct err err = { 0 };

	if (carry_outcome_parse(line, &outcome, &err) < 0)
		must_say(&err);
	else if (carry_outcome_line(&outcome, again, &err) < 0)
		abort();
	buf_deinit(&outcome.difference);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_of(data, size), rest = text, line;
	BUF_AUTO(again, CARRY_LINE_MAX + 1);
	struct carry_file file;
	struct err err = { 0 };

	for (int64_t n = 1; rest.len > 0 && carry_take_line(&rest, n, &line, &err) == 0; n++) {
		read_record(line, &again);
		read_outcome(line, &again);
	}
	if (carry_parse(text, &file, &err) < 0) {
		must_say(&err);
		return 0;
	}
	if (carry_manifest_line(&file.manifest, &again, &err) < 0 || again.len > size ||
	    !bytes_equal(buf_bytes(&again), bytes_of(data, again.len)))
		abort();
	return 0;
}
