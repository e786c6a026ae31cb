/* The token of the tests: SOFTHSM2_CONF is set before any module is loaded, because SoftHSM reads it once. */
#include "world.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

void assert_ok(int rc, const struct err *err)
{
	char text[512];

	if (rc != 0)
		fail_msg("%s: %s", err_class_name(err->class), err_text(err, text, sizeof(text)));
}

void assert_failed(int rc, const struct err *err, enum err_class class, const char *part)
{
	char text[512];

	assert_int_equal(rc, -1);
	(void)err_text(err, text, sizeof(text));
	if (err->class != class || strstr(text, part) == NULL)
		fail_msg("%s: %s (expected %s: %s)", err_class_name(err->class), text, err_class_name(class),
			 part);
}

void world_write(const struct world *w, const char *name, const char *text)
{
	char path[128];
	int fd;

	assert_int_equal(str_format(path, sizeof(path), "%s/%s", w->dir, name), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

void world_secret(const char *text, struct secret *ret)
{
	struct err err;

	assert_ok(secret_copy(bytes_str(text), ret, &err), &err);
}

void world_token_make(const char *label)
{
	SECRET_AUTO so_pin = { NULL, 0 };
	SECRET_AUTO pin = { NULL, 0 };
	struct err err;

	world_secret("12345678", &so_pin);
	world_secret(WORLD_PIN, &pin);
	assert_ok(hsm_token_make("softhsm2", label, &so_pin, &pin, &err), &err);
}

int world_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct world *w = calloc(1, sizeof(*w));
	char conf[256], path[128];
	struct err err;

	assert_non_null(w);
	assert_int_equal(
		str_format(w->dir, sizeof(w->dir), "%.40s/station-hsm-XXXXXX", tmp != NULL ? tmp : "/tmp"),
		0);
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(str_format(path, sizeof(path), "%s/tokens", w->dir), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(
		str_format(conf, sizeof(conf), "directories.tokendir = %s\nlog.level = ERROR\n", path), 0);
	world_write(w, "softhsm2.conf", conf);
	world_write(w, "pin", WORLD_PIN "\n");
	assert_int_equal(str_format(path, sizeof(path), "%s/softhsm2.conf", w->dir), 0);
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	world_token_make(WORLD_TOKEN);
	assert_int_equal(str_format(w->pin_source, sizeof(w->pin_source), "file:%s/pin", w->dir), 0);
	w->conf = (struct hsm_conf){ "softhsm2", "pkcs11:token=" WORLD_TOKEN, w->pin_source };
	assert_ok(hsm_module_load("softhsm2", &w->real, &err), &err);
	*state = w;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int world_teardown(void **state)
{
	struct world *w = *state;

	hsm_module_unload(w->real);
	(void)nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

struct hsm *world_open(const struct world *w)
{
	struct hsm *hsm = NULL;
	struct err err;

	assert_ok(hsm_open(&w->conf, &hsm, &err), &err);
	return hsm;
}

struct hsm *world_attach(const struct world *w, CK_FUNCTION_LIST *list)
{
	struct hsm *hsm = NULL;
	struct err err;

	assert_ok(hsm_attach(list, &w->conf, &hsm, &err), &err);
	return hsm;
}

struct hsm_session *world_session(struct hsm *hsm)
{
	struct hsm_session *session = NULL;
	struct err err;

	assert_ok(hsm_session_open(hsm, &session, &err), &err);
	return session;
}

struct hsm_key *world_key(struct hsm_session *session, enum hsm_key_type type, const char *label)
{
	struct hsm_key *key = NULL;
	char uri[128];
	bool found = false;
	struct err err;

	assert_int_equal(str_format(uri, sizeof(uri), "pkcs11:object=%s", label), 0);
	assert_ok(hsm_key_exists(session, uri, &found, &err), &err);
	if (!found)
		assert_ok(hsm_key_generate(session, type, label, &err), &err);
	assert_ok(hsm_key_find(session, uri, &key, &err), &err);
	return key;
}
