/* Stored names in words. What is stored is never renamed, so a table here follows it; the log stays English. */
#include "station/screens/list.h"

#include <string.h>

static const struct word {
	const char *stored, *text;
} words[] = {
	/* a unit's state in the journal, a record's in the outbox */
	/* TRANSLATORS: at most 12 columns */
	{ "open", N_("in work") },
	/* TRANSLATORS: at most 12 columns */
	{ "passed", N_("passed") },
	/* TRANSLATORS: at most 12 columns */
	{ "failed", N_("failed") },
	/* TRANSLATORS: at most 12 columns */
	{ "released", N_("released") },
	/* TRANSLATORS: at most 12 columns */
	{ "queued", N_("waiting") },
	/* TRANSLATORS: at most 12 columns */
	{ "sending", N_("being sent") },
	/* TRANSLATORS: at most 12 columns */
	{ "retry", N_("tries again") },
	/* TRANSLATORS: at most 12 columns */
	{ "quarantined", N_("refused") },
	/* TRANSLATORS: at most 20 columns */
	{ "enrolled", N_("in the service") },
	/* kinds of log entries */
	/* TRANSLATORS: at most 13 columns */
	{ "certificate-issued", N_("certificate") },
	/* TRANSLATORS: at most 13 columns */
	{ "key-derived", N_("key derived") },
	/* TRANSLATORS: at most 13 columns */
	{ "key-imported", N_("key imported") },
	/* TRANSLATORS: at most 13 columns */
	{ "key-made", N_("key made") },
	/* TRANSLATORS: at most 13 columns */
	{ "unit-provisioned", N_("passed") },
	/* TRANSLATORS: at most 13 columns */
	{ "unit-failed", N_("failed") },
	/* TRANSLATORS: at most 13 columns */
	{ "unit-released", N_("released") },
	/* TRANSLATORS: at most 13 columns */
	{ "station-started", N_("started") },
	/* TRANSLATORS: at most 13 columns */
	{ "operator-added", N_("person added") },
	/* TRANSLATORS: at most 13 columns */
	{ "operator-disabled", N_("person out") },
	/* TRANSLATORS: at most 13 columns */
	{ "operator-reset", N_("person reset") },
	/* TRANSLATORS: at most 13 columns */
	{ "operator-locked", N_("person locked") },
	/* TRANSLATORS: at most 13 columns */
	{ "operator-logged-in", N_("logged in") },
	/* TRANSLATORS: at most 13 columns */
	{ "operator-logged-out", N_("logged out") },
	/* TRANSLATORS: at most 13 columns */
	{ "shift-handed-over", N_("handed over") },
	/* TRANSLATORS: at most 13 columns */
	{ "clock-accepted", N_("clock right") },
	/* TRANSLATORS: at most 13 columns */
	{ "group-changed", N_("group changed") },
	/* TRANSLATORS: at most 13 columns */
	{ "enrollment-released", N_("queued again") },
	/* TRANSLATORS: at most 13 columns */
	{ "enrollment-dropped", N_("given up") },
	/* TRANSLATORS: at most 13 columns */
	{ "enrollment-disabling", N_("shutting out") },
	/* TRANSLATORS: at most 13 columns */
	{ "enrollment-disabled", N_("shut out") },
	/* TRANSLATORS: at most 13 columns */
	{ "enrollment-enabling", N_("letting in") },
	/* TRANSLATORS: at most 13 columns */
	{ "enrollment-enabled", N_("let in") },
	/* TRANSLATORS: at most 13 columns */
	{ "enrollment-deleting", N_("deleting") },
	/* TRANSLATORS: at most 13 columns */
	{ "enrollment-deleted", N_("deleted") },
	/* TRANSLATORS: at most 13 columns */
	{ "station-trusted", N_("trusted") },
	/* TRANSLATORS: at most 13 columns */
	{ "batch-exported", N_("batch out") },
	/* TRANSLATORS: at most 13 columns */
	{ "batch-imported", N_("batch in") },
	/* TRANSLATORS: at most 13 columns */
	{ "batch-cancelled", N_("batch back") },
	/* TRANSLATORS: at most 13 columns */
	{ "receipt-written", N_("receipt out") },
	/* TRANSLATORS: at most 13 columns */
	{ "receipt-imported", N_("receipt in") },
	/* TRANSLATORS: at most 13 columns */
	{ "malformed", N_("unreadable") },
	/* how a unit proves what it is */
	/* TRANSLATORS: at most 20 columns */
	{ "tpm", N_("its TPM's key") },
	/* TRANSLATORS: at most 20 columns */
	{ "x509", N_("a certificate") },
	/* TRANSLATORS: at most 20 columns */
	{ "symmetric", N_("a derived key") },
	/* classes of failures */
	/* TRANSLATORS: at most 14 columns */
	{ "unit", N_("unit refused") },
	/* TRANSLATORS: at most 14 columns */
	{ "operator", N_("person needed") },
	/* TRANSLATORS: at most 14 columns */
	{ "station", N_("line stopped") },
	/* TRANSLATORS: at most 14 columns */
	{ "bug", N_("program fault") },
};

const char *word_for(const struct language *language, const char *stored)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(stored, words[i].stored) == 0)
			return T(language, words[i].text);
	return stored;
}
