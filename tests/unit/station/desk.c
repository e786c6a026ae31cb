/* Tests the desk (station/desk*.c) on a real database with real people: who may work, which unit starts, what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "station/desk.h"
#include "tests/fakes/vfs.h"

#define INI                                                                                                  \
	"[station]\nid = line-07\n"                                                                          \
	"[hsm]\nmodule = softhsm2\ntoken = pkcs11:token=line-07\npin-source = file:/run/pin\n"               \
	"issuing-key = pkcs11:object=issuing\n"                                                              \
	"[service]\nhost = contoso.azure-devices-provisioning.net\nid-scope = 0ne00ABCDEF\n"                 \
	"device-host = global.azure-devices-provisioning.net\npolicy = enroll\nkey = pkcs11:object=p\n"      \
	"[people]\nlogout-minutes = 1\n"                                                                     \
	"[profile \"plain\"]\nmodel = plain\nattest = x509\n"                                                \
	"[profile \"sensor\"]\nattest = x509\nscan = label\nlabel-pattern = S[0-9]+[A-Z0-9]\n"               \
	"label-check = mod43\nlabel-serial = before-check\n"                                                 \
	"[slot \"1\"]\nprofile = plain sensor\ndriver = smp\nlink = serial:/dev/x\n"                         \
	"[slot \"2\"]\nprofile = plain sensor\ndriver = smp\nlink = serial:/dev/y\nbarcode = BENCH-2\n"

/* Code 39 of S1, S2: their check characters. */
#define LABEL_S1 "S1T"
#define LABEL_S2 "S2U"

struct fixture_of_desk {
	char path[64];
	struct db *db;
	struct conf *conf;
	struct mailbox *events;
	struct desk *desk;
};

static int64_t the_time_ms;

static int64_t now_ms(void)
{
	return the_time_ms;
}

static const struct conf_slot *slot_of(const struct fixture_of_desk *f, size_t i)
{
	return &f->conf->slots[i];
}

static void new_desk(struct fixture_of_desk *f)
{
	const struct desk_conf conf = { f->conf, f->db, f->events, now_ms };
	struct err err = { 0 };

	desk_free(f->desk);
	f->desk = NULL;
	assert_int_equal(desk_new(&conf, &f->desk, &err), 0);
}

static int setup(void **state)
{
	struct fixture_of_desk *f = calloc(1, sizeof(*f));
	struct err err = { 0 };

	assert_non_null(f);
	the_time_ms = 1000000;
	assert_int_equal(str_format(f->path, sizeof(f->path), "/tmp/station-test-XXXXXX"), 0);
	close(mkstemp(f->path));
	assert_int_equal(db_open(f->path, &f->db, &err), 0);
	assert_int_equal(audit_init(f->db, &err), 0);
	assert_int_equal(people_init(f->db, &err), 0);
	if (conf_parse("station.ini", bytes_str(INI), &f->conf, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(mailbox_new(&f->events, &err), 0);
	new_desk(f);
	*state = f;
	return 0;
}

static void remove_with(const char *path, const char *ending)
{
	char side[80];

	if (str_format(side, sizeof(side), "%s%s", path, ending) == 0)
		(void)unlink(side);
}

static int teardown(void **state)
{
	struct fixture_of_desk *f = *state;

	desk_free(f->desk);
	mailbox_free(f->events);
	conf_free(f->conf);
	db_close(f->db);
	remove_with(f->path, "");
	remove_with(f->path, "-wal");
	remove_with(f->path, "-shm");
	free(f);
	return 0;
}

static void add(struct fixture_of_desk *f, const char *id, enum role role, const char *badge, const char *pin)
{
	const struct people_change change = { .by = role == ROLE_OFFICER ? "setup" : "boss",
					      .at_ms = 1,
					      .station = "line-07" };
	struct person person = { .role = role };
	SECRET_AUTO badge_secret = { NULL, 0 };
	SECRET_AUTO pin_secret = { NULL, 0 };
	struct err err = { 0 };

	str_clip(person.id, sizeof(person.id), id);
	str_clip(person.name, sizeof(person.name), "Somebody");
	assert_int_equal(secret_copy(bytes_str(badge), &badge_secret, &err), 0);
	if (pin != NULL)
		assert_int_equal(secret_copy(bytes_str(pin), &pin_secret, &err), 0);
	if (people_add(f->db, &change, &person, &badge_secret, &pin_secret, &err) < 0)
		fail_msg("%s", err.what);
}

static void scan(struct fixture_of_desk *f, const char *text)
{
	struct err err = { 0 };

	assert_int_equal(desk_scan(f->desk, text, &err), 0);
}

static void pin(struct fixture_of_desk *f, const char *text)
{
	SECRET_AUTO secret = { NULL, 0 };
	struct err err = { 0 };

	assert_int_equal(secret_copy(bytes_str(text), &secret, &err), 0);
	assert_int_equal(desk_answer_pin(f->desk, &secret, &err), 0);
}

static void tick(struct fixture_of_desk *f, int64_t later_ms)
{
	struct err err = { 0 };

	the_time_ms += later_ms;
	assert_int_equal(desk_tick(f->desk, &err), 0);
}

static void assert_told_scan(struct fixture_of_desk *f, enum scan_fate fate, const char *slot,
			     const char *text)
{
	struct event event;

	assert_true(mailbox_take(f->events, &event));
	assert_int_equal(event.kind, EVENT_SCAN);
	assert_string_equal(scan_fate_name(event.fate), scan_fate_name(fate));
	assert_string_equal(event.slot, slot);
	if (strstr(event.text, text) == NULL)
		fail_msg("said \"%s\", not %s", event.text, text);
}

static void assert_told_operator(struct fixture_of_desk *f, const char *id)
{
	struct event event;

	assert_true(mailbox_take(f->events, &event));
	assert_int_equal(event.kind, EVENT_OPERATOR);
	assert_string_equal(event.operator_id, id);
}

static void assert_told_nothing(struct fixture_of_desk *f)
{
	struct event event;

	assert_false(mailbox_take(f->events, &event));
}

static void assert_starts(struct fixture_of_desk *f, size_t slot, const char *serial, const char *by,
			  const char *label)
{
	struct seating seating = { .label = "untouched" };
	const struct conf_profile *profile = &f->conf->profiles[1];

	assert_string_equal(wait_name(desk_may_start(f->desk, slot_of(f, slot), profile, serial, &seating)),
			    wait_name(WAIT_NONE));
	assert_string_equal(seating.operator_id, by);
	assert_string_equal(seating.label, label);
}

static void assert_waits(struct fixture_of_desk *f, size_t slot, const char *serial, enum wait wait)
{
	struct seating seating = { .label = "untouched" };
	const struct conf_profile *profile = &f->conf->profiles[1];

	assert_string_equal(wait_name(desk_may_start(f->desk, slot_of(f, slot), profile, serial, &seating)),
			    wait_name(wait));
	assert_string_equal(seating.label, "untouched");
}

static void assert_asks(struct fixture_of_desk *f, enum desk_asks asks, const char *id)
{
	struct desk_dialog dialog;

	desk_get_dialog(f->desk, &dialog);
	assert_int_equal(dialog.asks, asks);
	assert_string_equal(dialog.operator_id, id);
}

static int count_entry(void *arg, int64_t index, struct bytes entry, struct err *err)
{
	struct {
		const char *text;
		unsigned n;
	} *want = arg;

	(void)index;
	(void)err;
	if (memmem(entry.p, entry.len, want->text, strlen(want->text)) != NULL)
		want->n++;
	return 0;
}

static unsigned entries(struct fixture_of_desk *f, const char *text)
{
	struct {
		const char *text;
		unsigned n;
	} want = { text, 0 };
	struct err err = { 0 };

	assert_int_equal(audit_each(f->db, 0, count_entry, &want, &err), 0);
	return want.n;
}

static void test_desk_nobody_and_no_label_demanded_unit_starts(void **state)
{
	struct fixture_of_desk *f = *state;
	struct seating seating;

	assert_int_equal(desk_may_start(f->desk, slot_of(f, 0), &f->conf->profiles[0], "S1", &seating),
			 WAIT_NONE);
	assert_string_equal(seating.operator_id, "");
	assert_string_equal(seating.label, "");
	assert_int_equal(desk_may_start(f->desk, slot_of(f, 1), NULL, "S2", &seating), WAIT_NONE);
	assert_told_nothing(f);
}

static void test_desk_waits_in_their_order(void **state)
{
	struct fixture_of_desk *f = *state;

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	new_desk(f);
	desk_set_clock_doubt(f->desk, true);
	desk_set_attended(f->desk, false);
	assert_waits(f, 0, "S1", WAIT_CLOCK);
	desk_set_clock_doubt(f->desk, false);
	assert_waits(f, 0, "S1", WAIT_TERMINAL);
	desk_set_attended(f->desk, true);
	assert_waits(f, 0, "S1", WAIT_OPERATOR);
	scan(f, "B:badge-boss");
	assert_waits(f, 0, "S1", WAIT_LABEL);
	scan(f, LABEL_S1);
	assert_starts(f, 0, "S1", "boss", LABEL_S1);
}

static void test_desk_label_matched_by_serial_or_slot(void **state)
{
	struct fixture_of_desk *f = *state;

	assert_waits(f, 0, "S1", WAIT_LABEL);
	scan(f, LABEL_S1);
	assert_told_scan(f, SCAN_MATCHED, "1", LABEL_S1);
	assert_starts(f, 0, "S1", "", LABEL_S1);
	scan(f, "SLOT:1");
	assert_told_scan(f, SCAN_MATCHED, "1", LABEL_S1);
	scan(f, "BENCH-2");
	assert_told_scan(f, SCAN_SLOT, "2", "");
	scan(f, LABEL_S2);
	assert_told_scan(f, SCAN_HELD, "2", LABEL_S2);
	assert_starts(f, 1, "S2", "", LABEL_S2);
	tick(f, 0);
	assert_told_scan(f, SCAN_MATCHED, "2", LABEL_S2);
	/* out and in again: the label is asked for again */
	desk_left(f->desk, slot_of(f, 0));
	assert_waits(f, 0, "S1", WAIT_LABEL);
}

/* The unit starts, and fails in its identify step: what failed is recorded there. */
static void test_desk_wrong_label_starts_with_it(void **state)
{
	struct fixture_of_desk *f = *state;

	assert_waits(f, 0, "S1", WAIT_LABEL);
	scan(f, "SLOT:1");
	assert_told_scan(f, SCAN_SLOT, "1", "");
	scan(f, LABEL_S2);
	assert_told_scan(f, SCAN_MISMATCH, "1", LABEL_S2);
	assert_starts(f, 0, "S1", "", LABEL_S2);
}

static void test_desk_scans_that_expire_are_told(void **state)
{
	struct fixture_of_desk *f = *state;

	scan(f, LABEL_S1);
	assert_told_scan(f, SCAN_HELD, "", LABEL_S1);
	tick(f, 29999);
	assert_told_nothing(f);
	tick(f, 1);
	assert_told_scan(f, SCAN_EXPIRED, "", LABEL_S1);
	assert_waits(f, 0, "S1", WAIT_LABEL);
}

static void test_desk_hostile_scans_refused_whole(void **state)
{
	struct fixture_of_desk *f = *state;
	char long_text[SCAN_MAX + 2] = "";
	static const char *const texts[] = {
		"", "S1\033[2JT", "S1T\n", "S1\x7fT", "B:badge\x01", "\xc3\xa4"
	};

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	memset(long_text, 'S', SCAN_MAX + 1);
	scan(f, long_text);
	assert_told_scan(f, SCAN_MALFORMED, "", "not a scan");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		scan(f, texts[i]);
		assert_told_scan(f, SCAN_MALFORMED, "", "not a scan");
	}
	scan(f, "S1A");
	assert_told_scan(f, SCAN_MALFORMED, "", "check character is wrong");
	scan(f, "X1T");
	assert_told_scan(f, SCAN_MALFORMED, "", "does not look");
	scan(f, "SLOT:3");
	assert_told_scan(f, SCAN_MALFORMED, "", "no slot has");
	scan(f, "SLOT:2"); /* has another barcode */
	assert_told_scan(f, SCAN_MALFORMED, "", "no slot has");
	scan(f, "B: ");
	assert_told_scan(f, SCAN_UNKNOWN, "", "nobody");
	assert_told_nothing(f);
}

static void test_desk_badge_logs_in_and_is_recorded_before_it_is_told(void **state)
{
	struct fixture_of_desk *f = *state;

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	new_desk(f);
	assert_true(desk_login_required(f->desk));
	assert_waits(f, 0, "S1", WAIT_OPERATOR);
	scan(f, "B:badge-nobody");
	assert_told_scan(f, SCAN_UNKNOWN, "", "nobody");
	assert_waits(f, 0, "S1", WAIT_OPERATOR);
	scan(f, "B:badge-boss");
	assert_told_operator(f, "boss");
	assert_int_equal(entries(f, "\"kind\":\"operator-logged-in\""), 1);
	scan(f, "B:badge-boss"); /* again: nothing happens */
	assert_told_nothing(f);
	assert_int_equal(entries(f, "\"kind\":\"operator-logged-in\""), 1);
}

static void test_desk_pin_asked_for_and_checked(void **state)
{
	struct fixture_of_desk *f = *state;
	struct desk_dialog dialog;

	add(f, "boss", ROLE_OFFICER, "badge-boss", "1234");
	new_desk(f);
	scan(f, "B:badge-boss");
	assert_asks(f, DESK_ASKS_PIN, "boss");
	assert_waits(f, 0, "S1", WAIT_OPERATOR);
	pin(f, "4321");
	desk_get_dialog(f->desk, &dialog);
	assert_int_equal(dialog.asks, DESK_ASKS_PIN);
	assert_int_equal(dialog.verdict, PEOPLE_WRONG_PIN);
	assert_int_equal(dialog.tries_left, PEOPLE_WRONG_MAX - 1);
	assert_told_nothing(f);
	pin(f, "1234");
	assert_told_operator(f, "boss");
	assert_asks(f, DESK_ASKS_NOTHING, "");
	assert_int_equal(entries(f, "\"how\":\"badge and PIN\""), 1);
}

static void test_desk_wrong_pins_lock(void **state)
{
	struct fixture_of_desk *f = *state;

	add(f, "boss", ROLE_OFFICER, "badge-boss", "1234");
	new_desk(f);
	scan(f, "B:badge-boss");
	for (unsigned i = 0; i < PEOPLE_WRONG_MAX; i++)
		pin(f, "4321");
	assert_told_scan(f, SCAN_UNKNOWN, "", "locked");
	assert_asks(f, DESK_ASKS_NOTHING, "");
	pin(f, "1234"); /* nobody asked */
	scan(f, "B:badge-boss");
	assert_told_scan(f, SCAN_UNKNOWN, "", "locked");
	assert_waits(f, 0, "S1", WAIT_OPERATOR);
}

static void test_desk_id_alone_lets_nobody_in(void **state)
{
	struct fixture_of_desk *f = *state;
	struct desk_dialog dialog;
	struct err err = { 0 };

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	add(f, "tech", ROLE_TECHNICIAN, "badge-tech", "1234");
	new_desk(f);
	assert_int_equal(desk_answer_id(f->desk, "tech", &err), 0); /* nobody asked */
	assert_asks(f, DESK_ASKS_NOTHING, "");
	desk_begin_login(f->desk);
	assert_int_equal(desk_answer_id(f->desk, "boss", &err), 0); /* a badge, no PIN */
	desk_get_dialog(f->desk, &dialog);
	assert_int_equal(dialog.asks, DESK_ASKS_ID);
	assert_int_equal(dialog.verdict, PEOPLE_UNKNOWN);
	assert_told_nothing(f);
	assert_int_equal(desk_answer_id(f->desk, "tech", &err), 0);
	assert_asks(f, DESK_ASKS_PIN, "tech");
	pin(f, "1234");
	assert_told_operator(f, "tech");
}

/* A PIN that nobody types must not eat the next label. */
static void test_desk_dialog_ends_by_itself(void **state)
{
	struct fixture_of_desk *f = *state;

	add(f, "boss", ROLE_OFFICER, "badge-boss", "1234");
	scan(f, "B:badge-boss");
	tick(f, 29999);
	assert_asks(f, DESK_ASKS_PIN, "boss");
	tick(f, 1);
	assert_asks(f, DESK_ASKS_NOTHING, "");
}

static void test_desk_shift_handed_over_running_unit_keeps_its_operator(void **state)
{
	struct fixture_of_desk *f = *state;
	struct err err = { 0 };

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	add(f, "tech", ROLE_TECHNICIAN, "badge-tech", NULL);
	new_desk(f);
	scan(f, "B:badge-boss");
	assert_told_operator(f, "boss");
	scan(f, LABEL_S1);
	assert_told_scan(f, SCAN_HELD, "", LABEL_S1);
	assert_starts(f, 0, "S1", "boss", LABEL_S1);
	scan(f, "B:badge-tech");
	assert_told_operator(f, "tech");
	assert_int_equal(entries(f, "\"kind\":\"shift-handed-over\""), 1);
	assert_int_equal(entries(f, "\"from\":\"boss\""), 1);
	assert_int_equal(entries(f, "\"kind\":\"operator-logged-out\""), 0);
	assert_int_equal(desk_logout(f->desk, &err), 0);
	assert_told_operator(f, "");
	assert_int_equal(entries(f, "\"why\":\"asked\""), 1);
	assert_waits(f, 1, "S2", WAIT_OPERATOR);
	assert_int_equal(desk_logout(f->desk, &err), 0);
	assert_told_nothing(f);
	scan(f, "B:badge-tech");
	assert_told_operator(f, "tech");
	scan(f, "B:"); /* the prefix alone */
	assert_told_operator(f, "");
	assert_int_equal(entries(f, "\"why\":\"asked\""), 2);
}

static void test_desk_idle_operator_logged_out(void **state)
{
	struct fixture_of_desk *f = *state;

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	new_desk(f);
	scan(f, "B:badge-boss");
	assert_told_operator(f, "boss");
	tick(f, 59999);
	desk_touch(f->desk);
	tick(f, 59999);
	assert_waits(f, 0, "S1", WAIT_LABEL); /* a unit that is seated is somebody, too */
	tick(f, 59999);
	assert_waits(f, 0, "S1", WAIT_LABEL); /* one that sits there is not */
	assert_told_nothing(f);
	tick(f, 1);
	assert_told_operator(f, "");
	assert_int_equal(entries(f, "\"why\":\"idle\""), 1);
	tick(f, 600000);
	assert_told_nothing(f);
}

static void test_desk_first_operator_of_another_process_noticed(void **state)
{
	struct fixture_of_desk *f = *state;

	tick(f, 0);
	assert_false(desk_login_required(f->desk));
	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	tick(f, 1999);
	assert_told_nothing(f);
	tick(f, 1);
	assert_told_operator(f, "");
	assert_true(desk_login_required(f->desk));
	assert_waits(f, 0, "S1", WAIT_OPERATOR);
}

static void test_desk_disabled_operator_logged_out(void **state)
{
	struct fixture_of_desk *f = *state;
	const struct people_change change = { .by = "boss", .at_ms = 2, .station = "line-07" };
	struct err err = { 0 };

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	add(f, "tech", ROLE_TECHNICIAN, "badge-tech", NULL);
	new_desk(f);
	scan(f, "B:badge-tech");
	assert_told_operator(f, "tech");
	assert_int_equal(people_disable(f->db, &change, "tech", &err), 0);
	tick(f, 2000);
	assert_told_operator(f, "");
	assert_int_equal(entries(f, "\"why\":\"disabled\""), 1);
	scan(f, "B:badge-tech");
	assert_told_scan(f, SCAN_UNKNOWN, "", "nobody");
}

/* Another program that writes for longer than anybody waits. */
static void hold(struct fixture_of_desk *f, struct db **ret_other, struct db_tx *ret_tx)
{
	struct err err = { 0 };

	assert_int_equal(db_open(f->path, ret_other, &err), 0);
	assert_int_equal(db_begin(*ret_other, ret_tx, &err), 0);
}

static void test_desk_database_held_log_in_told_and_done_when_it_is_free(void **state)
{
	struct fixture_of_desk *f = *state;
	CLEANUP(db_closep) struct db *other = NULL;
	struct db_tx tx = { 0 };

	add(f, "boss", ROLE_OFFICER, "badge-boss", "1234");
	add(f, "tech", ROLE_TECHNICIAN, "badge-tech", NULL);
	new_desk(f);
	hold(f, &other, &tx);
	scan(f, "B:badge-tech");
	assert_told_scan(f, SCAN_BUSY, "", "locked");
	assert_waits(f, 0, "S1", WAIT_OPERATOR);
	scan(f, "B:badge-boss");
	pin(f, "1234");
	assert_told_scan(f, SCAN_BUSY, "", "locked");
	assert_asks(f, DESK_ASKS_PIN, "boss"); /* may be typed again */
	assert_waits(f, 0, "S1", WAIT_OPERATOR);
	assert_int_equal(entries(f, "operator-logged-in"), 0);
	db_rollback(&tx);
	pin(f, "1234");
	assert_told_operator(f, "boss");
	assert_told_nothing(f);
}

static void test_desk_database_held_log_out_told_or_tried_again(void **state)
{
	struct fixture_of_desk *f = *state;
	CLEANUP(db_closep) struct db *other = NULL;
	struct db_tx tx = { 0 };
	struct err err = { 0 };

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	new_desk(f);
	scan(f, "B:badge-boss");
	assert_told_operator(f, "boss");
	hold(f, &other, &tx);
	assert_int_equal(desk_logout(f->desk, &err), 0);
	assert_int_equal(err.class, ERR_NONE);
	assert_told_scan(f, SCAN_BUSY, "", "locked");
	tick(f, 60000); /* idle: nobody is told what nobody asked */
	tick(f, 1000);
	assert_told_nothing(f);
	db_rollback(&tx);
	tick(f, 1000);
	assert_told_operator(f, "");
	assert_int_equal(entries(f, "\"why\":\"idle\""), 1);
}

/* A database that can't be read or written at all is not one that is held. */
static void test_desk_database_broken_stops_the_station(void **state)
{
	struct fixture_of_desk *f = *state;
	CLEANUP(db_closep) struct db *other = NULL;
	struct desk_conf conf = { f->conf, NULL, f->events, now_ms };
	struct err err = { 0 };

	add(f, "boss", ROLE_OFFICER, "badge-boss", NULL);
	assert_int_equal(db_open_readonly(f->path, &other, &err), 0);
	conf.db = other;
	desk_free(f->desk);
	assert_int_equal(desk_new(&conf, &f->desk, &err), 0);
	assert_int_equal(desk_scan(f->desk, "B:badge-boss", &err), -1);
	assert_int_equal(err.class, ERR_STATION);
	assert_told_nothing(f);
}

#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DESK(test_desk_nobody_and_no_label_demanded_unit_starts),
		WITH_DESK(test_desk_waits_in_their_order),
		WITH_DESK(test_desk_label_matched_by_serial_or_slot),
		WITH_DESK(test_desk_wrong_label_starts_with_it),
		WITH_DESK(test_desk_scans_that_expire_are_told),
		WITH_DESK(test_desk_hostile_scans_refused_whole),
		WITH_DESK(test_desk_badge_logs_in_and_is_recorded_before_it_is_told),
		WITH_DESK(test_desk_pin_asked_for_and_checked),
		WITH_DESK(test_desk_wrong_pins_lock),
		WITH_DESK(test_desk_id_alone_lets_nobody_in),
		WITH_DESK(test_desk_dialog_ends_by_itself),
		WITH_DESK(test_desk_shift_handed_over_running_unit_keeps_its_operator),
		WITH_DESK(test_desk_idle_operator_logged_out),
		WITH_DESK(test_desk_first_operator_of_another_process_noticed),
		WITH_DESK(test_desk_disabled_operator_logged_out),
		WITH_DESK(test_desk_database_held_log_in_told_and_done_when_it_is_free),
		WITH_DESK(test_desk_database_held_log_out_told_or_tried_again),
		WITH_DESK(test_desk_database_broken_stops_the_station),
	};

	if (vfs_install() < 0)
		return 1;
	vfs_skip_pauses();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
