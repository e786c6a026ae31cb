/* station enroll export FILE, cancel BATCH, batches: what leaves the station by hand. */
#include "station/commands/carrying.h"
#include "station/commands/enroll.h"
#include "station/exit.h"

static void print_batch(bool json, const char *event, const struct enroll_batch *batch)
{
	char at[CLOCK_ISO_LEN + 1];

	clock_iso8601(batch->made_ms, at);
	if (json)
		(void)printf("{\"event\":\"%s\",\"batch\":\"%s\",\"from\":\"%s\",\"at\":\"%s\","
			     "\"records\":%lld,\"waiting\":%lld,\"enrolled\":%lld,\"quarantined\":%lld,"
			     "\"returned\":%lld}\n",
			     event, batch->id, batch->ours ? "here" : batch->station, at, (long long)batch->n,
			     (long long)batch->waiting, (long long)batch->enrolled,
			     (long long)batch->quarantined, (long long)batch->returned);
	else
		(void)printf("%s  %s  %s%s: %lld records, %lld %s, %lld enrolled, %lld quarantined%s\n",
			     batch->id, at, batch->ours ? "made here" : "from ",
			     batch->ours ? "" : batch->station, (long long)batch->n,
			     (long long)batch->waiting, batch->ours ? "with the carrier" : "wait",
			     (long long)batch->enrolled, (long long)batch->quarantined,
			     batch->returned > 0 ? ", some to be returned" : "");
}

static int export_batch(struct carrying *carrying, const char *path, struct err *err)
{
	struct enroll_batch batch;

	if (carrying_open_key(carrying, err) < 0 ||
	    enroll_export_batch(&carrying->carrier, path, &batch, err) < 0)
		return -1;
	if (carrying->json)
		print_batch(true, "exported", &batch);
	else
		(void)printf("%lld records are in %s, batch %s\n"
			     "They are not sent from here until its receipt is imported, or: station enroll "
			     "cancel %s\n",
			     (long long)batch.n, path, batch.id, batch.id);
	return 0;
}

static const struct {
	const char *name;
	enum enroll_format format;
} formats[] = {
	{ "dps-json", ENROLL_FORMAT_DPS_JSON },
	{ "iothub-devices", ENROLL_FORMAT_IOTHUB_DEVICES },
	{ "csv", ENROLL_FORMAT_CSV },
};

static int export_format(struct carrying *carrying, const char *name, const char *path, struct err *err)
{
	int64_t n = 0;
	size_t i = 0;

	while (i < ARRAY_LEN(formats) && strcmp(formats[i].name, name) != 0)
		i++;
	if (i == ARRAY_LEN(formats))
		return err_set(err, ERR_OPERATOR, 0,
			       "--format is one of: batch, dps-json, iothub-devices, csv");
	if (enroll_export_format(&carrying->carrier, formats[i].format, path, &n, err) < 0)
		return -1;
	if (carrying->json)
		(void)printf("{\"event\":\"exported\",\"format\":\"%s\",\"records\":%lld,\"left_out\":%u}\n",
			     name, (long long)n, carrying->left_out);
	else
		(void)printf("%lld records are in %s; %u were left out. The station goes on sending them "
			     "itself.\n",
			     (long long)n, path, carrying->left_out);
	return 0;
}

int enroll_command_export(const struct options *options, int *ret_exit, struct err *err)
{
	CARRYING_AUTO(carrying);
	const char *format = options->format != NULL ? options->format : "batch";

	if (carrying_open(options, &carrying, err) < 0)
		return -1;
	if (strcmp(format, "batch") == 0 ? export_batch(&carrying, options->args[1], err) < 0
					 : export_format(&carrying, format, options->args[1], err) < 0)
		return -1;
	*ret_exit = carrying.left_out > 0 ? EXIT_IN_PART : EXIT_DONE;
	return 0;
}

int enroll_command_cancel(const struct options *options, int *ret_exit, struct err *err)
{
	CARRYING_AUTO(carrying);
	struct enroll_batch batch;

	if (carrying_open(options, &carrying, err) < 0 ||
	    enroll_cancel_batch(&carrying.carrier, options->args[1], &batch, err) < 0)
		return -1;
	if (options->json)
		(void)printf("{\"event\":\"cancelled\",\"batch\":\"%s\",\"records\":%lld}\n", batch.id,
			     (long long)batch.waiting);
	else
		(void)printf("%lld records of batch %s are sent from here again\n", (long long)batch.waiting,
			     batch.id);
	*ret_exit = EXIT_DONE;
	return 0;
}

static int list_batch(void *arg, const struct enroll_batch *batch, struct err *err)
{
	const struct options *options = arg;

	(void)err;
	print_batch(options->json, "batch", batch);
	return 0;
}

int enroll_command_batches(const struct options *options, int *ret_exit, struct err *err)
{
	CARRYING_AUTO(carrying);
	struct options copy = *options;

	if (carrying_open(options, &carrying, err) < 0 ||
	    enroll_each_batch(carrying.acting.db, list_batch, &copy, err) < 0)
		return -1;
	*ret_exit = EXIT_DONE;
	return 0;
}
