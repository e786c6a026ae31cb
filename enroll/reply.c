/*
 * What the service says: the body of a bulk call and the body of an error
 * (dps-api 1.6, 1.8). Anything that is not exactly that is not the service
 * speaking, and proves nothing.
 */
#include "enroll/enroll_internal.h"

#include <jansson.h>

DEFINE_CLEANUP(json_freep, json_t, json_decref)

static json_t *parse(struct bytes text)
{
	json_error_t why;

	return json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);
}

/* Control characters would reach terminals and reports. */
static void copy_text(const char *from, char *to, size_t cap)
{
	(void)snprintf(to, cap, "%s", from != NULL ? from : "no reason given");
	for (; *to != '\0'; to++)
		if ((unsigned char)*to < 0x20 || *to == 0x7f)
			*to = '?';
}

/* {"registrationId":…,"errorCode":…,"errorStatus":…}; only the ID is a must */
static int item_error_parse(const json_t *json, struct item_error *ret)
{
	const json_t *code = json_object_get(json, "errorCode");
	const char *id = json_string_value(json_object_get(json, "registrationId"));

	if (id == NULL || strlen(id) > ENROLL_ID_MAX || (code != NULL && !json_is_integer(code)))
		return -1;
	copy_text(id, ret->registration_id, sizeof(ret->registration_id));
	copy_text(json_string_value(json_object_get(json, "errorStatus")), ret->text, sizeof(ret->text));
	ret->code = json_integer_value(code);
	return 0;
}

static int errors_parse(const json_t *errors, struct bulk_reply *reply)
{
	if (errors == NULL || json_is_null(errors))
		return 0;
	if (!json_is_array(errors) || json_array_size(errors) > ENROLL_BULK_MAX)
		return -1;
	reply->errors_n = json_array_size(errors);
	for (size_t i = 0; i < reply->errors_n; i++)
		if (item_error_parse(json_array_get(errors, i), &reply->errors[i]) < 0)
			return -1;
	return 0;
}

int bulk_reply_parse(struct bytes body, struct bulk_reply *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *json = parse(body);
	const json_t *successful = json_object_get(json, "isSuccessful");

	ret->errors_n = 0;
	if (!json_is_boolean(successful) || errors_parse(json_object_get(json, "errors"), ret) < 0)
		return err_set(err, ERR_RETRY, 0, "the answer to a bulk call is not one of the service's");
	ret->successful = json_is_true(successful) && ret->errors_n == 0;
	return 0;
}

bool error_reply_parse(struct bytes body, struct item_error *ret)
{
	CLEANUP(json_freep) json_t *json = parse(body);
	const json_t *code = json_object_get(json, "errorCode");

	if (!json_is_integer(code))
		return false;
	*ret = (struct item_error){ .code = json_integer_value(code) };
	copy_text(json_string_value(json_object_get(json, "message")), ret->text, sizeof(ret->text));
	return true;
}

/*
 * Codes are HTTP status * 1000 + number. 409203 is the service's own race
 * (dps-api 10.21); every other conflict, and a precondition that fails, says that
 * something is there: what, is looked at. A code of another shape is unknown, and
 * unknown is not final.
 */
enum refusal refusal_of(int64_t code)
{
	int64_t status = code / 1000;

	if (code != 409203 && (status == 409 || status == 412))
		return REFUSAL_EXISTS;
	if (code == 409203 || status == 401 || status == 403 || status == 408 || status == 429)
		return REFUSAL_TRANSIENT;
	return status >= 400 && status < 500 ? REFUSAL_FINAL : REFUSAL_TRANSIENT;
}
