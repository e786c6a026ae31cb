/* The one application that the emulated Entra ID knows, from the command line and its files. */
#include "enroll/emulator/login_internal.h"

#include <errno.h>
#include <stdlib.h>

#define FILE_MAX (16 * 1024)

static int read_file(const char *option, const char *path, struct buf *out, struct err *err)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "re");
	uint8_t *at = buf_reserve(out, out->max);

	if (file == NULL)
		return err_set(err, ERR_OPERATOR, errno, "%s: %.80s: %s", option, path, strerror(errno));
	out->len = at != NULL ? fread(at, 1, out->max, file) : 0;
	if (out->len == 0 || out->len == out->max)
		return err_set(err, ERR_OPERATOR, 0, "%s: %.80s is empty or too large", option, path);
	return 0;
}

static int take_secret(const char *path, struct dps_entra *entra, struct err *err)
{
	BUF_AUTO(text, FILE_MAX);
	size_t len;

	if (read_file("--entra-secret-file", path, &text, err) < 0)
		return -1;
	for (len = text.len; len > 0 && strchr("\r\n", text.p[len - 1]) != NULL;)
		len--;
	if (len == 0 || bytes_to_str(bytes_of(text.p, len), entra->secret, sizeof(entra->secret)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "--entra-secret-file: this is no secret");
	return 0;
}

static int take_certificate(const char *path, struct dps_entra *entra, struct err *err)
{
	BUF_AUTO(text, FILE_MAX);

	if (read_file("--entra-certificate", path, &text, err) < 0)
		return -1;
	entra->certificate_pem = strndup((const char *)text.p, text.len);
	if (entra->certificate_pem == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "no memory");
	return 0;
}

int dps_entra_open(const struct dps_options *options, struct dps_entra *entra, struct err *err)
{
	const char *tenant = options->entra_tenant != NULL ? options->entra_tenant : "contoso";
	const char *client = options->entra_client != NULL ? options->entra_client : "station";

	*entra = (struct dps_entra){ 0 };
	if (bytes_to_str(bytes_str(tenant), entra->tenant, sizeof(entra->tenant)) < 0 ||
	    bytes_to_str(bytes_str(client), entra->client, sizeof(entra->client)) < 0 ||
	    strpbrk(entra->tenant, "/?") != NULL)
		return err_set(err, ERR_OPERATOR, 0, "--entra-tenant and --entra-client are IDs or names");
	if (options->entra_secret_file != NULL && take_secret(options->entra_secret_file, entra, err) < 0)
		return -1;
	return options->entra_certificate != NULL ? take_certificate(options->entra_certificate, entra, err)
						  : 0;
}

void dps_entra_close(struct dps_entra *entra)
{
	free(entra->certificate_pem);
	explicit_bzero(entra, sizeof(*entra));
}
