/*
 * The token: found by its URI in the module's slots, because slot numbers change
 * when a reader is plugged in elsewhere or SoftHSM starts again. Exactly one
 * must match; the first of two would be a guess about whose keys sign.
 */
#include "hsm/hsm_internal.h"

#include <stdlib.h>

void hsm_text(const CK_UTF8CHAR *padded, size_t len, char *out)
{
	while (len > 0 && (padded[len - 1] == ' ' || padded[len - 1] == '\0'))
		len--;
	for (size_t i = 0; i < len; i++)
		out[i] = padded[i] < 0x20 || padded[i] == 0x7f ? '?' : (char)padded[i];
	out[len] = '\0';
}

int hsm_slots(CK_FUNCTION_LIST *p11, struct slot_list *ret_slots, struct err *err)
{
	struct slot_list slots = { .n = HSM_SLOTS_MAX };
	CK_ULONG n = 0;
	CK_RV rv;

	/* Asking for the number first makes a module look at its slots anew (5.5, C_GetSlotList). */
	rv = p11->C_GetSlotList(CK_TRUE, NULL, &n);
	if (rv == CKR_OK && n > HSM_SLOTS_MAX)
		return err_set(err, ERR_OPERATOR, 0, "the module has %lu slots with tokens; %d are too many",
			       n, HSM_SLOTS_MAX);
	if (rv == CKR_OK)
		rv = p11->C_GetSlotList(CK_TRUE, slots.ids, &slots.n);
	/* A token came in between the two calls. */
	if (rv == CKR_BUFFER_TOO_SMALL)
		return err_set(err, ERR_RETRY, (long)rv, "the module's slots are changing");
	if (rv != CKR_OK)
		return hsm_rv_error(rv, "C_GetSlotList", err);
	*ret_slots = slots;
	return 0;
}

static bool slot_matches(struct hsm *hsm, P11KitUri *uri, CK_SLOT_ID id, CK_TOKEN_INFO *ret_token)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
	CK_SLOT_INFO slot;

	if (wanted != (CK_SLOT_ID)-1 && wanted != id)
		return false;
	if (hsm->p11->C_GetSlotInfo(id, &slot) != CKR_OK || p11_kit_uri_match_slot_info(uri, &slot) != 1)
		return false;
	/* A slot that can't say what is in it does not hold our token. */
	return hsm->p11->C_GetTokenInfo(id, ret_token) == CKR_OK &&
	       (ret_token->flags & CKF_TOKEN_INITIALIZED) != 0 &&
	       p11_kit_uri_match_token_info(uri, ret_token) == 1;
}

static bool module_matches(struct hsm *hsm, P11KitUri *uri)
{
	CK_INFO info;

	return hsm->p11->C_GetInfo(&info) == CKR_OK && p11_kit_uri_match_module_info(uri, &info) == 1;
}

int hsm_token_find(struct hsm *hsm, struct err *err)
{
	CLEANUP(uri_freep) P11KitUri *uri = NULL;
	CK_TOKEN_INFO token, found = { 0 };
	CK_SLOT_ID slot = 0;
	struct slot_list slots;
	unsigned n = 0;

	if (hsm_uri_parse(hsm->token_uri, &uri, err) < 0 || hsm_slots(hsm->p11, &slots, err) < 0)
		return -1;
	for (CK_ULONG i = 0; i < slots.n && module_matches(hsm, uri); i++) {
		if (!slot_matches(hsm, uri, slots.ids[i], &token))
			continue;
		found = token;
		slot = slots.ids[i];
		n++;
	}
	/* A token that was there and is away may be back in a moment; the caller's tries decide. */
	if (n == 0)
		return err_set(err, hsm->was_there ? ERR_RETRY : ERR_OPERATOR, CKR_TOKEN_NOT_PRESENT,
			       "no token matches %.100s; put it in, or correct the token's URI",
			       hsm->token_uri);
	if (n > 1)
		return err_set(err, ERR_OPERATOR, 0,
			       "%u tokens match %.100s; add serial= to the URI so that one does", n,
			       hsm->token_uri);
	hsm->token = found;
	hsm->slot = slot;
	return 0;
}

void hsm_token_get(struct hsm *hsm, CK_SLOT_ID *ret_slot, CK_TOKEN_INFO *ret_token)
{
	(void)pthread_mutex_lock(&hsm->lock);
	*ret_slot = hsm->slot;
	*ret_token = hsm->token;
	(void)pthread_mutex_unlock(&hsm->lock);
}

static bool same_token(const CK_TOKEN_INFO *a, const CK_TOKEN_INFO *b)
{
	return bytes_equal(BYTES_ARRAY(a->serialNumber), BYTES_ARRAY(b->serialNumber)) &&
	       bytes_equal(BYTES_ARRAY(a->label), BYTES_ARRAY(b->label));
}

/* Call with the lock held. Another token may sit in the slot by now, and ours in another slot. */
static int ask_token(struct hsm *hsm, CK_TOKEN_INFO *ret_token, struct err *err)
{
	CK_TOKEN_INFO token;

	if (hsm->p11->C_GetTokenInfo(hsm->slot, &token) == CKR_OK && same_token(&token, &hsm->token)) {
		*ret_token = token;
		return 0;
	}
	if (hsm_token_find(hsm, err) < 0)
		return -1;
	*ret_token = hsm->token;
	return 0;
}

int hsm_info(struct hsm *hsm, struct hsm_info *ret_info, struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	CK_TOKEN_INFO token;
	int rc;

	if (hsm_enter(hsm, &inside, err) < 0)
		return -1;
	(void)pthread_mutex_lock(&hsm->lock);
	rc = ask_token(hsm, &token, err);
	(void)pthread_mutex_unlock(&hsm->lock);
	if (rc < 0)
		return -1;
	hsm_text(token.label, sizeof(token.label), ret_info->label);
	hsm_text(token.manufacturerID, sizeof(token.manufacturerID), ret_info->manufacturer);
	hsm_text(token.model, sizeof(token.model), ret_info->model);
	hsm_text(token.serialNumber, sizeof(token.serialNumber), ret_info->serial);
	return 0;
}
