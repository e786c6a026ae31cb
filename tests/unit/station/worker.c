/* Tests station/worker.c on a real token, with a scripted unit at the end of its slot's line. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/log.h"
#include "fixtures/recording.h"
#include "station/journal.h"
#include "station/results.h"
#include "station/worker.h"
#include "tests/unit/fixtures/peer.h"
#include "tests/unit/hsm/world.h"

#define AWAIT_MS 60000

/* What the unit says of itself. */
enum mood {
	GOOD,   /* it is SN-0001; a key it does not make, so its job ends there */
	NAMED,  /* the same, but its name is what the station calls units without one */
	LYING,  /* nothing of what an answer must hold */
	BOOTING /* text that is no answer */
};

struct line {
	struct peer peer;
	_Atomic(enum mood) mood;
	char dir[64], slot[96], pty[96], db[96];
	struct conf *conf;
	struct station st;
	struct worker *worker;
};

static void answer(struct peer *peer, const struct smp_header *request, const struct smp_body *body)
{
	const struct line *line = peer->script;
	enum mood mood = atomic_load(&line->mood);

	(void)body;
	if (request->group != SMP_GROUP_PROVISION || request->command != SMP_PROVISION_INFO)
		peer_refuse(peer, request, SMP_RC_NOT_SUPPORTED);
	else if (mood == GOOD)
		peer_reply_info(peer, request);
	else if (mood == NAMED)
		peer_reply(peer, request,
			   SMP_FIELDS(smp_uint("ver", 1), smp_text("serial", "unknown"),
				      smp_text("model", "sensor"), smp_text("hwid", "unknown"),
				      smp_text("state", "blank"), smp_uint("caps", 1), smp_text("fw", "1")));
	else if (mood == LYING)
		peer_reply(peer, request, SMP_NO_FIELDS);
	else
		peer_say(peer, BYTES_LIT("[    0.000000] Booting\r\n"));
}

static void path_of(const struct line *line, const char *name, char *out, size_t cap)
{
	assert_int_equal(str_format(out, cap, "%s/%s", line->dir, name), 0);
}

static void open_database(struct line *line)
{
	struct err err = { 0 };

	assert_int_equal(db_open(line->db, &line->st.db, &err), 0);
	assert_int_equal(journal_init(line->st.db, &err), 0);
	assert_int_equal(audit_init(line->st.db, &err), 0);
	assert_int_equal(enroll_init(line->st.db, &err), 0);
	assert_int_equal(results_init(line->st.db, &err), 0);
	assert_int_equal(mailbox_new(&line->st.events, &err), 0);
	assert_int_equal(seats_new(&line->st.seats, &err), 0);
}

static void describe(struct line *line)
{
	struct conf_slot *slot;

	line->conf = calloc(1, sizeof(*line->conf));
	assert_non_null(line->conf);
	str_clip(line->conf->issuing_key, sizeof(line->conf->issuing_key), "pkcs11:object=worker-issuing");
	str_clip(line->conf->profiles[0].name, sizeof(line->conf->profiles[0].name), "sensor");
	line->conf->profiles[0].attest = ATTEST_X509;
	line->conf->profiles_n = 1;
	line->conf->slots_n = 1;
	slot = &line->conf->slots[0];
	str_clip(slot->name, sizeof(slot->name), "1");
	str_clip(slot->driver, sizeof(slot->driver), "smp");
	slot->profiles[0] = &line->conf->profiles[0];
	slot->profiles_n = 1;
}

/* Around "serial:" and the slot's path; nobody sits there yet. */
static struct line *line_start(const struct world *w, const char *around)
{
	struct line *line = calloc(1, sizeof(*line));
	struct hsm_session *session;
	struct err err = { 0 };

	assert_non_null(line);
	assert_int_equal(str_format(line->dir, sizeof(line->dir), "/tmp/station-worker-XXXXXX"), 0);
	assert_non_null(mkdtemp(line->dir));
	path_of(line, "slot", line->slot, sizeof(line->slot));
	path_of(line, "db", line->db, sizeof(line->db));
	peer_start(&line->peer, answer, line);
	str_clip(line->pty, sizeof(line->pty), line->peer.link + strlen("serial:"));
	open_database(line);
	describe(line);
	assert_int_equal(str_format(line->conf->slots[0].link, sizeof(line->conf->slots[0].link),
				    "%sserial:%s", around, line->slot),
			 0);
	line->st.conf = line->conf;
	line->st.hsm = world_open(w);
	session = world_session(line->st.hsm);
	(void)world_key(session, HSM_KEY_EC_P256, "worker-issuing");
	hsm_session_close(session);
	assert_int_equal(plug_start(line->conf, &line->st.plug, &err), 0);
	assert_int_equal(worker_start(&line->st, &line->conf->slots[0], &line->worker, &err), 0);
	return line;
}

static void line_stop(struct line *line)
{
	static const char *const names[] = { "slot", "db", "db-wal", "db-shm" };
	char path[128];

	atomic_store(&line->st.stop, true);
	mailbox_close(line->st.events);
	plug_release(line->st.plug);
	worker_join(line->worker);
	plug_stop(line->st.plug);
	seats_free(line->st.seats);
	mailbox_free(line->st.events);
	hsm_close(line->st.hsm);
	db_close(line->st.db);
	peer_stop(&line->peer);
	free(line->conf);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		path_of(line, names[i], path, sizeof(path));
		(void)unlink(path);
	}
	(void)rmdir(line->dir);
	free(line);
}

static void seat(struct line *line, enum mood mood)
{
	atomic_store(&line->mood, mood);
	assert_int_equal(symlink(line->pty, line->slot), 0);
}

static void take_away(const struct line *line)
{
	assert_int_equal(unlink(line->slot), 0);
}

/* The next event of the kind; those before it are passed over. */
static bool comes_in_ms(const struct line *line, enum event_kind kind, unsigned ms, struct event *ret_event)
{
	const struct deadline dl = deadline_in_ms(ms);
	struct event event;

	while (!deadline_passed(&dl)) {
		if (!mailbox_take(line->st.events, &event)) {
			deadline_sleep(&dl, 10);
			continue;
		}
		assert_int_not_equal(event.kind, EVENT_STOP);
		if (event.kind != kind)
			continue;
		*ret_event = event;
		return true;
	}
	return false;
}

static struct event await(const struct line *line, enum event_kind kind)
{
	struct event event = { 0 };

	if (!comes_in_ms(line, kind, AWAIT_MS, &event))
		fail_msg("no event of kind %d", (int)kind);
	return event;
}

static void await_unit(const struct line *line, enum event_kind kind, const char *serial)
{
	assert_string_equal(await(line, kind).serial, serial);
}

/* --- Units that are refused ------------------------------------------------------------------------- */

static void test_a_refused_unit_is_served_when_it_was_away(void **state)
{
	struct line *line = line_start(*state, "");

	seat(line, LYING);
	await_unit(line, EVENT_FAIL, "unknown");
	take_away(line);
	await_unit(line, EVENT_FREE, "unknown");
	seat(line, GOOD);
	await_unit(line, EVENT_SEATED, "SN-0001");
	await_unit(line, EVENT_FAIL, "SN-0001");
	line_stop(line);
}

static void test_a_unit_by_the_name_of_the_refused_is_served(void **state)
{
	struct line *line = line_start(*state, "");

	seat(line, LYING);
	await_unit(line, EVENT_FAIL, "unknown");
	atomic_store(&line->mood, NAMED);
	await_unit(line, EVENT_SEATED, "unknown");
	await_unit(line, EVENT_FAIL, "unknown");
	/* And that it was served is no reason to say nothing of the next. */
	atomic_store(&line->mood, LYING);
	await_unit(line, EVENT_FAIL, "unknown");
	line_stop(line);
}

/* Too soon after another refusal it is not said at once, but it is said. */
static void test_noise_that_lasts_is_told_after_another_refusal(void **state)
{
	struct line *line = line_start(*state, "");

	seat(line, LYING);
	await_unit(line, EVENT_FAIL, "unknown");
	take_away(line);
	await_unit(line, EVENT_FREE, "unknown");
	seat(line, BOOTING);
	assert_non_null(strstr(await(line, EVENT_FAIL).text, "no frames"));
	line_stop(line);
}

/* --- Trouble that is not the unit's ----------------------------------------------------------------- */

static void record_path(char out[64])
{
	int fd;

	assert_int_equal(str_format(out, 64, "/tmp/station-worker-rec-XXXXXX"), 0);
	fd = mkstemp(out);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, RECORDING_MAGIC, strlen(RECORDING_MAGIC)),
			 (ssize_t)strlen(RECORDING_MAGIC));
	(void)close(fd);
}

/* A hole is no recording, but nobody reads it: one of this size, with this at its end. */
static void grow(const char *path, off_t size, const char *end)
{
	CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(end);

	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(pwrite(fd, end, n, size - (off_t)n), (ssize_t)n);
}

static void test_an_operators_error_while_asking_is_told_and_is_not_an_empty_slot(void **state)
{
	enum { FULL_AT = 3 * 1024 * 1024 };
	struct rlimit before, small;
	char path[64], around[96];
	struct event event;
	struct line *line;

	record_path(path);
	grow(path, FULL_AT, "\n");
	assert_int_equal(str_format(around, sizeof(around), "record:%s:", path), 0);
	line = line_start(*state, around);
	/* Room for the opening, not for what is said then. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = FULL_AT + strlen("open stream\n") + 1;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	seat(line, GOOD);
	event = await(line, EVENT_PORT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(event.class, ERR_OPERATOR);
	assert_non_null(strstr(event.text, "writing the recording"));
	assert_null(strstr(event.text, "recording to"));
	await_unit(line, EVENT_SEATED, "SN-0001");
	line_stop(line);
	(void)unlink(path);
}

/* What is plugged in is no terminal. */
static void test_the_same_trouble_of_the_next_device_is_told(void **state)
{
	struct line *line = line_start(*state, "");
	struct event first, second;
	bool told = false;

	assert_int_equal(symlink(line->db, line->slot), 0);
	first = await(line, EVENT_PORT);
	assert_int_equal(first.class, ERR_OPERATOR);
	assert_false(comes_in_ms(line, EVENT_PORT, 3000, &second));
	/* An absence that nobody saw is none; with a busy machine a longer one is needed. */
	for (unsigned ms = 2000; !told && ms <= 8000; ms *= 2) {
		take_away(line);
		assert_false(comes_in_ms(line, EVENT_PORT, ms, &second));
		assert_int_equal(symlink(line->db, line->slot), 0);
		told = comes_in_ms(line, EVENT_PORT, ms * 2, &second);
	}
	assert_true(told);
	assert_string_equal(second.text, first.text);
	line_stop(line);
}

static void test_a_recording_that_can_not_be_made_is_told(void **state)
{
	struct line *line = line_start(*state, "record:/nowhere/file:");
	struct event event;

	seat(line, GOOD);
	event = await(line, EVENT_PORT);
	assert_int_equal(event.class, ERR_OPERATOR);
	assert_non_null(strstr(event.text, "recording to /nowhere/file"));
	line_stop(line);
}

static int take_port(const struct line *line)
{
	const struct deadline dl = deadline_in_ms(AWAIT_MS);
	int fd = open(line->pty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	assert_true(fd >= 0);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		assert_false(deadline_passed(&dl));
		deadline_sleep(&dl, 5);
	}
	return fd;
}

/* As a probe beside the station: nothing is said of it, then or afterwards. */
static void expect_nothing_while_busy(const struct line *line)
{
	const struct deadline busy = deadline_in_ms(2500), later = deadline_in_ms(5000);
	int fd = take_port(line);
	struct event event;

	deadline_sleep(&busy, 2500);
	(void)close(fd);
	deadline_sleep(&later, 5000);
	if (mailbox_take(line->st.events, &event))
		fail_msg("event of kind %d: %s", (int)event.kind, event.text);
}

static void test_a_port_that_is_busy_for_a_probe_frees_no_slot(void **state)
{
	struct line *line = line_start(*state, "");
	int fd;

	seat(line, GOOD);
	await_unit(line, EVENT_SEATED, "SN-0001");
	await_unit(line, EVENT_FAIL, "SN-0001");
	expect_nothing_while_busy(line);
	/* Who keeps it is told, and the slot is free. */
	fd = take_port(line);
	await_unit(line, EVENT_FREE, "SN-0001");
	assert_non_null(strstr(await(line, EVENT_PORT).text, "in use by another"));
	(void)close(fd);
	await_unit(line, EVENT_SEATED, "SN-0001");
	line_stop(line);
}

static unsigned count_in_log(int log, const char *word)
{
	char text[1500] = "";
	unsigned n = 0;

	assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
	for (const char *p = text; (p = strstr(p, word)) != NULL; p += strlen(word))
		n++;
	return n;
}

static void test_a_full_recording_is_logged_once_and_stops_no_unit(void **state)
{
	char path[64], around[96];
	struct line *line;
	int log;

	record_path(path);
	grow(path, 1024 * 1024, "\n" RECORDING_FULL);
	assert_int_equal(str_format(around, sizeof(around), "record:%s:", path), 0);
	log = memfd_create("log", MFD_CLOEXEC);
	assert_true(log >= 0);
	log_open(log, LOG_LEVEL_WARN);
	line = line_start(*state, around);
	for (int i = 0; i < 2; i++) {
		seat(line, GOOD);
		await_unit(line, EVENT_SEATED, "SN-0001");
		await_unit(line, EVENT_FAIL, "SN-0001");
		take_away(line);
		await_unit(line, EVENT_FREE, "SN-0001");
	}
	line_stop(line);
	(void)unlink(path);
	assert_int_equal(count_in_log(log, "recording-full"), 1);
	log_open(-1, LOG_LEVEL_WARN);
	(void)close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_refused_unit_is_served_when_it_was_away),
		cmocka_unit_test(test_a_unit_by_the_name_of_the_refused_is_served),
		cmocka_unit_test(test_noise_that_lasts_is_told_after_another_refusal),
		cmocka_unit_test(test_an_operators_error_while_asking_is_told_and_is_not_an_empty_slot),
		cmocka_unit_test(test_the_same_trouble_of_the_next_device_is_told),
		cmocka_unit_test(test_a_recording_that_can_not_be_made_is_told),
		cmocka_unit_test(test_a_port_that_is_busy_for_a_probe_frees_no_slot),
		cmocka_unit_test(test_a_full_recording_is_logged_once_and_stops_no_unit),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
