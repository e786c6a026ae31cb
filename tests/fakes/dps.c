/* The emulator as a child process; it is ready when its first line says so. */
#include "tests/fakes/dps.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <jansson.h>

#include "base/encode.h"

#define OPTIONS_MAX 32

static int spawn(struct fake_dps *dps, const char *const *options, int input, int output)
{
	const char *bin = getenv("STATION_BIN");
	const char *argv[OPTIONS_MAX + 4] = { "dps-emulator", "--dir", dps->dir };
	posix_spawn_file_actions_t actions;
	char program[512];
	int rc;

	for (size_t i = 0; options[i] != NULL; i++) {
		if (i == OPTIONS_MAX)
			return -1;
		argv[3 + i] = options[i];
	}
	if (bin == NULL || str_format(program, sizeof(program), "%s/dps-emulator", bin) < 0 ||
	    posix_spawn_file_actions_init(&actions) != 0)
		return -1;
	rc = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn(&dps->pid, program, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc == 0 ? 0 : -1;
}

static int wait_ready(int output)
{
	char line[256];
	size_t n = 0;

	while (n < sizeof(line) - 1) {
		ssize_t got = read(output, line + n, 1);

		if (got != 1)
			return -1;
		if (line[n++] == '\n')
			break;
	}
	line[n] = '\0';
	return strstr(line, "\"ready\"") != NULL ? 0 : -1;
}

static int read_json(struct fake_dps *dps)
{
	const char *host = NULL, *ca = NULL, *policy = NULL, *key = NULL;
	char path[200];
	int port = 0, rc = -1;
	json_t *json;

	if (str_format(path, sizeof(path), "%s/dps.json", dps->dir) < 0)
		return -1;
	json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(json, "{s:s, s:i, s:s, s:s, s:s}", "host", &host, "port", &port, "caFile", &ca,
			"policy", &policy, "key", &key) == 0 &&
	    str_format(dps->host, sizeof(dps->host), "%s:%d", host, port) == 0 &&
	    str_format(dps->ca_path, sizeof(dps->ca_path), "%s", ca) == 0 &&
	    str_format(dps->policy, sizeof(dps->policy), "%s", policy) == 0 &&
	    base64_decode(bytes_str(key), dps->key, sizeof(dps->key), &dps->key_len) == 0)
		rc = 0;
	json_decref(json);
	return rc;
}

static void fd_close(int *fd)
{
	fd_closep(fd);
	*fd = -1;
}

static int start_with_pipes(struct fake_dps *dps, const char *const *options, int in[2], int out[2])
{
	int rc = spawn(dps, options, in[0], out[1]);

	/* The child's ends must not stay open here, or its end would not be seen. */
	fd_close(&in[0]);
	fd_close(&out[1]);
	if (rc < 0)
		return -1;
	dps->input = in[1];
	in[1] = -1;
	return wait_ready(out[0]) < 0 || read_json(dps) < 0 ? -1 : 0;
}

int fake_dps_start(struct fake_dps *dps, const char *const *options)
{
	const char *tmp = getenv("TMPDIR");
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc;

	*dps = (struct fake_dps){ .input = -1 };
	if (str_format(dps->dir, sizeof(dps->dir), "%s/dps.XXXXXX", tmp != NULL ? tmp : "/tmp") < 0 ||
	    mkdtemp(dps->dir) == NULL)
		return -1;
	rc = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 ? start_with_pipes(dps, options, in, out)
								     : -1;
	fd_close(&in[0]);
	fd_close(&in[1]);
	fd_close(&out[0]);
	fd_close(&out[1]);
	if (rc < 0)
		fake_dps_stop(dps);
	return rc;
}

void fake_dps_stop(struct fake_dps *dps)
{
	static const char *const files[] = { "dps.json", "dps-ca.pem" };
	char path[200];

	if (dps->dir[0] == '\0')
		return;
	fd_close(&dps->input);
	if (dps->pid > 0)
		(void)waitpid(dps->pid, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (str_format(path, sizeof(path), "%s/%s", dps->dir, files[i]) == 0)
			(void)unlink(path);
	(void)rmdir(dps->dir);
	*dps = (struct fake_dps){ .input = -1 };
}
