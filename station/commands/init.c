/* station init DIR: a working station directory on the embedded default. */
#include <stdio.h>
#include <stdlib.h>

#include "station/commands/commands.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/report.h"

int command_init(const struct options *options)
{
	char dir[DIRECTORY_PATH_MAX];
	struct err err = { 0 };

	if (options->args_n != 1)
		(void)err_set(&err, ERR_OPERATOR, 0, "usage: station init DIR [--id ID]");
	else if (directory_absolute(options->args[0], dir, &err) == 0 &&
		 directory_make(dir, options->id != NULL ? options->id : "line-01", &err) == 0) {
		(void)printf("%s is a station directory.\n"
			     "Its token is SoftHSM with root and issuing key inside, to try things out; for "
			     "production\n"
			     "name your HSM in %s/station.ini. Next: your slots there, then\n"
			     "  station hsm import dps-policy --dir %s\n"
			     "  station run --headless --dir %s\n",
			     dir, dir, dir, dir);
		return EXIT_DONE;
	}
	report_error(false, &err);
	return EXIT_CONFIG;
}
