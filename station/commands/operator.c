/*
 * station operator list | add | disable | reset. Who does it says who it is; the first operator
 * of a station is an officer, whom nobody but the installation vouches for.
 */
#include <stdlib.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "base/deadline.h"
#include "station/commands/acting.h"
#include "station/commands/ask.h"
#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/report.h"

static const char *state_of(const struct person *person)
{
	if (person->disabled)
		return "disabled";
	return person->wrong >= PEOPLE_WRONG_MAX ? "locked" : "active";
}

static void print_json(const struct person *p)
{
	json_t *object =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "event", "operator", "id", p->id,
			  "role", role_name(p->role), "name", p->name, "language", p->language, "state",
			  state_of(p), "badge", p->has_badge ? 1 : 0, "pin", p->has_pin ? 1 : 0);
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	if (text != NULL)
		(void)puts(text);
	free(text);
	json_decref(object);
}

static int print_one(void *arg, const struct person *p, struct err *err)
{
	const bool *json = arg;

	(void)err;
	if (*json)
		print_json(p);
	else
		(void)printf("%-16s %-10s %-8s %s%s%s  %s\n", p->id, role_name(p->role), state_of(p),
			     p->has_badge ? "badge" : "", p->has_badge && p->has_pin ? "+" : "",
			     p->has_pin ? "PIN" : "", p->name);
	return 0;
}

/* The change as it stands in the log: by whom, or "setup" while there is nobody. */
struct doer {
	struct person person;
	struct witnesses two; /* where it takes two */
	struct people_change change;
};

static int identify(struct acting *acting, enum role of, struct doer *ret, struct err *err)
{
	int64_t n = 0;

	ret->change = (struct people_change){ .by = "setup",
					      .at_ms = clock_wall_ms(),
					      .station = acting->conf->id };
	if (people_count(acting->db, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	if (acting_identify(acting, "You", &ret->person, err) < 0 ||
	    people_check_change(&ret->person, of, err) < 0)
		return -1;
	ret->change.by = ret->person.id;
	return 0;
}

/* For what gives power: an officer is made and reset by two. */
static int identify_granting(struct acting *acting, enum role of, struct doer *ret, struct err *err)
{
	bool two = false;

	if (people_takes_two(acting->db, of, &two, err) < 0)
		return -1;
	if (!two)
		return identify(acting, of, ret, err);
	if (acting_two(acting, ACT_OFFICER, &ret->two, err) < 0)
		return -1;
	ret->change = (struct people_change){ .by = ret->two.first,
					      .with = ret->two.second,
					      .at_ms = clock_wall_ms(),
					      .station = acting->conf->id };
	return 0;
}

static int ask_new_pin(struct secret *ret_pin, struct err *err)
{
	SECRET_AUTO pin = { NULL, 0 };
	SECRET_AUTO again = { NULL, 0 };

	if (ask_optional("New PIN (Enter: none)", &pin, err) < 0)
		return -1;
	if (pin.len > 0 && ask_secret("New PIN again", &again, err) < 0)
		return -1;
	if (pin.len != again.len || CRYPTO_memcmp(pin.p, again.p, pin.len) != 0)
		return err_set(err, ERR_OPERATOR, 0, "the two PINs differ; nothing was changed");
	*ret_pin = pin;
	pin = (struct secret){ NULL, 0 };
	return 0;
}

static int person_of(const struct options *options, const char *id, struct person *ret, struct err *err)
{
	*ret = (struct person){ 0 };
	if (options->role == NULL || role_parse(options->role, &ret->role) < 0)
		return err_set(err, ERR_OPERATOR, 0, "--role is one of technician, lead, officer");
	if (str_format(ret->id, sizeof(ret->id), "%s", id) < 0 ||
	    str_format(ret->name, sizeof(ret->name), "%s", options->name != NULL ? options->name : "") < 0 ||
	    str_format(ret->language, sizeof(ret->language), "%s",
		       options->language != NULL ? options->language : "") < 0)
		return err_set(
			err, ERR_OPERATOR, 0,
			"an ID has at most %d characters, a name %d bytes, a language is like de or zh_CN",
			OPERATOR_ID_MAX, OPERATOR_NAME_MAX);
	return 0;
}

static int add(struct acting *acting, const struct options *options, const char *id, struct err *err)
{
	SECRET_AUTO badge = { NULL, 0 };
	SECRET_AUTO pin = { NULL, 0 };
	struct person person;
	struct doer doer;

	if (person_of(options, id, &person, err) < 0 ||
	    identify_granting(acting, person.role, &doer, err) < 0 ||
	    acting_ask_badge(acting, "New badge (Enter: none)", &badge, err) < 0 ||
	    ask_new_pin(&pin, err) < 0)
		return -1;
	return people_add(acting->db, &doer.change, &person, &badge, &pin, err);
}

static int find_known(struct acting *acting, const char *id, struct person *ret, struct err *err)
{
	bool found = false;

	if (people_find(acting->db, id, ret, &found, err) < 0)
		return -1;
	return found ? 0 : err_set(err, ERR_OPERATOR, 0, "no operator %s is known here", id);
}

static int disable(struct acting *acting, const struct options *options, const char *id, struct err *err)
{
	struct person person;
	struct doer doer;

	(void)options;
	if (find_known(acting, id, &person, err) < 0 || identify(acting, person.role, &doer, err) < 0)
		return -1;
	return people_disable(acting->db, &doer.change, id, err);
}

static int reset(struct acting *acting, const struct options *options, const char *id, struct err *err)
{
	SECRET_AUTO badge = { NULL, 0 };
	SECRET_AUTO pin = { NULL, 0 };
	struct person person;
	struct doer doer;

	(void)options;
	if (find_known(acting, id, &person, err) < 0 ||
	    identify_granting(acting, person.role, &doer, err) < 0 ||
	    acting_ask_badge(acting, "New badge (Enter: as it was)", &badge, err) < 0 ||
	    ask_new_pin(&pin, err) < 0)
		return -1;
	return people_reset(acting->db, &doer.change, id, &badge, &pin, err);
}

static const struct {
	const char *word;
	int (*run)(struct acting *acting, const struct options *options, const char *id, struct err *err);
} changes[] = {
	{ "add", add },
	{ "disable", disable },
	{ "reset", reset },
};

static int change(struct acting *acting, const struct options *options, struct err *err)
{
	struct person person;
	bool json = options->json;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		if (options->args_n != 2 || strcmp(options->args[0], changes[i].word) != 0)
			continue;
		if (changes[i].run(acting, options, options->args[1], err) < 0 ||
		    find_known(acting, options->args[1], &person, err) < 0)
			return -1;
		return print_one(&json, &person, err);
	}
	return err_set(err, ERR_OPERATOR, 0,
		       "usage: station operator list | add ID --role ROLE | disable ID | reset ID");
}

static int run(const struct options *options, struct err *err)
{
	CLEANUP(acting_close) struct acting acting = { 0 };
	bool listing = options->args_n == 1 && strcmp(options->args[0], "list") == 0;
	bool json = options->json;

	if (options->args_n < 1)
		return change(&acting, options, err);
	if (acting_open(options->dir, &acting, err) < 0)
		return -1;
	return listing ? people_each(acting.db, print_one, &json, err) : change(&acting, options, err);
}

int command_operator(const struct options *options)
{
	struct err err = { 0 };

	if (run(options, &err) == 0)
		return EXIT_DONE;
	report_error(options->json, &err);
	return err.class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_CONFIG;
}
