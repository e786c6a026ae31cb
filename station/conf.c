/*
 * station.ini as text: sections and lines. Lines are counted in the reader that inih
 * pulls them through, since the Debian build of it does not report them.
 */
#include "station/conf_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <ini.h>

int conf_fail(struct conf_parser *p, const char *what, const char *value)
{
	p->failed = true;
	return err_set(p->err, ERR_OPERATOR, 0, "%s:%u: %s%s%s%s", p->file, p->line, what,
		       value != NULL ? ": \"" : "", value != NULL ? value : "", value != NULL ? "\"" : "");
}

/* Each [slot "x"] and [profile "x"] sets its keys anew; the others only once. */
static void forget_seen(struct conf_parser *p, const char *kind)
{
	for (size_t i = 0; i < conf_keys_n; i++)
		if (strcmp(conf_keys[i].section, kind) == 0)
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
	for (size_t i = 0; i < conf_keys_n; i++) {
		const struct conf_key *key = &conf_keys[i];

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
	conf->network.connections = 4;
	str_clip(conf->login.host, sizeof(conf->login.host), "login.microsoftonline.com");
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
