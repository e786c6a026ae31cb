/*
 * station.ini. One const table names every key with its kind and place, so the
 * grammar can be read here at a glance; lines are counted in the reader that
 * inih pulls them through, since the Debian build of it does not report them.
 */
#include "station/conf_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include <ini.h>

#include "hsm/hsm.h"

struct conf_key;
struct conf_parser;
typedef int set_fn(struct conf_parser *p, const struct conf_key *key, void *field, const char *value);

struct conf_key {
	const char *section; /* "profile" and "slot" are sections with a name */
	const char *name;
	set_fn *set;
	size_t offset; /* in struct conf, conf_profile or conf_slot */
	size_t size;   /* of a text field */
	unsigned min, max;
};

int conf_fail(struct conf_parser *p, const char *what, const char *value)
{
	p->failed = true;
	return err_set(p->err, ERR_OPERATOR, 0, "%s:%u: %s%s%s%s", p->file, p->line, what,
		       value != NULL ? ": \"" : "", value != NULL ? value : "", value != NULL ? "\"" : "");
}

static int set_text(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	if (value[0] == '\0')
		return conf_fail(p, "empty value for", key->name);
	if (str_format(field, key->size, "%s", value) < 0)
		return conf_fail(p, "value is too long for", key->name);
	return 0;
}

/* What a scanner types: ASCII that can be printed, without a blank at the end, which the INI would lose. */
static int set_scanned(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			return conf_fail(p, "only characters that a scanner types may stand in", key->name);
	return set_text(p, key, field, value);
}

static int set_pattern(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	struct err why = { 0 };

	if (set_text(p, key, field, value) < 0)
		return -1;
	return label_pattern_check(value, &why) < 0 ? conf_fail(p, why.what, NULL) : 0;
}

static int set_uri(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	struct err why = { 0 };

	if (hsm_uri_check(value, &why) < 0)
		return conf_fail(p, why.what, NULL);
	return set_text(p, key, field, value);
}

static int set_pin_source(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	struct err why = { 0 };

	if (hsm_pin_source_check(value, &why) < 0)
		return conf_fail(p, why.what, NULL);
	return set_text(p, key, field, value);
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
static int set_device_host(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	const char *colon = strrchr(value, ':');
	size_t n = colon != NULL ? (size_t)(colon - value) : strlen(value);

	p->conf->device_port = 443;
	if (n == 0 || bytes_to_str(bytes_of(value, n), field, key->size) < 0 ||
	    (colon != NULL && parse_number(colon + 1, 1, 65535, &p->conf->device_port) < 0))
		return conf_fail(p, "device-host is not HOST or HOST:PORT", value);
	return 0;
}

static int set_number(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
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

static int set_attest(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	int word = 0;

	(void)key;
	if (set_word(p, attest_names, ARRAY_LEN(attest_names), &word, value) < 0)
		return -1;
	*(enum attest *)field = (enum attest)word;
	return 0;
}

static int set_key_source(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "device", "station" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum key_source *)field = (enum key_source)word;
	return 0;
}

static int set_enroll(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "individual", "group" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum enroll_kind *)field = (enum enroll_kind)word;
	return 0;
}

static int set_yes_no(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "no", "yes" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(bool *)field = word == 1;
	return 0;
}

static int set_scan(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "no", "label" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(bool *)field = word == 1;
	return 0;
}

static int set_label_check(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	static const char *const words[] = { "none", "mod10", "mod43" };
	int word = 0;

	(void)key;
	if (set_word(p, words, ARRAY_LEN(words), &word, value) < 0)
		return -1;
	*(enum label_check *)field = (enum label_check)word;
	return 0;
}

static int set_label_serial(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
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
static int check_subject(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	(void)key;
	(void)field;
	if (strcmp(value, "CN=${registration_id}") != 0)
		return conf_fail(p, "subject must be CN=${registration_id}, not", value);
	return 0;
}

static int check_auth(struct conf_parser *p, const struct conf_key *key, void *field, const char *value)
{
	(void)key;
	(void)field;
	if (strcmp(value, "sas") != 0)
		return conf_fail(p, "this version logs in with auth = sas only, not", value);
	return 0;
}

#define CONF_FIELD(field) offsetof(struct conf, field), sizeof(((struct conf *)NULL)->field)
#define PROFILE_FIELD(field)                                                                                 \
	offsetof(struct conf_profile, field), sizeof(((struct conf_profile *)NULL)->field)
#define DEVICE_FIELD(field) PROFILE_FIELD(device.field)
#define SLOT_FIELD(field)   offsetof(struct conf_slot, field), sizeof(((struct conf_slot *)NULL)->field)

static const struct conf_key keys[] = {
	{ "station", "id", set_text, CONF_FIELD(id), 0, 0 },
	{ "station", "language", set_text, CONF_FIELD(language), 0, 0 },
	{ "people", "badge-prefix", set_scanned, CONF_FIELD(badge_prefix), 0, 0 },
	{ "people", "logout-minutes", set_number, CONF_FIELD(logout_minutes), 0, 1440 },
	{ "scanner", "prefix", set_scanned, CONF_FIELD(scanner_prefix), 0, 0 },
	{ "scanner", "slot-prefix", set_scanned, CONF_FIELD(slot_prefix), 0, 0 },
	{ "hsm", "module", set_text, CONF_FIELD(module), 0, 0 },
	{ "hsm", "token", set_uri, CONF_FIELD(token), 0, 0 },
	{ "hsm", "pin-source", set_pin_source, CONF_FIELD(pin_source), 0, 0 },
	{ "hsm", "issuing-key", set_uri, CONF_FIELD(issuing_key), 0, 0 },
	{ "hsm", "audit-key", set_uri, CONF_FIELD(audit_key), 0, 0 },
	{ "service", "host", set_text, CONF_FIELD(host), 0, 0 },
	{ "service", "id-scope", set_text, CONF_FIELD(id_scope), 0, 0 },
	{ "service", "device-host", set_device_host, CONF_FIELD(device_host), 0, 0 },
	{ "service", "ca-file", set_text, CONF_FIELD(ca_file), 0, 0 },
	{ "service", "auth", check_auth, 0, 0, 0, 0 },
	{ "service", "policy", set_text, CONF_FIELD(policy), 0, 0 },
	{ "service", "key", set_uri, CONF_FIELD(service_key), 0, 0 },
	{ "service", "operations-per-minute", set_number, CONF_FIELD(operations_per_minute), 1, 100000 },
	{ "service", "attempts", set_number, CONF_FIELD(attempts), 1, 1000 },
	{ "profile", "model", set_text, PROFILE_FIELD(model), 0, 0 },
	{ "profile", "attest", set_attest, PROFILE_FIELD(attest), 0, 0 },
	{ "profile", "key", set_key_source, PROFILE_FIELD(key), 0, 0 },
	{ "profile", "subject", check_subject, 0, 0, 0, 0 },
	/* Any number: what certificates can hold is known to pki_profile_check. */
	{ "profile", "validity-days", set_number, PROFILE_FIELD(certificate.validity_days), 0, UINT_MAX },
	{ "profile", "outlive-issuer", set_yes_no, PROFILE_FIELD(certificate.may_outlive_issuer), 0, 0 },
	{ "profile", "enroll", set_enroll, PROFILE_FIELD(enroll), 0, 0 },
	{ "profile", "group", set_text, PROFILE_FIELD(group), 0, 0 },
	{ "profile", "group-key", set_uri, PROFILE_FIELD(group_key), 0, 0 },
	{ "profile", "scan", set_scan, PROFILE_FIELD(label.demanded), 0, 0 },
	{ "profile", "label-pattern", set_pattern, PROFILE_FIELD(label.pattern), 0, 0 },
	{ "profile", "label-check", set_label_check, PROFILE_FIELD(label.check), 0, 0 },
	{ "profile", "label-serial", set_label_serial, PROFILE_FIELD(label.serial), 0, 0 },
	{ "profile", "serial-from", set_text, DEVICE_FIELD(serial_from), 0, 0 },
	{ "profile", "model-from", set_text, DEVICE_FIELD(model_from), 0, 0 },
	{ "profile", "hwid-from", set_text, DEVICE_FIELD(hwid_from), 0, 0 },
	{ "profile", "chain-path", set_text, DEVICE_FIELD(chain_path), 0, 0 },
	{ "profile", "key-path", set_text, DEVICE_FIELD(key_path), 0, 0 },
	{ "profile", "symkey-path", set_text, DEVICE_FIELD(symkey_path), 0, 0 },
	{ "profile", "dps-path", set_text, DEVICE_FIELD(dps_path), 0, 0 },
	{ "profile", "owner", set_text, DEVICE_FIELD(owner), 0, 0 },
	{ "profile", "mode", set_text, DEVICE_FIELD(mode), 0, 0 },
	{ "profile", "user", set_text, DEVICE_FIELD(user), 0, 0 },
	{ "profile", "password-file", set_text, DEVICE_FIELD(password_file), 0, 0 },
	{ "profile", "login-prompt", set_text, DEVICE_FIELD(login_prompt), 0, 0 },
	{ "profile", "password-prompt", set_text, DEVICE_FIELD(password_prompt), 0, 0 },
	{ "profile", "key-store", set_text, DEVICE_FIELD(key_store), 0, 0 },
	{ "profile", "layout", set_text, DEVICE_FIELD(layout), 0, 0 },
	{ "slot", "profile", set_text, SLOT_FIELD(profile_names), 0, 0 },
	{ "slot", "driver", set_text, SLOT_FIELD(driver), 0, 0 },
	{ "slot", "link", set_text, SLOT_FIELD(link), 0, 0 },
	{ "slot", "barcode", set_scanned, SLOT_FIELD(barcode), 0, 0 },
};

/* Each [slot "x"] and [profile "x"] sets its keys anew; the others only once. */
static void forget_seen(struct conf_parser *p, const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].section, kind) == 0)
			p->seen[i] = false;
}

static int begin_profile(struct conf_parser *p, const char *name)
{
	struct conf *conf = p->conf;
	struct conf_profile *profile;

	for (size_t i = 0; i < conf->profiles_n; i++)
		if (strcmp(conf->profiles[i].name, name) == 0)
			return conf_fail(p, "second section for profile", name);
	if (conf->profiles_n == CONF_PROFILES_MAX)
		return conf_fail(p, "too many profiles at", name);
	profile = &conf->profiles[conf->profiles_n++];
	profile->line = p->line;
	profile->certificate.validity_days = 3650;
	p->target = profile;
	forget_seen(p, "profile");
	if (str_format(profile->name, sizeof(profile->name), "%s", name) < 0)
		return conf_fail(p, "profile name is too long", name);
	return 0;
}

static int begin_slot(struct conf_parser *p, const char *name)
{
	struct conf *conf = p->conf;
	struct conf_slot *slot;

	for (size_t i = 0; i < conf->slots_n; i++)
		if (strcmp(conf->slots[i].name, name) == 0)
			return conf_fail(p, "second section for slot", name);
	if (conf->slots_n == CONF_SLOTS_MAX)
		return conf_fail(p, "too many slots at", name);
	slot = &conf->slots[conf->slots_n++];
	slot->line = p->line;
	p->target = slot;
	forget_seen(p, "slot");
	if (str_format(slot->name, sizeof(slot->name), "%s", name) < 0)
		return conf_fail(p, "slot name is too long", name);
	return 0;
}

static bool is_plain_section(const char *section)
{
	static const char *const names[] = { "station", "people", "scanner", "hsm", "service" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], section) == 0)
			return true;
	return false;
}

/* kind "name", or kind alone. */
static int begin_section(struct conf_parser *p, const char *section)
{
	char name[64] = "";
	const char *open = strchr(section, '"');

	if (str_format(p->kind, sizeof(p->kind), "%.*s", (int)strcspn(section, " \""), section) < 0)
		return conf_fail(p, "unknown section", section);
	if (open != NULL) {
		size_t n = strlen(open + 1);

		if (n < 2 || open[n] != '"')
			return conf_fail(p, "a section's name stands in double quotes", section);
		if (bytes_to_str(bytes_of(open + 1, n - 1), name, sizeof(name)) < 0)
			return conf_fail(p, "section name is too long", section);
	}
	if (strcmp(p->kind, "profile") == 0 && name[0] != '\0')
		return begin_profile(p, name);
	if (strcmp(p->kind, "slot") == 0 && name[0] != '\0')
		return begin_slot(p, name);
	p->target = p->conf;
	if (open == NULL && is_plain_section(section))
		return 0;
	return conf_fail(p, "unknown section", section);
}

static int set_value(struct conf_parser *p, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct conf_key *key = &keys[i];

		if (strcmp(key->section, p->kind) != 0 || strcmp(key->name, name) != 0)
			continue;
		if (p->seen[i])
			return conf_fail(p, "key is set twice", name);
		p->seen[i] = true;
		return key->set(p, key, (char *)p->target + key->offset, value);
	}
	return conf_fail(p, "unknown key", name);
}

/* inih's handler: 1 goes on, 0 is an error that we have described ourselves. */
static int on_value(void *user, const char *section, const char *name, const char *value)
{
	struct conf_parser *p = user;

	(void)section; /* next_line knows it, and knows sections without keys as well */
	if (p->failed)
		return 0;
	if (p->target == NULL)
		return conf_fail(p, "key outside any section", name) == 0;
	return set_value(p, name, value != NULL ? value : "") == 0;
}

static int see_section(struct conf_parser *p, const char *line)
{
	char section[64];
	const char *open = line + strspn(line, " \t"), *close = strchr(open, ']');

	if (*open != '[' || close == NULL)
		return 0;
	if (bytes_to_str(bytes_of(open + 1, (size_t)(close - open) - 1), section, sizeof(section)) < 0)
		return conf_fail(p, "section name is too long", NULL);
	return begin_section(p, section);
}

/* Hands inih one line; a line that does not fit is an error, not two lines. */
static char *next_line(char *out, int cap, void *user)
{
	struct conf_parser *p = user;
	const uint8_t *end;
	size_t n;

	if (p->text.len == 0 || p->failed || cap < 2)
		return NULL;
	p->line++;
	end = memchr(p->text.p, '\n', p->text.len);
	n = end != NULL ? (size_t)(end - p->text.p) + 1 : p->text.len;
	if (n >= (size_t)cap || memchr(p->text.p, '\0', n) != NULL) {
		(void)conf_fail(p, "line is too long or is not text", NULL);
		return NULL;
	}
	memcpy(out, p->text.p, n);
	out[n] = '\0';
	p->text = bytes_of(p->text.p + n, p->text.len - n);
	return see_section(p, out) < 0 ? NULL : out;
}

static void set_defaults(struct conf *conf)
{
	conf->operations_per_minute = 900;
	conf->attempts = 8;
	conf->logout_minutes = 15;
	str_clip(conf->badge_prefix, sizeof(conf->badge_prefix), "B:");
	str_clip(conf->slot_prefix, sizeof(conf->slot_prefix), "SLOT:");
}

int conf_parse(const char *name, struct bytes text, struct conf **ret_conf, struct err *err)
{
	CLEANUP(conf_freep) struct conf *conf = calloc(1, sizeof(*conf));
	struct conf_parser p = { .file = name, .text = text, .conf = conf, .err = err };
	int line;

	if (conf == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	set_defaults(conf);
	line = ini_parse_stream(next_line, &p, on_value, &p);
	if (p.failed)
		return -1;
	if (line != 0)
		return err_set(err, ERR_OPERATOR, 0, "%s:%d: not a section, a key = value, or a comment",
			       name, line);
	if (conf_check(&p) < 0)
		return -1;
	*ret_conf = conf;
	conf = NULL;
	return 0;
}

int conf_load(const char *dir, struct conf **ret_conf, struct err *err)
{
	CLEANUP(file_closep) FILE *file = NULL;
	BUF_AUTO(text, CONF_FILE_MAX + 1);
	char path[1024];
	uint8_t *to;

	if (str_format(path, sizeof(path), "%s/station.ini", dir) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the station directory's path is too long");
	file = fopen(path, "re");
	if (file == NULL)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s; make one with: station init %s", path,
			       strerror(errno), dir);
	to = buf_reserve(&text, CONF_FILE_MAX + 1);
	if (to == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	text.len = fread(to, 1, CONF_FILE_MAX + 1, file);
	if (ferror(file) != 0 || text.len > CONF_FILE_MAX)
		return err_set(err, ERR_OPERATOR, 0, "%s: can't be read, or is larger than 64 KiB", path);
	return conf_parse(path, buf_bytes(&text), ret_conf, err);
}

void conf_free(struct conf *conf)
{
	free(conf);
}
