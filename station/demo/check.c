/*
 * The demo's check, from outside: not what the pipeline remembers, but what
 * lies in the devices' flash, in the service, and in the log.
 */
#include "station/demo/demo.h"

#include "station/journal.h"

struct checking {
	const char *dir;
	struct line *line;
	struct enroll_service *service;
	struct buf root; /* DER */
	struct demo_check result;
};

static const struct conf_profile *profile_of(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->profiles_n; i++)
		if (strcmp(conf->profiles[i].name, name) == 0)
			return &conf->profiles[i];
	return NULL;
}

static int check_chain(struct checking *c, const struct journal_unit *unit, struct err *err)
{
	BUF_AUTO(pem, PKI_CHAIN_MAX);
	BUF_AUTO(leaf, PKI_CERT_MAX);
	BUF_AUTO(intermediate, PKI_CERT_MAX);
	char name[128];

	if (str_format(name, sizeof(name), "devices/%s/chain.pem", unit->serial) < 0)
		return err_set(err, ERR_BUG, 0, "a device's path does not fit");
	if (directory_read_file(c->dir, name, &pem, err) < 0 ||
	    pki_pem_read(buf_bytes(&pem), 0, &leaf, err) < 0 ||
	    pki_pem_read(buf_bytes(&pem), 1, &intermediate, err) < 0 ||
	    pki_chain_verify(buf_bytes(&leaf), buf_bytes(&intermediate), buf_bytes(&c->root),
			     clock_wall_ms() / 1000, err) < 0)
		return err_wrap(err, "chain of %s", unit->serial);
	if (!bytes_equal(buf_bytes(&leaf), unit->leaf))
		return err_set(err, ERR_UNIT, 0, "unit %s holds another certificate than the journal",
			       unit->serial);
	return 0;
}

static int check_unit(struct checking *c, const struct journal_unit *unit, struct err *err)
{
	const struct conf_profile *profile = profile_of(line_station(c->line)->conf, unit->profile);
	BUF_AUTO(json, ENROLL_REPLY_MAX);
	bool found = false;

	if (profile == NULL)
		return err_set(err, ERR_OPERATOR, 0, "profile %s of unit %s is gone", unit->profile,
			       unit->serial);
	if (profile->enroll == ENROLL_GROUP)
		c->result.group++;
	if (profile->attest == ATTEST_X509 && check_chain(c, unit, err) < 0)
		return -1;
	if (profile->enroll == ENROLL_GROUP)
		return 0;
	if (enroll_get(c->service, unit->registration_id, &json, &found, err) < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_UNIT, 0, "the service does not know %s", unit->registration_id);
	return 0;
}

static int visit(void *arg, const struct journal_unit *unit, struct err *err)
{
	struct checking *c = arg;
	struct err wrong = { 0 };

	(void)err;
	if (strcmp(unit->state, "passed") != 0)
		return 0;
	c->result.passed++;
	if (check_unit(c, unit, &wrong) < 0 && c->result.wrong++ == 0)
		(void)err_text(&wrong, c->result.first, sizeof(c->result.first));
	return 0;
}

static int check_audit(struct checking *c, struct err *err)
{
	struct audit_verdict verdict;

	if (audit_verify(line_station(c->line)->db, &verdict, err) < 0)
		return -1;
	if (verdict.bad_index >= 0)
		return err_set(err, ERR_STATION, 0, "the audit log is not whole: entry %lld: %s",
			       (long long)verdict.bad_index, verdict.reason);
	c->result.audit_entries = verdict.head.size;
	return 0;
}

int demo_check(const char *dir, struct line *line, struct enroll_service *service,
	       struct demo_check *ret_check, struct err *err)
{
	struct checking c = { .dir = dir, .line = line, .service = service };
	BUF_AUTO(pem, PKI_CHAIN_MAX);
	BUF_AUTO(root, PKI_CERT_MAX);
	int64_t n;

	if (directory_read_file(dir, "ca/root.pem", &pem, err) < 0 ||
	    pki_pem_read(buf_bytes(&pem), 0, &root, err) < 0)
		return err_wrap(err, "root certificate");
	c.root = root;
	if (journal_each(line_station(line)->db, NULL, visit, &c, &n, err) < 0 || check_audit(&c, err) < 0)
		return -1;
	*ret_check = c.result;
	return 0;
}
