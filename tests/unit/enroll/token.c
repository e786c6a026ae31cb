/* Tokens of others: when they are asked for, what a refusal means, and who is never asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fakes/https.h"
#include "tests/unit/enroll/world.h"

#define TOKEN(name) "{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"" name "\"}"
#define CALLS_MAX   16

/* Whoever gives tokens and, behind another path, the service. */
struct party {
	struct https *https;
	struct https_answer tokens[CALLS_MAX]; /* zero: the one before again */
	struct https_answer service[CALLS_MAX];
	size_t asked, called;
	char path[128], form[2048], basic[64], bearer[64];
	bool metadata;
	char host[32], endpoint[48], ca_path[64];
	struct enroll_conf conf;
	struct enroll_login login;
	struct secret client_secret;
	atomic_bool abort;
	struct auth auth;
};

static struct https_answer next(const struct https_answer *script, size_t *n)
{
	size_t i = *n < CALLS_MAX ? *n : CALLS_MAX - 1;

	(*n)++;
	while (i > 0 && script[i].status == 0)
		i--;
	return script[i];
}

static void on_call(void *arg, const struct https_call *call, struct https_answer *ret_answer)
{
	struct party *party = arg;

	if (strcmp(call->path, "/enrollments/x") == 0) {
		str_clip(party->bearer, sizeof(party->bearer), call->authorization);
		*ret_answer = next(party->service, &party->called);
		return;
	}
	str_clip(party->path, sizeof(party->path), call->path);
	str_clip(party->basic, sizeof(party->basic), call->authorization != NULL ? call->authorization : "");
	party->metadata = call->metadata != NULL && strcmp(call->metadata, "true") == 0;
	assert_int_equal(bytes_to_str(call->body, party->form, sizeof(party->form)), 0);
	*ret_answer = next(party->tokens, &party->asked);
}

static void write_ca(struct party *party)
{
	const char *tmp = getenv("TMPDIR");
	FILE *file;
	int fd;

	assert_int_equal(str_format(party->ca_path, sizeof(party->ca_path), "%.40s/token.XXXXXX",
				    tmp != NULL ? tmp : "/tmp"),
			 0);
	fd = mkstemp(party->ca_path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_true(fputs(https_certificate(), file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct party *party_new(struct https *(*start)(https_fn *, void *))
{
	struct party *party = calloc(1, sizeof(*party));
	struct err err = { 0 };

	assert_non_null(party);
	payload_guard_memory();
	write_ca(party);
	party->https = start(on_call, party);
	assert_non_null(party->https);
	(void)snprintf(party->host, sizeof(party->host), "127.0.0.1:%u", https_port(party->https));
	(void)snprintf(party->endpoint, sizeof(party->endpoint), "http://%s", party->host);
	party->conf = (struct enroll_conf){
		.host = party->host, .network.ca_file = party->ca_path, .attempts_max = 1, .timeout_ms = 5000
	};
	assert_int_equal(secret_copy(bytes_str("s&cret="), &party->client_secret, &err), 0);
	party->auth = (struct auth){ .login = &party->login, .host = "127.0.0.1" };
	party->tokens[0] = (struct https_answer){ .status = 200, .body = TOKEN("t1") };
	party->tokens[1] = (struct https_answer){ .status = 200, .body = TOKEN("t2") };
	party->service[0] = (struct https_answer){ .status = 200, .body = "{}" };
	return party;
}

static int entra_setup(void **state)
{
	struct party *party = party_new(https_start);
	struct err err = { 0 };

	party->login = (struct enroll_login){
		.auth = ENROLL_AUTH_ENTRA_SECRET,
		.login_host = party->host,
		.tenant = "contoso",
		.client_id = "station",
		.client_secret = &party->client_secret,
	};
	assert_int_equal(auth_open(&party->auth, &party->conf, &party->abort, &err), 0);
	*state = party;
	return 0;
}

static int agent_setup(void **state)
{
	struct party *party = party_new(https_start_plain);
	struct err err = { 0 };

	party->login = (struct enroll_login){ .auth = ENROLL_AUTH_MANAGED_IDENTITY,
					      .identity = ENROLL_IDENTITY_AZURE_VM,
					      .identity_endpoint = party->endpoint };
	/* Nobody listens there: a request that went to a proxy would fail. */
	party->conf.network.proxy = "http://127.0.0.1:9";
	assert_int_equal(auth_open(&party->auth, &party->conf, &party->abort, &err), 0);
	*state = party;
	return 0;
}

static int teardown(void **state)
{
	struct party *party = *state;

	auth_close(&party->auth);
	https_stop(party->https);
	secret_wipe(&party->client_secret);
	(void)unlink(party->ca_path);
	free(party);
	return 0;
}

static const char *header_of(const struct party *party)
{
	return (const char *)party->auth.token.header.p;
}

/* The refusal's text, all of it. */
static const char *refusal(struct party *party, struct err *err, char text[400])
{
	*err = (struct err){ 0 };
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS, err), -1);
	assert_null(party->auth.token.header.p);
	return err_text(err, text, 400);
}

static void test_entra_secret_goes_encoded_in_the_form(void **state)
{
	struct party *party = *state;
	struct err err = { 0 };

	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS, &err), 0);
	assert_string_equal(header_of(party), "Authorization: Bearer t1");
	assert_string_equal(party->path, "/contoso/oauth2/v2.0/token");
	assert_string_equal(party->form,
			    "grant_type=client_credentials&client_id=station&scope=https%3A%2F%2F"
			    "azure-devices-provisioning.net%2F.default&client_secret=s%26cret%3D");
	assert_string_equal(party->basic, "");
}

static void test_token_is_kept_for_four_fifths_of_its_life(void **state)
{
	struct party *party = *state;
	struct err err = { 0 };

	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS, &err), 0);
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS + 2879000, &err), 0);
	assert_int_equal(party->asked, 1);
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS + 2880000, &err), 0);
	assert_int_equal(party->asked, 2);
	assert_string_equal(header_of(party), "Authorization: Bearer t2");
}

static void test_token_is_refreshed_when_it_says(void **state)
{
	struct party *party = *state;
	struct err err = { 0 };

	party->tokens[0].body = "{\"token_type\":\"Bearer\",\"expires_in\":86399,\"refresh_in\":43199,"
				"\"access_token\":\"t1\"}";
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS, &err), 0);
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS + 43198000, &err), 0);
	assert_int_equal(party->asked, 1);
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS + 43199000, &err), 0);
	assert_int_equal(party->asked, 2);
}

static void test_token_serves_on_while_nobody_gives_another(void **state)
{
	struct party *party = *state;
	struct err err = { 0 };

	party->tokens[1] = (struct https_answer){ .status = 503, .body = "{}" };
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS, &err), 0);
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS + 2880000, &err), 0);
	assert_string_equal(header_of(party), "Authorization: Bearer t1");
	assert_int_equal(party->asked, 2);
	/* not again with each call */
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS + 2900000, &err), 0);
	assert_int_equal(party->asked, 2);
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS + 3540000, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_true(party->auth.asked);
}

static void test_entra_refusals_say_what_to_do(void **state)
{
	static const struct {
		unsigned status;
		const char *body, *says;
	} refusals[] = {
		{ 401, "{\"error\":\"invalid_client\",\"error_codes\":[7000215]}", "not its ID" },
		{ 401, "{\"error\":\"invalid_client\",\"error_codes\":[7000222]}", "has expired" },
		{ 401, "{\"error\":\"invalid_client\",\"error_codes\":[700027]}",
		  "register certificate-file" },
		{ 400, "{\"error\":\"unauthorized_client\",\"error_codes\":[700016]}", "unknown client" },
		{ 400, "{\"error\":\"invalid_request\",\"error_codes\":[90002]}", "unknown tenant" },
		{ 401, "{\"error\":\"invalid_client\",\"error_codes\":[700024]}", "clock" },
		{ 400, "{\"error\":\"invalid_grant\",\"error_codes\":[1]}", "check tenant, client-id" },
		{ 400, "<html>", "a portal, a proxy" },
		{ 200, "{\"hello\":1}", "holds no token" },
	};
	struct party *party = *state;
	char text[400];
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		party->asked = 0;
		party->tokens[0] =
			(struct https_answer){ .status = refusals[i].status, .body = refusals[i].body };
		if (strstr(refusal(party, &err, text), refusals[i].says) == NULL)
			fail_msg("%s does not say: %s", text, refusals[i].says);
		assert_int_equal(err.class, refusals[i].status == 200 ? ERR_RETRY : ERR_OPERATOR);
		assert_null(strstr(text, "s&cret"));
	}
}

static void test_entra_throttle_is_obeyed(void **state)
{
	struct party *party = *state;
	char text[400];
	struct err err;

	party->tokens[0] = (struct https_answer){ .status = 429, .retry_after = "7", .body = "{}" };
	(void)refusal(party, &err, text);
	assert_int_equal(err.class, ERR_RETRY);
	assert_string_equal(party->auth.retry_after, "7");
}

static int sign_anything(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig,
			 struct err *err)
{
	(void)key, (void)alg, (void)err;
	return buf_append(ret_sig, message);
}

/* The fake's Date is today's, and WORLD_NOW_MS is not. */
static void test_entra_wrong_clock_is_named(void **state)
{
	const struct signer signer = { sign_anything, NULL, SIGN_RSA_PSS_SHA256 };
	struct party *party = *state;
	char text[400];
	struct err err;

	party->login.auth = ENROLL_AUTH_ENTRA_CERTIFICATE;
	party->login.certificate_pem = bytes_str(certificate_a);
	party->login.signer = &signer;
	party->tokens[0] =
		(struct https_answer){ .status = 401, .body = "{\"error\":\"e\",\"error_codes\":[700024]}" };
	assert_non_null(strstr(refusal(party, &err, text), "this computer's clock is"));
	assert_non_null(strstr(text, "AADSTS700024"));
	assert_int_equal(err.class, ERR_OPERATOR);
}

static void test_clock_off_from_date(void **state)
{
	(void)state;
	assert_int_equal(auth_clock_off_s("Fri, 15 Jan 2027 08:00:00 GMT", WORLD_NOW_MS), 0);
	assert_int_equal(auth_clock_off_s("Fri, 15 Jan 2027 07:00:00 GMT", WORLD_NOW_MS), 3600);
	assert_int_equal(auth_clock_off_s("Fri, 15 Jan 2027 09:00:00 GMT", WORLD_NOW_MS), -3600);
	assert_int_equal(auth_clock_off_s("Fri, 15 Jan 2027 08:04:00 GMT", WORLD_NOW_MS), 0);
	assert_int_equal(auth_clock_off_s("", WORLD_NOW_MS), 0);
}

static void test_entra_names_that_are_none_are_refused(void **state)
{
	struct party *party = *state;
	struct enroll_login login = party->login;
	struct auth auth = { .login = &login, .host = "h" };
	struct err err = { 0 };

	login.tenant = "a/b";
	assert_int_equal(auth_open(&auth, &party->conf, &party->abort, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	login.tenant = "contoso";
	login.client_id = "a\"b";
	assert_int_equal(auth_open(&auth, &party->conf, &party->abort, &err), -1);
	login.client_id = "station";
	login.login_host = "host/path";
	assert_int_equal(auth_open(&auth, &party->conf, &party->abort, &err), -1);
	login.login_host = party->host;
	login.client_secret = NULL;
	assert_int_equal(auth_open(&auth, &party->conf, &party->abort, &err), -1);
}

/* --- Managed identity ---------------------------------------------------------------------------------- */

static void test_vm_answers_at_once(void **state)
{
	struct party *party = *state;
	struct err err = { 0 };

	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS, &err), 0);
	assert_string_equal(header_of(party), "Authorization: Bearer t1");
	assert_string_equal(party->path, "/metadata/identity/oauth2/token");
	assert_true(party->metadata);
}

static void test_vm_that_is_not_ready_is_asked_again(void **state)
{
	struct party *party = *state;
	struct err err = { 0 };

	party->tokens[0] = (struct https_answer){ .status = 404, .body = "{}" };
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS, &err), 0);
	assert_int_equal(party->asked, 2);
	assert_string_equal(header_of(party), "Authorization: Bearer t2");
}

static void test_vm_without_identity_is_the_operators(void **state)
{
	struct party *party = *state;
	char text[400];
	struct err err;

	party->tokens[0] = (struct https_answer){ .status = 400, .body = "{\"error\":\"invalid_request\"}" };
	assert_non_null(strstr(refusal(party, &err, text), "give this machine an identity"));
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(party->asked, 1);
}

static void test_vm_wait_ends_when_the_station_stops(void **state)
{
	struct party *party = *state;
	char text[400];
	struct err err;

	party->tokens[0] = party->tokens[1] = (struct https_answer){ .status = 429, .body = "{}" };
	atomic_store(&party->abort, true);
	(void)refusal(party, &err, text);
	assert_int_equal(err.class, ERR_RETRY);
}

static void test_arc_challenge_elsewhere_is_not_answered(void **state)
{
	struct party *party = *state;
	char text[400];
	struct err err;

	party->login.identity = ENROLL_IDENTITY_AZURE_ARC;
	party->tokens[0] =
		(struct https_answer){ .status = 401, .challenge = "Basic realm=/etc/shadow", .body = "{}" };
	assert_non_null(strstr(refusal(party, &err, text), "it is not answered"));
	assert_int_equal(party->asked, 1);
}

static void test_arc_key_is_shown(void **state)
{
	struct party *party = *state;
	char dir[] = "/tmp/arc.XXXXXX", path[64], challenge[96];
	struct err err = { 0 };
	FILE *file;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/1.key", dir);
	(void)snprintf(challenge, sizeof(challenge), "Basic realm=%s", path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("the-key", file) >= 0);
	assert_int_equal(fclose(file), 0);
	party->login.identity = ENROLL_IDENTITY_AZURE_ARC;
	party->login.identity_keys = dir;
	party->tokens[0] = (struct https_answer){ .status = 401, .challenge = challenge, .body = "{}" };
	assert_int_equal(auth_refresh(&party->auth, WORLD_NOW_MS, &err), 0);
	(void)unlink(path);
	(void)rmdir(dir);
	assert_string_equal(party->basic, "Basic the-key");
	assert_string_equal(header_of(party), "Authorization: Bearer t2");
}

static void test_identity_endpoint_off_this_machine_is_refused(void **state)
{
	static const char *const bad[] = {
		"https://127.0.0.1:40342",  "http://10.0.0.1",       "http://169.253.1.1",
		"http://metadata.internal", "http://127.0.0.1.evil", "http://127.0.0.1:1@evil",
		"http://127.0.0.1:1/other", "127.0.0.1:40342",       "http://",
	};
	struct party *party = *state;
	struct enroll_login login = party->login;
	struct auth auth = { .login = &login, .host = "h" };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		login.identity_endpoint = bad[i];
		assert_int_equal(auth_open(&auth, &party->conf, &party->abort, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
	}
	login.identity_endpoint = "http://localhost:40342/metadata/identity/oauth2/token";
	assert_int_equal(auth_open(&auth, &party->conf, &party->abort, &err), 0);
	assert_string_equal(auth.issuer_host, "127.0.0.1:40342");
	auth_close(&auth);
}

/* --- The service refuses ------------------------------------------------------------------------------- */

struct open_service {
	struct enroll_gate *gate;
	struct enroll_service *service;
};

static int call(struct open_service *open, struct err *err)
{
	const struct http_request request = { "GET", "/enrollments/x", BYTES_NONE };
	ANSWER_AUTO(answer);

	return service_call(open->service, clock_wall_ms(), &request, &answer, err);
}

static struct open_service service_for(struct party *party)
{
	struct open_service open = { 0 };
	struct err err = { 0 };

	assert_int_equal(enroll_gate_new(1000, &open.gate, &err), 0);
	assert_int_equal(enroll_service_open(&party->conf, &party->login, open.gate, &open.service, &err), 0);
	return open;
}

static void close_service(struct open_service *open)
{
	enroll_service_close(open->service);
	enroll_gate_free(open->gate);
}

static void test_service_refuses_a_kept_token_gets_a_new_one(void **state)
{
	struct party *party = *state;
	struct open_service open = service_for(party);
	struct err err = { 0 };

	party->service[1] = (struct https_answer){ .status = 401, .body = "{}" };
	party->service[2] = (struct https_answer){ .status = 200, .body = "{}" };
	assert_int_equal(call(&open, &err), 0);
	assert_string_equal(party->bearer, "Bearer t1");
	assert_int_equal(call(&open, &err), 0);
	assert_string_equal(party->bearer, "Bearer t2");
	assert_int_equal(party->asked, 2);
	assert_int_equal(party->called, 3);
	assert_int_equal(err.class, ERR_NONE);
	close_service(&open);
}

static void test_service_refuses_a_new_token_is_the_operators(void **state)
{
	struct party *party = *state;
	struct open_service open = service_for(party);
	struct err err = { 0 };

	party->service[0] = (struct https_answer){ .status = 401, .body = "{}" };
	assert_int_equal(call(&open, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "check that tenant is the service's"));
	assert_int_equal(party->asked, 1);
	assert_int_equal(party->called, 1);
	close_service(&open);
}

static void test_service_role_missing_is_named(void **state)
{
	struct party *party = *state;
	struct open_service open = service_for(party);
	struct err err = { 0 };

	party->service[0] = (struct https_answer){ .status = 403, .body = "{}" };
	assert_int_equal(call(&open, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "Device Provisioning Service Data Contributor"));
	assert_int_equal(party->called, 1);
	close_service(&open);
}

#define ENTRA(test) cmocka_unit_test_setup_teardown(test, entra_setup, teardown)
#define AGENT(test) cmocka_unit_test_setup_teardown(test, agent_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENTRA(test_entra_secret_goes_encoded_in_the_form),
		ENTRA(test_token_is_kept_for_four_fifths_of_its_life),
		ENTRA(test_token_is_refreshed_when_it_says),
		ENTRA(test_token_serves_on_while_nobody_gives_another),
		ENTRA(test_entra_refusals_say_what_to_do),
		ENTRA(test_entra_throttle_is_obeyed),
		ENTRA(test_entra_wrong_clock_is_named),
		cmocka_unit_test(test_clock_off_from_date),
		ENTRA(test_entra_names_that_are_none_are_refused),
		AGENT(test_vm_answers_at_once),
		AGENT(test_vm_that_is_not_ready_is_asked_again),
		AGENT(test_vm_without_identity_is_the_operators),
		AGENT(test_vm_wait_ends_when_the_station_stops),
		AGENT(test_arc_challenge_elsewhere_is_not_answered),
		AGENT(test_arc_key_is_shown),
		AGENT(test_identity_endpoint_off_this_machine_is_refused),
		ENTRA(test_service_refuses_a_kept_token_gets_a_new_one),
		ENTRA(test_service_refuses_a_new_token_is_the_operators),
		ENTRA(test_service_role_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
