/*
 * Loads one PKCS#11 module. p11_kit_modules_load would load every module that is
 * configured on the machine, each with its own side effects on readers and
 * tokens, so a name is looked up in p11-kit's own configuration files (pkcs11.conf(5)),
 * the administrator's folder before the packages', and only that module is loaded.
 */
#include "hsm/hsm_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/p11-kit.h>

#define MODULE_NAME_MAX 64
#define MODULE_LINE_MAX 1024
#define MODULE_LINES    200

/* A user's own folder (~/.config/pkcs11) is left out: a line's HSM is no one's personal setting. */
static const char *const config_folders[] = { "/etc/pkcs11/modules", HSM_MODULE_CONFIGS };

static bool is_module_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

	return n > 0 && n <= MODULE_NAME_MAX && name[n] == '\0' && name[0] != '.';
}

/* "module: PATH", blanks around both; copies PATH. */
static bool read_module_line(char *line, char *ret_path, size_t cap)
{
	static const char key[] = "module:";
	char *value, *end;

	line += strspn(line, " \t");
	if (strncmp(line, key, sizeof(key) - 1) != 0)
		return false;
	value = line + sizeof(key) - 1;
	value += strspn(value, " \t");
	end = value + strcspn(value, "\r\n");
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	return value[0] != '\0' && str_format(ret_path, cap, "%s", value) == 0;
}

static int read_config(FILE *file, const char *name, char *ret_path, size_t cap, struct err *err)
{
	char line[MODULE_LINE_MAX];

	for (unsigned n = 0; n < MODULE_LINES && fgets(line, sizeof(line), file) != NULL; n++)
		if (read_module_line(line, ret_path, cap))
			return 0;
	return err_set(err, ERR_OPERATOR, 0,
		       "p11-kit's configuration of module %s has no 'module:' line; give the module's path "
		       "instead",
		       name);
}

static int find_path(const char *name, char *ret_path, size_t cap, struct err *err)
{
	char config[256];

	if (!is_module_name(name))
		return err_set(err, ERR_OPERATOR, 0,
			       "'%.64s' is neither a p11-kit module name nor an absolute path", name);
	for (size_t i = 0; i < ARRAY_LEN(config_folders); i++) {
		CLEANUP(file_closep) FILE *file = NULL;

		if (str_format(config, sizeof(config), "%s/%s.module", config_folders[i], name) < 0)
			continue;
		file = fopen(config, "re");
		if (file != NULL)
			return read_config(file, name, ret_path, cap, err);
	}
	return err_set(err, ERR_OPERATOR, ENOENT,
		       "p11-kit has no module %s (no %s.module in %s or %s); install it or give its path",
		       name, name, config_folders[0], config_folders[1]);
}

int hsm_module_load(const char *module, CK_FUNCTION_LIST **ret_p11, struct err *err)
{
	char path[MODULE_LINE_MAX];
	CK_FUNCTION_LIST *p11;
	CK_RV rv;

	if (module == NULL || module[0] == '\0')
		return err_set(err, ERR_OPERATOR, 0, "no PKCS#11 module is named");
	if (module[0] != '/' && find_path(module, path, sizeof(path), err) < 0)
		return -1;
	/* Its warnings go to the terminal otherwise, in the middle of the screen. */
	p11_kit_be_quiet();
	p11 = p11_kit_module_load(module[0] == '/' ? module : path, 0);
	if (p11 == NULL)
		return err_set(err, ERR_OPERATOR, 0, "PKCS#11 module %.80s does not load: %.80s", module,
			       p11_kit_message() != NULL ? p11_kit_message() : "no reason given");
	/* Managed by p11-kit, which sets CKF_OS_LOCKING_OK (5.4, C_Initialize) and counts users. */
	rv = p11_kit_module_initialize(p11);
	if (rv != CKR_OK) {
		p11_kit_module_release(p11);
		(void)hsm_rv_error(rv, "C_Initialize", err);
		return err_wrap(err, "module %s", module);
	}
	*ret_p11 = p11;
	return 0;
}

void hsm_module_unload(CK_FUNCTION_LIST *p11)
{
	(void)p11_kit_module_finalize(p11);
	p11_kit_module_release(p11);
}
