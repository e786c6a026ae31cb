/*
 * SoftHSM writes its token's file again at every login, in place, so a process
 * that is killed in C_Login leaves an empty file, and with it the token and all
 * its keys are gone. So a copy is kept beside it; it holds what the file holds,
 * and nothing without the PIN.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "station/directory.h"

#define TOKEN_FILE_MAX 16384
#define KEPT           "tokens.kept"

typedef int token_fn(const char *dir, const char *token, struct err *err);

static void dir_closep(DIR **folder)
{
	if (*folder != NULL)
		(void)closedir(*folder);
}

/* Calls fn for each token folder; a directory without tokens of its own has none. */
static int each_token(const char *dir, token_fn *fn, struct err *err)
{
	CLEANUP(dir_closep) DIR *folder = NULL;
	char path[DIRECTORY_PATH_MAX];

	if (directory_path(dir, "tokens", path, err) < 0)
		return -1;
	folder = opendir(path);
	if (folder == NULL)
		return errno == ENOENT ? 0
				       : err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
		if (entry->d_name[0] != '.' && fn(dir, entry->d_name, err) < 0)
			return err_wrap(err, "token %s", entry->d_name);
	return 0;
}

/* A file's content; empty when it is empty or not there. */
static int read_if_there(const char *dir, const char *name, struct buf *ret, struct err *err)
{
	char path[DIRECTORY_PATH_MAX];

	if (directory_path(dir, name, path, err) < 0)
		return -1;
	return access(path, F_OK) == 0 ? directory_read_file(dir, name, ret, err) : 0;
}

struct names {
	char live[DIRECTORY_PATH_MAX], kept[DIRECTORY_PATH_MAX];
};

static int name_files(const char *token, struct names *ret, struct err *err)
{
	if (str_format(ret->live, sizeof(ret->live), "tokens/%s/token.object", token) < 0 ||
	    str_format(ret->kept, sizeof(ret->kept), KEPT "/%s", token) < 0)
		return err_set(err, ERR_OPERATOR, 0, "its folder's name is too long");
	return 0;
}

static int mend_one(const char *dir, const char *token, struct err *err)
{
	BUF_AUTO(live, TOKEN_FILE_MAX);
	BUF_AUTO(kept, TOKEN_FILE_MAX);
	struct names names;

	if (name_files(token, &names, err) < 0 || read_if_there(dir, names.live, &live, err) < 0)
		return -1;
	if (live.len > 0)
		return 0;
	if (read_if_there(dir, names.kept, &kept, err) < 0)
		return -1;
	return kept.len > 0 ? directory_write_file(dir, names.live, buf_bytes(&kept), 0600, err) : 0;
}

static int keep_one(const char *dir, const char *token, struct err *err)
{
	BUF_AUTO(live, TOKEN_FILE_MAX);
	BUF_AUTO(kept, TOKEN_FILE_MAX);
	struct names names;

	if (name_files(token, &names, err) < 0 || read_if_there(dir, names.live, &live, err) < 0 ||
	    read_if_there(dir, names.kept, &kept, err) < 0)
		return -1;
	if (live.len == 0 || bytes_equal(buf_bytes(&live), buf_bytes(&kept)))
		return 0;
	return directory_write_file(dir, names.kept, buf_bytes(&live), 0600, err);
}

int directory_mend_token(const char *dir, struct err *err)
{
	return each_token(dir, mend_one, err);
}

int directory_keep_token(const char *dir, struct err *err)
{
	char path[DIRECTORY_PATH_MAX];

	if (directory_path(dir, "softhsm2.conf", path, err) < 0)
		return -1;
	if (access(path, F_OK) != 0)
		return 0;
	if (directory_path(dir, KEPT, path, err) < 0)
		return -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	return each_token(dir, keep_one, err);
}
