/* Emulators as child processes: found beside the executable, ready when they say so, gone when we are. */
#include "station/demo/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#define READY_MS 60000
#define ARGS_MAX 24

extern char **environ;

/* DIR of /proc/self/exe, then the program's name. */
static int find_program(const char *program, char out[DIRECTORY_PATH_MAX], struct err *err)
{
	char self[DIRECTORY_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return err_set(err, ERR_STATION, errno, "/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return err_set(err, ERR_STATION, 0, "this program has no folder");
	*slash = '\0';
	if (directory_path(self, program, out, err) < 0)
		return -1;
	if (access(out, X_OK) < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s; it belongs beside station", out,
			       strerror(errno));
	return 0;
}

/* Pipes that only the child's standard input and output keep open. */
static int spawn(const char *path, char *const *argv, int in, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	(void)sigemptyset(&none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawn_file_actions_adddup2(&actions, in, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, out, 1);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn(ret_pid, path, &actions, &attr, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return rc;
}

/* The ready line is one JSON object; that it came is what counts. */
static int wait_ready(int fd, const char *program, struct err *err)
{
	const struct deadline dl = deadline_in_ms(READY_MS);
	char text[512];
	size_t n = 0;

	while (n < sizeof(text)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (poll(&p, 1, deadline_left_ms(&dl)) <= 0)
			return err_set(err, ERR_OPERATOR, 0, "%s is not ready after %d s", program,
				       READY_MS / 1000);
		got = read(fd, text + n, sizeof(text) - n);
		if (got <= 0)
			return err_set(err, ERR_OPERATOR, 0, "%s ended before it was ready", program);
		n += (size_t)got;
		if (memchr(text, '\n', n) != NULL)
			return 0;
	}
	return err_set(err, ERR_OPERATOR, 0, "%s said something else than that it is ready", program);
}

static int start(const char *path, char *const *argv, struct child *child, int *ret_out, struct err *err)
{
	int in[2], out[2], rc;

	if (pipe2(in, O_CLOEXEC) < 0)
		return err_set(err, ERR_STATION, errno, "pipe: %s", strerror(errno));
	if (pipe2(out, O_CLOEXEC) < 0) {
		(void)close(in[0]);
		(void)close(in[1]);
		return err_set(err, ERR_STATION, errno, "pipe: %s", strerror(errno));
	}
	rc = spawn(path, argv, in[0], out[1], &child->pid);
	(void)close(in[0]);
	(void)close(out[1]);
	if (rc != 0) {
		(void)close(in[1]);
		(void)close(out[0]);
		child->pid = 0;
		return err_set(err, ERR_OPERATOR, rc, "%s: %s", path, strerror(rc));
	}
	child->stdin_fd = in[1];
	*ret_out = out[0];
	return 0;
}

int child_start(const char *program, const char *const *args, bool stay, struct child *ret_child,
		struct err *err)
{
	char path[DIRECTORY_PATH_MAX], *argv[ARGS_MAX + 1];
	struct child child = { 0 };
	size_t n = 0;
	int out = -1, ret;

	if (find_program(program, path, err) < 0)
		return -1;
	argv[n++] = path;
	for (; *args != NULL && n < ARGS_MAX; args++)
		argv[n++] = (char *)(uintptr_t)*args; /* posix_spawn does not write to them */
	if (stay && n < ARGS_MAX)
		argv[n++] = (char *)(uintptr_t) "--stay";
	argv[n] = NULL;
	if (start(path, argv, &child, &out, err) < 0)
		return -1;
	ret = wait_ready(out, program, err);
	(void)close(out);
	*ret_child = child;
	if (ret < 0) {
		child_stop(ret_child);
		return -1;
	}
	return 0;
}

void child_stop(struct child *child)
{
	if (child->pid <= 0)
		return;
	(void)close(child->stdin_fd);
	(void)kill(child->pid, SIGTERM);
	(void)waitpid(child->pid, NULL, 0);
	child->pid = 0;
}
