/* The station of journal and provision tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/journal.h"
#include "station/results.h"
#include "tests/unit/station/world.h"

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err err = { 0 };

	assert_non_null(w);
	assert_int_equal(str_format(w->path, sizeof(w->path), "/tmp/station-test-XXXXXX"), 0);
	close(mkstemp(w->path));
	assert_int_equal(db_open(w->path, &w->st.db, &err), 0);
	assert_int_equal(journal_init(w->st.db, &err), 0);
	assert_int_equal(audit_init(w->st.db, &err), 0);
	assert_int_equal(enroll_init(w->st.db, &err), 0);
	assert_int_equal(results_init(w->st.db, &err), 0);
	assert_int_equal(people_init(w->st.db, &err), 0);
	assert_int_equal(mailbox_new(&w->st.events, &err), 0);
	assert_int_equal(seats_new(&w->st.seats, &err), 0);
	str_clip(w->slot.name, sizeof(w->slot.name), "1");
	str_clip(w->profile.name, sizeof(w->profile.name), "sensor");
	w->profile.attest = ATTEST_X509;
	w->slot.profiles[0] = &w->profile;
	w->slot.profiles_n = 1;
	*state = w;
	return 0;
}

static void remove_with(const char *path, const char *ending)
{
	char side[80];

	if (str_format(side, sizeof(side), "%s%s", path, ending) == 0)
		(void)unlink(side);
}

int world_teardown(void **state)
{
	struct world *w = *state;

	seats_free(w->st.seats);
	mailbox_free(w->st.events);
	db_close(w->st.db);
	remove_with(w->path, "");
	remove_with(w->path, "-wal");
	remove_with(w->path, "-shm");
	free(w);
	return 0;
}
