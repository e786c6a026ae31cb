/*
 * What the sender makes of the service's limits, and what a long queue costs. Against dps-emulator, each
 * figure as a ratio of one run; run by tests/bench/sync.sh.
 *
 *     bench_sync rate SECONDS CONNECTIONS LATENCY_MS     the real limit of 1,000 calls a minute
 *     bench_sync queue ROWS SAMPLES                      a queue of 1,000 rows beside one of ROWS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "enroll/enroll.h"
#include "tests/fakes/dps.h"

#define LIMIT      1000
#define ROWS_SMALL 1000
#define EK_LEN     316
#define ROWS_TX    5000
#define BUDGET_MAX 1000000

struct bench {
	char dir[160];
	struct fake_dps dps;
	struct macer macer;
	struct enroll_conf conf;
	struct enroll_login login;
	struct enroll_gate *gate;
	struct enroll_service *services[ENROLL_CONNECTIONS_MAX];
	size_t n;
};

static int mac_with_policy_key(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err)
{
	const struct fake_dps *dps = key;

	(void)err;
	hmac_sha256(bytes_of(dps->key, dps->key_len), message, ret_mac);
	return 0;
}

static int bench_open(struct bench *b, const char *const *options, unsigned budget, size_t connections,
		      struct err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (str_format(b->dir, sizeof(b->dir), "%s/bench-sync.XXXXXX", tmp != NULL ? tmp : "/tmp") < 0 ||
	    mkdtemp(b->dir) == NULL || fake_dps_start(&b->dps, options) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the emulator does not start (STATION_BIN)");
	b->macer = (struct macer){ mac_with_policy_key, &b->dps };
	b->conf = (struct enroll_conf){
		.host = b->dps.host,
		.network.ca_file = b->dps.ca_path,
		.attempts_max = 20,
		.timeout_ms = 30000,
	};
	b->login = (struct enroll_login){ .policy = b->dps.policy, .macer = &b->macer };
	if (enroll_gate_new(budget, &b->gate, err) < 0)
		return -1;
	for (; b->n < connections; b->n++)
		if (enroll_service_open(&b->conf, &b->login, b->gate, &b->services[b->n], err) < 0)
			return -1;
	return 0;
}

static void bench_close(struct bench *b)
{
	for (size_t i = 0; i < b->n; i++)
		enroll_service_close(b->services[i]);
	enroll_gate_free(b->gate);
	fake_dps_stop(&b->dps);
	(void)rmdir(b->dir);
}

static int open_db(const struct bench *b, const char *name, char path[200], struct db **ret_db,
		   struct err *err)
{
	if (str_format(path, 200, "%s/%s", b->dir, name) < 0)
		return err_set(err, ERR_BUG, 0, "a path does not fit");
	if (db_open(path, ret_db, err) < 0)
		return -1;
	return enroll_init(*ret_db, err);
}

static void remove_db(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[220];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_format(name, sizeof(name), "%s%s", path, ends[i]) == 0)
			(void)unlink(name);
}

/* TPM2B_PUBLIC of the TCG's template; the modulus is all seed. */
static struct bytes make_ek(uint8_t out[EK_LEN])
{
	static const uint8_t start[60] = { 0x01, 0x3a, 0x00, 0x01, 0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2,
					   0x00, 0x20, 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8,
					   0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52,
					   0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b,
					   0x33, 0x14, 0x69, 0xaa, 0x00, 0x06, 0x00, 0x80, 0x00, 0x43,
					   0x00, 0x10, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00 };

	memset(out, 1, EK_LEN);
	memcpy(out, start, sizeof(start));
	return bytes_of(out, EK_LEN);
}

static int enqueue_one(struct db_tx *tx, const char *prefix, unsigned long row, struct err *err)
{
	uint8_t ek[EK_LEN];
	char id[40];
	const struct enroll_record record = { .job = id,
					      .registration_id = id,
					      .endorsement_key = make_ek(ek) };

	if (str_format(id, sizeof(id), "%s-%08lu", prefix, row) < 0)
		return err_set(err, ERR_BUG, 0, "an ID does not fit");
	return enroll_enqueue(tx, clock_wall_ms(), &record, err);
}

static int enqueue_rows(struct db *db, const char *prefix, unsigned long from, unsigned long to,
			struct err *err)
{
	for (unsigned long row = from; row < to;) {
		CLEANUP(db_rollback) struct db_tx tx = { 0 };
		unsigned long last = to - row < ROWS_TX ? to : row + ROWS_TX;

		if (db_begin(db, &tx, err) < 0)
			return -1;
		for (; row < last; row++)
			if (enqueue_one(&tx, prefix, row, err) < 0)
				return -1;
		if (db_commit(&tx, err) < 0)
			return -1;
	}
	return 0;
}

/* --- rate --------------------------------------------------------------------------------------------- */

struct sums {
	pthread_mutex_t lock;
	unsigned calls, enrolled, throttled, failed;
	bool over; /* what comes now was broken off */
};

/* Nothing else than the throttle makes a batch wait here. */
static void on_status(void *arg, const struct enroll_sender_status *status)
{
	struct sums *sums = arg;

	(void)pthread_mutex_lock(&sums->lock);
	if (!sums->over) {
		sums->calls += status->progress.calls;
		sums->enrolled += status->progress.enrolled;
		sums->throttled += status->progress.retried > 0;
		sums->failed += !status->reachable;
	}
	(void)pthread_mutex_unlock(&sums->lock);
}

static struct sums run_sender(struct bench *b, struct db *db, unsigned seconds, struct err *err)
{
	struct sums sums = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct enroll_sender_conf conf = {
		.services = b->services, .n = b->n, .db = db, .status = on_status, .status_arg = &sums
	};
	const struct deadline dl = deadline_in_ms(seconds * 1000);
	struct enroll_sender *sender = NULL;

	if (enroll_sender_start(&conf, &sender, err) < 0)
		return sums;
	deadline_sleep(&dl, seconds * 1000);
	(void)pthread_mutex_lock(&sums.lock);
	sums.over = true;
	(void)pthread_mutex_unlock(&sums.lock);
	enroll_sender_stop(sender);
	return sums;
}

/* Rows that are neither enrolled nor still to be sent are lost. */
static int print_rate(struct db *db, const struct sums *sums, unsigned seconds, unsigned long rows,
		      struct err *err)
{
	double most = 10.0 * LIMIT * seconds / 60;
	struct enroll_counts n;

	if (enroll_count(db, &n, err) < 0)
		return -1;
	(void)printf("{\"seconds\":%u,\"calls\":%u,\"enrolled\":%u,\"ofTheMost\":%.3f,\"throttled\":%u,"
		     "\"throttledShare\":%.4f,\"unreachable\":%u,\"lost\":%lld}\n",
		     seconds, sums->calls, sums->enrolled, sums->enrolled / most, sums->throttled,
		     sums->calls > 0 ? (double)sums->throttled / sums->calls : 0, sums->failed,
		     (long long)rows - (long long)(n.queued + n.sending + n.retry + n.enrolled));
	return n.quarantined == 0 ? 0 : err_set(err, ERR_UNIT, 0, "records are in quarantine");
}

static int rate(struct bench *b, unsigned seconds, size_t connections, const char *latency_ms,
		struct err *err)
{
	const char *const options[] = { "--operations-per-minute", "1000", "--latency-ms", latency_ms, NULL };
	CLEANUP(db_closep) struct db *db = NULL;
	unsigned long rows = 10UL * LIMIT * (seconds / 60 + 2);
	struct sums sums;
	char path[200];
	int rc;

	if (bench_open(b, options, LIMIT, connections, err) < 0 ||
	    open_db(b, "rate.db", path, &db, err) < 0 || enqueue_rows(db, "rate", 0, rows, err) < 0)
		return -1;
	sums = run_sender(b, db, seconds, err);
	rc = print_rate(db, &sums, seconds, rows, err);
	db_close(db);
	db = NULL;
	remove_db(path);
	return rc;
}

/* --- queue -------------------------------------------------------------------------------------------- */

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median_us(int64_t *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), compare_times);
	return (double)ns[n / 2] / 1000;
}

static int64_t now_ns(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

struct queue {
	const char *prefix;
	char path[200];
	struct db *db;
	unsigned long rows;
	int64_t *enqueue_ns, *batch_ns;
};

/* One enqueue in a transaction of its own, as a unit's record is; and one batch. */
static int sample(struct bench *b, struct queue *queue, size_t i, struct err *err)
{
	struct enroll_progress progress = { 0 };
	int64_t began = now_ns();

	if (enqueue_rows(queue->db, queue->prefix, queue->rows, queue->rows + 1, err) < 0)
		return -1;
	queue->rows++;
	queue->enqueue_ns[i] = now_ns() - began;
	began = now_ns();
	if (enroll_send_batch(b->services[0], queue->db, clock_wall_ms(), &progress, err) < 0)
		return -1;
	queue->batch_ns[i] = now_ns() - began;
	if (progress.enrolled != ENROLL_BULK_MAX)
		return err_set(err, ERR_UNIT, 0, "a batch enrolled %u", progress.enrolled);
	return 0;
}

static int fill(struct bench *b, struct queue *queue, unsigned long rows, size_t samples, struct err *err)
{
	queue->enqueue_ns = calloc(samples, sizeof(int64_t));
	queue->batch_ns = calloc(samples, sizeof(int64_t));
	if (queue->enqueue_ns == NULL || queue->batch_ns == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (open_db(b, queue->prefix, queue->path, &queue->db, err) < 0 ||
	    enqueue_rows(queue->db, queue->prefix, 0, rows, err) < 0)
		return -1;
	queue->rows = rows;
	return 0;
}

static void queue_close(struct queue *queue)
{
	db_close(queue->db);
	remove_db(queue->path);
	free(queue->enqueue_ns);
	free(queue->batch_ns);
}

/* The small queue stays small, and is never empty. */
static int top_up(struct queue *queue, size_t samples_done, struct err *err)
{
	unsigned long sent = ENROLL_BULK_MAX * samples_done;

	if (queue->rows - sent > ROWS_SMALL / 2)
		return 0;
	if (enqueue_rows(queue->db, queue->prefix, queue->rows, queue->rows + ROWS_SMALL / 2, err) < 0)
		return -1;
	queue->rows += ROWS_SMALL / 2;
	return 0;
}

/* Turn and turn about, so that whatever else the machine does meets both. */
static int measure(struct bench *b, struct queue *small, struct queue *large, size_t samples, struct err *err)
{
	for (size_t i = 0; i < samples; i++)
		if (top_up(small, i, err) < 0 || sample(b, small, i, err) < 0 || sample(b, large, i, err) < 0)
			return -1;
	return 0;
}

static void print_queue(const struct queue *small, const struct queue *large, size_t samples)
{
	double enqueue[] = { median_us(small->enqueue_ns, samples), median_us(large->enqueue_ns, samples) };
	double batch[] = { median_us(small->batch_ns, samples), median_us(large->batch_ns, samples) };

	(void)printf("{\"rows\":%lu,\"enqueueSmallUs\":%.0f,\"enqueueLargeUs\":%.0f,\"enqueueRatio\":%.3f,"
		     "\"batchSmallUs\":%.0f,\"batchLargeUs\":%.0f,\"drainRatio\":%.3f}\n",
		     large->rows, enqueue[0], enqueue[1], enqueue[1] / enqueue[0], batch[0], batch[1],
		     batch[0] / batch[1]);
}

static int queue_cost(struct bench *b, unsigned long rows, size_t samples, struct err *err)
{
	static const char *const options[] = { NULL };
	CLEANUP(queue_close) struct queue small = { .prefix = "small" };
	CLEANUP(queue_close) struct queue large = { .prefix = "large" };

	if (bench_open(b, options, BUDGET_MAX, 1, err) < 0 || fill(b, &small, ROWS_SMALL, samples, err) < 0 ||
	    fill(b, &large, rows, samples, err) < 0 || measure(b, &small, &large, samples, err) < 0)
		return -1;
	print_queue(&small, &large, samples);
	return 0;
}

static int run(struct bench *b, int argc, char **argv, struct err *err)
{
	unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long second = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	if (argc == 5 && strcmp(argv[1], "rate") == 0 && first > 0 && first < 3600 && second > 0 &&
	    second <= ENROLL_CONNECTIONS_MAX)
		return rate(b, (unsigned)first, second, argv[4], err);
	if (argc == 4 && strcmp(argv[1], "queue") == 0 && first >= ROWS_SMALL && second > 0)
		return queue_cost(b, first, second, err);
	return err_set(err, ERR_OPERATOR, 0,
		       "usage: bench_sync rate SECONDS CONNECTIONS LATENCY_MS | queue ROWS SAMPLES");
}

int main(int argc, char **argv)
{
	struct bench b = { .dps.input = -1 };
	struct err err = { 0 };
	int rc = run(&b, argc, argv, &err);

	if (rc < 0)
		(void)fprintf(stderr, "bench_sync: %s: %s\n", err.where, err.what);
	bench_close(&b);
	return rc < 0 ? 1 : 0;
}
