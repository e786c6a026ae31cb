/*
 * The line's ways to the service: connections, each with a session of the HSM that signs for it, and the
 * sender that drains the outbox over them. One process sends for a directory at a time; a second one
 * waits for its turn.
 */
#include "station/line_internal.h"

/* Individual symmetric enrollments carry the unit's key, derived once more when they are sent. */
static int set_device_keys(struct line *line, size_t i, struct err *err)
{
	const struct conf_profile *profile = conf_device_key_profile(line->conf);
	struct hsm_key *key;

	if (profile == NULL)
		return 0;
	if (hsm_key_find(line->services[i].session, profile->group_key, &key, err) < 0)
		return err_wrap(err, "master key of profile %s", profile->name);
	line->services[i].device_keys = (struct macer){ hsm_key_mac, key };
	enroll_service_set_device_keys(line->services[i].service, &line->services[i].device_keys);
	return 0;
}

/* For who only sends; the working station has checked more than that. */
static int open_hsm_to_send(struct station *st, const char *dir, struct err *err)
{
	const struct hsm_conf conf = { st->conf->module, st->conf->token, st->conf->pin_source };

	if (st->hsm != NULL)
		return 0;
	directory_use_softhsm(dir);
	if (directory_mend_token(dir, err) < 0)
		return err_raise(err, ERR_STATION);
	return hsm_open(&conf, &st->hsm, err);
}

int line_service_open(struct line *line, struct enroll_service **ret_service, struct err *err)
{
	const struct conf *conf = line->conf;
	size_t i = line->services_n;

	base_assert(i < ARRAY_LEN(line->services));
	if (open_hsm_to_send(&line->st, line->dir, err) < 0)
		return err_wrap(err, "HSM");
	if (hsm_session_open(line->st.hsm, &line->services[i].session, err) < 0)
		return -1;
	line->services_n++;
	if (login_init(conf, &line->login, line->services[i].session, &line->services[i].login, err) < 0)
		return -1;
	line->services[i].conf = (struct enroll_conf){
		.host = conf->host,
		.network = line->network.settings,
		.attempts_max = conf->attempts,
		.timeout_ms = 30000,
	};
	if ((line->gate == NULL && enroll_gate_new(conf->operations_per_minute, &line->gate, err) < 0) ||
	    enroll_service_open(&line->services[i].conf, &line->services[i].login.login, line->gate,
				&line->services[i].service, err) < 0)
		return -1;
	if (set_device_keys(line, i, err) < 0)
		return -1;
	*ret_service = line->services[i].service;
	return 0;
}

int line_take_turn(struct line *line, bool *ret_mine, struct err *err)
{
	if (line->sending_fd < 0 && directory_lock_sending(line->dir, &line->sending_fd, err) < 0)
		return -1;
	*ret_mine = line->sending_fd >= 0;
	return 0;
}

/* Called from the sender's threads, one at a time. */
static int on_turn(void *arg, bool *ret_mine, struct err *err)
{
	return line_take_turn(arg, ret_mine, err);
}

int line_start_sender(struct line *line, enroll_status_fn *status, void *arg,
		      struct enroll_service **ret_service, struct err *err)
{
	struct enroll_service *services[ENROLL_CONNECTIONS_MAX];
	struct station *st = &line->st;
	const struct enroll_sender_conf conf = {
		services, st->conf->network.connections, st->db, on_turn, line, status, arg
	};

	for (size_t i = 0; i < conf.n; i++)
		if (line_service_open(line, &services[i], err) < 0)
			return -1;
	if (enroll_sender_start(&conf, &st->sender, err) < 0)
		return -1;
	*ret_service = services[0];
	return 0;
}

/* Called from the sender's threads, one at a time. */
void line_on_sender(void *arg, const struct enroll_sender_status *status)
{
	struct station *st = arg;
	struct event event = {
		.kind = status->progress.calls > 0 && status->reachable ? EVENT_SYNC : EVENT_SERVICE,
		.reachable = status->reachable,
		.enrolled = status->progress.enrolled,
		.retried = status->progress.retried,
		.quarantined = status->progress.quarantined,
	};

	if (status->err != NULL) {
		event.class = status->err->class;
		(void)err_text(status->err, event.text, sizeof(event.text));
		if (status->err->class >= ERR_STATION) {
			event.kind = EVENT_STOP;
			atomic_store(&st->stop, true);
		}
	}
	mailbox_post(st->events, &event);
}
