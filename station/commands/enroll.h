/* The words of station enroll: one function each, in the file that its name says (enroll_list.c ...). */
#ifndef STATION_COMMANDS_ENROLL_H
#define STATION_COMMANDS_ENROLL_H

#include "base/err.h"
#include "station/options.h"

/* Each: 0 and an exit status, or -1; then *ret_exit may say another than err's class would. */
typedef int enroll_command_fn(const struct options *options, int *ret_exit, struct err *err);
enroll_command_fn enroll_command_check, enroll_command_group, enroll_command_list, enroll_command_retry;
enroll_command_fn enroll_command_release, enroll_command_drop;
enroll_command_fn enroll_command_show;
enroll_command_fn enroll_command_disable, enroll_command_enable, enroll_command_delete;
enroll_command_fn enroll_command_export, enroll_command_cancel, enroll_command_batches;
enroll_command_fn enroll_command_import, enroll_command_import_batch, enroll_command_import_receipt;
enroll_command_fn enroll_command_receipt, enroll_command_trust;

#endif
