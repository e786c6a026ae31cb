/* What a value may be: one function for each kind of key in the table of conf_keys.c. */
#include "station/conf_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "hsm/hsm.h"

int conf_set_text(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	if (value[0] == '\0')
		return conf_fail(p, "empty value for", key->name);
	if (str_format(field, key->size, "%s", value) < 0)
		return conf_fail(p, "value is too long for", key->name);
	return 0;
}

/* What a scanner types: ASCII that can be printed, without a blank at the end, which the INI would lose. */
int conf_set_scanned(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			return conf_fail(p, "only characters that a scanner types may stand in", key->name);
	return conf_set_text(p, key, field, value);
}

int conf_set_pattern(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	struct err why = { 0 };

	if (conf_set_text(p, key, field, value) < 0)
		return -1;
	return label_pattern_check(value, &why) < 0 ? conf_fail(p, why.what, NULL) : 0;
}

int conf_set_uri(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	struct err why = { 0 };

	if (hsm_uri_check(value, &why) < 0)
		return conf_fail(p, why.what, NULL);
	return conf_set_text(p, key, field, value);
}

int conf_set_pin_source(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	struct err why = { 0 };

	if (hsm_pin_source_check(value, &why) < 0)
		return conf_fail(p, why.what, NULL);
	return conf_set_text(p, key, field, value);
}

static int parse_number(const char *value, unsigned min, unsigned max, unsigned *ret)
{
	char *end = NULL;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || value[0] < '0' || value[0] > '9' || n < min ||
	    n > max)
		return -1;
	*ret = (unsigned)n;
	return 0;
}

/* HOST or HOST:PORT, as the units will use it. */
int conf_set_device_host(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	const char *colon = strrchr(value, ':');
	size_t n = colon != NULL ? (size_t)(colon - value) : strlen(value);

	p->conf->device_port = 443;
	if (n == 0 || bytes_to_str(bytes_of(value, n), field, key->size) < 0 ||
	    (colon != NULL && parse_number(colon + 1, 1, 65535, &p->conf->device_port) < 0))
		return conf_fail(p, "device-host is not HOST or HOST:PORT", value);
	return 0;
}

int conf_set_number(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	if (parse_number(value, key->min, key->max, field) < 0) {
		p->failed = true;
		return err_set(p->err, ERR_OPERATOR, 0, "%s:%u: %s must be a number from %u to %u", p->file,
			       p->line, key->name, key->min, key->max);
	}
	return 0;
}

/* One of a few words, told by its place in the list. */
static int set_word(struct conf_parser *p, const char *const *words, size_t n, int *field, const char *value)
{
	for (size_t i = 0; i < n; i++) {
		if (words[i] != NULL && strcmp(words[i], value) == 0) {
			*field = (int)i;
			return 0;
		}
	}
	return conf_fail(p, "not one of the allowed words", value);
}

static const char *const attest_names[] = { NULL, "tpm", "x509", "symmetric" };

const char *attest_name(enum attest attest)
{
	return attest == ATTEST_UNSET ? "unset" : attest_names[attest];
}

int conf_set_attest(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	int word = 0;

	(void)key;
	if (set_word(p, attest_names, ARRAY_LEN(attest_names), &word, value) < 0)
		return -1;
	*(enum attest *)field = (enum attest)word;
	return 0;
}

int conf_set_key_source(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "device", "station" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum key_source *)field = (enum key_source)word;
	return 0;
}

int conf_set_enroll(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "individual", "group" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum enroll_kind *)field = (enum enroll_kind)word;
	return 0;
}

int conf_set_yes_no(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "no", "yes" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(bool *)field = word == 1;
	return 0;
}

int conf_set_scan(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "no", "label" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(bool *)field = word == 1;
	return 0;
}

int conf_set_label_check(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "none", "mod10", "mod43" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum label_check *)field = (enum label_check)word;
	return 0;
}

int conf_set_label_serial(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "all", "before-check" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum label_serial *)field = (enum label_serial)word;
	return 0;
}

/* dps-leaf has one subject: what the service compares with the registration ID. */
int conf_check_subject(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	(void)key;
	(void)field;
	if (strcmp(value, "CN=${registration_id}") != 0)
		return conf_fail(p, "subject must be CN=${registration_id}, not", value);
	return 0;
}

int conf_set_auth(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "sas", "entra-certificate", "entra-secret", "managed-identity" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum enroll_auth *)field = (enum enroll_auth)word;
	return 0;
}

int conf_set_assertion(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "ps256", "rs256" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum enroll_assertion *)field = (enum enroll_assertion)word;
	return 0;
}

int conf_set_identity(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "azure-vm", "azure-arc" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum enroll_identity *)field = (enum enroll_identity)word;
	return 0;
}

int conf_set_allocation(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { NULL, "hashed", "geoLatency", "static", "custom" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum enroll_allocation *)field = (enum enroll_allocation)word;
	return 0;
}

int conf_set_reprovision(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { NULL, "migrate", "reset", "never" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum enroll_reprovision *)field = (enum enroll_reprovision)word;
	return 0;
}
