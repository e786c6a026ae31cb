/* Set-up and runs. The token is made once, since provisioning only reads it; database and flash are made anew. */
#include "tests/crash/world.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "station/directory.h"
#include "station/job.h"
#include "station/line.h"
#include "station/provision.h"
#include "tests/fakes/unit.h"
#include "tests/fakes/vfs.h"

#define CHILD_FAILED 20
#define PROFILES     "gateway sensor controller meter stock-controller stock-meter"

static const char ini[] =
	"[station]\nid = crash\n\n"
	"[hsm]\nmodule = softhsm2\ntoken = pkcs11:token=crash\n"
	"pin-source = file:%s/secrets/hsm-pin\nissuing-key = pkcs11:object=issuing\n\n"
	"[service]\nhost = localhost:1\nid-scope = 0ne00000000\ndevice-host = localhost:1\n"
	"auth = sas\npolicy = station-enroll\nkey = pkcs11:object=dps-policy\n\n"
	"[profile \"gateway\"]\nmodel = gateway\nattest = tpm\nenroll = individual\n\n"
	"[profile \"sensor\"]\nmodel = sensor\nattest = x509\nkey = device\nvalidity-days = 3650\n"
	"enroll = individual\n\n"
	"[profile \"controller\"]\nmodel = controller\nattest = x509\nkey = station\nvalidity-days = 3650\n"
	"enroll = group\ngroup = controllers\n\n"
	"[profile \"meter\"]\nmodel = meter\nattest = symmetric\nenroll = group\ngroup = meters\n"
	"group-key = pkcs11:object=meters\n\n"
	"[profile \"stock-controller\"]\nmodel = stock-controller\nattest = x509\nkey = station\n"
	"validity-days = 3650\nenroll = group\ngroup = controllers\n\n"
	"[profile \"stock-meter\"]\nmodel = stock-meter\nattest = symmetric\nenroll = group\ngroup = meters\n"
	"group-key = pkcs11:object=meters\n\n"
	"[slot \"1\"]\nprofile = " PROFILES "\ndriver = smp\nlink = tcp:127.0.0.1:1\n\n"
	"[slot \"2\"]\nprofile = " PROFILES "\ndriver = smp\nlink = tcp:127.0.0.1:2\n";

static int complain(const struct err *err)
{
	char text[512];

	(void)fprintf(stderr, "station: %s: %s\n", err_class_name(err->class),
		      err_text(err, text, sizeof(text)));
	return -1;
}

static void path_of(const char *dir, const char *name, char out[WORLD_PATH_MAX])
{
	assert_int_equal(str_format(out, WORLD_PATH_MAX, "%s/%s", dir, name), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int empty_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return strcmp(path + ftw->base, "token.object") == 0 ? truncate(path, 0) : 0;
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void copy_file(const char *from, const char *to)
{
	CLEANUP(file_closep) FILE *in = fopen(from, "re");
	CLEANUP(file_closep) FILE *out = fopen(to, "we");
	char chunk[2048];
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		assert_int_equal(fwrite(chunk, 1, n, out), n);
}

/* --- In a child -------------------------------------------------------------------------------------- */

/* Forks; the child's _exit status is what its work returns. */
static int in_child(int (*work)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(work(arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("a station ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int import_group_key(const char *dir, struct err *err)
{
	CLEANUP(hsm_closep) struct hsm *hsm = NULL;
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;
	SECRET_AUTO key = { NULL, 0 };
	char pin[WORLD_PATH_MAX + 8];
	const struct hsm_conf conf = { "softhsm2", "pkcs11:token=crash", pin };

	if (str_format(pin, sizeof(pin), "file:%s/secrets/hsm-pin", dir) < 0)
		return err_set(err, ERR_BUG, 0, "path too long");
	if (secret_random(64, &key, err) < 0 || hsm_open(&conf, &hsm, err) < 0 ||
	    hsm_session_open(hsm, &session, err) < 0)
		return -1;
	return hsm_key_import_hmac(session, "meters", &key, err);
}

static int make_station(void *arg)
{
	const struct world *w = arg;
	char text[sizeof(ini) + WORLD_PATH_MAX];
	struct err err = { 0 };
	int n = snprintf(text, sizeof(text), ini, w->station);

	if (n < 0 || (size_t)n >= sizeof(text) || mkdir(w->station, 0700) < 0)
		return CHILD_FAILED;
	if (directory_make(w->station, "crash", &err) < 0 || import_group_key(w->station, &err) < 0 ||
	    directory_write_file(w->station, "station.ini", bytes_str(text), 0600, &err) < 0) {
		(void)complain(&err);
		return CHILD_FAILED;
	}
	return 0;
}

/* One run of a station, and when it dies or loses its unit. */
struct run {
	const struct world *w;
	unsigned slot;
	struct world_death death;
	long seen;

	struct fake_unit *unit;
	long swap_at; /* -1: never */
	enum world_swap swap;
	long unit_seen;
};

static void on_event(struct run *run, unsigned kind)
{
	if ((run->death.events & kind) == 0 || run->seen++ != run->death.at)
		return;
	if (run->death.power_cut)
		vfs_lose_unsynced();
	_exit(WORLD_DEATH);
}

static void on_disk(void *arg, enum vfs_event event)
{
	(void)event;
	on_event(arg, EVENTS_DISK);
}

static void swap_unit(const struct run *run)
{
	struct err err = { 0 };

	if (run->swap == SWAP_NOTICED)
		fake_unit_pull(run->unit);
	else if (fake_unit_swap(run->unit, run->w->other, WORLD_OTHER, &err) < 0)
		_exit(CHILD_FAILED);
}

static void on_unit(void *arg)
{
	struct run *run = arg;

	on_event(run, EVENTS_UNIT);
	if (run->unit_seen++ == run->swap_at)
		swap_unit(run);
}

/* Behind a link that broke sits the other unit. */
static int open_other(void *arg, struct fixture **ret_fixture, struct err *err)
{
	const struct run *run = arg;
	const struct fake_unit_conf conf = { run->w->other, run->w->model, WORLD_OTHER, NULL, NULL };
	struct fake_unit *unit;

	return fake_unit_open(&conf, &unit, ret_fixture, err);
}

static int provision(struct run *run, struct line *line, struct fixture **fixture, enum outcome *ret_outcome,
		     struct err *err)
{
	const struct reach reach = { fixture, open_other, run };
	struct station *st = line_station(line);
	const struct deadline dl = deadline_in_ms(1000);
	struct unit_info unit;
	struct tools tools;
	struct job job;

	if (fixture_identify(*fixture, &dl, &unit, err) < 0 || tools_open(st, &tools, err) < 0)
		return -1;
	job_init(&job, st, &tools, &st->conf->slots[run->slot], *fixture, &unit);
	*ret_outcome = provision_unit(&job, run->swap_at >= 0 ? &reach : NULL, err);
	job_deinit(&job);
	tools_close(&tools);
	return 0;
}

static int open_and_provision(struct run *run, enum outcome *ret_outcome, struct err *err)
{
	CLEANUP(line_closep) struct line *line = NULL;
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	const struct fake_unit_conf conf = { run->w->unit, run->w->model, WORLD_SERIAL, on_unit, run };
	int failed_exit;

	if (line_open(run->w->station, &line, &failed_exit, err) < 0 ||
	    fake_unit_open(&conf, &run->unit, &fixture, err) < 0)
		return -1;
	return provision(run, line, &fixture, ret_outcome, err);
}

static int run_station(void *arg)
{
	struct run *run = arg;
	enum outcome outcome = OUTCOME_BROKEN;
	struct err err = { 0 };

	if (run->death.power_cut)
		vfs_remember_unsynced();
	vfs_on_event(on_disk, run);
	if (open_and_provision(run, &outcome, &err) < 0) {
		(void)complain(&err);
		return CHILD_FAILED;
	}
	if (outcome != OUTCOME_PASS && outcome != OUTCOME_ALREADY && run->swap_at < 0)
		(void)complain(&err);
	return (int)outcome;
}

int world_run(const struct world *w, unsigned slot, struct world_death death)
{
	struct run run = { .w = w, .slot = slot, .death = death, .swap_at = -1 };
	int status = in_child(run_station, &run);

	assert_int_not_equal(status, CHILD_FAILED);
	return status;
}

int world_run_swapped(const struct world *w, long at, enum world_swap swap)
{
	struct run run = { .w = w, .death = WORLD_LIVE, .swap_at = at, .swap = swap };
	int status = in_child(run_station, &run);

	assert_int_not_equal(status, CHILD_FAILED);
	return status;
}

/* --- The world --------------------------------------------------------------------------------------- */

struct world *world_new(const char *model)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");
	char from[WORLD_PATH_MAX], to[WORLD_PATH_MAX];

	assert_non_null(w);
	assert_int_equal(vfs_install(), 0);
	w->model = model;
	assert_int_equal(
		str_format(w->root, sizeof(w->root), "%s/station-crash-XXXXXX", tmp != NULL ? tmp : "/tmp"),
		0);
	assert_non_null(mkdtemp(w->root));
	path_of(w->root, "station", w->station);
	path_of(w->root, "unit", w->unit);
	path_of(w->root, "other", w->other);
	assert_int_equal(in_child(make_station, w), 0);
	path_of(w->station, "station.db", from);
	path_of(w->root, "blank.db", to);
	copy_file(from, to);
	return w;
}

void world_free(struct world *w)
{
	if (w == NULL)
		return;
	fake_tpm_stop(w->tpm_pid);
	remove_tree(w->root);
	free(w);
}

/* The state of a TPM that world_keep_tpm kept, if it did. */
static void restore_tpm(const struct world *w)
{
	char kept[WORLD_PATH_MAX], dir[WORLD_PATH_MAX], state[WORLD_PATH_MAX];

	path_of(w->root, "kept.tpm", kept);
	if (access(kept, F_OK) != 0)
		return;
	path_of(w->unit, "tpm", dir);
	path_of(dir, "tpm2-00.permall", state);
	assert_int_equal(mkdir(dir, 0700), 0);
	copy_file(kept, state);
}

void world_keep_tpm(struct world *w)
{
	char kept[WORLD_PATH_MAX], state[WORLD_PATH_MAX];

	fake_tpm_stop(w->tpm_pid);
	w->tpm_pid = 0;
	path_of(w->root, "kept.tpm", kept);
	path_of(w->unit, "tpm/tpm2-00.permall", state);
	copy_file(state, kept);
}

void world_empty_token(const struct world *w)
{
	char tokens[WORLD_PATH_MAX];

	path_of(w->station, "tokens", tokens);
	assert_int_equal(nftw(tokens, empty_one, 8, FTW_PHYS), 0);
}

void world_reset(struct world *w)
{
	static const char *const stale[] = { "station.db-wal", "station.db-shm" };
	char from[WORLD_PATH_MAX], to[WORLD_PATH_MAX];
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(stale); i++) {
		path_of(w->station, stale[i], to);
		(void)unlink(to);
	}
	path_of(w->root, "blank.db", from);
	path_of(w->station, "station.db", to);
	copy_file(from, to);
	fake_tpm_stop(w->tpm_pid);
	w->tpm_pid = 0;
	remove_tree(w->unit);
	remove_tree(w->other);
	assert_int_equal(mkdir(w->unit, 0700), 0);
	if (strcmp(w->model, FAKE_GATEWAY) != 0)
		return;
	restore_tpm(w);
	if (fake_tpm_start(w->unit, &w->tpm_pid, &err) < 0)
		fail_msg("%s", err.what);
}
