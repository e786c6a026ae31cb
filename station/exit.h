/* Exit statuses that other programs rely on (docs/ARCHITECTURE.md; stored in scripts, never changed). */
#ifndef STATION_EXIT_H
#define STATION_EXIT_H

enum {
	EXIT_DONE = 0,        /* everything asked for was done                                  */
	EXIT_IN_PART = 1,     /* some unit or record failed, and it is named                    */
	EXIT_CONFIG = 2,      /* usage or configuration: the line and key are named             */
	EXIT_NOT_TRUSTED = 3, /* audit, HSM or disk can't be trusted; nothing further was issued */
	EXIT_SERVICE = 4,     /* the service can't be reached or refused the login; all is queued */
};

#endif
