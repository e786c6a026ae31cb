/* See bench.h. Processes are found by this bench's folder in their arguments, so tests can run side by side. */
#include "tests/unit/emulator/bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/deadline.h"
#include "base/digest.h"
#include "fixtures/fixture.h"

#define ARGS_MAX 24
#define WAIT_MS  5000
#define TRIES    200

int bench_setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(bench);
	bench->pid = -1;
	bench->stdin_fd = -1;
	assert_int_equal(
		str_format(bench->dir, sizeof(bench->dir), "%s/emulator-XXXXXX", tmp != NULL ? tmp : "/tmp"),
		0);
	assert_non_null(mkdtemp(bench->dir));
	*state = bench;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int bench_teardown(void **state)
{
	struct bench *bench = *state;

	if (bench->pid > 0)
		(void)bench_stop(bench);
	(void)nftw(bench->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(bench);
	return 0;
}

/* The child's stdin is a pipe of ours: closing it is the ordered way to end the program. */
static void spawn(struct bench *bench, const char *const args[], int *ret_out)
{
	char program[512];
	int in[2], out[2];
	union {
		const char *const *given;
		char *const *taken;
	} argv = { .given = args };

	assert_non_null(getenv("STATION_BIN"));
	assert_int_equal(str_format(program, sizeof(program), "%s/device-emulator", getenv("STATION_BIN")),
			 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	bench->pid = fork();
	assert_true(bench->pid >= 0);
	if (bench->pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execv(program, argv.taken);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	bench->stdin_fd = in[1];
	*ret_out = out[0];
}

static void read_devices(struct bench *bench)
{
	char path[512];
	json_t *root, *list;

	assert_int_equal(str_format(path, sizeof(path), "%s/devices.json", bench->dir), 0);
	root = json_load_file(path, 0, NULL);
	list = json_object_get(root, "devices");
	bench->n = json_array_size(list);
	assert_in_range(bench->n, 1, BENCH_DEVICES_MAX);
	assert_int_equal(json_integer_value(json_object_get(root, "pid")), bench->pid);
	for (size_t i = 0; i < bench->n; i++) {
		const json_t *one = json_array_get(list, i);
		struct bench_device *device = &bench->devices[i];

		assert_int_equal(str_format(device->serial, sizeof(device->serial), "%s",
					    json_string_value(json_object_get(one, "serial"))),
				 0);
		assert_int_equal(str_format(device->tty, sizeof(device->tty), "%s",
					    json_string_value(json_object_get(one, "tty"))),
				 0);
	}
	json_decref(root);
}

void bench_start(struct bench *bench, const char *count, const char *const more[])
{
	const char *args[ARGS_MAX] = { "device-emulator", "--dir", bench->dir, "--count", count };
	char ready[256] = "";
	int out = -1;
	ssize_t n;

	for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
		assert_in_range(i, 0, ARGS_MAX - 7);
		args[5 + i] = more[i];
	}
	spawn(bench, args, &out);
	n = read(out, ready, sizeof(ready) - 1);
	(void)close(out);
	assert_true(n > 0);
	assert_non_null(strstr(ready, "\"event\":\"ready\""));
	read_devices(bench);
}

static int finish(struct bench *bench)
{
	int status = -1;

	assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
	if (bench->stdin_fd >= 0)
		(void)close(bench->stdin_fd);
	bench->stdin_fd = -1;
	bench->pid = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int bench_run(const struct bench *bench, const char *const args[])
{
	struct bench other = *bench;
	int out = -1;

	spawn(&other, args, &out);
	(void)close(other.stdin_fd);
	other.stdin_fd = -1;
	(void)close(out);
	return finish(&other);
}

int bench_stop(struct bench *bench)
{
	(void)close(bench->stdin_fd);
	bench->stdin_fd = -1;
	return finish(bench);
}

void bench_kill(struct bench *bench)
{
	(void)kill(bench->pid, SIGKILL);
	(void)finish(bench);
}

bool bench_flash(const struct bench *bench, const char *folder, const char *file, struct buf *ret)
{
	char path[512];
	CLEANUP(fd_closep) int fd = -1;
	ssize_t n;

	assert_int_equal(str_format(path, sizeof(path), "%s/devices/%s/%s", bench->dir, folder, file), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	buf_clear(ret);
	assert_non_null(buf_reserve(ret, ret->max));
	n = read(fd, ret->p, ret->max);
	assert_true(n >= 0);
	ret->len = (size_t)n;
	return true;
}

/* Arguments as the kernel keeps them, each ended by NUL; a dead process has none. */
static bool process_matches(const char *pid, const char *program, const char *dir)
{
	char path[300], line[2048];
	CLEANUP(fd_closep) int fd = -1;
	ssize_t n;

	if (str_format(path, sizeof(path), "/proc/%s/cmdline", pid) < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
	if (n <= 0)
		return false;
	line[n] = '\0';
	return strstr(line, program) != NULL && memmem(line, (size_t)n, dir, strlen(dir)) != NULL;
}

size_t bench_processes(const struct bench *bench, const char *program)
{
	DIR *dir = opendir("/proc");
	size_t n = 0;

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		n += process_matches(e->d_name, program, bench->dir);
	(void)closedir(dir);
	return n;
}

struct line *line_open(const struct bench *bench, size_t device)
{
	struct line *line = calloc(1, sizeof(*line));
	struct termios tio;

	assert_non_null(line);
	line->version = 1;
	line->wait_ms = WAIT_MS;
	assert_in_range(device, 0, bench->n - 1);
	line->fd = open(bench->devices[device].tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(line->fd >= 0);
	assert_int_equal(tcgetattr(line->fd, &tio), 0);
	/* The emulator made the line raw; nothing of a terminal may be left. */
	assert_int_equal(tio.c_lflag & (ICANON | ECHO), 0);
	assert_int_equal(tcflush(line->fd, TCIFLUSH), 0);
	smp_serial_reader_init(&line->reader);
	buf_init(&line->answer, SMP_BODY_MAX);
	return line;
}

void line_close(struct line *line)
{
	(void)close(line->fd);
	smp_serial_reader_deinit(&line->reader);
	buf_deinit(&line->answer);
	free(line);
}

static void send_request(struct line *line, enum smp_op op, uint8_t command, struct bytes body)
{
	const struct smp_header header = { .op = op,
					   .version = line->version,
					   .group = SMP_GROUP_PROVISION,
					   .seq = ++line->seq,
					   .command = command };
	BUF_AUTO(packet, SMP_HEADER_LEN + SMP_BODY_MAX);
	BUF_AUTO(wire, 32768);

	assert_int_equal(smp_packet_write(&header, body, &packet), 0);
	assert_int_equal(smp_serial_encode(buf_bytes(&packet), &wire), 0);
	for (size_t off = 0; off < wire.len;) {
		ssize_t n = write(line->fd, wire.p + off, wire.len - off);

		assert_true(n > 0);
		off += (size_t)n;
	}
}

/* True when the packet is the response to the last request; an older one is late and forgotten. */
static bool is_answer(struct line *line, enum smp_op op, uint8_t command, struct bytes packet)
{
	struct smp_header header;
	struct bytes body;

	if (smp_packet_read(packet, &header, &body) < 0 || header.seq != line->seq)
		return false;
	assert_int_equal(header.op, op + 1);
	assert_int_equal(header.version, line->version);
	assert_int_equal(header.group, SMP_GROUP_PROVISION);
	assert_int_equal(header.command, command);
	assert_int_equal(buf_set(&line->answer, body), 0);
	return true;
}

static bool receive(struct line *line, enum smp_op op, uint8_t command)
{
	struct deadline dl = deadline_in_ms(line->wait_ms);
	struct pollfd fd = { line->fd, POLLIN, 0 };

	while (poll(&fd, 1, deadline_left_ms(&dl)) > 0) {
		uint8_t raw[256];
		ssize_t n = read(line->fd, raw, sizeof(raw));
		struct bytes in = bytes_of(raw, n > 0 ? (size_t)n : 0);

		assert_true(n > 0);
		while (in.len > 0) {
			BUF_AUTO(packet, SMP_HEADER_LEN + SMP_BODY_MAX);
			bool whole = false;

			assert_int_equal(smp_serial_read(&line->reader, &in, &packet, &whole), 0);
			if (whole && is_answer(line, op, command, buf_bytes(&packet)))
				return true;
		}
	}
	return false;
}

unsigned line_ask(struct line *line, enum smp_op op, uint8_t command, const struct smp_field *fields,
		  size_t fields_n)
{
	BUF_AUTO(body, SMP_BODY_MAX);
	unsigned group = 0, rc = 0;

	assert_int_equal(smp_body_write(&body, fields, fields_n), 0);
	send_request(line, op, command, buf_bytes(&body));
	if (!receive(line, op, command))
		return NO_ANSWER;
	assert_int_equal(smp_body_open(buf_bytes(&line->answer), &line->body), 0);
	assert_int_equal(smp_body_error(&line->body, &group, &rc), 0);
	if (rc != 0)
		assert_int_equal(group, line->version == 0 ? 0 : SMP_GROUP_PROVISION);
	return rc;
}

unsigned line_chunk(struct line *line, const char *item, struct bytes all, size_t off, size_t n,
		    uint64_t *ret_off)
{
	uint8_t sha[SHA256_LEN];
	unsigned rc;

	sha256(all, sha);
	rc = line_ask(line, SMP_WRITE, SMP_PROVISION_PUT,
		      SMP_FIELDS(smp_text("item", item), smp_uint("off", off), smp_uint("len", all.len),
				 smp_bytes("sha", BYTES_ARRAY(sha)),
				 smp_bytes("data", bytes_of(all.p + off, n))));
	if (rc == 0)
		assert_int_equal(smp_body_uint(&line->body, "off", all.len, ret_off), 0);
	return rc;
}

unsigned line_put(struct line *line, const char *item, struct bytes all, size_t n)
{
	uint64_t off = 0;
	unsigned rc = 0;

	for (size_t tries = 0; off < all.len && tries < TRIES; tries++) {
		size_t left = all.len - (size_t)off;

		rc = line_chunk(line, item, all, (size_t)off, left < n ? left : n, &off);
		if (rc != 0 && rc != NO_ANSWER)
			return rc;
	}
	return rc;
}

unsigned line_get(struct line *line, const char *item, struct buf *ret)
{
	uint64_t len = 0;

	buf_clear(ret);
	do {
		struct bytes data;
		unsigned rc = line_ask(line, SMP_READ, SMP_PROVISION_GET,
				       SMP_FIELDS(smp_text("item", item), smp_uint("off", ret->len)));

		if (rc != 0)
			return rc;
		assert_int_equal(smp_body_uint(&line->body, "len", FIXTURE_ITEM_MAX, &len), 0);
		assert_int_equal(smp_body_bytes(&line->body, "data", &data), 0);
		assert_true(data.len > 0 || len == 0);
		assert_int_equal(buf_append(ret, data), 0);
	} while (ret->len < len);
	return 0;
}

static unsigned copy_bytes(struct line *line, unsigned rc, const char *key, struct buf *ret)
{
	struct bytes data;

	if (rc != 0)
		return rc;
	assert_int_equal(smp_body_bytes(&line->body, key, &data), 0);
	assert_int_equal(buf_set(ret, data), 0);
	return 0;
}

unsigned line_csr(struct line *line, const char *cn, struct buf *ret)
{
	return copy_bytes(line,
			  line_ask(line, SMP_WRITE, SMP_PROVISION_KEY,
				   SMP_FIELDS(smp_text("alg", "P-256"), smp_text("cn", cn))),
			  "csr", ret);
}

unsigned line_prove(struct line *line, const char *kind, struct bytes nonce, struct buf *ret)
{
	return copy_bytes(
		line, line_ask(line, SMP_WRITE, SMP_PROVISION_PROVE, SMP_FIELDS(smp_bytes("nonce", nonce))),
		kind, ret);
}
