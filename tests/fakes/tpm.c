/* A swtpm that serves one connection after the other: who speaks to it may die, its state stays. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/deadline.h"
#include "tests/fakes/unit.h"

#define START_MS 10000
#define PATH_LEN 512

_Noreturn static void become_swtpm(const char *state, const char *server)
{
	int null = open("/dev/null", O_RDWR);

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (null >= 0)
		for (int fd = 0; fd <= 2; fd++)
			(void)dup2(null, fd);
	(void)execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--flags",
		     "not-need-init,startup-clear", (char *)NULL);
	_exit(127);
}

/* Without a control channel there is nothing to ask; the socket is there when swtpm listens. */
static int wait_for(const char *socket, pid_t pid, struct err *err)
{
	const struct deadline dl = deadline_in_ms(START_MS);

	while (access(socket, F_OK) != 0) {
		if (deadline_passed(&dl) || waitpid(pid, NULL, WNOHANG) != 0)
			return err_set(err, ERR_OPERATOR, 0, "swtpm does not come up at %s", socket);
		deadline_sleep(&dl, 2);
	}
	return 0;
}

int fake_tpm_start(const char *unit_dir, int *ret_pid, struct err *err)
{
	char dir[PATH_LEN], socket[PATH_LEN + 16], state[PATH_LEN + 16], server[PATH_LEN + 48];
	pid_t pid;

	if (str_format(dir, sizeof(dir), "%s/tpm", unit_dir) < 0 ||
	    str_format(socket, sizeof(socket), "%s/socket", dir) < 0 ||
	    str_format(state, sizeof(state), "dir=%s", dir) < 0 ||
	    str_format(server, sizeof(server), "type=unixio,path=%s", socket) < 0)
		return err_set(err, ERR_OPERATOR, 0, "%s is too long", unit_dir);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", dir, strerror(errno));
	(void)unlink(socket);
	pid = fork();
	if (pid < 0)
		return err_set(err, ERR_STATION, errno, "fork: %s", strerror(errno));
	if (pid == 0)
		become_swtpm(state, server);
	if (wait_for(socket, pid, err) < 0) {
		fake_tpm_stop(pid);
		return -1;
	}
	*ret_pid = pid;
	return 0;
}

void fake_tpm_stop(int pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
}
