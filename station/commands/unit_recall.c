/* What station unit list is asked for. */
#include "station/commands/unit_recall.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)

int unit_recall_of(const struct options *options, struct recall *ret, struct err *err)
{
	struct recall recall = {
		.certificate = options->certificate,
		.key = options->key,
		.issuer = options->issuer,
		.operator_id = options->operator_id,
		.profile = options->profile,
		.slot = options->slot,
	};

	if (options->since != NULL && recall_time(options->since, &recall.since_ms, err) < 0)
		return err_wrap(err, "--since");
	if (options->until != NULL && recall_time(options->until, &recall.until_ms, err) < 0)
		return err_wrap(err, "--until");
	/* A day is meant as a whole. */
	if (options->until != NULL && strchr(options->until, 'T') == NULL)
		recall.until_ms += DAY_MS;
	*ret = recall;
	return 0;
}
