/* Starting, learning from dps.json, ending. */
#include "tests/unit/dps_emulator/program.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encode.h"

#define ARGS_MAX 16

static void child(const struct program *program, const char *const *extra, const int *in, const int *out)
{
	char path[1024];
	const char *args[ARGS_MAX] = { "dps-emulator", "--dir", program->dir };
	size_t n = 3;

	for (; extra != NULL && *extra != NULL && n < ARGS_MAX - 1; extra++)
		args[n++] = *extra;
	if (str_format(path, sizeof(path), "%s/dps-emulator", getenv("STATION_BIN")) < 0 ||
	    dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
		_exit(126);
	(void)close(in[0]);
	(void)close(in[1]);
	(void)close(out[0]);
	(void)close(out[1]);
	(void)execv(path, (char *const *)(uintptr_t)args);
	_exit(127);
}

/* Reads dps.json: what any client is told. */
static void learn(struct program *program)
{
	char path[300];
	json_t *doc;
	size_t n = 0;

	assert_int_equal(str_format(path, sizeof(path), "%s/dps.json", program->dir), 0);
	doc = json_load_file(path, 0, NULL);
	assert_non_null(doc);
	assert_int_equal(json_integer_value(json_object_get(doc, "pid")), program->pid);
	assert_string_equal(json_string_value(json_object_get(doc, "host")), "127.0.0.1");
	assert_memory_equal(json_string_value(json_object_get(doc, "idScope")), "0ne", 3);
	program->port = (int)json_integer_value(json_object_get(doc, "port"));
	program->identity_port = (int)json_integer_value(json_object_get(doc, "identityPort"));
	program->mqtt_port = (int)json_integer_value(json_object_get(doc, "mqttPort"));
	assert_int_equal(str_format(program->ca_file, sizeof(program->ca_file), "%s",
				    json_string_value(json_object_get(doc, "caFile"))),
			 0);
	assert_int_equal(str_format(program->client.conf.policy, sizeof(program->client.conf.policy), "%s",
				    json_string_value(json_object_get(doc, "policy"))),
			 0);
	assert_int_equal(base64_decode(bytes_str(json_string_value(json_object_get(doc, "key"))),
				       program->client.conf.key, DPS_KEY_LEN, &n),
			 0);
	json_decref(doc);
}

void program_start(struct program *program, const char *const *extra)
{
	int in[2], out[2];
	char line[128];
	ssize_t n;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	program->pid = fork();
	assert_true(program->pid >= 0);
	if (program->pid == 0)
		child(program, extra, in, out);
	(void)close(in[0]);
	(void)close(out[1]);
	program->to = in[1];
	program->from = out[0];
	n = read(program->from, line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, "{\"event\":\"ready\",\"port\":"));
	learn(program);
}

int program_ended(struct program *program)
{
	int status = 0;

	assert_int_equal(waitpid(program->pid, &status, 0), program->pid);
	program->pid = 0;
	if (program->to >= 0)
		(void)close(program->to);
	(void)close(program->from);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int program_setup(void **state)
{
	struct program *program = calloc(1, sizeof(*program));
	const char *base = getenv("TMPDIR");

	*state = program;
	if (program == NULL ||
	    str_format(program->dir, sizeof(program->dir), "%s/dps-https.XXXXXX",
		       base != NULL ? base : "/tmp") < 0 ||
	    mkdtemp(program->dir) == NULL)
		return -1;
	program->curl = curl_easy_init();
	return program->curl != NULL ? str_format(program->state_file, sizeof(program->state_file),
						  "%s/state", program->dir)
				     : -1;
}

int program_teardown(void **state)
{
	struct program *program = *state;
	DIR *dir = opendir(program->dir);

	curl_easy_cleanup(program->curl);
	if (program->pid > 0) {
		(void)kill(program->pid, SIGKILL);
		(void)program_ended(program);
	}
	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir))
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(program->dir);
	free(program);
	return 0;
}

/* The beginning is kept, all of it is counted. */
static size_t keep_begin(char *data, size_t size, size_t n, void *arg)
{
	struct program *program = arg;

	for (size_t i = 0; i < size * n && program->got + i < sizeof(program->body) - 1; i++)
		program->body[program->got + i] = data[i];
	program->got += size * n;
	return size * n;
}

static size_t keep_date(char *line, size_t size, size_t n, void *arg)
{
	struct program *program = arg;

	if (n > 6 && strncasecmp(line, "Date: ", 6) == 0)
		(void)!bytes_to_str(bytes_of(line + 6, n - 8), program->date, sizeof(program->date));
	return size * n;
}

CURLcode program_call(struct program *program, const char *host, const char *method, const char *path,
		      const char *body, long *ret_status)
{
	char url[512], token[512], header[600], connect_to[64];
	struct curl_slist *headers, *route;
	CURLcode code;

	program->client.at_ticks = dps_time_now();
	service_token(&program->client, host, 60, token, sizeof(token));
	assert_int_equal(str_format(header, sizeof(header), "Authorization: %s", token), 0);
	assert_int_equal(str_format(url, sizeof(url), "https://%s:%d%s?api-version=2021-10-01", host,
				    program->port, path),
			 0);
	assert_int_equal(str_format(connect_to, sizeof(connect_to), "::127.0.0.1:%d", program->port), 0);
	route = curl_slist_append(NULL, connect_to);
	headers = curl_slist_append(NULL, header);
	headers = curl_slist_append(headers, strstr(path, "/oauth2/") != NULL
						     ? "Content-Type: application/x-www-form-urlencoded"
						     : "Content-Type: application/json");
	curl_easy_reset(program->curl);
	(void)curl_easy_setopt(program->curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(program->curl, CURLOPT_CONNECT_TO, route);
	(void)curl_easy_setopt(program->curl, CURLOPT_CAINFO, program->ca_file);
	(void)curl_easy_setopt(program->curl, CURLOPT_CUSTOMREQUEST, method);
	(void)curl_easy_setopt(program->curl, CURLOPT_HTTPHEADER, headers);
	program->got = 0;
	memset(program->body, 0, sizeof(program->body));
	(void)curl_easy_setopt(program->curl, CURLOPT_WRITEFUNCTION, keep_begin);
	(void)curl_easy_setopt(program->curl, CURLOPT_WRITEDATA, program);
	(void)curl_easy_setopt(program->curl, CURLOPT_HEADERFUNCTION, keep_date);
	(void)curl_easy_setopt(program->curl, CURLOPT_HEADERDATA, program);
	(void)curl_easy_setopt(program->curl, CURLOPT_TIMEOUT, 20L);
	(void)curl_easy_setopt(program->curl, CURLOPT_NOSIGNAL, 1L);
	if (body != NULL)
		(void)curl_easy_setopt(program->curl, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(program->curl);
	(void)curl_easy_getinfo(program->curl, CURLINFO_RESPONSE_CODE, ret_status);
	curl_slist_free_all(headers);
	curl_slist_free_all(route);
	return code;
}
