/*
 * The line: opened, started, waited on by main, stopped. Opening is a plain list: configuration, lock,
 * database, HSM, issuer; whatever fails names itself and its exit status. Signals are blocked
 * before the first thread and read through a signalfd, so only main sees them. What speaks to the
 * service stands in line_service.c.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "station/clock.h"
#include "station/exit.h"
#include "station/journal.h"
#include "station/line_internal.h"
#include "station/pulse.h"
#include "station/results.h"
#include "station/worker.h"

/* Nobody sees it, and waking up for each event costs more than posting it. */
#define GATHER_MS 5

static int block_signals(struct line *line, struct err *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return err_set(err, ERR_STATION, 0, "signals can't be blocked");
	line->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (line->signal_fd < 0)
		return err_set(err, ERR_STATION, errno, "signalfd: %s", strerror(errno));
	return 0;
}

static int open_tables(struct station *st, struct err *err)
{
	if (journal_init(st->db, err) < 0 || audit_init(st->db, err) < 0 || enroll_init(st->db, err) < 0 ||
	    results_init(st->db, err) < 0 || people_init(st->db, err) < 0)
		return -1;
	return 0;
}

static int check_issuing_key(struct station *st, struct err *err)
{
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;
	BUF_AUTO(spki, PKI_SPKI_MAX);
	struct hsm_key *key;

	if (hsm_session_open(st->hsm, &session, err) < 0 ||
	    hsm_key_find(session, st->conf->issuing_key, &key, err) < 0 ||
	    hsm_key_public(key, &spki, err) < 0 || pki_issuer_has_key(st->issuer, buf_bytes(&spki), err) < 0)
		return err_wrap(err, "issuing key");
	return 0;
}

static int open_hsm(struct station *st, const char *dir, struct err *err)
{
	const struct hsm_conf conf = { st->conf->module, st->conf->token, st->conf->pin_source };

	directory_use_softhsm(dir);
	/* A disk that can't keep the token can't be trusted with what it would sign. */
	if (directory_mend_token(dir, err) < 0)
		return err_raise(err, ERR_STATION);
	if (hsm_open(&conf, &st->hsm, err) < 0)
		return -1;
	if (directory_keep_token(dir, err) < 0)
		return err_raise(err, ERR_STATION);
	if (directory_read_issuer(dir, &st->issuer, &st->intermediate_pem, err) < 0)
		return -1;
	return check_issuing_key(st, err);
}

static int open_desk(struct station *st, struct err *err)
{
	const struct desk_conf conf = { st->conf, st->db, st->events, NULL };

	return desk_new(&conf, &st->desk, err);
}

static int open_conf(struct line *line, const char *dir, struct err *err)
{
	/* Before the PKCS#11 module, which may start threads of its own. */
	if (block_signals(line, err) < 0)
		return -1;
	if (conf_load(dir, &line->conf, err) < 0)
		return err_wrap(err, "configuration");
	if (network_init(line->conf, &line->network, err) < 0)
		return err_wrap(err, "configuration");
	line->st.conf = line->conf;
	if (login_read(line->conf, &line->login, err) < 0)
		return -1;
	if (str_format(line->dir, sizeof(line->dir), "%s", dir) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the station directory's path is too long");
	return 0;
}

static int open_db(struct station *st, const char *dir, struct err *err)
{
	if (directory_open_db(dir, &st->db, err) < 0 || open_tables(st, err) < 0)
		return err_wrap(err, "database");
	return mailbox_new(&st->events, err);
}

static int open_parts(struct line *line, const char *dir, int *ret_exit, struct err *err)
{
	struct station *st = &line->st;

	*ret_exit = EXIT_CONFIG;
	if (open_conf(line, dir, err) < 0 || directory_lock(dir, &line->lock_fd, err) < 0)
		return -1;
	*ret_exit = EXIT_NOT_TRUSTED;
	if (open_db(st, dir, err) < 0)
		return -1;
	if (open_hsm(st, dir, err) < 0)
		return err_wrap(err, "HSM");
	if (seats_new(&st->seats, err) < 0 || open_desk(st, err) < 0)
		return -1;
	return 0;
}

static struct line *line_new(void)
{
	struct line *line = calloc(1, sizeof(*line));

	if (line == NULL)
		return NULL;
	line->lock_fd = -1;
	line->sending_fd = -1;
	line->signal_fd = -1;
	buf_init(&line->st.intermediate_pem, PKI_CHAIN_MAX);
	return line;
}

int line_open(const char *dir, struct line **ret_line, int *ret_exit, struct err *err)
{
	CLEANUP(line_closep) struct line *line = line_new();

	if (line == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (open_parts(line, dir, ret_exit, err) < 0)
		return -1;
	*ret_line = line;
	line = NULL;
	return 0;
}

int line_open_sync(const char *dir, struct line **ret_line, int *ret_exit, struct err *err)
{
	CLEANUP(line_closep) struct line *line = line_new();

	if (line == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	*ret_exit = EXIT_CONFIG;
	if (open_conf(line, dir, err) < 0)
		return -1;
	*ret_exit = EXIT_NOT_TRUSTED;
	if (open_db(&line->st, dir, err) < 0)
		return -1;
	*ret_line = line;
	line = NULL;
	return 0;
}

void line_close(struct line *line)
{
	if (line == NULL)
		return;
	line_stop(line);
	for (size_t i = 0; i < line->services_n; i++) {
		enroll_service_close(line->services[i].service);
		hsm_session_close(line->services[i].session);
	}
	login_sources_deinit(&line->login);
	enroll_gate_free(line->gate);
	network_deinit(&line->network);
	desk_free(line->st.desk);
	seats_free(line->st.seats);
	mailbox_free(line->st.events);
	pki_issuer_free(line->st.issuer);
	buf_deinit(&line->st.intermediate_pem);
	hsm_close(line->st.hsm);
	db_close(line->st.db);
	conf_free(line->conf);
	if (line->signal_fd >= 0)
		(void)close(line->signal_fd);
	if (line->lock_fd >= 0)
		(void)close(line->lock_fd);
	if (line->sending_fd >= 0)
		(void)close(line->sending_fd);
	free(line);
}

void line_get_hsm_page(struct line *line, struct page_hsm *ret_page)
{
	if (line->pulse != NULL)
		pulse_get_hsm(line->pulse, ret_page);
}

struct station *line_station(struct line *line)
{
	return &line->st;
}

static int audit_start(struct station *st, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct audit_head head;
	char key[64], slots[24];
	const struct audit_field fields[] = { { "station", st->conf->id }, { "slots", slots } };
	const struct audit_event event = { "station-started", key, fields, ARRAY_LEN(fields) };

	if (db_begin(st->db, &tx, err) < 0 || audit_head(&tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "started-%lld", (long long)head.size) < 0 ||
	    str_format(slots, sizeof(slots), "%zu", st->conf->slots_n) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	if (audit_append(&tx, clock_wall_ms(), &event, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

/* Before the first entry that this clock dates; the pulse goes on looking. */
static int look_at_clock(struct station *st, struct err *err)
{
	bool doubt = false;

	if (clock_in_doubt(st->db, clock_wall_ms(), &doubt, err) < 0)
		return -1;
	desk_set_clock_doubt(st->desk, doubt);
	return 0;
}

int line_start(struct line *line, struct err *err)
{
	struct station *st = &line->st;
	struct enroll_service *service;

	if (look_at_clock(st, err) < 0 || audit_start(st, err) < 0)
		return err_wrap(err, "audit");
	if (line_start_sender(line, line_on_sender, st, &service, err) < 0)
		return err_wrap(err, "sender");
	if (pulse_start(st, &line->pulse, err) < 0 || plug_start(st->conf, &st->plug, err) < 0)
		return -1;
	for (size_t i = 0; i < st->conf->slots_n; i++) {
		if (worker_start(st, &st->conf->slots[i], &line->workers[i], err) < 0)
			return -1;
		line->workers_n++;
	}
	return 0;
}

void line_stop(struct line *line)
{
	atomic_store(&line->st.stop, true);
	/* Who waits for room in the mailbox would never end. */
	if (line->st.events != NULL)
		mailbox_close(line->st.events);
	plug_release(line->st.plug);
	for (size_t i = 0; i < line->workers_n; i++)
		worker_join(line->workers[i]);
	line->workers_n = 0;
	plug_stop(line->st.plug);
	line->st.plug = NULL;
	pulse_stop(line->pulse);
	line->pulse = NULL;
	if (line->st.sender != NULL)
		enroll_sender_stop(line->st.sender);
	line->st.sender = NULL;
}

/* extra_fd may be -1: poll(2) leaves that out. */
static int wait_any(struct line *line, const struct deadline *dl, int extra_fd, struct pollfd fds[3],
		    struct err *err)
{
	fds[0] = (struct pollfd){ .fd = line->signal_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = extra_fd, .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = mailbox_fd(line->st.events), .events = POLLIN };
	if (poll(fds, 3, deadline_left_ms(dl)) < 0 && errno != EINTR)
		return err_set(err, ERR_STATION, errno, "poll: %s", strerror(errno));
	/* Events come in bursts: one wakes the reader, and only a person cuts short the wait for the rest. */
	if (fds[2].revents != 0 && fds[0].revents == 0 && fds[1].revents == 0)
		(void)poll(fds, 2, GATHER_MS);
	return 0;
}

int line_wait(struct line *line, const struct deadline *dl, int extra_fd, bool *ret_extra, bool *ret_signal,
	      struct err *err)
{
	struct signalfd_siginfo info;
	struct pollfd fds[3];

	if (wait_any(line, dl, extra_fd, fds, err) < 0)
		return -1;
	*ret_signal = read(line->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
	*ret_extra = fds[1].revents != 0;
	return 0;
}

bool line_take_event(struct line *line, struct event *ret_event)
{
	return mailbox_take(line->st.events, ret_event);
}

int line_next_event(struct line *line, const struct deadline *dl, struct event *ret_event, bool *ret_got,
		    bool *ret_signal, struct err *err)
{
	bool extra;

	*ret_signal = false;
	*ret_got = line_take_event(line, ret_event);
	if (*ret_got)
		return 0;
	if (line_wait(line, dl, -1, &extra, ret_signal, err) < 0)
		return -1;
	if (!*ret_signal)
		*ret_got = line_take_event(line, ret_event);
	return 0;
}
