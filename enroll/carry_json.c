/*
 * One content has one form: a line is read, written again and compared, so that nothing hides in
 * white space, doubled names or another spelling. Texts are plain, since they end on terminals.
 */
#include "enroll/carry_json.h"

#include <jansson.h>

#include "base/encode.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

int carry_json_dump(const json_t *json, struct buf *ret)
{
	size_t need = json_dumpb(json, NULL, 0, JSON_COMPACT);
	uint8_t *to;

	buf_clear(ret);
	to = need > 0 ? buf_reserve(ret, need) : NULL;
	if (to == NULL)
		return -1;
	ret->len = json_dumpb(json, (char *)to, need, JSON_COMPACT);
	return 0;
}

int carry_json_load(struct bytes line, json_t **ret, struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	BUF_AUTO(again, CARRY_LINE_MAX);
	json_error_t why;

	json = json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(json))
		return err_set(err, ERR_OPERATOR, 0, "it is no JSON object");
	if (carry_json_dump(json, &again) < 0 || !bytes_equal(buf_bytes(&again), line))
		return err_set(err, ERR_OPERATOR, 0, "it is not in the form that stations write");
	*ret = json;
	json = NULL;
	return 0;
}

bool carry_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

int carry_copy_text(const char *from, char *to, size_t cap, const char *what, struct err *err)
{
	if (from[0] == '\0' || !carry_printable(from) || bytes_to_str(bytes_str(from), to, cap) < 0)
		return err_set(err, ERR_OPERATOR, 0, "its %s is none", what);
	return 0;
}

int carry_read_sha256(const char *hex, uint8_t ret[SHA256_LEN], const char *what, struct err *err)
{
	char again[HEX_LEN(SHA256_LEN) + 1];
	size_t n = 0;

	if (hex_decode(hex, ret, SHA256_LEN, &n) < 0 || n != SHA256_LEN ||
	    hex_encode(bytes_of(ret, n), again, sizeof(again)) < 0 || strcmp(hex, again) != 0)
		return err_set(err, ERR_OPERATOR, 0, "its %s is none", what);
	return 0;
}
