/*
 * Each file opened through the shim gets its own method table: a copy of the
 * real one with a few methods replaced. So the real file object is used as it
 * is, in place, and nothing else has to be forwarded. What is not synced yet is
 * kept as a list of undo records, since the real file has the writes already.
 */
#include "tests/fakes/vfs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <sqlite3.h>

static sqlite3_vfs *real;
static sqlite3_vfs shim;
/* All files have one of few real tables (by lock style); two are seen in practice. */
#define TABLES_MAX 4
static struct {
	const sqlite3_io_methods *real;
	sqlite3_io_methods shim;
} tables[TABLES_MAX];
static int tables_n;

static vfs_event_fn *event_fn;
static void *event_arg;
/* What a write or a truncation replaced: the newest is first. */
struct undo {
	struct undo *older;
	sqlite3_file *file;
	sqlite3_int64 at, size; /* where, and how long the file was before */
	int n;
	unsigned char old[];
};
static bool remembering;
static struct undo *undos; /* owned by the static mutex APP2 */

static _Atomic long writes, syncs;
static _Atomic long writes_left = -1, syncs_left = -1;

/* True when the budget is used up; -1 is no budget. */
static int spent(_Atomic long *left)
{
	long n = atomic_load(left);

	while (n > 0)
		if (atomic_compare_exchange_weak(left, &n, n - 1))
			return 0;
	return n == 0;
}

static const sqlite3_io_methods *real_methods(const sqlite3_file *file)
{
	for (int i = 0; i < tables_n; i++)
		if (&tables[i].shim == file->pMethods)
			return tables[i].real;
	abort(); /* a file that shim_open did not make */
}

static sqlite3_mutex *undo_lock(void)
{
	sqlite3_mutex *lock = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP2);

	sqlite3_mutex_enter(lock);
	return lock;
}

/* Bytes behind the end of the file are none: a read that is short leaves zeros, and undoing cuts them off. */
static void remember(sqlite3_file *file, sqlite3_int64 at, int n)
{
	const sqlite3_io_methods *of = real_methods(file);
	struct undo *undo = calloc(1, sizeof(*undo) + (size_t)n);
	sqlite3_mutex *lock;
	int rc;

	if (undo == NULL || of->xFileSize(file, &undo->size) != SQLITE_OK)
		abort();
	undo->file = file;
	undo->at = at;
	undo->n = n;
	rc = of->xRead(file, undo->old, n, at);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		abort();
	lock = undo_lock();
	undo->older = undos;
	undos = undo;
	sqlite3_mutex_leave(lock);
}

/* What the file holds now is on the disk. */
static void forget(const sqlite3_file *file)
{
	sqlite3_mutex *lock = undo_lock();

	for (struct undo **at = &undos; *at != NULL;) {
		struct undo *undo = *at;

		if (undo->file != file) {
			at = &undo->older;
			continue;
		}
		*at = undo->older;
		free(undo);
	}
	sqlite3_mutex_leave(lock);
}

static int shim_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
	(void)atomic_fetch_add(&writes, 1);
	if (event_fn != NULL)
		event_fn(event_arg, VFS_WRITE);
	if (spent(&writes_left))
		return SQLITE_FULL;
	if (remembering)
		remember(file, at, n);
	return real_methods(file)->xWrite(file, data, n, at);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	sqlite3_int64 before = 0;

	if (remembering && real_methods(file)->xFileSize(file, &before) == SQLITE_OK && before > size)
		remember(file, size, (int)(before - size));
	return real_methods(file)->xTruncate(file, size);
}

static int shim_close(sqlite3_file *file)
{
	forget(file);
	return real_methods(file)->xClose(file);
}

static int shim_sync(sqlite3_file *file, int flags)
{
	int rc;

	(void)atomic_fetch_add(&syncs, 1);
	if (event_fn != NULL)
		event_fn(event_arg, VFS_SYNC);
	if (spent(&syncs_left))
		return SQLITE_IOERR_FSYNC;
	rc = real_methods(file)->xSync(file, flags);
	if (rc == SQLITE_OK)
		forget(file);
	return rc;
}

static const sqlite3_io_methods *shim_methods(const sqlite3_io_methods *of)
{
	for (int i = 0; i < tables_n; i++)
		if (tables[i].real == of)
			return &tables[i].shim;
	if (tables_n == TABLES_MAX)
		return NULL;
	tables[tables_n].real = of;
	tables[tables_n].shim = *of;
	tables[tables_n].shim.xWrite = shim_write;
	tables[tables_n].shim.xSync = shim_sync;
	tables[tables_n].shim.xTruncate = shim_truncate;
	tables[tables_n].shim.xClose = shim_close;
	return &tables[tables_n++].shim;
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	sqlite3_mutex *lock = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
	int rc = real->xOpen(real, name, file, flags, ret_flags);

	(void)vfs;
	if (rc != SQLITE_OK || file->pMethods == NULL)
		return rc;
	sqlite3_mutex_enter(lock);
	file->pMethods = shim_methods(file->pMethods);
	sqlite3_mutex_leave(lock);
	return file->pMethods != NULL ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int shim_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

int vfs_install(void)
{
	if (real != NULL)
		return 0;
	real = sqlite3_vfs_find(NULL);
	if (real == NULL)
		return -1;
	shim = *real;
	shim.zName = "station-test";
	shim.pNext = NULL;
	shim.xOpen = shim_open;
	return sqlite3_vfs_register(&shim, 1) == SQLITE_OK ? 0 : -1;
}

void vfs_skip_pauses(void)
{
	shim.xSleep = shim_sleep;
}

void vfs_on_event(vfs_event_fn *fn, void *arg)
{
	event_fn = fn;
	event_arg = arg;
}

void vfs_remember_unsynced(void)
{
	remembering = true;
}

void vfs_lose_unsynced(void)
{
	sqlite3_mutex *lock = undo_lock();

	for (const struct undo *undo = undos; undo != NULL; undo = undo->older) {
		const sqlite3_io_methods *of = real_methods(undo->file);

		if (of->xWrite(undo->file, undo->old, undo->n, undo->at) != SQLITE_OK ||
		    of->xTruncate(undo->file, undo->size) != SQLITE_OK)
			abort();
	}
	sqlite3_mutex_leave(lock);
}

void vfs_full_after(long writes_n)
{
	atomic_store(&writes_left, writes_n);
}

void vfs_sync_fails_after(long syncs_n)
{
	atomic_store(&syncs_left, syncs_n);
}

long vfs_writes(void)
{
	return atomic_load(&writes);
}

long vfs_syncs(void)
{
	return atomic_load(&syncs);
}
