/* Roles, and what no one may do alone: a const table of acts, and which roles the two must have. */
#include "station/people/people_internal.h"

static const char *const role_names[] = {
	[ROLE_TECHNICIAN] = "technician",
	[ROLE_LEAD] = "lead",
	[ROLE_OFFICER] = "officer",
};

const char *role_name(enum role role)
{
	return role_names[role];
}

int role_parse(const char *name, enum role *ret_role)
{
	for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
		if (name != NULL && strcmp(name, role_names[i]) == 0) {
			*ret_role = (enum role)i;
			return 0;
		}
	return -1;
}

static const struct {
	enum role one, other; /* or a higher one, in either order */
	const char *needs;
} acts[] = {
	[ACT_CEREMONY] = { ROLE_OFFICER, ROLE_OFFICER, "bringing a key into the token needs two officers" },
	[ACT_CLOCK] = { ROLE_OFFICER, ROLE_OFFICER, "accepting the clock needs two officers" },
	[ACT_RELEASE] = { ROLE_OFFICER, ROLE_LEAD,
			  "releasing a unit needs an officer, and a lead or another officer" },
	[ACT_TRUST] = { ROLE_OFFICER, ROLE_OFFICER, "trusting another station needs two officers" },
	[ACT_OFFICER] = { ROLE_OFFICER, ROLE_OFFICER, "adding or resetting an officer needs two officers" },
};

const char *people_act_needs(enum act act)
{
	return acts[act].needs;
}

static int check_active(const struct person *person, struct err *err)
{
	if (person->disabled)
		return err_set(err, ERR_OPERATOR, 0, "operator %s is disabled", person->id);
	if (person->wrong >= PEOPLE_WRONG_MAX)
		return err_set(err, ERR_OPERATOR, 0, "operator %s is locked", person->id);
	return 0;
}

int people_check_act(enum act act, const struct person *first, const struct person *second, struct err *err)
{
	enum role one = acts[act].one, other = acts[act].other;

	if (check_active(first, err) < 0 || check_active(second, err) < 0)
		return -1;
	if (strcmp(first->id, second->id) == 0)
		return err_set(err, ERR_OPERATOR, 0, "%s; %s alone is one person", acts[act].needs,
			       first->id);
	if ((first->role >= one && second->role >= other) || (first->role >= other && second->role >= one))
		return 0;
	return err_set(err, ERR_OPERATOR, 0, "%s; %s is %s, %s is %s", acts[act].needs, first->id,
		       role_name(first->role), second->id, role_name(second->role));
}

static int find_witness(struct db_tx *tx, enum act act, const char *id, struct person *ret, struct err *err)
{
	struct operator operator;
	bool found = false;

	if (operator_find(tx, id, &operator, & found, err) < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_OPERATOR, 0, "%s", acts[act].needs);
	*ret = operator.person;
	return 0;
}

int people_check_witnesses(struct db_tx *tx, enum act act, const struct witnesses *witnesses, struct err *err)
{
	struct person first, second;
	int64_t n = 0;

	if (operators_count(tx, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	if (find_witness(tx, act, witnesses->first, &first, err) < 0 ||
	    find_witness(tx, act, witnesses->second, &second, err) < 0)
		return -1;
	return people_check_act(act, &first, &second, err);
}

int people_check_lead(struct db_tx *tx, const char *id, const char *doing, struct err *err)
{
	struct operator operator;
	bool found = false;
	int64_t n = 0;

	if (operators_count(tx, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	if (operator_find(tx, id, &operator, & found, err) < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_OPERATOR, 0, "%s needs a lead or an officer", doing);
	if (check_active(&operator.person, err) < 0)
		return -1;
	if (operator.person.role<ROLE_LEAD)
		return err_set(err, ERR_OPERATOR, 0, "%s needs a lead or an officer; %s is %s", doing, id,
			       role_name(operator.person.role));
	return 0;
}

int people_check_change(const struct person *by, enum role of, struct err *err)
{
	if (check_active(by, err) < 0)
		return -1;
	if (by->role == ROLE_OFFICER || (by->role == ROLE_LEAD && of == ROLE_TECHNICIAN))
		return 0;
	return err_set(err, ERR_OPERATOR, 0, "a %s is changed by an officer%s; %s is %s", role_name(of),
		       of == ROLE_TECHNICIAN ? " or a lead" : "", by->id, role_name(by->role));
}

int change_takes_two(struct db_tx *tx, enum role of, bool *ret_two, struct err *err)
{
	int64_t n = 0;

	if (officers_count(tx, "", &n, err) < 0)
		return -1;
	*ret_two = of == ROLE_OFFICER && n >= 2;
	return 0;
}

int people_takes_two(struct db *db, enum role of, bool *ret_two, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };

	db_read_begin(db, &tx);
	return change_takes_two(&tx, of, ret_two, err);
}
