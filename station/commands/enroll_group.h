/* What the words of station enroll group share: who acts, the way to the service, the certificates at hand. */
#ifndef STATION_COMMANDS_ENROLL_GROUP_H
#define STATION_COMMANDS_ENROLL_GROUP_H

#include "station/commands/acting.h"
#include "station/line.h"
#include "station/options.h"

struct group_work {
	const struct options *options;
	const char *id;
	struct acting acting;
	struct person person;       /* who acts; empty ID: two do, or nobody is asked */
	struct witnesses witnesses; /* the two                                        */
	struct line *line;
	struct enroll_service *service;
	bool found; /* the service has the group, before anything is done */
};

/* An entry of the log that names who did it, with the certificates that the group has now. */
struct group_act {
	const char *act;     /* "created", "enabled" ...: stored data        */
	const char *profile; /* NULL: none                                   */
	const char *object;  /* the key that came into the token; NULL: none */
	bool changed;        /* false: it was so already                     */
};

/* Asks who acts, goes to the service and looks whether the group is there. *ret_exit is what a failure deserves. */
typedef int group_who_fn(struct group_work *work, struct err *err);
MUST_USE int group_work_open(struct group_work *work, group_who_fn *who, int *ret_exit, struct err *err);
void group_work_close(struct group_work *work);
/* One officer. */
group_who_fn group_officer;

/* Reads the group once more and appends the entry; with it key comes into the token if act->object names one. */
MUST_USE int group_record(struct group_work *work, const struct group_act *act, const struct secret *key,
			  struct err *err);
/* A PEM file of certificates, whole; relative to where the command runs. */
MUST_USE int group_read_pem(const char *path, struct buf *ret_pem, struct err *err);
/* The one certificate in pem, which must be a CA's, and nothing around it. */
MUST_USE int group_ca_of(const struct buf *pem, struct buf *ret_pem, struct err *err);

/* enroll_group_create.c; args are those of the command, with the profile's name as the third. */
MUST_USE int group_create(const struct options *options, int *ret_exit, struct err *err);

#endif
