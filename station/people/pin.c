/*
 * PINs and badges as they are stored. A PIN has few digits, so it gets a slow hash
 * (scrypt, RFC 7914) with a salt of its own. A badge must be found by what was
 * scanned, so all of a station share one salt.
 */
#include "station/people/people_internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define SCRYPT_N       (1 << 14)
#define SCRYPT_R       8
#define SCRYPT_P       1
#define SCRYPT_MEM_MAX (256u * 1024 * 1024) /* room for stronger parameters, and a bound for broken ones */

static int derive(const struct pin *pin, const struct secret *secret, uint8_t ret_hash[PIN_HASH_LEN],
		  struct err *err)
{
	if (EVP_PBE_scrypt((const char *)secret->p, secret->len, pin->salt, sizeof(pin->salt),
			   (uint64_t)pin->n, (uint64_t)pin->r, (uint64_t)pin->p, SCRYPT_MEM_MAX, ret_hash,
			   PIN_HASH_LEN) != 1)
		return err_set(err, ERR_STATION, 0, "scrypt failed (N %lld, r %lld, p %lld)",
			       (long long)pin->n, (long long)pin->r, (long long)pin->p);
	return 0;
}

int pin_make(const struct secret *secret, struct pin *ret_pin, struct err *err)
{
	struct pin pin = { .n = SCRYPT_N, .r = SCRYPT_R, .p = SCRYPT_P };

	if (RAND_bytes(pin.salt, sizeof(pin.salt)) != 1)
		return err_set(err, ERR_STATION, 0, "no random numbers");
	if (derive(&pin, secret, pin.hash, err) < 0)
		return -1;
	*ret_pin = pin;
	return 0;
}

int pin_matches(const struct pin *pin, const struct secret *secret, bool *ret_matches, struct err *err)
{
	uint8_t hash[PIN_HASH_LEN];

	if (derive(pin, secret, hash, err) < 0)
		return -1;
	*ret_matches = CRYPTO_memcmp(hash, pin->hash, sizeof(hash)) == 0;
	OPENSSL_cleanse(hash, sizeof(hash));
	return 0;
}

int badge_hash(struct db_tx *tx, struct bytes badge, uint8_t ret[SHA256_LEN], struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct bytes salt = BYTES_NONE;
	bool row = false;

	if (db_query(tx, &q, "SELECT salt FROM people_salt", DB_NO_VALUES, err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (row)
		salt = db_column_blob(&q, 0);
	if (salt.len == 0)
		return err_set(err, ERR_STATION, 0, "the database has lost the salt of its badges");
	sha256_two(salt, badge, ret);
	return 0;
}
