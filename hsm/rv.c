/*
 * CKR_* values become an error class, a state of the session and a sentence of
 * advice in this one table (PKCS#11 v2.40, 5.1). A value that is not in it, or a
 * vendor's own, makes the token doubtful: ERR_STATION.
 */
#include "hsm/hsm_internal.h"

struct rv_entry {
	CK_RV rv;
	const char *name;
	enum err_class class;
	enum session_state state; /* what is left of a session that returned it */
	const char *advice;
};

#define REOPEN  "the session is opened again"
#define TOKEN   "check that the token is plugged in and answers"
#define VENDOR  "ask the vendor of the HSM"
#define PIN     "correct the PIN source, then start again"
#define SETUP   "check the key and the token's setup"
#define SUPPORT "the token does not support this; choose another type of key"

#define RV(rv, class, state, advice)                                                                         \
	{                                                                                                    \
		(rv), #rv, (class), (state), (advice)                                                        \
	}

static const struct rv_entry table[] = {
	/* The session or what it rests on is gone: the next call opens it again. */
	RV(CKR_SESSION_HANDLE_INVALID, ERR_RETRY, SESSION_LOST, REOPEN),
	RV(CKR_SESSION_CLOSED, ERR_RETRY, SESSION_LOST, REOPEN),
	RV(CKR_DEVICE_REMOVED, ERR_RETRY, SESSION_LOST, TOKEN),
	RV(CKR_CRYPTOKI_NOT_INITIALIZED, ERR_RETRY, SESSION_LOST, REOPEN),
	RV(CKR_TOKEN_NOT_PRESENT, ERR_RETRY, SESSION_LOST, "put the token in"),
	RV(CKR_TOKEN_NOT_RECOGNIZED, ERR_OPERATOR, SESSION_LOST, "put the right token in"),
	RV(CKR_SLOT_ID_INVALID, ERR_RETRY, SESSION_LOST, TOKEN),
	/* It is still there, but can't be trusted to work: closed first, then opened again. */
	RV(CKR_USER_NOT_LOGGED_IN, ERR_RETRY, SESSION_DOUBTFUL, "the station logs in again"),
	RV(CKR_OPERATION_ACTIVE, ERR_RETRY, SESSION_DOUBTFUL, REOPEN),
	RV(CKR_OPERATION_NOT_INITIALIZED, ERR_RETRY, SESSION_DOUBTFUL, REOPEN),
	RV(CKR_KEY_HANDLE_INVALID, ERR_RETRY, SESSION_DOUBTFUL, "the key is looked up again"),
	RV(CKR_OBJECT_HANDLE_INVALID, ERR_RETRY, SESSION_DOUBTFUL, "the key is looked up again"),
	RV(CKR_DEVICE_ERROR, ERR_RETRY, SESSION_DOUBTFUL, TOKEN),
	RV(CKR_FUNCTION_FAILED, ERR_RETRY, SESSION_DOUBTFUL, TOKEN),
	RV(CKR_FUNCTION_CANCELED, ERR_RETRY, SESSION_DOUBTFUL, REOPEN),
	RV(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, ERR_OPERATOR, SESSION_DOUBTFUL, "log the other user out"),
	RV(CKR_SESSION_COUNT, ERR_OPERATOR, SESSION_DOUBTFUL,
	   "close other programs that use the token, or run fewer slots"),
	RV(CKR_SESSION_READ_WRITE_SO_EXISTS, ERR_OPERATOR, SESSION_DOUBTFUL, "log the security officer out"),
	RV(CKR_SESSION_READ_ONLY_EXISTS, ERR_OPERATOR, SESSION_OPEN,
	   "close other programs that use the token"),
	RV(CKR_SESSION_EXISTS, ERR_OPERATOR, SESSION_OPEN, "close other programs that use the token"),
	/* The PIN. Nothing here is ever tried a second time by itself. */
	RV(CKR_PIN_INCORRECT, ERR_OPERATOR, SESSION_OPEN, PIN),
	RV(CKR_PIN_INVALID, ERR_OPERATOR, SESSION_OPEN, PIN),
	RV(CKR_PIN_LEN_RANGE, ERR_OPERATOR, SESSION_OPEN, PIN),
	RV(CKR_PIN_EXPIRED, ERR_OPERATOR, SESSION_OPEN, "have the security officer set a new PIN"),
	RV(CKR_PIN_LOCKED, ERR_OPERATOR, SESSION_OPEN, "call the security officer, who can unlock it"),
	RV(CKR_USER_PIN_NOT_INITIALIZED, ERR_OPERATOR, SESSION_OPEN, "have the security officer set a PIN"),
	RV(CKR_PIN_TOO_WEAK, ERR_OPERATOR, SESSION_OPEN, "choose a longer PIN"),
	RV(CKR_FUNCTION_REJECTED, ERR_OPERATOR, SESSION_OPEN, "confirm on the token itself"),
	/* The key or the token is not set up for what was asked. */
	RV(CKR_KEY_FUNCTION_NOT_PERMITTED, ERR_OPERATOR, SESSION_OPEN, SETUP),
	RV(CKR_KEY_TYPE_INCONSISTENT, ERR_OPERATOR, SESSION_OPEN, SETUP),
	RV(CKR_KEY_SIZE_RANGE, ERR_OPERATOR, SESSION_OPEN, SETUP),
	RV(CKR_MECHANISM_INVALID, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_MECHANISM_PARAM_INVALID, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_CURVE_NOT_SUPPORTED, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_DOMAIN_PARAMS_INVALID, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_FUNCTION_NOT_SUPPORTED, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_ATTRIBUTE_TYPE_INVALID, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_ATTRIBUTE_VALUE_INVALID, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_ATTRIBUTE_READ_ONLY, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_TEMPLATE_INCOMPLETE, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_TEMPLATE_INCONSISTENT, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	RV(CKR_ACTION_PROHIBITED, ERR_OPERATOR, SESSION_OPEN, SETUP),
	RV(CKR_TOKEN_WRITE_PROTECTED, ERR_OPERATOR, SESSION_OPEN, "remove the token's write protection"),
	RV(CKR_DEVICE_MEMORY, ERR_OPERATOR, SESSION_OPEN, "the token is full; remove old objects"),
	RV(CKR_RANDOM_NO_RNG, ERR_OPERATOR, SESSION_OPEN, SUPPORT),
	/* The token, its module or the machine is doubtful: the line stops. */
	RV(CKR_GENERAL_ERROR, ERR_STATION, SESSION_DOUBTFUL, VENDOR),
	RV(CKR_HOST_MEMORY, ERR_STATION, SESSION_DOUBTFUL, "the machine is out of memory"),
	RV(CKR_CANT_LOCK, ERR_STATION, SESSION_OPEN, "the module can't be used by threads"),
	RV(CKR_NEED_TO_CREATE_THREADS, ERR_STATION, SESSION_OPEN, VENDOR),
	RV(CKR_FIPS_SELF_TEST_FAILED, ERR_STATION, SESSION_DOUBTFUL, VENDOR),
	RV(CKR_LIBRARY_LOAD_FAILED, ERR_STATION, SESSION_OPEN, "install the HSM's software again"),
	RV(CKR_KEY_CHANGED, ERR_STATION, SESSION_DOUBTFUL, SETUP),
	/* The station called the module wrongly. */
	RV(CKR_ARGUMENTS_BAD, ERR_BUG, SESSION_DOUBTFUL, "keep the log"),
	RV(CKR_BUFFER_TOO_SMALL, ERR_BUG, SESSION_DOUBTFUL, "keep the log"),
	RV(CKR_DATA_INVALID, ERR_BUG, SESSION_OPEN, "keep the log"),
	RV(CKR_DATA_LEN_RANGE, ERR_BUG, SESSION_OPEN, "keep the log"),
	RV(CKR_SESSION_READ_ONLY, ERR_BUG, SESSION_OPEN, "keep the log"),
	RV(CKR_USER_TYPE_INVALID, ERR_BUG, SESSION_OPEN, "keep the log"),
	RV(CKR_SESSION_PARALLEL_NOT_SUPPORTED, ERR_BUG, SESSION_OPEN, "keep the log"),
};

static const struct rv_entry *find(CK_RV rv)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].rv == rv)
			return &table[i];
	return NULL;
}

const char *hsm_rv_name(CK_RV rv)
{
	const struct rv_entry *entry = find(rv);

	return entry != NULL ? entry->name : "an unknown CKR value";
}

enum session_state hsm_rv_session_state(CK_RV rv)
{
	const struct rv_entry *entry = find(rv);

	return entry != NULL ? entry->state : SESSION_DOUBTFUL;
}

int hsm_rv_error(CK_RV rv, const char *function, struct err *err)
{
	const struct rv_entry *entry = find(rv);

	if (entry != NULL)
		return err_set(err, entry->class, (long)rv, "%s: %s; %s", function, entry->name,
			       entry->advice);
	if ((rv & CKR_VENDOR_DEFINED) != 0)
		return err_set(err, ERR_STATION, (long)rv, "%s: the vendor's own code 0x%08lx; " VENDOR,
			       function, rv);
	return err_set(err, ERR_STATION, (long)rv, "%s: unknown code 0x%08lx; " VENDOR, function, rv);
}
