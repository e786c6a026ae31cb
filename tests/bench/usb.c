/*
 * What a question over USB costs beyond the transport: the bytes of the smp driver's info request, sent and answered over
 * the bulk endpoints by libusb alone, and the same request through the driver, in turns of one run. Host controllers work
 * in frames, so the difference of these two jumps by whole ones; what the driver itself takes is the time of its question
 * less the time inside libusb's transfers (the linker's --wrap). And what the station's look at a unit that sits there
 * costs of the processor: open, ask, close, once a second on every slot. Prints one JSON object.
 *
 *     bench_usb VID:PID@PORT ROUNDS
 *
 * Times are microseconds, the middle one of all; cpu is the mean, with libusb's own threads. Fails if a question takes
 * more transfers than one each way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <libusb.h>

#include "fixtures/fixture.h"
#include "fixtures/smp.h"

#define TURNS      10
#define ROUNDS_MAX 100000
#define WAIT_MS    5000
#define REPLY_MAX  1024
#define INTERFACE  0
#define TO_HOST    0x81 /* the emulator's endpoints (fixtures/emulator/ffs_descriptors.c) */
#define TO_DEVICE  0x02
#define LOOKS      20

/* Of the transfers that went through libusb in this process. */
static struct {
	int64_t ns;
	size_t n;
} transport;

/* The linker's names. */
int __real_libusb_bulk_transfer(libusb_device_handle *handle, unsigned char endpoint, unsigned char *data,
				int length, int *n, unsigned timeout_ms);
int __wrap_libusb_bulk_transfer(libusb_device_handle *handle, unsigned char endpoint, unsigned char *data,
				int length, int *n, unsigned timeout_ms);

struct bench {
	const char *link;
	uint16_t vendor, product;
	size_t rounds;              /* a turn */
	int64_t *raw, *asked, *own; /* TURNS * rounds */
	int request_bytes, reply_bytes;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static double cpu_us(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int __wrap_libusb_bulk_transfer(libusb_device_handle *handle, unsigned char endpoint, unsigned char *data,
				int length, int *n, unsigned timeout_ms)
{
	const int64_t from = now_ns();
	int rc = __real_libusb_bulk_transfer(handle, endpoint, data, length, n, timeout_ms);

	transport.ns += now_ns() - from;
	transport.n++;
	return rc;
}

/* --- by libusb alone -------------------------------------------------------------------------------- */

static int exchange(struct bench *bench, libusb_device_handle *handle, const struct buf *request)
{
	unsigned char reply[REPLY_MAX];
	int n = 0;

	if (libusb_bulk_transfer(handle, TO_DEVICE, request->p, (int)request->len, &n, WAIT_MS) < 0 ||
	    n != (int)request->len ||
	    libusb_bulk_transfer(handle, TO_HOST, reply, sizeof(reply), &n, WAIT_MS) < 0 ||
	    n <= SMP_HEADER_LEN || reply[7] != request->p[7])
		return -1;
	bench->request_bytes = (int)request->len;
	bench->reply_bytes = n;
	return 0;
}

static int turn_raw(struct bench *bench, libusb_device_handle *handle, int64_t *times)
{
	const struct smp_header header = { SMP_READ, 1, SMP_GROUP_PROVISION, 0, SMP_PROVISION_INFO };
	BUF_AUTO(request, SMP_HEADER_LEN + 8);

	if (smp_packet_write(&header, BYTES_LIT("\xa0"), &request) < 0 ||
	    libusb_claim_interface(handle, INTERFACE) < 0)
		return -1;
	for (size_t i = 0; i < bench->rounds; i++) {
		const int64_t from = now_ns();

		if (exchange(bench, handle, &request) < 0)
			return -1;
		times[i] = now_ns() - from;
	}
	return libusb_release_interface(handle, INTERFACE);
}

/* --- through the driver ----------------------------------------------------------------------------- */

static int turn_asked(const struct bench *bench, int64_t *times, int64_t *own, struct err *err)
{
	const struct fixture_conf conf = { .driver = "smp", .link = bench->link };
	const struct deadline begin = deadline_in_ms(WAIT_MS);
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	struct unit_info unit;

	/* The first may meet a device that was configured only just now. */
	if (fixture_open(&conf, &fixture, err) < 0 || fixture_identify(fixture, &begin, &unit, err) < 0)
		return -1;
	for (size_t i = 0; i < bench->rounds; i++) {
		const struct deadline dl = deadline_in_ms(WAIT_MS);
		const int64_t from = now_ns();

		transport.ns = 0;
		transport.n = 0;
		if (fixture_identify(fixture, &dl, &unit, err) < 0)
			return -1;
		times[i] = now_ns() - from;
		own[i] = times[i] - transport.ns;
		if (transport.n != 2)
			return err_set(err, ERR_BUG, 0, "a question took %zu transfers", transport.n);
	}
	return 0;
}

/* As the station's worker looks at a slot. */
static int look(const struct bench *bench, struct err *err)
{
	const struct fixture_conf conf = { .driver = "smp", .link = bench->link };
	const struct deadline dl = deadline_in_ms(WAIT_MS);
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	struct unit_info unit;

	if (fixture_open(&conf, &fixture, err) < 0)
		return -1;
	return fixture_identify(fixture, &dl, &unit, err);
}

/* --- both ------------------------------------------------------------------------------------------- */

static int in_order(const void *a, const void *b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static double middle_us(int64_t *times, size_t n)
{
	qsort(times, n, sizeof(*times), in_order);
	return (double)times[n / 2] / 1000;
}

static int take_turns(struct bench *bench, libusb_device_handle *handle, struct err *err)
{
	for (size_t turn = 0; turn < TURNS; turn++) {
		const size_t at = turn * bench->rounds;

		if (turn_raw(bench, handle, bench->raw + at) < 0)
			return err_set(err, ERR_RETRY, 0, "libusb alone gets no answer");
		if (turn_asked(bench, bench->asked + at, bench->own + at, err) < 0)
			return -1;
	}
	return 0;
}

/* Processor time of a question on a line that is open, and of a whole look. */
static int take_cpu(struct bench *bench, double *ret_ask, double *ret_look, struct err *err)
{
	const double from = cpu_us();
	double asked;

	if (turn_asked(bench, bench->asked, bench->own, err) < 0)
		return -1;
	asked = cpu_us();
	for (size_t i = 0; i < LOOKS; i++)
		if (look(bench, err) < 0)
			return -1;
	*ret_ask = (asked - from) / (double)bench->rounds;
	*ret_look = (cpu_us() - asked) / LOOKS;
	return 0;
}

static int measure(struct bench *bench, libusb_device_handle *handle, struct err *err)
{
	const size_t all = TURNS * bench->rounds;
	double ask = 0, look_cpu = 0, raw, asked;

	if (take_cpu(bench, &ask, &look_cpu, err) < 0 || take_turns(bench, handle, err) < 0)
		return -1;
	raw = middle_us(bench->raw, all);
	asked = middle_us(bench->asked, all);
	(void)printf(
		"{\"rounds\":%zu,\"request_bytes\":%d,\"reply_bytes\":%d,\"raw_us\":%.0f,\"driver_us\":%.0f,"
		"\"ratio\":%.3f,\"driver_own_us\":%.0f,\"ask_cpu_us\":%.0f,\"look_cpu_us\":%.0f}\n",
		all, bench->request_bytes, bench->reply_bytes, raw, asked, asked / raw,
		middle_us(bench->own, all), ask, look_cpu);
	return 0;
}

static int run(struct bench *bench, struct err *err)
{
	libusb_device_handle *handle = NULL;
	libusb_context *context = NULL;
	int rc = -1;

	if (libusb_init(&context) < 0)
		return err_set(err, ERR_STATION, 0, "libusb does not start");
	handle = libusb_open_device_with_vid_pid(context, bench->vendor, bench->product);
	if (handle == NULL)
		(void)err_set(err, ERR_OPERATOR, 0, "no such device, or no permission");
	else
		rc = measure(bench, handle, err);
	if (handle != NULL)
		libusb_close(handle);
	libusb_exit(context);
	return rc;
}

int main(int argc, char **argv)
{
	struct bench bench = { .rounds = 0 };
	struct err err = { 0 };
	unsigned vendor, product;
	char link[128];
	int rc = -1;

	if (argc == 3)
		bench.rounds = strtoul(argv[2], NULL, 10) / TURNS;
	if (argc != 3 || bench.rounds == 0 || bench.rounds > ROUNDS_MAX ||
	    sscanf(argv[1], "%4x:%4x", &vendor, &product) != 2 ||
	    str_format(link, sizeof(link), "usb:%s", argv[1]) < 0) {
		(void)fputs("usage: bench_usb VID:PID@PORT ROUNDS (10 or more)\n", stderr);
		return 2;
	}
	bench.link = link;
	bench.vendor = (uint16_t)vendor;
	bench.product = (uint16_t)product;
	bench.raw = calloc(TURNS * bench.rounds, sizeof(*bench.raw));
	bench.asked = calloc(TURNS * bench.rounds, sizeof(*bench.asked));
	bench.own = calloc(TURNS * bench.rounds, sizeof(*bench.own));
	if (bench.raw != NULL && bench.asked != NULL && bench.own != NULL)
		rc = run(&bench, &err);
	if (rc < 0)
		(void)fprintf(stderr, "bench_usb: %s: %s\n", err.where, err.what);
	free(bench.raw);
	free(bench.asked);
	free(bench.own);
	return rc < 0;
}
