/* Terms of a unit. What comes in from outside is put between quotation marks, so that it stays one value. */
#include "station/terms.h"

#include <stddef.h>

static const struct variable {
	const char *name;
	size_t offset; /* in struct terms_values */
} variables[] = {
	{ "serial", offsetof(struct terms_values, serial) },
	{ "registration_id", offsetof(struct terms_values, registration_id) },
	{ "model", offsetof(struct terms_values, model) },
	{ "station", offsetof(struct terms_values, station) },
	{ "operator", offsetof(struct terms_values, operator_id) },
	{ "slot", offsetof(struct terms_values, slot) },
};

/* What is written; full once something did not fit. */
struct text {
	char *to;
	size_t cap, n;
	bool full;
};

static void add(struct text *text, char c)
{
	if (text->n + 1 >= text->cap) {
		text->full = true;
		return;
	}
	text->to[text->n++] = c;
	text->to[text->n] = '\0';
}

typedef void add_fn(struct text *text, char c);

/* For inside of quotation marks. */
static void add_escaped(struct text *text, char c)
{
	if (c == '"' || c == '\\')
		add(text, '\\');
	add(text, c);
}

static const char *value_of(const struct terms_values *values, const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *const *value =
			(const char *const *)(const void *)((const char *)values + variables[i].offset);

		if (strlen(variables[i].name) == n && strncmp(variables[i].name, name, n) == 0)
			return *value != NULL ? *value : "";
	}
	return NULL;
}

static bool is_variable(struct bytes in)
{
	return in.len >= 2 && in.p[0] == '$' && in.p[1] == '{';
}

/* In front stands "${". */
static int take_variable(struct bytes *in, const struct terms_values *values, add_fn *put, struct text *out,
			 struct err *err)
{
	const char *name = (const char *)in->p + 2;
	const uint8_t *end = memchr(in->p, '}', in->len);
	const char *value = end != NULL ? value_of(values, name, (size_t)(end - in->p) - 2) : NULL;

	if (value == NULL)
		return err_set(err, ERR_UNIT, 0,
			       "no variable begins %.*s; there are ${serial}, ${registration_id}, ${model}, "
			       "${station}, ${operator}, ${slot}",
			       in->len < 40 ? (int)in->len : 40, (const char *)in->p);
	for (; *value != '\0'; value++)
		put(out, *value);
	*in = bytes_of(end + 1, in->len - (size_t)(end + 1 - in->p));
	return 0;
}

/* in, with its variables as put writes them and the rest as rest writes it. */
static int expand(struct bytes in, const struct terms_values *values, add_fn *put, add_fn *rest,
		  struct text *out, struct err *err)
{
	while (in.len > 0) {
		if (is_variable(in)) {
			if (take_variable(&in, values, put, out, err) < 0)
				return -1;
			continue;
		}
		rest(out, (char)in.p[0]);
		in = bytes_of(in.p + 1, in.len - 1);
	}
	return 0;
}

static int check_full(const struct text *out, struct err *err)
{
	if (out->full)
		return err_set(err, ERR_UNIT, 0, "with its variables it is longer than %zu characters",
			       out->cap - 1);
	return 0;
}

static bool has_variable(struct bytes in)
{
	return memmem(in.p, in.len, "${", 2) != NULL;
}

/* How long the first NAME=VALUE is: to a blank that stands in no quotation marks. */
static size_t item_length(struct bytes in)
{
	bool quoted = false;

	for (size_t i = 0; i < in.len; i++) {
		if (quoted && in.p[i] == '\\')
			i++;
		else if (in.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (in.p[i] == ' ' || in.p[i] == '\t'))
			return i;
	}
	return in.len;
}

static int expand_item(struct bytes item, const struct terms_values *values, struct text *out,
		       struct err *err)
{
	const uint8_t *equals = memchr(item.p, '=', item.len);
	size_t name = equals != NULL ? (size_t)(equals + 1 - item.p) : item.len;
	struct bytes value = bytes_of(item.p + name, item.len - name);

	if (has_variable(bytes_of(item.p, name)))
		return err_set(err, ERR_UNIT, 0, "variables stand in values, not in names: %.*s",
			       item.len < 60 ? (int)item.len : 60, (const char *)item.p);
	for (size_t i = 0; i < name; i++)
		add(out, (char)item.p[i]);
	if (!has_variable(value) || value.p[0] == '"')
		return expand(value, values, add_escaped, add, out, err);
	add(out, '"');
	if (expand(value, values, add_escaped, add_escaped, out, err) < 0)
		return -1;
	add(out, '"');
	return 0;
}

static int expand_items(const char *items, const struct terms_values *values, struct text *out,
			struct err *err)
{
	struct bytes in = bytes_str(items);

	out->to[0] = '\0';
	while (in.len > 0) {
		size_t n = item_length(in);

		if (n > 0 && expand_item(bytes_of(in.p, n), values, out, err) < 0)
			return -1;
		if (n < in.len)
			add(out, ' ');
		in = n < in.len ? bytes_of(in.p + n + 1, in.len - n - 1) : BYTES_NONE;
	}
	return check_full(out, err);
}

static int fill_texts(const struct conf_terms *conf, const struct terms_values *values, struct terms *ret,
		      struct err *err)
{
	struct text device_id = { ret->device_id_text, sizeof(ret->device_id_text), 0, false };
	struct text tags = { ret->tags, sizeof(ret->tags), 0, false };
	struct text desired = { ret->desired, sizeof(ret->desired), 0, false };

	ret->device_id_text[0] = '\0';
	if (expand(bytes_str(conf->device_id), values, add, add, &device_id, err) < 0 ||
	    check_full(&device_id, err) < 0)
		return err_wrap(err, "device-id");
	if (expand_items(conf->tags, values, &tags, err) < 0)
		return err_wrap(err, "tags");
	if (expand_items(conf->desired, values, &desired, err) < 0)
		return err_wrap(err, "desired");
	return 0;
}

int terms_fill(const struct conf_terms *conf, const struct terms_values *values, struct terms *ret,
	       struct err *err)
{
	if (fill_texts(conf, values, ret, err) < 0)
		return -1;
	ret->device_id = conf->device_id[0] != '\0' ? ret->device_id_text : NULL;
	ret->enroll = (struct enroll_terms){
		.tags = ret->tags,
		.desired = ret->desired,
		.allocation = conf->allocation,
		.hubs = conf->hubs,
		.webhook = conf->webhook,
		.reprovision = conf->reprovision,
		.iot_edge = conf->iot_edge,
		.disabled = conf->disabled,
	};
	return 0;
}

static int refuse(struct err *err, const char *what)
{
	return err_set(err, ERR_OPERATOR, 0, "%s", what);
}

/* What a group says, it says of all its devices, and those of other stations. */
static int check_group(const struct conf_terms *terms, struct err *err)
{
	if (terms->device_id[0] != '\0')
		return refuse(err, "device-id is for enroll = individual; a group's devices are named by "
				   "their registration IDs");
	if (has_variable(bytes_str(terms->tags)) || has_variable(bytes_str(terms->desired)))
		return refuse(err,
			      "tags and desired of a group are the same for all its devices: no ${...} in "
			      "them");
	return 0;
}

/* Two devices of one name would be one device to the hub. */
static int check_device_id(const struct conf_profile *profile, struct err *err)
{
	const char *id = profile->terms.device_id;

	if (id[0] == '\0')
		return 0;
	if (strstr(id, "${serial}") == NULL && strstr(id, "${registration_id}") == NULL)
		return refuse(err, "device-id needs ${serial} or ${registration_id}: no two devices have the "
				   "same");
	if (strstr(id, "${model}") != NULL && profile->model[0] == '\0')
		return refuse(err, "${model} in device-id needs the key model: others may not suit a device "
				   "ID");
	return 0;
}

/* As long as they can be, so that no unit is refused for it. */
static const char longest[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
_Static_assert(sizeof(longest) == sizeof(((struct unit_info *)NULL)->serial), "as long as a serial");
_Static_assert(sizeof(longest) == PKI_CN_MAX + 1, "as long as a registration ID");
#define LONGEST(n) (longest + sizeof(longest) - 1 - (n))

int terms_check(const struct conf_profile *profile, const char *station, struct err *err)
{
	const struct terms_values values = {
		.serial = longest,
		.registration_id = longest,
		.model = profile->model[0] != '\0' ? profile->model : LONGEST(32),
		.station = station,
		.operator_id = LONGEST(32),
		.slot = LONGEST(16),
	};
	struct terms terms;

	if (strstr(profile->terms.hubs, "${") != NULL || strstr(profile->terms.webhook, "${") != NULL)
		return refuse(err, "hubs and webhook hold no ${...}");
	if (profile->enroll == ENROLL_GROUP && check_group(&profile->terms, err) < 0)
		return -1;
	if (check_device_id(profile, err) < 0)
		return -1;
	if (terms_fill(&profile->terms, &values, &terms, err) < 0 ||
	    enroll_terms_check(terms.device_id, &terms.enroll, err) < 0) {
		(void)err_raise(err, ERR_OPERATOR);
		return -1;
	}
	return 0;
}
