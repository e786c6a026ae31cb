/*
 * The raw rate of a token: C_SignInit and C_Sign (CKM_ECDSA, P-256) with a
 * cached handle, one session a thread, straight through p11-kit. The pipeline
 * is measured against this.
 *
 *     sign MODULE_PATH PIN_FILE KEY_LABEL THREADS SECONDS
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "base/deadline.h"
#include "base/secret.h"

struct bench {
	CK_FUNCTION_LIST *module;
	CK_SLOT_ID slot;
	const char *label;
	_Atomic bool stop;
	_Atomic long signatures;
	_Atomic bool failed;
};

static CK_OBJECT_HANDLE find_key(const struct bench *b, CK_SESSION_HANDLE session)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	char label[65];
	CK_ATTRIBUTE wanted[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, label, strlen(b->label) },
	};
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	CK_ULONG n = 0;

	str_clip(label, sizeof(label), b->label);
	if (b->module->C_FindObjectsInit(session, wanted, 2) == CKR_OK) {
		(void)b->module->C_FindObjects(session, &key, 1, &n);
		(void)b->module->C_FindObjectsFinal(session);
	}
	return n == 1 ? key : CK_INVALID_HANDLE;
}

static void *sign_loop(void *arg)
{
	struct bench *b = arg;
	CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
	CK_BYTE digest[32] = { 1 }, sig[64];
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;

	if (b->module->C_OpenSession(b->slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK ||
	    (key = find_key(b, session)) == CK_INVALID_HANDLE) {
		atomic_store(&b->failed, true);
		return NULL;
	}
	while (!atomic_load(&b->stop)) {
		CK_ULONG n = sizeof(sig);

		if (b->module->C_SignInit(session, &mechanism, key) != CKR_OK ||
		    b->module->C_Sign(session, digest, sizeof(digest), sig, &n) != CKR_OK) {
			atomic_store(&b->failed, true);
			break;
		}
		atomic_fetch_add(&b->signatures, 1);
	}
	return NULL;
}

/* SoftHSM always shows one more slot, with an uninitialised token. */
static CK_SLOT_ID token_slot(const struct bench *b)
{
	CK_SLOT_ID slots[16];
	CK_ULONG n = ARRAY_LEN(slots);
	CK_TOKEN_INFO info;

	if (b->module->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK)
		for (CK_ULONG i = 0; i < n; i++)
			if (b->module->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
			    (info.flags & CKF_TOKEN_INITIALIZED) != 0)
				return slots[i];
	return 0;
}

static int open_token(struct bench *b, const char *module, const char *pin_file, struct err *err)
{
	SECRET_AUTO pin = { NULL, 0 };
	CK_SESSION_HANDLE session;

	b->module = p11_kit_module_load(module, P11_KIT_MODULE_CRITICAL);
	if (b->module == NULL || p11_kit_module_initialize(b->module) != CKR_OK)
		return err_set(err, ERR_OPERATOR, 0, "%s can't be loaded", module);
	b->slot = token_slot(b);
	if (secret_read_file(pin_file, &pin, err) < 0)
		return -1;
	if (b->module->C_OpenSession(b->slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK ||
	    b->module->C_Login(session, CKU_USER, pin.p, pin.len) != CKR_OK)
		return err_set(err, ERR_OPERATOR, 0, "the token refused the login");
	return 0;
}

int main(int argc, char **argv)
{
	struct bench b = { .label = argc == 6 ? argv[3] : "" };
	unsigned threads_n = argc == 6 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
	unsigned seconds = argc == 6 ? (unsigned)strtoul(argv[5], NULL, 10) : 0;
	struct deadline end;
	pthread_t threads[16];
	struct err err = { 0 };

	if (threads_n < 1 || threads_n > ARRAY_LEN(threads) || seconds < 1)
		return 2;
	if (secret_heap_init(&err) < 0 || open_token(&b, argv[1], argv[2], &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.what);
		return 1;
	}
	for (unsigned i = 0; i < threads_n; i++)
		if (pthread_create(&threads[i], NULL, sign_loop, &b) != 0)
			return 1;
	end = deadline_in_ms(seconds * 1000);
	deadline_sleep(&end, seconds * 1000);
	atomic_store(&b.stop, true);
	for (unsigned i = 0; i < threads_n; i++)
		(void)pthread_join(threads[i], NULL);
	(void)printf("%.0f\n", (double)atomic_load(&b.signatures) / seconds);
	return atomic_load(&b.failed) ? 1 : 0;
}
