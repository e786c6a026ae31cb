/*
 * What a technician reads of a step: its title, and what happened and what to
 * do when it failed. Short sentences of common words, true for every cause
 * that ends in this step and class; the event's English text names the one.
 */
#include "station/screens/ui.h"

/* "seat" is what comes before the first step. */
static const struct step_words {
	const char *step, *title;
	struct advice retry, unit, operator;
} words[] = {
	{
		"seat",
		/* TRANSLATORS: at most 20 columns */
		N_("Finding the unit"),
		{ N_("The unit did not answer."), N_("Seat the unit again.") },
		{ N_("The unit was not recognized."), N_("Check the cable. Seat the unit again.") },
		{ N_("The slot can't be used."), N_("Check the cable of the slot.") },
	},
	{
		"identify",
		/* TRANSLATORS: at most 20 columns */
		N_("Reading the unit"),
		{ N_("The unit did not answer."), N_("Seat the unit again.") },
		{ N_("The unit was not accepted."), N_("Put the unit aside.") },
		{ N_("The unit could not be read."), N_("Seat the unit again. Or call the line lead.") },
	},
	{
		"attest",
		/* TRANSLATORS: at most 20 columns */
		N_("Checking the TPM"),
		{ N_("The TPM did not answer."), N_("Seat the unit again.") },
		{ N_("The TPM was not accepted."), N_("Put the unit aside.") },
		{ N_("The TPM could not be checked."), N_("Seat the unit again. Or call the line lead.") },
	},
	{
		"own",
		/* TRANSLATORS: at most 20 columns */
		N_("Preparing the TPM"),
		{ N_("The TPM did not answer."), N_("Seat the unit again.") },
		{ N_("The TPM could not be prepared."), N_("Put the unit aside.") },
		{ N_("The TPM could not be prepared."), N_("Seat the unit again. Or call the line lead.") },
	},
	{
		"key",
		/* TRANSLATORS: at most 20 columns */
		N_("Making the key"),
		{ N_("The key could not be made."), N_("Seat the unit again.") },
		{ N_("The key could not be made."), N_("Put the unit aside.") },
		{ N_("The key could not be made."), N_("Seat the unit again. Or call the line lead.") },
	},
	{
		"derive",
		/* TRANSLATORS: at most 20 columns */
		N_("Making the key"),
		{ N_("The key could not be made."), N_("Seat the unit again.") },
		{ N_("The key could not be made."), N_("Put the unit aside.") },
		{ N_("The key could not be made."), N_("Check the HSM. Seat the unit again.") },
	},
	{
		"issue",
		/* TRANSLATORS: at most 20 columns */
		N_("Signing"),
		{ N_("The certificate could not be signed."), N_("Seat the unit again.") },
		{ N_("The certificate could not be signed."), N_("Put the unit aside.") },
		{ N_("The certificate could not be signed."), N_("Check the HSM. Seat the unit again.") },
	},
	{
		"inject",
		/* TRANSLATORS: at most 20 columns */
		N_("Writing to the unit"),
		{ N_("The unit could not be written."), N_("Seat the unit again.") },
		{ N_("The unit could not be written."), N_("Put the unit aside.") },
		{ N_("The unit could not be written."), N_("Seat the unit again. Or call the line lead.") },
	},
	{
		"verify",
		/* TRANSLATORS: at most 20 columns */
		N_("Testing the unit"),
		{ N_("The unit could not be tested."), N_("Seat the unit again.") },
		{ N_("The unit did not pass the test."), N_("Put the unit aside.") },
		{ N_("The unit could not be tested."), N_("Seat the unit again. Or call the line lead.") },
	},
	{
		"record",
		/* TRANSLATORS: at most 20 columns */
		N_("Saving the result"),
		{ N_("The result could not be saved."), N_("Seat the unit again.") },
		{ N_("The result could not be saved."), N_("Put the unit aside. Call the line lead.") },
		{ N_("The result could not be saved."), N_("Call the line lead.") },
	},
};

static const struct step_words *find(const char *step)
{
	const char *name = step[0] != '\0' ? step : "seat";

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].step, name) == 0)
			return &words[i];
	return NULL;
}

/* For every step that has none of its own. */
static struct advice advice_for_class(enum err_class class)
{
	switch (class) {
	case ERR_RETRY:
		return (struct advice){ N_("The unit did not answer."), N_("Seat the unit again.") };
	case ERR_UNIT:
		return (struct advice){ N_("The unit was not accepted."), N_("Put the unit aside.") };
	case ERR_STATION:
		return (struct advice){ N_("The station stopped."), N_("Call the line lead.") };
	case ERR_BUG:
		return (struct advice){ N_("The program has a fault."),
					N_("Change nothing. Call the line lead.") };
	case ERR_NONE:
	case ERR_OPERATOR:
		break;
	}
	return (struct advice){ N_("It did not work."), N_("Call the line lead.") };
}

struct advice advice_for(const char *step, enum err_class class)
{
	const struct step_words *found = find(step);

	if (found != NULL && class == ERR_RETRY)
		return found->retry;
	if (found != NULL && class == ERR_UNIT)
		return found->unit;
	if (found != NULL && class == ERR_OPERATOR)
		return found->operator;
	return advice_for_class(class);
}

const char *advice_wait(enum wait wait)
{
	switch (wait) {
	case WAIT_OPERATOR:
		/* TRANSLATORS: at most 16 columns */
		return N_("LOG IN");
	case WAIT_TERMINAL:
		/* TRANSLATORS: at most 16 columns. The units wait while nobody can see a result. */
		return N_("STARTS SOON");
	case WAIT_LABEL:
		/* TRANSLATORS: at most 16 columns */
		return N_("SCAN THE LABEL");
	case WAIT_CLOCK:
		/* TRANSLATORS: at most 16 columns. The station's clock may be wrong. */
		return N_("CHECK THE CLOCK");
	case WAIT_NONE:
		break;
	}
	/* TRANSLATORS: at most 16 columns */
	return N_("PLEASE WAIT");
}

const char *step_title(const char *step)
{
	const struct step_words *found = find(step);

	return found != NULL ? found->title : step;
}
