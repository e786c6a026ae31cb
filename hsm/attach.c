/*
 * Opening and closing the HSM: the module is loaded (or given), the token found,
 * and one session logged in, so that a wrong PIN shows at the start of a shift
 * and not at its first unit.
 */
#include "hsm/hsm_internal.h"

#include <stdlib.h>

/* A URI may name its pin-source (RFC 7512 2.4); the configuration may, too, but not both. */
static int choose_pin_source(const struct hsm_conf *conf, char **ret_source, struct err *err)
{
	CLEANUP(uri_freep) P11KitUri *uri = NULL;
	const char *source = conf->pin_source;
	const char *in_uri;

	if (hsm_uri_parse(conf->token, &uri, err) < 0)
		return err_wrap(err, "the token");
	in_uri = p11_kit_uri_get_pin_source(uri);
	if (in_uri != NULL && source != NULL)
		return err_set(err, ERR_OPERATOR, 0,
			       "the PIN's source is named twice: in pin-source and in the token's URI");
	if (source == NULL)
		source = in_uri;
	if (hsm_pin_source_check(source, err) < 0)
		return -1;
	*ret_source = strdup(source);
	if (*ret_source == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

static int hsm_new(const struct hsm_conf *conf, struct hsm **ret_hsm, struct err *err)
{
	CLEANUP(hsm_closep) struct hsm *hsm = calloc(1, sizeof(*hsm));

	if (hsm == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	(void)pthread_mutex_init(&hsm->lock, NULL);
	(void)pthread_rwlock_init(&hsm->gate, NULL);
	if (choose_pin_source(conf, &hsm->pin_source, err) < 0)
		return -1;
	hsm->token_uri = strdup(conf->token);
	if (hsm->token_uri == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	*ret_hsm = hsm;
	hsm = NULL;
	return 0;
}

static int hsm_connect(struct hsm *hsm, struct err *err)
{
	return hsm_handle_open(hsm, &hsm->spare, err);
}

int hsm_attach(struct _CK_FUNCTION_LIST *module, const struct hsm_conf *conf, struct hsm **ret_hsm,
	       struct err *err)
{
	CLEANUP(hsm_closep) struct hsm *hsm = NULL;

	if (hsm_new(conf, &hsm, err) < 0)
		return -1;
	hsm->p11 = module;
	if (hsm_connect(hsm, err) < 0)
		return -1;
	*ret_hsm = hsm;
	hsm = NULL;
	return 0;
}

int hsm_open(const struct hsm_conf *conf, struct hsm **ret_hsm, struct err *err)
{
	CLEANUP(hsm_closep) struct hsm *hsm = NULL;

	if (hsm_new(conf, &hsm, err) < 0 || hsm_module_load(conf->module, &hsm->p11, err) < 0)
		return -1;
	hsm->owns_module = true;
	if (hsm_connect(hsm, err) < 0)
		return -1;
	*ret_hsm = hsm;
	hsm = NULL;
	return 0;
}

void hsm_close(struct hsm *hsm)
{
	if (hsm == NULL)
		return;
	if (hsm->spare != HSM_NO_SESSION)
		(void)hsm->p11->C_CloseSession(hsm->spare);
	if (hsm->owns_module)
		hsm_module_unload(hsm->p11);
	(void)pthread_rwlock_destroy(&hsm->gate);
	(void)pthread_mutex_destroy(&hsm->lock);
	free(hsm->token_uri);
	free(hsm->pin_source);
	free(hsm);
}
