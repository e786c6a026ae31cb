/* Read byte by byte, so that no buffer but the secret's keeps a copy, and what follows stays for the next question. */
#include "station/commands/ask.h"

#include <errno.h>
#include <sys/stat.h>

#define ANSWER_MAX 4096

/* A file with badges, PINs or keys is a secret file: nobody else may read it. */
static int check_mode(struct err *err)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0)
		return err_set(err, ERR_OPERATOR, errno, "standard input: %s", strerror(errno));
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "the file on standard input is open to others (mode %03o)",
			       (unsigned)st.st_mode & 0777);
	return 0;
}

/* 1, 0 at the end, or -1 with errno. */
static ssize_t read_byte(uint8_t *to)
{
	ssize_t got;

	do
		got = read(STDIN_FILENO, to, 1);
	while (got < 0 && errno == EINTR);
	return got;
}

static int read_line(const char *question, struct secret *ret, struct err *err)
{
	SECRET_AUTO line = { NULL, 0 };
	ssize_t got = 0;
	size_t n = 0;

	if (check_mode(err) < 0 || secret_new(ANSWER_MAX, &line, err) < 0)
		return -1;
	while (n < line.len && (got = read_byte(line.p + n)) == 1 && line.p[n] != '\n')
		n++;
	if (got < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: standard input: %s", question, strerror(errno));
	if (n == line.len)
		return err_set(err, ERR_OPERATOR, 0, "%s: the line is longer than %d bytes", question,
			       ANSWER_MAX);
	if (n > 0 && line.p[n - 1] == '\r')
		n--;
	if (secret_copy(bytes_of(line.p, n), ret, err) < 0)
		return -1;
	return 0;
}

int ask_optional(const char *question, struct secret *ret_answer, struct err *err)
{
	return isatty(STDIN_FILENO) != 0 ? secret_prompt_optional(question, ret_answer, err)
					 : read_line(question, ret_answer, err);
}

int ask_secret(const char *question, struct secret *ret_answer, struct err *err)
{
	SECRET_AUTO answer = { NULL, 0 };

	if (ask_optional(question, &answer, err) < 0)
		return -1;
	if (answer.len == 0)
		return err_set(err, ERR_OPERATOR, 0, "%s: nothing was answered", question);
	*ret_answer = answer;
	answer = (struct secret){ NULL, 0 };
	return 0;
}

int ask_end(struct err *err)
{
	SECRET_AUTO rest = { NULL, 0 };

	if (isatty(STDIN_FILENO) != 0)
		return 0;
	if (secret_new(1, &rest, err) < 0)
		return -1;
	if (read_byte(rest.p) != 0)
		return err_set(err, ERR_OPERATOR, 0, "standard input goes on after the last answer");
	return 0;
}
