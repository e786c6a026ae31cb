/*
 * Runs device-emulator on a folder of its own and speaks SMP to its devices.
 * What goes wrong in here fails the test at once, so nothing returns an error.
 */
#ifndef TESTS_UNIT_EMULATOR_BENCH_H
#define TESTS_UNIT_EMULATOR_BENCH_H

#include <sys/types.h>

#include "base/bytes.h"
#include "fixtures/smp_body.h"

#define BENCH_DEVICES_MAX 8
#define NO_ANSWER         1000u

struct bench_device {
	char serial[65];
	char tty[64];
};

struct bench {
	char dir[256];
	pid_t pid;
	int stdin_fd;
	struct bench_device devices[BENCH_DEVICES_MAX];
	size_t n;
};

/* A new folder under TMPDIR; nothing runs yet. As cmocka's setup; the teardown stops and removes. */
int bench_setup(void **state);
int bench_teardown(void **state);

/* Starts count devices with more arguments, NULL at the end, and waits until they are ready. */
void bench_start(struct bench *bench, const char *count, const char *const more[]);
/* Starts with these arguments alone and gives the exit status. */
int bench_run(const struct bench *bench, const char *const args[]);
/* Ends it the ordered way (its stdin closes); gives the exit status. */
int bench_stop(struct bench *bench);
void bench_kill(struct bench *bench);

/* A file on the flash of a device; false if it is not there. */
bool bench_flash(const struct bench *bench, const char *folder, const char *file, struct buf *ret);
/* Living processes with this bench's folder in their arguments. */
size_t bench_processes(const struct bench *bench, const char *program);

/* The station's end of one line. */
struct line {
	int fd;
	uint8_t seq;
	uint8_t version;
	unsigned wait_ms;
	struct smp_serial_reader reader;
	struct buf answer; /* the last response's CBOR */
	struct smp_body body;
};

struct line *line_open(const struct bench *bench, size_t device);
void line_close(struct line *line);
DEFINE_CLEANUP(line_closep, struct line, line_close)
/* Asks and gives rc: 0 with the body in line->body, an rc, or NO_ANSWER in time. */
unsigned line_ask(struct line *line, enum smp_op op, uint8_t command, const struct smp_field *fields,
		  size_t fields_n);
/* One chunk of item, announced with its own digest; *ret_off only if rc is 0. */
unsigned line_chunk(struct line *line, const char *item, struct bytes all, size_t off, size_t n,
		    uint64_t *ret_off);
/* A whole item in chunks of n, repeating what got no answer; rc of the last. */
unsigned line_put(struct line *line, const char *item, struct bytes all, size_t n);
unsigned line_get(struct line *line, const char *item, struct buf *ret);
/* A CSR for cn, copied out. */
unsigned line_csr(struct line *line, const char *cn, struct buf *ret);
/* sig or mac for the nonce, copied out. */
unsigned line_prove(struct line *line, const char *kind, struct bytes nonce, struct buf *ret);

#define LINE_AUTO(name, bench, device) CLEANUP(line_closep) struct line *name = line_open(bench, device)

#endif
