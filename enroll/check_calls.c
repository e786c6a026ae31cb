/*
 * Calls that change nothing: a record with a random ID is asked for and deleted.
 * It does not exist, so the answer tells the rights and nothing else (dps-api 1.2, 1.8).
 */
#include <sys/random.h>

#include <curl/curl.h>

#include "base/encode.h"
#include "enroll/check_internal.h"

#define PATIENCE_MS       30000
#define CLOCK_TOLERANCE_S 300

bool id_scope_is_plausible(const char *id_scope)
{
	return strncmp(id_scope, "0ne", 3) == 0 && strlen(id_scope) == 11 &&
	       strspn(id_scope + 3, "0123456789abcdefABCDEF") == 8;
}

/* What one call told. */
struct heard {
	bool sent;
	bool answered; /* the service itself, or with a status that only a login gets */
	bool login, right;
	long status;
	char date[64];
	struct err err;
};

static int random_path(char path[PATH_CAP], struct err *err)
{
	char id[64] = "station-check-", hex[33];
	uint8_t noise[16];

	if (getrandom(noise, sizeof(noise), 0) != (ssize_t)sizeof(noise) ||
	    hex_encode(BYTES_ARRAY(noise), hex, sizeof(hex)) < 0 ||
	    str_format(id, sizeof(id), "station-check-%s", hex) < 0)
		return err_set(err, ERR_STATION, 0, "no randomness");
	return service_path("enrollments", id, "", path, err);
}

/* A refusal before holds the next call off for a moment. */
static void wait_for_leave(struct enroll_service *service)
{
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	int64_t wait;

	while ((wait = service_leave(service, clock_wall_ms())) > 0 && !deadline_passed(&dl))
		deadline_sleep(&dl, wait < 1000 ? (unsigned)wait : 1000);
}

static void call(struct enroll_service *service, int64_t now_ms, const struct http_request *request,
		 struct heard *ret)
{
	ANSWER_AUTO(answer);

	*ret = (struct heard){ .status = 0 };
	wait_for_leave(service);
	if (service_call(service, now_ms, request, &answer, &ret->err) == 0) {
		ret->answered = ret->login = ret->right = true;
	} else if (answer.sent && answer.http.kind == REPLY_LOGIN) {
		ret->answered = true;
		ret->login = answer.http.status == 403;
	}
	ret->sent = answer.sent;
	if (answer.sent) {
		ret->status = answer.http.status;
		str_clip(ret->date, sizeof(ret->date), answer.http.date);
	}
}

static void tell_clock(const struct check_target *target, int64_t now_ms, const char *date)
{
	time_t theirs = curl_getdate(date, NULL);
	int64_t off_s = now_ms / 1000 - (int64_t)theirs;
	char text[CHECK_TEXT_MAX];

	if (theirs < 0) {
		check_tell(target, "clock", ENROLL_CHECK_LEFT_OUT, "the answer has no date", NULL);
		return;
	}
	(void)snprintf(text, sizeof(text), "%lld s %s the service's", (long long)(off_s < 0 ? -off_s : off_s),
		       off_s < 0 ? "behind" : "ahead of");
	if (off_s > CLOCK_TOLERANCE_S || off_s < -CLOCK_TOLERANCE_S)
		check_tell(target, "clock", ENROLL_CHECK_BAD, text,
			   "set this computer's clock (NTP): logins are valid for a time");
	else
		check_tell(target, "clock", ENROLL_CHECK_GOOD, text, NULL);
}

static void tell_login(const struct check_target *target, const struct heard *heard)
{
	char text[CHECK_TEXT_MAX];

	if (heard->login) {
		check_tell(target, "login", ENROLL_CHECK_GOOD, "accepted", NULL);
		return;
	}
	(void)err_text(&heard->err, text, sizeof(text));
	check_tell(target, "login", ENROLL_CHECK_BAD, text,
		   "check auth and what belongs to it in [service]: the policy's name and key, or the "
		   "application's certificate, secret and tenant");
}

static void tell_right(const struct check_target *target, const char *check, const struct heard *heard,
		       const char *advice)
{
	char text[CHECK_TEXT_MAX];

	if (heard->right) {
		check_tell(target, check, ENROLL_CHECK_GOOD, "allowed", NULL);
		return;
	}
	(void)err_text(&heard->err, text, sizeof(text));
	check_tell(target, check, ENROLL_CHECK_BAD, text, advice);
}

/* Whether it is the provisioning service that answers. */
static bool tell_answer(const struct check_target *target, const struct heard *heard)
{
	char text[CHECK_TEXT_MAX];

	if (heard->answered) {
		check_tell(target, "answer", ENROLL_CHECK_GOOD, "a Device Provisioning Service", NULL);
		return true;
	}
	(void)err_text(&heard->err, text, sizeof(text));
	if (heard->status == 0)
		check_tell(target, "answer", ENROLL_CHECK_BAD, text, "see the lines above");
	else
		check_tell(
			target, "answer", ENROLL_CHECK_BAD, text,
			"the host in [service] must be the provisioning service's (not an IoT Hub's); or a "
			"portal or a proxy answers in its place");
	return false;
}

static void check_rights(const struct check_target *target, int64_t now_ms)
{
	struct enroll_service *service = target->check->service;
	struct http_request request = { .method = "GET" };
	struct heard heard = { .status = 0 };
	char path[PATH_CAP];

	if (random_path(path, &heard.err) < 0) {
		(void)tell_answer(target, &heard);
		return;
	}
	request.path = path;
	call(service, now_ms, &request, &heard);
	/* A login that can't be made never gets to the service. */
	if (!heard.sent) {
		tell_login(target, &heard);
		return;
	}
	if (heard.date[0] != '\0')
		tell_clock(target, now_ms, heard.date);
	if (!tell_answer(target, &heard))
		return;
	tell_login(target, &heard);
	if (!heard.login)
		return;
	tell_right(target, "read", &heard,
		   "give the policy EnrollmentRead, or the role Data Contributor; or the service's IP filter "
		   "keeps this "
		   "address out");
	request.method = "DELETE";
	call(service, now_ms, &request, &heard);
	tell_right(target, "write", &heard, "give the policy EnrollmentWrite, or the role Data Contributor");
}

void check_calls(const struct check_target *target, int64_t now_ms)
{
	const char *id_scope = target->check->conf->id_scope;

	check_rights(target, now_ms);
	if (id_scope_is_plausible(id_scope))
		check_tell(target, "id-scope", ENROLL_CHECK_GOOD, id_scope, NULL);
	else
		check_tell(
			target, "id-scope", ENROLL_CHECK_DOUBT, id_scope,
			"the service's ID scopes are 0ne and eight hexadecimal digits: compare it with the "
			"overview page of the service");
}
