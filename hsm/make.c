/*
 * Makes a token in the embedded default (SoftHSM), for init and demo: the first
 * uninitialised slot becomes a token with both PINs. A real HSM is set up in its
 * owner's key ceremony, never by this.
 */
#include "hsm/hsm_internal.h"

#define TOKEN_LABEL_LEN 32

DEFINE_CLEANUP(module_unloadp, CK_FUNCTION_LIST, hsm_module_unload)

/* PKCS#11 5.5, C_InitToken: 32 bytes, filled with blanks, no NUL. */
static int pad_label(const char *label, CK_UTF8CHAR out[TOKEN_LABEL_LEN], struct err *err)
{
	size_t n = label != NULL ? strnlen(label, TOKEN_LABEL_LEN + 1) : 0;

	if (n == 0 || n > TOKEN_LABEL_LEN)
		return err_set(err, ERR_OPERATOR, 0, "a token's label has 1 to %d bytes", TOKEN_LABEL_LEN);
	memset(out, ' ', TOKEN_LABEL_LEN);
	memcpy(out, label, n);
	return 0;
}

/* A second token of one label would make every URI with it ambiguous. */
static int choose_slot(CK_FUNCTION_LIST *p11, const CK_UTF8CHAR label[TOKEN_LABEL_LEN], CK_SLOT_ID *ret_slot,
		       struct err *err)
{
	struct slot_list slots;
	CK_TOKEN_INFO token;
	CK_SLOT_ID chosen = 0;
	bool found = false;

	if (hsm_slots(p11, &slots, err) < 0)
		return -1;
	for (CK_ULONG i = 0; i < slots.n; i++) {
		if (p11->C_GetTokenInfo(slots.ids[i], &token) != CKR_OK)
			continue;
		if ((token.flags & CKF_TOKEN_INITIALIZED) == 0) {
			chosen = found ? chosen : slots.ids[i];
			found = true;
		} else if (bytes_equal(BYTES_ARRAY(token.label), bytes_of(label, TOKEN_LABEL_LEN))) {
			return err_set(err, ERR_OPERATOR, 0, "the module already has a token of this label");
		}
	}
	if (!found)
		return err_set(err, ERR_OPERATOR, 0, "the module has no uninitialised slot for a new token");
	*ret_slot = chosen;
	return 0;
}

/* The security officer sets the user's PIN (5.5, C_InitPIN). */
static int set_pin(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, const struct secret *so_pin,
		   const struct secret *pin, struct err *err)
{
	CK_RV rv = p11->C_Login(session, CKU_SO, so_pin->p, so_pin->len);

	if (rv != CKR_OK)
		return hsm_rv_error(rv, "C_Login as security officer", err);
	rv = p11->C_InitPIN(session, pin->p, pin->len);
	(void)p11->C_Logout(session);
	return rv == CKR_OK ? 0 : hsm_rv_error(rv, "C_InitPIN", err);
}

static int init_token(CK_FUNCTION_LIST *p11, CK_UTF8CHAR label[TOKEN_LABEL_LEN], const struct secret *so_pin,
		      const struct secret *pin, struct err *err)
{
	CK_SESSION_HANDLE session = HSM_NO_SESSION;
	CK_SLOT_ID slot = 0;
	CK_RV rv;
	int rc;

	if (choose_slot(p11, label, &slot, err) < 0)
		return -1;
	rv = p11->C_InitToken(slot, so_pin->p, so_pin->len, label);
	if (rv != CKR_OK)
		return hsm_rv_error(rv, "C_InitToken", err);
	rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	if (rv != CKR_OK)
		return hsm_rv_error(rv, "C_OpenSession", err);
	rc = set_pin(p11, session, so_pin, pin, err);
	(void)p11->C_CloseSession(session);
	return rc;
}

int hsm_token_make(const char *module, const char *label, const struct secret *so_pin,
		   const struct secret *pin, struct err *err)
{
	CLEANUP(module_unloadp) CK_FUNCTION_LIST *p11 = NULL;
	CK_UTF8CHAR padded[TOKEN_LABEL_LEN];

	if (pad_label(label, padded, err) < 0 || hsm_module_load(module, &p11, err) < 0)
		return -1;
	if (init_token(p11, padded, so_pin, pin, err) < 0)
		return err_wrap(err, "making the token %s", label);
	return 0;
}
