/*
 * identify. Needs: the fixture, the unit as it was seated, the label that was scanned.
 * Gives: unit (read again), registration_id for what is not a TPM, the journal's memory of the unit.
 */
#include <ctype.h>

#include "station/journal.h"
#include "station/steps/steps.h"

/* Ids are lower case in the service, whatever the label says. */
static int registration_id_of_serial(struct job *job, struct err *err)
{
	char id[sizeof(job->registration_id)];

	if (str_format(id, sizeof(id), "%s", job->unit.serial) < 0)
		return err_set(err, ERR_UNIT, 0, "serial %s is longer than a registration ID may be",
			       job->unit.serial);
	for (char *c = id; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	if (pki_registration_id_check(id, err) < 0)
		return -1;
	memcpy(job->registration_id, id, sizeof(id));
	return 0;
}

static int same_unit(struct job *job, const struct unit_info *now, struct err *err)
{
	if (strcmp(job->unit.serial, now->serial) != 0 || strcmp(job->unit.hwid, now->hwid) != 0)
		return err_set(err, ERR_RETRY, 0, "the unit changed from %s to %s while it was identified",
			       job->unit.serial, now->serial);
	job->unit = *now;
	return 0;
}

static int check_abilities(const struct job *job, struct err *err)
{
	static const struct {
		enum attest attest;
		unsigned cap;
		const char *what;
	} needs[] = {
		{ ATTEST_TPM, UNIT_CAP_TPM, "has no TPM to pass commands to" },
		{ ATTEST_SYMMETRIC, UNIT_CAP_SYMKEY, "can't keep a symmetric key" },
	};

	for (size_t i = 0; i < ARRAY_LEN(needs); i++)
		if (job->profile->attest == needs[i].attest && (job->unit.caps & needs[i].cap) == 0)
			return err_set(err, ERR_UNIT, 0, "the unit %s, which profile %s needs", needs[i].what,
				       job->profile->name);
	return 0;
}

/* What is printed on the unit is what it says of itself. A label that nobody asked for is compared as well. */
static int check_label(const struct job *job, struct err *err)
{
	const struct label_rules *rules = &job->profile->label;
	const char *label = job->seating.label;
	char says[LABEL_MAX + 1];
	struct err why;

	if (label[0] == '\0' && !rules->demanded)
		return 0;
	if (label[0] == '\0')
		return err_set(err, ERR_OPERATOR, 0, "profile %s demands the label, and none was scanned",
			       job->profile->name);
	if (label_names(rules, label, job->unit.serial))
		return 0;
	/* A label that this profile does not even know is another's as well. */
	if (label_read(rules, label, says, &why) < 0)
		str_clip(says, sizeof(says), label);
	return err_set(err, ERR_UNIT, 0, "the label says %s, the unit reports %s", says, job->unit.serial);
}

int identify_unit(struct job *job, struct err *err)
{
	struct unit_info now;

	if (fixture_identify(job->fixture, &job->deadline, &now, err) < 0 || same_unit(job, &now, err) < 0 ||
	    seats_take(job->st->seats, job->slot->name, now.serial, now.hwid, err) < 0 ||
	    check_label(job, err) < 0 || check_abilities(job, err) < 0)
		return -1;
	if (job->profile->attest != ATTEST_TPM && registration_id_of_serial(job, err) < 0)
		return -1;
	if (journal_load(job, err) < 0)
		return err_wrap(err, "looking the unit up");
	/* Our own unit may be locked already when a crash came between; anybody else's may not. */
	if (job->unit.state == UNIT_LOCKED && job->id == 0)
		return err_set(err, ERR_UNIT, 0, "the unit is locked and this station does not know it");
	return 0;
}
