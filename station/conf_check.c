/* A configuration as a whole: what is missing, what contradicts, which profile a slot means. */
#include "station/conf_internal.h"
#include "station/terms.h"

#include "station/network.h"

struct required {
	const char *section, *name;
	const char *value;
};

static int missing(struct conf_parser *p, const char *section, const char *name)
{
	return err_set(p->err, ERR_OPERATOR, 0, "%s: missing key: %s in section [%s]", p->file, name,
		       section);
}

static int check_required(struct conf_parser *p)
{
	const struct conf *c = p->conf;
	const struct required required[] = {
		{ "station", "id", c->id },
		{ "hsm", "module", c->module },
		{ "hsm", "token", c->token },
		{ "hsm", "pin-source", c->pin_source },
		{ "service", "host", c->host },
		{ "service", "id-scope", c->id_scope },
		{ "hsm", "issuing-key", c->issuing_key },
		{ "service", "device-host", c->device_host },
	};

	for (size_t i = 0; i < ARRAY_LEN(required); i++)
		if (required[i].value[0] == '\0')
			return missing(p, required[i].section, required[i].name);
	if (c->slots_n == 0)
		return err_set(p->err, ERR_OPERATOR, 0, "%s: missing section: at least one [slot \"NAME\"]",
			       p->file);
	return 0;
}

#define AUTH_BIT(auth) (1u << (auth))

/* Each kind of login needs its own keys; one that it does not use may stand there. */
static int check_login(struct conf_parser *p)
{
	const struct conf_login *l = &p->conf->login;
	const unsigned entra = AUTH_BIT(ENROLL_AUTH_ENTRA_CERTIFICATE) | AUTH_BIT(ENROLL_AUTH_ENTRA_SECRET);
	const struct {
		unsigned needed_by; /* set of AUTH_BIT */
		const char *name, *value;
	} keys[] = {
		{ AUTH_BIT(ENROLL_AUTH_SAS), "policy", l->policy },
		{ AUTH_BIT(ENROLL_AUTH_SAS) | AUTH_BIT(ENROLL_AUTH_ENTRA_CERTIFICATE), "key", l->key },
		{ entra, "tenant", l->tenant },
		{ entra, "client-id", l->client_id },
		{ AUTH_BIT(ENROLL_AUTH_ENTRA_CERTIFICATE), "certificate-file", l->certificate_file },
		{ AUTH_BIT(ENROLL_AUTH_ENTRA_SECRET), "secret-source", l->secret_source },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if ((keys[i].needed_by & AUTH_BIT(l->auth)) != 0 && keys[i].value[0] == '\0')
			return missing(p, "service", keys[i].name);
	return 0;
}

/* What the service would refuse of a unit's record days later. */
static int check_terms(struct conf_parser *p, const struct conf_profile *profile)
{
	struct err why = { 0 };
	char text[sizeof(why.what) + sizeof(why.where) + 2];

	if (terms_check(profile, p->conf->id, &why) < 0)
		return conf_fail(p, err_text(&why, text, sizeof(text)), NULL);
	return 0;
}

/*
 * A unit's key is never on disk, so the sender derives it once more for an
 * individual enrollment; it does so with one master key.
 */
static int check_device_keys(struct conf_parser *p, const struct conf_profile *profile)
{
	const struct conf_profile *first = conf_device_key_profile(p->conf);

	if (profile->attest == ATTEST_SYMMETRIC && profile->enroll == ENROLL_INDIVIDUAL &&
	    strcmp(profile->group_key, first->group_key) != 0)
		return conf_fail(p, "individual symmetric enrollments share one group-key, that of profile",
				 first->name);
	return 0;
}

static int check_profile(struct conf_parser *p, const struct conf_profile *profile)
{
	const char *missing = NULL;
	struct err why = { 0 };

	p->line = profile->line;
	if (profile->attest == ATTEST_UNSET)
		missing = "attest";
	else if (profile->attest == ATTEST_SYMMETRIC && profile->group_key[0] == '\0')
		missing = "group-key";
	else if (profile->enroll == ENROLL_GROUP && profile->group[0] == '\0')
		missing = "group";
	if (missing != NULL)
		return conf_fail(p, "profile lacks the key", missing);
	if (profile->attest == ATTEST_TPM && profile->enroll == ENROLL_GROUP)
		return conf_fail(p, "a TPM has no enrollment group: enroll = individual", NULL);
	if (pki_profile_check(&profile->certificate, &why) < 0)
		return conf_fail(p, why.what, NULL);
	if (profile->label.serial == LABEL_SERIAL_BEFORE_CHECK && profile->label.check == LABEL_CHECK_NONE)
		return conf_fail(p, "label-serial = before-check needs a label-check", NULL);
	return check_terms(p, profile) < 0 ? -1 : check_device_keys(p, profile);
}

static const struct conf_profile *find_profile(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->profiles_n; i++)
		if (strcmp(conf->profiles[i].name, name) == 0)
			return &conf->profiles[i];
	return NULL;
}

static int resolve_profiles(struct conf_parser *p, struct conf_slot *slot)
{
	const char *rest = slot->profile_names;
	char name[sizeof(p->conf->profiles[0].name)];

	while (*(rest += strspn(rest, " ,\t")) != '\0') {
		size_t n = strcspn(rest, " ,\t");
		const struct conf_profile *profile = NULL;

		if (bytes_to_str(bytes_of(rest, n), name, sizeof(name)) == 0)
			profile = find_profile(p->conf, name);
		if (profile == NULL)
			return conf_fail(p, "slot names an unknown profile", slot->profile_names);
		if (slot->profiles_n == ARRAY_LEN(slot->profiles))
			return conf_fail(p, "slot names too many profiles", slot->name);
		slot->profiles[slot->profiles_n++] = profile;
		rest += n;
	}
	return 0;
}

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A scan is a badge, else a slot, else a label: one text must never mean two things. */
static int check_barcode(struct conf_parser *p, struct conf_slot *slot)
{
	if (slot->barcode[0] == '\0' &&
	    str_format(slot->barcode, sizeof(slot->barcode), "%s%s", p->conf->slot_prefix, slot->name) < 0)
		return conf_fail(p, "slot-prefix and name are too long for a barcode of slot", slot->name);
	if (begins_with(slot->barcode, p->conf->badge_prefix))
		return conf_fail(p, "the slot's barcode begins as a badge does", slot->barcode);
	for (const struct conf_slot *other = p->conf->slots; other < slot; other++)
		if (strcmp(other->barcode, slot->barcode) == 0)
			return conf_fail(p, "two slots have the barcode", slot->barcode);
	return 0;
}

/* What a driver's units can never do is no unit's fault: it is said before the first one is seated. */
static int check_abilities(struct conf_parser *p, const struct conf_profile *profile, unsigned caps)
{
	if (profile->attest == ATTEST_TPM && (caps & UNIT_CAP_TPM) == 0)
		return conf_fail(p, "this driver reaches no TPM, which attest = tpm needs in profile",
				 profile->name);
	if (profile->attest == ATTEST_X509 && profile->key == KEY_FROM_DEVICE && (caps & UNIT_CAP_KEY) == 0)
		return conf_fail(p, "units of this driver make no key; key = station is needed in profile",
				 profile->name);
	if (profile->attest == ATTEST_SYMMETRIC && (caps & UNIT_CAP_SYMKEY) == 0)
		return conf_fail(p, "units of this driver keep no symmetric key, as needed in profile",
				 profile->name);
	return 0;
}

/* Before it is read, nobody knows which profile's unit sits there: how it is read can't depend on that. */
static int check_agreement(struct conf_parser *p, const struct conf_slot *slot)
{
	const struct conf_device *first = &slot->profiles[0]->device;

	for (size_t i = 1; i < slot->profiles_n; i++)
		if (!bytes_equal(bytes_of(first, sizeof(*first)),
				 bytes_of(&slot->profiles[i]->device, sizeof(*first))))
			return conf_fail(
				p,
				"the profiles of a slot must say the same from serial-from to layout; "
				"different is",
				slot->profiles[i]->name);
	return 0;
}

static int check_driver(struct conf_parser *p, const struct conf_slot *slot)
{
	const struct fixture_settings settings = conf_slot_settings(slot);
	const struct fixture_conf fixture = { slot->driver, slot->link, &settings };
	struct err why = { 0 };

	if (fixture_conf_check(&fixture, &why) < 0)
		return conf_fail(p, why.what, NULL);
	for (size_t i = 0; i < slot->profiles_n; i++)
		if (check_abilities(p, slot->profiles[i], fixture_conf_caps(&fixture)) < 0)
			return -1;
	return 0;
}

static int check_slot(struct conf_parser *p, struct conf_slot *slot)
{
	p->line = slot->line;
	if (slot->link[0] == '\0' || slot->driver[0] == '\0' || slot->profile_names[0] == '\0')
		return conf_fail(p, "a slot needs profile, driver and link; one is missing in slot",
				 slot->name);
	if (resolve_profiles(p, slot) < 0 || check_barcode(p, slot) < 0)
		return -1;
	return check_agreement(p, slot) < 0 ? -1 : check_driver(p, slot);
}

/* Their keys stand together, and each message names its own. */
static int check_network(struct conf_parser *p)
{
	struct err why = { 0 };

	if (network_check(p->conf, &why) < 0)
		return err_set(p->err, ERR_OPERATOR, why.code, "%s: [service] %s", p->file, why.what);
	return 0;
}

int conf_check(struct conf_parser *p)
{
	if (check_required(p) < 0 || check_login(p) < 0 || check_network(p) < 0)
		return -1;
	for (size_t i = 0; i < p->conf->profiles_n; i++)
		if (check_profile(p, &p->conf->profiles[i]) < 0)
			return -1;
	for (size_t i = 0; i < p->conf->slots_n; i++)
		if (check_slot(p, &p->conf->slots[i]) < 0)
			return -1;
	return 0;
}

const struct conf_profile *conf_device_key_profile(const struct conf *conf)
{
	for (size_t i = 0; i < conf->profiles_n; i++)
		if (conf->profiles[i].attest == ATTEST_SYMMETRIC &&
		    conf->profiles[i].enroll == ENROLL_INDIVIDUAL)
			return &conf->profiles[i];
	return NULL;
}

const struct conf_profile *conf_slot_profile(const struct conf_slot *slot, const char *model)
{
	for (size_t i = 0; i < slot->profiles_n; i++)
		if (slot->profiles[i]->model[0] == '\0' || strcmp(slot->profiles[i]->model, model) == 0)
			return slot->profiles[i];
	return NULL;
}

struct fixture_settings conf_slot_settings(const struct conf_slot *slot)
{
	const struct conf_device *d = &slot->profiles[0]->device;

	return (struct fixture_settings){
		.serial_from = d->serial_from,
		.model_from = d->model_from,
		.hwid_from = d->hwid_from,
		.chain_path = d->chain_path,
		.key_path = d->key_path,
		.symkey_path = d->symkey_path,
		.dps_path = d->dps_path,
		.owner = d->owner,
		.mode = d->mode,
		.user = d->user,
		.password_file = d->password_file,
		.login_prompt = d->login_prompt,
		.password_prompt = d->password_prompt,
		.key_store = d->key_store,
		.layout = d->layout,
	};
}
