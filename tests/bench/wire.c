/*
 * What share of a line injecting uses: the chain and provisioning.json are put to a unit as the inject step does, and
 * the bytes that crossed the line meanwhile, both ways, are counted from a recording of it. Ten bits a byte (8N1), one
 * direction at a time, since each request waits for its answer. Prints one JSON object.
 *
 *     bench_wire LINK BAUD RECORDING CHAIN DPS
 *
 * line_percent counts every byte on the wire; item_percent the content alone, without base64, frames and answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixtures/fixture.h"
#include "fixtures/recording.h"

#define BITS_PER_BYTE 10
#define JOB_MS        600000
#define QUIET_MS      100 /* the emulator's line still carries an answer that we have already */

struct bench {
	const char *recording;
	struct buf chain, dps;
};

static int load(const char *path, struct buf *ret, struct err *err)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t part[2048];
	ssize_t n = -1;

	buf_clear(ret);
	while (fd >= 0 && (n = read(fd, part, sizeof(part))) > 0)
		if (buf_append(ret, bytes_of(part, (size_t)n)) < 0)
			return err_set(err, ERR_OPERATOR, EFBIG, "%s is too long", path);
	return n < 0 ? err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno)) : 0;
}

/* How many bytes the line has carried so far. */
static int carried(const char *path, size_t *ret_n, struct err *err)
{
	BUF_AUTO(text, RECORDING_TEXT_MAX);
	struct recording recording;
	size_t n = 0;

	if (load(path, &text, err) < 0 || recording_parse(buf_bytes(&text), &recording, err) < 0)
		return -1;
	for (size_t i = 0; i < recording.n; i++)
		n += recording.chunks[i].len;
	recording_deinit(&recording);
	*ret_n = n;
	return 0;
}

static int inject(struct fixture *fixture, const struct bench *bench, int64_t *ret_ms, struct err *err)
{
	const struct deadline dl = deadline_in_ms(JOB_MS);
	const int64_t from = deadline_now_ms();

	if (fixture_put(fixture, &dl, UNIT_ITEM_CHAIN, buf_bytes(&bench->chain), err) < 0 ||
	    fixture_put(fixture, &dl, UNIT_ITEM_DPS, buf_bytes(&bench->dps), err) < 0)
		return -1;
	*ret_ms = deadline_now_ms() - from;
	return 0;
}

static void report(const struct bench *bench, size_t carried_bytes, unsigned baud, int64_t ms)
{
	const double could = (double)baud / BITS_PER_BYTE * (double)ms / 1000;
	const size_t content = bench->chain.len + bench->dps.len;

	(void)printf("{\"baud\":%u,\"item_bytes\":%zu,\"line_bytes\":%zu,\"ms\":%lld,\"line_percent\":%.1f,"
		     "\"item_percent\":%.1f}\n",
		     baud, content, carried_bytes, (long long)ms, 100 * (double)carried_bytes / could,
		     100 * (double)content / could);
}

static int measure(const struct bench *bench, const char *link, unsigned baud, struct err *err)
{
	const struct deadline dl = deadline_in_ms(JOB_MS);
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	struct unit_info unit;
	size_t before, after;
	char spec[1024];
	int64_t ms;

	if (str_format(spec, sizeof(spec), "record:%s:%s", bench->recording, link) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the link is too long");
	if (fixture_open(&(struct fixture_conf){ .driver = "smp", .link = spec }, &fixture, err) < 0 ||
	    fixture_identify(fixture, &dl, &unit, err) < 0 || carried(bench->recording, &before, err) < 0)
		return -1;
	deadline_sleep(&dl, QUIET_MS);
	if (inject(fixture, bench, &ms, err) < 0 || carried(bench->recording, &after, err) < 0)
		return -1;
	if (ms == 0)
		return err_set(err, ERR_OPERATOR, 0, "too short to be measured: is the line paced?");
	report(bench, after - before, baud, ms);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench bench = { 0 };
	struct err err = { 0 };
	unsigned long baud;
	int rc;

	if (argc != 6 || (baud = strtoul(argv[2], NULL, 10)) < 1 || baud > 10000000) {
		(void)fputs("usage: bench_wire LINK BAUD RECORDING CHAIN DPS\n", stderr);
		return 2;
	}
	bench.recording = argv[3];
	buf_init(&bench.chain, FIXTURE_ITEM_MAX);
	buf_init(&bench.dps, FIXTURE_ITEM_MAX);
	rc = load(argv[4], &bench.chain, &err) < 0 || load(argv[5], &bench.dps, &err) < 0 ||
	     measure(&bench, argv[1], (unsigned)baud, &err) < 0;
	if (rc != 0)
		(void)fprintf(stderr, "bench_wire: %s: %s\n", err.where, err.what);
	buf_deinit(&bench.chain);
	buf_deinit(&bench.dps);
	return rc;
}
