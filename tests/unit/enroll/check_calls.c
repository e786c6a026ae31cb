/* Tests enroll/check_calls.c: what each answer of a service, or of somebody else, means for login and rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "enroll/check_internal.h"
#include "tests/unit/enroll/script.h"

#define ABSENT "{\"errorCode\":404201,\"trackingId\":\"t\",\"message\":\"not found\"}"
#define DENIED "{\"errorCode\":403002,\"trackingId\":\"t\",\"message\":\"denied\"}"

/* The scripted service by method alone, since the ID is random; and what was told. */
struct trial {
	struct https_answer get, delete;
	char last_get[200], last_delete[200];
	size_t calls;
	char told[2048]; /* "answer=0 login=2 ..." with enum enroll_verdict */
};

static void on_call(void *arg, const struct https_call *call, struct https_answer *ret_answer)
{
	struct trial *trial = arg;
	bool get = strcmp(call->method, "GET") == 0;

	trial->calls++;
	str_clip(get ? trial->last_get : trial->last_delete, sizeof(trial->last_get), call->path);
	*ret_answer = get ? trial->get : trial->delete;
}

static void on_result(void *arg, const struct enroll_check_result *result)
{
	struct trial *trial = arg;
	size_t n = strlen(trial->told);

	(void)snprintf(trial->told + n, sizeof(trial->told) - n, "%s=%d ", result->check,
		       (int)result->verdict);
}

/* Whether anything was bad. */
static bool run(struct trial *trial)
{
	struct script *script = NULL;
	struct https *https = https_start(on_call, trial);
	struct enroll_check_conf conf = { .id_scope = "0ne00ABCDEF", .tell = on_result, .arg = trial };
	struct check check = { .conf = &conf, .tell = on_result, .arg = trial };
	struct check_target target = { .check = &check, .role = "service" };

	assert_non_null(https);
	assert_int_equal(script_setup((void **)&script), 0);
	assert_int_equal(str_format(script->host, sizeof(script->host), "127.0.0.1:%u", https_port(https)),
			 0);
	script_open(script, &world_macer);
	check.service = script->service;
	target.host = script->host;
	check_calls(&target, clock_wall_ms());
	(void)script_teardown((void **)&script);
	https_stop(https);
	return check.bad;
}

static void test_calls_both_rights_all_good(void **state)
{
	struct trial trial = { .get = { .status = 404, .body = ABSENT },
			       .delete = { .status = 404, .body = ABSENT } };

	(void)state;
	assert_false(run(&trial));
	assert_string_equal(trial.told, "clock=0 answer=0 login=0 read=0 write=0 id-scope=0 ");
	/* What is deleted is what was not found, and nobody's. */
	assert_string_equal(trial.last_get, trial.last_delete);
	assert_int_equal(strncmp(trial.last_get, "/enrollments/station-check-", 27), 0);
	assert_int_equal(strlen(trial.last_get), 27 + 32);
	assert_int_equal(trial.calls, 2);
}

static void test_calls_policy_without_write_named(void **state)
{
	struct trial trial = { .get = { .status = 404, .body = ABSENT },
			       .delete = { .status = 403, .body = DENIED } };

	(void)state;
	assert_true(run(&trial));
	assert_string_equal(trial.told, "clock=0 answer=0 login=0 read=0 write=2 id-scope=0 ");
}

static void test_calls_policy_without_any_right_named(void **state)
{
	struct trial trial = { .get = { .status = 403, .body = DENIED },
			       .delete = { .status = 403, .body = DENIED } };

	(void)state;
	assert_true(run(&trial));
	assert_string_equal(trial.told, "clock=0 answer=0 login=0 read=2 write=2 id-scope=0 ");
}

static void test_calls_refused_login_asks_no_rights(void **state)
{
	struct trial trial = { .get = { .status = 401, .body = DENIED },
			       .delete = { .status = 404, .body = ABSENT } };

	(void)state;
	assert_true(run(&trial));
	assert_string_equal(trial.told, "clock=0 answer=0 login=2 id-scope=0 ");
	assert_int_equal(trial.calls, 1);
}

/* dps-api 10.13: a host that is none says 400 and 404, too, but in other words. */
static void test_calls_another_host_is_none(void **state)
{
	static const struct https_answer answers[] = {
		{ .status = 400, .body = "{\"Message\":\"ErrorCode:InvalidProtocolVersion\"}" },
		{ .status = 404, .body = "{}" },
		{ .status = 200,
		  .content_type = "text/html",
		  .body = "<html>Log in to the guest network</html>" },
		{ .status = 302, .location = "https://portal.example/", .body = "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct trial trial = { .get = answers[i], .delete = { .status = 404, .body = ABSENT } };

		assert_true(run(&trial));
		assert_string_equal(trial.told, "clock=0 answer=2 id-scope=0 ");
		assert_int_equal(trial.calls, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_both_rights_all_good),
		cmocka_unit_test(test_calls_policy_without_write_named),
		cmocka_unit_test(test_calls_policy_without_any_right_named),
		cmocka_unit_test(test_calls_refused_login_asks_no_rights),
		cmocka_unit_test(test_calls_another_host_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
