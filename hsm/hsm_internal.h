/*
 * What the files of hsm share. CK_ names are PKCS#11's (v2.40), through p11-kit's
 * header; nothing of this crosses the door hsm/hsm.h.
 */
#ifndef HSM_HSM_INTERNAL_H
#define HSM_HSM_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "hsm/hsm.h"

#define HSM_URI_MAX    1024                   /* a URI longer than this is refused                   */
#define HSM_SLOTS_MAX  256                    /* a module with more slots is refused                 */
#define HSM_ID_MAX     64                     /* CKA_ID                                              */
#define HSM_RSA_MAX    512                    /* bytes of a modulus and of a signature, RSA-4096     */
#define HSM_EC_MAX     100                    /* CKA_EC_POINT of P-384, wrapped: 99 bytes            */
#define HSM_RANDOM_MAX 1024                   /* bytes of one hsm_random                              */
#define HSM_ID_NEW_LEN 16                     /* CKA_ID of keys that are made here: random           */
#define HSM_NO_SESSION ((CK_SESSION_HANDLE)0) /* CK_INVALID_HANDLE, 9.4 */

/* One module, one token. The lock guards spare, pin_refused, was_there and every login. */
struct hsm {
	CK_FUNCTION_LIST *p11;
	bool owns_module; /* loaded by hsm_open, so hsm_close unloads it */
	pthread_mutex_t lock;
	char *token_uri;
	char *pin_source; /* NULL: the token's URI names it */
	/*
	 * Closing an application's last session logs it out (5.6, C_CloseSession), so one
	 * session always stays open: it is lent to the first who asks and comes back.
	 */
	CK_SESSION_HANDLE spare;
	bool pin_refused; /* never tried again by this struct */
	bool was_there;   /* the token was logged in once: the URI is right */
	CK_TOKEN_INFO token;
	CK_SLOT_ID slot;
	/* Every call through the module is inside the gate; restarting the module waits until nobody is. */
	pthread_rwlock_t gate;
	atomic_bool restart_due;
	bool stopped;   /* finalised, and not up again: no call may be made */
	unsigned epoch; /* counts restarts; handles of an earlier epoch are worthless */
};

enum session_state {
	SESSION_OPEN,
	SESSION_DOUBTFUL, /* open, but not usable: close it, then open another */
	SESSION_LOST,     /* gone: its handle may already be somebody else's   */
};

struct hsm_session {
	struct hsm *hsm;
	CK_SESSION_HANDLE handle;
	enum session_state state;
	unsigned generation; /* counts re-openings; keys found before are found again */
	unsigned epoch;      /* of the module when handle was opened */
	struct hsm_key *keys;
};

struct hsm_key {
	struct hsm_key *next;
	struct hsm_session *session;
	char *uri;
	CK_OBJECT_HANDLE object;
	unsigned generation; /* of the session when object was found */
	enum hsm_key_type type;
};

/* PKCS#11 predates const: what it only reads, it still takes as a plain pointer. */
static inline CK_BYTE_PTR ck_bytes(const void *p)
{
	return (CK_BYTE_PTR)(uintptr_t)p;
}

static inline CK_ATTRIBUTE ck_attr(CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	return (CK_ATTRIBUTE){ type, (void *)(uintptr_t)value, len };
}

/* rv.c: the one table of return values. */
int hsm_rv_error(CK_RV rv, const char *function, struct err *err);
enum session_state hsm_rv_session_state(CK_RV rv);
const char *hsm_rv_name(CK_RV rv);

/* uri.c */
DEFINE_CLEANUP(uri_freep, P11KitUri, p11_kit_uri_free)
/* Checks and parses; the caller frees with p11_kit_uri_free. */
MUST_USE int hsm_uri_parse(const char *text, P11KitUri **ret_uri, struct err *err);
/* pin.c: reads the PIN; token is the label to ask for. */
MUST_USE int hsm_pin_read(const char *pin_source, const char *token, struct secret *ret_pin, struct err *err);

/* module.c: loads and initialises one module, and only that one, by name or path. */
MUST_USE int hsm_module_load(const char *module, CK_FUNCTION_LIST **ret_p11, struct err *err);
void hsm_module_unload(CK_FUNCTION_LIST *p11);

/*
 * gate.c: CLEANUP(hsm_leave) struct hsm *inside = NULL; then hsm_enter(hsm, &inside, err). Public
 * functions enter, private ones are inside already. Entering restarts a module that needs it.
 */
MUST_USE int hsm_enter(struct hsm *hsm, struct hsm **ret_inside, struct err *err);
void hsm_leave(struct hsm **inside);

/* token.c: PKCS#11 pads with blanks and has no NUL; out holds len + 1. */
void hsm_text(const CK_UTF8CHAR *padded, size_t len, char *out);
struct slot_list {
	CK_SLOT_ID ids[HSM_SLOTS_MAX];
	CK_ULONG n;
};
MUST_USE int hsm_slots(CK_FUNCTION_LIST *p11, struct slot_list *ret_slots, struct err *err);
/* Finds the one token of hsm->token_uri and keeps its slot and information. */
MUST_USE int hsm_token_find(struct hsm *hsm, struct err *err);
/* Where the token was last and what it said of itself; another thread may be finding it anew. */
void hsm_token_get(struct hsm *hsm, CK_SLOT_ID *ret_slot, CK_TOKEN_INFO *ret_token);

/* login.c: call with the lock held. Does nothing when the session is logged in already. */
MUST_USE int hsm_login(struct hsm *hsm, CK_SESSION_HANDLE handle, struct err *err);

/* session.c: hsm_random for callers that are inside. */
MUST_USE int hsm_random_read(struct hsm_session *session, uint8_t *out, size_t n, struct err *err);
/* Opens a session that is logged in, or takes the spare one. */
MUST_USE int hsm_handle_open(struct hsm *hsm, CK_SESSION_HANDLE *ret_handle, struct err *err);
/* Makes the session usable; every call through one begins with this. */
MUST_USE int hsm_session_ready(struct hsm_session *session, struct err *err);
/* Records what rv means for the session and sets err; returns -1. */
int hsm_session_failed(struct hsm_session *session, CK_RV rv, const char *function, struct err *err);

/* find.c: the objects that a template matches, at most cap of them. */
MUST_USE int hsm_objects_find(struct hsm_session *session, CK_ATTRIBUTE *template, CK_ULONG template_n,
			      CK_OBJECT_HANDLE *out, CK_ULONG cap, CK_ULONG *ret_n, struct err *err);
/* Reads one attribute of at most cap bytes; *ret_n 0 if the object has none or hides it. */
MUST_USE int hsm_attribute_read(struct hsm_session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
				uint8_t *out, size_t cap, size_t *ret_n, struct err *err);
/* A CK_BBOOL that must be there: anything else is ERR_STATION. */
MUST_USE int hsm_bool_read(struct hsm_session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
			   bool *ret_value, struct err *err);

/* key.c: the key's handle, found again if the session was opened again. Begins with hsm_session_ready. */
MUST_USE int hsm_key_ready(struct hsm_key *key, struct err *err);

/* der.c: the little DER that signatures and public keys need (X.690). */
MUST_USE int der_tlv(struct buf *out, uint8_t tag, struct bytes content);
/* An unsigned big-endian number as INTEGER. */
MUST_USE int der_uint(struct buf *out, struct bytes number);
/* The content of a DER OCTET STRING of fewer than 128 bytes that fills in entirely. */
MUST_USE int der_octets(struct bytes in, struct bytes *ret_content);
/* CKA_EC_PARAMS and AlgorithmIdentifier of the two curves. */
extern const struct bytes der_oid_p256, der_oid_p384;

#endif
