/*
 * Logging in. A token counts wrong PINs and locks itself, and then the line
 * stands until the security officer comes; so one PIN gets one try, a refused
 * one is never tried again by the same struct hsm, and the last try is a human's.
 */
#include "hsm/hsm_internal.h"

/* What the token tells about tries left (CK_TOKEN_INFO flags, 3.2). */
static const char *tries_left(CK_FLAGS flags)
{
	if ((flags & CKF_USER_PIN_LOCKED) != 0)
		return "none, the PIN is locked";
	if ((flags & CKF_USER_PIN_FINAL_TRY) != 0)
		return "one, the last";
	if ((flags & CKF_USER_PIN_COUNT_LOW) != 0)
		return "fewer than all (the token gives no number)";
	return "not told by the token";
}

static CK_FLAGS token_flags(struct hsm *hsm)
{
	CK_TOKEN_INFO token;

	/* A token that does not answer tells nothing: the texts say so. */
	return hsm->p11->C_GetTokenInfo(hsm->slot, &token) == CKR_OK ? token.flags : 0;
}

static int refuse_before_trying(CK_FLAGS flags, const char *label, struct err *err)
{
	if ((flags & CKF_USER_PIN_LOCKED) != 0)
		return err_set(err, ERR_OPERATOR, CKR_PIN_LOCKED,
			       "the PIN of token %s is locked; call the security officer, who can unlock it",
			       label);
	if ((flags & CKF_USER_PIN_FINAL_TRY) != 0)
		return err_set(
			err, ERR_OPERATOR, CKR_PIN_INCORRECT,
			"token %s has one PIN try left, and the station does not use it by itself; have "
			"the security officer log in by hand or set a new PIN",
			label);
	return 0;
}

static int login_refused(struct hsm *hsm, CK_RV rv, const char *label, struct err *err)
{
	hsm->pin_refused = true;
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID)
		return err_set(
			err, ERR_OPERATOR, (long)rv,
			"token %s refused the PIN (%s); tries left: %s; correct the PIN source, then start "
			"again: it is not tried twice",
			label, hsm_rv_name(rv), tries_left(token_flags(hsm)));
	if (rv == CKR_PIN_LOCKED)
		return refuse_before_trying(CKF_USER_PIN_LOCKED, label, err);
	return hsm_rv_error(rv, "C_Login", err);
}

/* True for the answers that are about the PIN, so that trying it again would cost something. */
static bool is_about_pin(CK_RV rv)
{
	return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID ||
	       rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED;
}

static int try_pin(struct hsm *hsm, CK_SESSION_HANDLE handle, struct err *err)
{
	char label[sizeof(hsm->token.label) + 1];
	SECRET_AUTO pin = { NULL, 0 };
	CK_RV rv;

	hsm_text(hsm->token.label, sizeof(hsm->token.label), label);
	if (hsm->pin_refused)
		return err_set(
			err, ERR_OPERATOR, CKR_PIN_INCORRECT,
			"token %s refused the PIN before and it is not tried twice; correct the PIN source, "
			"then start again",
			label);
	/* Later it is a worker that logs in, in the middle of a screen and with nobody at the keyboard. */
	if (hsm->was_there && strcmp(hsm->pin_source, "prompt") == 0)
		return err_set(
			err, ERR_OPERATOR, CKR_USER_NOT_LOGGED_IN,
			"token %s forgot its login; the PIN must be typed again: start the station again",
			label);
	if (refuse_before_trying(token_flags(hsm), label, err) < 0 ||
	    hsm_pin_read(hsm->pin_source, label, &pin, err) < 0)
		return -1;
	rv = hsm->p11->C_Login(handle, CKU_USER, pin.p, pin.len);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return 0;
	return is_about_pin(rv) ? login_refused(hsm, rv, label, err) : hsm_rv_error(rv, "C_Login", err);
}

int hsm_login(struct hsm *hsm, CK_SESSION_HANDLE handle, struct err *err)
{
	CK_SESSION_INFO info;
	CK_RV rv = hsm->p11->C_GetSessionInfo(handle, &info);

	if (rv != CKR_OK)
		return hsm_rv_error(rv, "C_GetSessionInfo", err);
	/* Login is per application and token (5.6, C_Login): another session may have done it. */
	if (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS)
		return 0;
	if ((hsm->token.flags & CKF_LOGIN_REQUIRED) == 0)
		return 0;
	return try_pin(hsm, handle, err);
}
