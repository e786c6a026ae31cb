/*
 * Where a PIN comes from. The PIN goes from its source straight to the secure
 * heap and from there to C_Login; its source's name is all that is ever kept.
 */
#include "hsm/hsm_internal.h"

#include <stdlib.h>

#define CREDENTIAL_NAME_MAX 64
#define PATH_LEN_MAX        1024

/* The rest of text after prefix, or NULL. */
static const char *after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* One file name inside the credentials' folder: no way out of it. */
static bool is_credential_name(const char *name)
{
	size_t n = strnlen(name, CREDENTIAL_NAME_MAX + 1);

	return n > 0 && n <= CREDENTIAL_NAME_MAX && name[0] != '.' && strchr(name, '/') == NULL;
}

int hsm_pin_source_check(const char *pin_source, struct err *err)
{
	const char *path, *name;

	if (pin_source == NULL || pin_source[0] == '\0')
		return err_set(err, ERR_OPERATOR, 0,
			       "no pin-source; give file:PATH, prompt or credential:NAME");
	if (strcmp(pin_source, "prompt") == 0)
		return 0;
	path = after(pin_source, "file:");
	if (path != NULL && path[0] == '/' && strnlen(path, PATH_LEN_MAX) < PATH_LEN_MAX)
		return 0;
	name = after(pin_source, "credential:");
	if (name != NULL && is_credential_name(name))
		return 0;
	/* Not quoted: people do type the PIN itself here. */
	return err_set(
		err, ERR_OPERATOR, 0,
		"pin-source is none of file:/ABSOLUTE/PATH, prompt and credential:NAME; it is never the PIN "
		"itself");
}

/*
 * The one place where this library reads the environment: systemd hands a
 * service its credentials by this variable and by nothing else (systemd.exec(5),
 * LoadCredential=), and the folder it names holds files, not secrets.
 */
static int read_credential(const char *name, struct secret *ret_pin, struct err *err)
{
	const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_LEN_MAX];

	if (folder == NULL || folder[0] != '/')
		return err_set(
			err, ERR_OPERATOR, 0,
			"credential %s: systemd gave no credentials; add LoadCredential=%s:PATH to the "
			"service",
			name, name);
	if (str_format(path, sizeof(path), "%s/%s", folder, name) < 0)
		return err_set(err, ERR_OPERATOR, 0, "credential %s: the path is too long", name);
	return secret_read_file(path, ret_pin, err);
}

int hsm_source_read(const char *source, const char *question, struct secret *ret_secret, struct err *err)
{
	const char *rest;

	if (hsm_pin_source_check(source, err) < 0)
		return -1;
	rest = after(source, "file:");
	if (rest != NULL)
		return secret_read_file(rest, ret_secret, err);
	rest = after(source, "credential:");
	if (rest != NULL)
		return read_credential(rest, ret_secret, err);
	return secret_prompt(question, ret_secret, err);
}

int hsm_pin_read(const char *pin_source, const char *token, struct secret *ret_pin, struct err *err)
{
	char question[80];

	if (str_format(question, sizeof(question), "PIN of token %s", token) < 0)
		return err_set(err, ERR_BUG, 0, "a token label of %zu bytes", strlen(token));
	return hsm_source_read(pin_source, question, ret_pin, err);
}
