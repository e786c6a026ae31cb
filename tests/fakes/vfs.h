/*
 * An SQLite VFS over the default one, for tests: the disk fills up, a sync
 * fails, a power cut takes what was not synced, or a callback hears of every
 * write and sync, so that a crash test can die at the k-th. Files, locks and
 * shared memory stay the real ones.
 */
#ifndef TESTS_FAKES_VFS_H
#define TESTS_FAKES_VFS_H

enum vfs_event {
	VFS_WRITE, /* before xWrite of a database, WAL or journal file */
	VFS_SYNC,  /* before xSync of one                              */
};

/* Called in the thread that writes, before the effect. It may _exit. */
typedef void vfs_event_fn(void *arg, enum vfs_event event);

/* Makes the shim the default VFS: call it once, before the first db_open of the process. 0, or -1. */
int vfs_install(void);

/* NULL stops the calls. Set it while no other thread uses the database. */
void vfs_on_event(vfs_event_fn *fn, void *arg);

/* After n more writes each one fails with SQLITE_FULL; -1 means the disk has room again. */
void vfs_full_after(long writes_n);
/* The same for syncs, with SQLITE_IOERR_FSYNC. */
void vfs_sync_fails_after(long syncs_n);

/* From now on what is written is remembered until it is synced, for vfs_lose_unsynced. */
void vfs_remember_unsynced(void);
/*
 * Takes back everything that was written and not synced, newest first, as a
 * power cut may do. Call it from the event callback, then _exit: SQLite does
 * not know what it lost.
 */
void vfs_lose_unsynced(void);

/*
 * From now on SQLite's pauses are over at once: who waits for a lock that another connection holds has waited for
 * as long as it would, and gives up.
 */
void vfs_skip_pauses(void);

/* How many there were since vfs_install. */
long vfs_writes(void);
long vfs_syncs(void);

#endif
