/* station enroll import FILE, import-batch FILE, import-receipt FILE, receipt BATCH FILE: what comes by hand. */
#include "station/commands/carrying.h"
#include "station/commands/enroll.h"
#include "station/exit.h"

static void print_import(bool json, enum enroll_carried kind, const struct enroll_batch *batch)
{
	bool receipt = kind == ENROLL_CARRIED_RECEIPT;

	if (json) {
		(void)printf("{\"event\":\"imported\",\"kind\":\"%s\",\"batch\":\"%s\",\"from\":\"%s\","
			     "\"records\":%lld,\"waiting\":%lld,\"enrolled\":%lld,\"quarantined\":%lld,"
			     "\"returned\":%lld,\"again\":%s}\n",
			     receipt ? "receipt" : "batch", batch->id, batch->station, (long long)batch->n,
			     (long long)batch->waiting, (long long)batch->enrolled,
			     (long long)batch->quarantined, (long long)batch->returned,
			     batch->again ? "true" : "false");
		return;
	}
	(void)printf("%s of batch %s from station %s: %lld records, %lld enrolled, %lld wait, %lld "
		     "quarantined, %lld returned%s\n",
		     receipt ? "receipt" : "records", batch->id, batch->station, (long long)batch->n,
		     (long long)batch->enrolled, (long long)batch->waiting, (long long)batch->quarantined,
		     (long long)batch->returned, batch->again ? "; all of it was known" : "");
	if (!receipt)
		(void)printf(
			"They are sent with this station's own: station sync, then station enroll receipt "
			"%s FILE\n",
			batch->id);
}

static int import(const struct options *options, unsigned kinds, int *ret_exit, struct err *err)
{
	CARRYING_AUTO(carrying);
	enum enroll_carried kind = ENROLL_CARRIED_BATCH;
	struct enroll_batch batch;

	if (carrying_open(options, &carrying, err) < 0)
		return -1;
	/* A receipt needs no token. */
	if ((kinds & 1U << ENROLL_CARRIED_BATCH) != 0 && carrying_open_device_keys(&carrying, err) < 0)
		return -1;
	if (enroll_import(&carrying.carrier, options->args[1], kinds, &kind, &batch, err) < 0)
		return -1;
	print_import(options->json, kind, &batch);
	*ret_exit = batch.returned + batch.quarantined > 0 ? EXIT_IN_PART : EXIT_DONE;
	return 0;
}

int enroll_command_import(const struct options *options, int *ret_exit, struct err *err)
{
	return import(options, 1U << ENROLL_CARRIED_BATCH | 1U << ENROLL_CARRIED_RECEIPT, ret_exit, err);
}

int enroll_command_import_batch(const struct options *options, int *ret_exit, struct err *err)
{
	return import(options, 1U << ENROLL_CARRIED_BATCH, ret_exit, err);
}

int enroll_command_import_receipt(const struct options *options, int *ret_exit, struct err *err)
{
	return import(options, 1U << ENROLL_CARRIED_RECEIPT, ret_exit, err);
}

int enroll_command_receipt(const struct options *options, int *ret_exit, struct err *err)
{
	CARRYING_AUTO(carrying);
	struct enroll_batch batch;

	if (carrying_open(options, &carrying, err) < 0 || carrying_open_key(&carrying, err) < 0 ||
	    enroll_write_receipt(&carrying.carrier, options->args[1], options->args[2], &batch, err) < 0)
		return -1;
	if (options->json)
		(void)printf("{\"event\":\"receipt\",\"batch\":\"%s\",\"records\":%lld,\"waiting\":%lld,"
			     "\"enrolled\":%lld,\"quarantined\":%lld,\"returned\":%lld}\n",
			     batch.id, (long long)batch.n, (long long)batch.waiting,
			     (long long)batch.enrolled, (long long)batch.quarantined,
			     (long long)batch.returned);
	else
		(void)printf(
			"the receipt is in %s: %lld enrolled, %lld wait, %lld quarantined, %lld returned; "
			"it goes back to station %s\n",
			options->args[2], (long long)batch.enrolled, (long long)batch.waiting,
			(long long)batch.quarantined, (long long)batch.returned, batch.station);
	*ret_exit = batch.waiting > 0 ? EXIT_IN_PART : EXIT_DONE;
	return 0;
}
