/* station enroll WORD: the table of what can be done with records on their way to the service, and in it. */
#include "station/commands/enroll.h"

#include <string.h>

#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/report.h"

static const struct {
	const char *name;
	unsigned args_min, args_max; /* after the word */
	enroll_command_fn *run;
	const char *usage;
} words[] = {
	{ "batches", 0, 0, enroll_command_batches, "batches" },
	{ "cancel", 1, 1, enroll_command_cancel, "cancel BATCH" },
	{ "check", 0, 0, enroll_command_check, "check [--json]" },
	{ "export", 1, 1, enroll_command_export, "export FILE [--format batch|dps-json|iothub-devices|csv]" },
	{ "group", 2, 2, enroll_command_group,
	  "group create PROFILE [--ca NAME [--ca-secondary NAME]] | show GROUP | "
	  "disable | enable GROUP [--certificate FILE] | "
	  "roll GROUP --certificate FILE | --ca NAME | --finish | --cancel" },
	{ "import", 1, 1, enroll_command_import, "import FILE" },
	{ "import-batch", 1, 1, enroll_command_import_batch, "import-batch FILE" },
	{ "import-receipt", 1, 1, enroll_command_import_receipt, "import-receipt FILE" },
	{ "list", 0, 0, enroll_command_list, "list [--all]" },
	{ "retry", 0, 1, enroll_command_retry, "retry [REGISTRATION-ID]" },
	{ "release", 1, 1, enroll_command_release, "release REGISTRATION-ID --reason TEXT" },
	{ "drop", 1, 1, enroll_command_drop, "drop REGISTRATION-ID --reason TEXT" },
	{ "show", 1, 1, enroll_command_show, "show SERIAL" },
	{ "disable", 1, 1, enroll_command_disable, "disable SERIAL|REGISTRATION-ID --reason TEXT" },
	{ "enable", 1, 1, enroll_command_enable, "enable SERIAL|REGISTRATION-ID --reason TEXT" },
	{ "delete", 1, 1, enroll_command_delete, "delete SERIAL|REGISTRATION-ID --reason TEXT" },
	{ "receipt", 2, 2, enroll_command_receipt, "receipt BATCH FILE" },
	{ "trust", 1, 1, enroll_command_trust, "trust FILE" },
};

static int usage(struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		(void)fprintf(stderr, "  station enroll %s\n", words[i].usage);
	return err_set(err, ERR_OPERATOR, 0, "usage: station enroll WORD; the words are above");
}

static int dispatch(const struct options *options, int *ret_exit, struct err *err)
{
	for (size_t i = 0; options->args_n > 0 && i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].name, options->args[0]) == 0 &&
		    options->args_n - 1 >= words[i].args_min && options->args_n - 1 <= words[i].args_max)
			return words[i].run(options, ret_exit, err);
	return usage(err);
}

int command_enroll(const struct options *options)
{
	struct err err = { 0 };
	int status = -1;

	if (dispatch(options, &status, &err) == 0)
		return status;
	report_error(options->json, &err);
	if (status >= 0)
		return status;
	return err.class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_CONFIG;
}
