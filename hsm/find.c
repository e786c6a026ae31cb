/*
 * Searching objects and reading their attributes. A search walks the whole
 * token, so it happens once per key and never per signature.
 */
#include "hsm/hsm_internal.h"

int hsm_objects_find(struct hsm_session *session, CK_ATTRIBUTE *template, CK_ULONG template_n,
		     CK_OBJECT_HANDLE *out, CK_ULONG cap, CK_ULONG *ret_n, struct err *err)
{
	CK_FUNCTION_LIST *p11 = session->hsm->p11;
	CK_ULONG n = 0;
	CK_RV rv = p11->C_FindObjectsInit(session->handle, template, template_n);
	CK_RV end;

	if (rv != CKR_OK)
		return hsm_session_failed(session, rv, "C_FindObjectsInit", err);
	rv = p11->C_FindObjects(session->handle, out, cap, &n);
	/* An unfinished search would block every later one (5.7, C_FindObjectsFinal). */
	end = p11->C_FindObjectsFinal(session->handle);
	if (rv != CKR_OK)
		return hsm_session_failed(session, rv, "C_FindObjects", err);
	if (end != CKR_OK)
		return hsm_session_failed(session, end, "C_FindObjectsFinal", err);
	if (n > cap)
		return err_set(err, ERR_STATION, 0, "C_FindObjects returned %lu objects into room for %lu", n,
			       cap);
	*ret_n = n;
	return 0;
}

int hsm_attribute_read(struct hsm_session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		       uint8_t *out, size_t cap, size_t *ret_n, struct err *err)
{
	CK_ATTRIBUTE attr = { type, out, cap };
	CK_RV rv = session->hsm->p11->C_GetAttributeValue(session->handle, object, &attr, 1);

	if (rv == CKR_BUFFER_TOO_SMALL)
		return err_set(err, ERR_OPERATOR, (long)rv,
			       "attribute 0x%lx of the key is longer than %zu bytes", type, cap);
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE) {
		*ret_n = 0;
		return 0;
	}
	if (rv != CKR_OK)
		return hsm_session_failed(session, rv, "C_GetAttributeValue", err);
	if (attr.ulValueLen > cap)
		return err_set(err, ERR_STATION, 0,
			       "attribute 0x%lx: the token claims %lu bytes in room for %zu", type,
			       attr.ulValueLen, cap);
	*ret_n = attr.ulValueLen;
	return 0;
}

int hsm_bool_read(struct hsm_session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		  bool *ret_value, struct err *err)
{
	uint8_t value = CK_FALSE;
	size_t n;

	if (hsm_attribute_read(session, object, type, &value, sizeof(value), &n, err) < 0)
		return -1;
	if (n != sizeof(value))
		return err_set(err, ERR_STATION, 0, "the token does not tell attribute 0x%lx of its own key",
			       type);
	*ret_value = value != CK_FALSE;
	return 0;
}
