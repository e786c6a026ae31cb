/*
 * The device file of a TPM, for tests where the kernel offers none: LINK becomes the name of a pseudo-terminal, and
 * whoever writes a command there reads the answer of a swtpm, whose state is in DIR/tpm. No resource manager is
 * in between, as at /dev/tpm0.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/deadline.h"
#include "tests/fakes/unit.h"

#define HEADER_LEN   10
#define START_MS     10000
#define EXIT_TROUBLE 126

static _Noreturn void trouble(const char *what)
{
	(void)fprintf(stderr, "fake_tpm_device: %s: %s\n", what, strerror(errno));
	exit(EXIT_TROUBLE);
}

/* One command or response, in one write as a TPM's driver has it: its size stands in bytes 2 to 5. */
static bool copy_message(int from, int to)
{
	uint8_t message[FIXTURE_TPM_MAX / 2]; /* no command here is larger */
	size_t have = 0, want = HEADER_LEN;

	while (have < want) {
		ssize_t n = read(from, message + have, want - have);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		have += n > 0 ? (size_t)n : 0;
		if (have == HEADER_LEN)
			want = (size_t)message[4] << 8 | message[5];
		if (want < HEADER_LEN || want > sizeof(message))
			return false;
	}
	return write(to, message, have) == (ssize_t)have;
}

/* Its socket's name is there a moment before it listens. */
static int connect_swtpm(const char *dir)
{
	const struct deadline dl = deadline_in_ms(START_MS);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || str_format(address.sun_path, sizeof(address.sun_path), "%s/tpm/socket", dir) < 0)
		trouble(dir);
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (deadline_passed(&dl))
			trouble(dir);
		deadline_sleep(&dl, 2);
	}
	return fd;
}

/* A slave held open keeps the terminal's settings between two who use it. */
static int offer(const char *link)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	struct termios raw;
	char name[64];

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0)
		trouble("posix_openpt");
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw) < 0)
		trouble(name);
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw) < 0)
		trouble(name);
	(void)unlink(link);
	if (symlink(name, link) < 0)
		trouble(link);
	return master;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int swtpm, master, pid;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: fake_tpm_device LINK DIR\n");
		return EXIT_TROUBLE;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (fake_tpm_start(argv[2], &pid, &err) < 0) {
		(void)fprintf(stderr, "fake_tpm_device: %s\n", err.what);
		return EXIT_TROUBLE;
	}
	swtpm = connect_swtpm(argv[2]);
	master = offer(argv[1]);
	(void)printf("{\"event\":\"ready\"}\n");
	(void)fflush(stdout);
	while (copy_message(master, swtpm) && copy_message(swtpm, master)) {
	}
	fake_tpm_stop(pid);
	return 0;
}
