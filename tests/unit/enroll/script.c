/* The scripted service: one line for each call, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/enroll/script.h"

static void on_call(void *arg, const struct https_call *call, struct https_answer *ret_answer)
{
	struct script *script = arg;
	size_t line = script->calls < script->lines_n ? script->calls : script->lines_n - 1;
	char asked[200];

	(void)snprintf(asked, sizeof(asked), "%s %s", call->method, call->path);
	if (script->calls < SCRIPT_CALLS_MAX)
		memcpy(script->asked[script->calls], asked, sizeof(asked));
	script->calls++;
	script->no_login |= call->authorization == NULL;
	script->no_length |= strcmp(call->method, "GET") != 0 && call->content_length == NULL;
	if (buf_set(&script->last_body, call->body) < 0)
		buf_clear(&script->last_body);
	*ret_answer = (struct https_answer){ .status = 500, .body = "not in the script" };
	if (script->lines_n > 0 && strcmp(script->lines[line].on, asked) == 0)
		*ret_answer = script->lines[line].answer;
}

static void write_certificate(struct script *script)
{
	FILE *file;

	assert_int_equal(
		str_format(script->ca_path, sizeof(script->ca_path), "%s/service.pem", script->world->dir),
		0);
	file = fopen(script->ca_path, "w");
	assert_non_null(file);
	assert_true(fputs(https_certificate(), file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void script_open(struct script *script, const struct macer *macer)
{
	struct err err = { 0 };

	enroll_service_close(script->service);
	script->service = NULL;
	enroll_gate_free(script->gate);
	script->login.macer = macer;
	assert_int_equal(enroll_gate_new(script->operations_per_minute, &script->gate, &err), 0);
	assert_int_equal(
		enroll_service_open(&script->conf, &script->login, script->gate, &script->service, &err), 0);
}

int script_setup(void **state)
{
	struct script *script = calloc(1, sizeof(*script));

	assert_non_null(script);
	assert_int_equal(world_setup((void **)&script->world), 0);
	buf_init(&script->last_body, ENROLL_BODY_MAX);
	write_certificate(script);
	script->https = https_start(on_call, script);
	assert_non_null(script->https);
	assert_int_equal(
		str_format(script->host, sizeof(script->host), "127.0.0.1:%u", https_port(script->https)), 0);
	script->conf = (struct enroll_conf){ .host = script->host,
					     .network.ca_file = script->ca_path,
					     .attempts_max = 2,
					     .timeout_ms = 5000 };
	script->login = (struct enroll_login){ .auth = ENROLL_AUTH_SAS, .policy = "test" };
	script->operations_per_minute = 100000;
	script_open(script, &world_macer);
	*state = script;
	return 0;
}

int script_teardown(void **state)
{
	struct script *script = *state;

	enroll_service_close(script->service);
	enroll_gate_free(script->gate);
	https_stop(script->https);
	buf_deinit(&script->last_body);
	(void)unlink(script->ca_path);
	(void)world_teardown((void **)&script->world);
	free(script);
	return 0;
}

void script_set(struct script *script, const struct script_line *lines, size_t n)
{
	script->lines = lines;
	script->lines_n = n;
	script->calls = 0;
}

int send_batch(struct script *script, struct enroll_progress *ret_progress, struct err *err)
{
	return enroll_send_batch(script->service, script->world->db, WORLD_NOW_MS, ret_progress, err);
}

struct enroll_progress send_well(struct script *script)
{
	struct enroll_progress progress = { 0 };
	struct err err = { 0 };

	if (send_batch(script, &progress, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	return progress;
}

void send_badly(struct script *script, enum err_class class)
{
	struct enroll_progress progress = { .calls = 77 };
	struct err err = { 0 };

	assert_int_equal(send_batch(script, &progress, &err), -1);
	assert_int_equal(err.class, class);
	assert_int_equal(progress.calls, 77);
}

void send_until_calls(struct script *script, size_t calls)
{
	for (int64_t hour = 1; script->calls < calls && hour < 50; hour++) {
		struct enroll_progress progress = { 0 };
		struct err err = { 0 };

		assert_int_equal(enroll_send_batch(script->service, script->world->db,
						   WORLD_NOW_MS + hour * 120000, &progress, &err),
				 0);
	}
}

int64_t lost_of(struct script *script, const char *registration_id)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	int64_t lost = -1;
	struct err err = { 0 };
	bool found = false;

	db_read_begin(script->world->db, &tx);
	assert_int_equal(db_get_int(&tx, "SELECT lost FROM outbox WHERE registration_id = ?1",
				    DB_VALUES(db_text(registration_id)), &lost, &found, &err),
			 0);
	assert_true(found);
	return lost;
}
