/*
 * The product, in one page: how a unit gets its identity. Each way of attesting
 * is a table of steps; one loop runs them. Before a step that must not happen
 * twice, its intent is made durable together with everything found out so far;
 * a crash or a failed try at any point is answered by asking (probing), never by guessing.
 * Who calls job_run again after a failure, and how often, is in provision.c.
 */
#include "station/job.h"

#include "station/journal.h"
#include "station/steps/steps.h"

#define QUICK_MS 5000
#define WIRE_MS  60000  /* a chain at 9600 baud takes several seconds */
#define TPM_MS   120000 /* an RSA key in a slow TPM takes most of a minute */

static const struct step steps_tpm[] = {
	{ "identify", EFFECT_NONE, QUICK_MS, true, identify_unit, NULL, NULL },
	{ "attest", EFFECT_NONE, TPM_MS, true, attest_tpm, NULL, NULL },
	{ "own", EFFECT_SAME, TPM_MS, true, own_tpm, NULL, NULL },
	{ "inject", EFFECT_ONCE, WIRE_MS, true, inject_bundle, probe_injected, NULL },
	{ "verify", EFFECT_NONE, TPM_MS, true, verify_tpm, NULL, NULL },
	{ "record", EFFECT_SAME, QUICK_MS, false, record_unit, NULL, NULL },
};

static const struct step steps_x509[] = {
	{ "identify", EFFECT_NONE, QUICK_MS, true, identify_unit, NULL, NULL },
	{ "key", EFFECT_SAME, WIRE_MS, true, key_from_device, NULL, NULL },
	{ "issue", EFFECT_ONCE, QUICK_MS, false, issue_certificate, probe_issued, reserve_serial },
	{ "inject", EFFECT_ONCE, WIRE_MS, true, inject_bundle, probe_injected, record_certificate },
	{ "verify", EFFECT_NONE, WIRE_MS, true, verify_x509, NULL, NULL },
	{ "record", EFFECT_SAME, QUICK_MS, false, record_unit, NULL, NULL },
};

/* For a unit that can't make a key: the station makes it in locked memory, and forgets it. */
static const struct step steps_x509_station_key[] = {
	{ "identify", EFFECT_NONE, QUICK_MS, true, identify_unit, NULL, NULL },
	{ "key", EFFECT_ONCE, WIRE_MS, true, key_from_station, probe_key, NULL },
	{ "issue", EFFECT_ONCE, QUICK_MS, false, issue_certificate, probe_issued, reserve_serial },
	{ "inject", EFFECT_ONCE, WIRE_MS, true, inject_bundle, probe_injected, record_certificate },
	{ "verify", EFFECT_NONE, WIRE_MS, true, verify_x509, NULL, NULL },
	{ "record", EFFECT_SAME, QUICK_MS, false, record_unit, NULL, NULL },
};

static const struct step steps_symmetric[] = {
	{ "identify", EFFECT_NONE, QUICK_MS, true, identify_unit, NULL, NULL },
	{ "derive", EFFECT_NONE, QUICK_MS, false, derive_key, NULL, NULL },
	{ "inject", EFFECT_ONCE, WIRE_MS, true, inject_bundle, probe_injected, record_derivation },
	{ "verify", EFFECT_NONE, WIRE_MS, true, verify_symmetric, NULL, NULL },
	{ "record", EFFECT_SAME, QUICK_MS, false, record_unit, NULL, NULL },
};

#define PIPELINE(name, attest, key, steps)                                                                   \
	{                                                                                                    \
		name, attest, key, steps, ARRAY_LEN(steps)                                                   \
	}
const struct pipeline job_pipelines[] = {
	PIPELINE("tpm", ATTEST_TPM, KEY_FROM_DEVICE, steps_tpm),
	PIPELINE("x509", ATTEST_X509, KEY_FROM_DEVICE, steps_x509),
	PIPELINE("x509-station-key", ATTEST_X509, KEY_FROM_STATION, steps_x509_station_key),
	PIPELINE("symmetric", ATTEST_SYMMETRIC, KEY_FROM_DEVICE, steps_symmetric),
};
const size_t job_pipelines_n = ARRAY_LEN(job_pipelines);

/* Its intent is durable already, from an earlier try or from before a crash: its effect may have happened. */
static bool in_doubt(const struct job *job)
{
	return job->intended >= 0 && (size_t)job->intended >= job->next;
}

static void announce(struct job *job, const struct step *step)
{
	struct event event = {
		.kind = EVENT_STEP,
		.attest = job->profile->attest,
		.step_index = (unsigned)job->next,
		.steps_n = (unsigned)job->pipeline->steps_n,
	};

	str_clip(event.slot, sizeof(event.slot), job->slot->name);
	str_clip(event.serial, sizeof(event.serial), job->unit.serial);
	str_clip(event.step, sizeof(event.step), step->name);
	str_clip(event.operator_id, sizeof(event.operator_id), job->seating.operator_id);
	mailbox_post(job->st->events, &event);
}

/* All that is known becomes durable, so it must be this unit's: not every link notices a swapped board. */
static int intend(struct job *job, const struct step *step, struct err *err)
{
	if (job_check_unit(job, &job->deadline, err) < 0)
		return -1;
	if (journal_intend(job, step, err) < 0)
		return err_wrap(err, "journal");
	return 0;
}

static int run_step(struct job *job, const struct step *step, struct err *err)
{
	bool done = false;

	job->deadline = deadline_in_ms(step->timeout_ms);
	if (step->effect == EFFECT_ONCE && in_doubt(job) && step->probe(job, &done, err) < 0)
		return err_wrap(err, "asking whether it happened before");
	if (done)
		return 0;
	if (step->effect == EFFECT_ONCE && intend(job, step, err) < 0)
		return -1;
	return step->run(job, err);
}

int job_run(struct job *job, struct err *err)
{
	for (; job->next < job->pipeline->steps_n; job->next++) {
		const struct step *step = &job->pipeline->steps[job->next];

		if (atomic_load(&job->st->stop))
			return err_set(err, ERR_OPERATOR, 0,
				       "the station was stopped; seat the unit again later");
		announce(job, step);
		if (run_step(job, step, err) < 0)
			return err_wrap(err, "unit %s, step %s", job->unit.serial, step->name);
	}
	return 0;
}

void job_init(struct job *job, struct station *st, const struct tools *tools, const struct conf_slot *slot,
	      struct fixture *fixture, const struct unit_info *unit)
{
	*job = (struct job){
		.st = st,
		.tools = tools,
		.slot = slot,
		.fixture = fixture,
		.unit = *unit,
		.started_ms = deadline_now_ms(),
		.intended = -1,
	};
	buf_init(&job->ek.public_area, PKI_EK_PUBLIC_MAX);
	buf_init(&job->ek.cert, PKI_EK_CERT_MAX);
	buf_init(&job->csr, FIXTURE_CSR_MAX);
	buf_init(&job->leaf, PKI_CERT_MAX);
	buf_init(&job->chain_pem, PKI_CHAIN_MAX);
}

void job_deinit(struct job *job)
{
	job_set_fixture(job, NULL);
	fixture_ek_deinit(&job->ek);
	buf_deinit(&job->csr);
	pki_csr_free(job->request);
	buf_deinit(&job->leaf);
	buf_deinit(&job->chain_pem);
	secret_wipe(&job->symkey);
}

void job_set_fixture(struct job *job, struct fixture *fixture)
{
	fixture_tpm_close(job->tpm);
	job->tpm = NULL;
	job->fixture = fixture;
}

int job_check_unit(struct job *job, const struct deadline *dl, struct err *err)
{
	struct unit_info now;

	if (fixture_identify(job->fixture, dl, &now, err) < 0)
		return -1;
	if (strcmp(job->unit.serial, now.serial) != 0 || strcmp(job->unit.hwid, now.hwid) != 0)
		return err_set(err, ERR_UNIT, 0,
			       "unit %s was taken out before it was done; %s sits there now",
			       job->unit.serial, now.serial);
	return 0;
}

int job_choose_profile(struct job *job, struct err *err)
{
	job->profile = conf_slot_profile(job->slot, job->unit.model);
	if (job->profile == NULL)
		return err_set(err, ERR_UNIT, 0, "no profile of slot %s takes the model %s", job->slot->name,
			       job->unit.model);
	for (size_t i = 0; i < job_pipelines_n; i++)
		if (job_pipelines[i].attest == job->profile->attest &&
		    (job_pipelines[i].key == job->profile->key || job->profile->attest != ATTEST_X509))
			job->pipeline = &job_pipelines[i];
	base_assert(job->pipeline != NULL);
	return 0;
}
