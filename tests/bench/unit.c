/* The in-memory unit: it keeps what it is given, and signs its proof for real. */
#include "tests/bench/unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

DEFINE_CLEANUP(req_freep, X509_REQ, X509_REQ_free)
DEFINE_CLEANUP(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)

static int make_csr(struct bench_unit *unit)
{
	CLEANUP(req_freep) X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	int n;

	if (req == NULL || X509_REQ_set_pubkey(req, unit->key) != 1 ||
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
				       (const unsigned char *)unit->info.serial, -1, -1, 0) != 1 ||
	    X509_REQ_sign(req, unit->key, EVP_sha256()) <= 0)
		return -1;
	n = i2d_X509_REQ(req, &der);
	if (n <= 0)
		return -1;
	n = buf_set(&unit->csr, bytes_of(der, (size_t)n));
	OPENSSL_free(der);
	return n;
}

int bench_unit_init(struct bench_unit *unit, unsigned number, struct err *err)
{
	*unit = (struct bench_unit){
		.info = { .model = "sensor", .firmware = "1", .caps = UNIT_CAP_KEY | UNIT_CAP_PROVE }
	};
	buf_init(&unit->csr, FIXTURE_CSR_MAX);
	for (size_t i = 0; i < ARRAY_LEN(unit->items); i++)
		buf_init(&unit->items[i], FIXTURE_ITEM_MAX);
	unit->key = EVP_EC_gen("P-256");
	if (str_format(unit->info.serial, sizeof(unit->info.serial), "bench-%06u", number) < 0 ||
	    str_format(unit->info.hwid, sizeof(unit->info.hwid), "%016x", number) < 0 || unit->key == NULL ||
	    make_csr(unit) < 0)
		return err_set(err, ERR_BUG, 0, "a unit can't be made");
	return 0;
}

void bench_unit_deinit(struct bench_unit *unit)
{
	EVP_PKEY_free(unit->key);
	buf_deinit(&unit->csr);
	for (size_t i = 0; i < ARRAY_LEN(unit->items); i++)
		buf_deinit(&unit->items[i]);
}

static void nothing_to_close(void *impl)
{
	(void)impl;
}

static int identify(void *impl, const struct deadline *dl, struct unit_info *ret_info, struct err *err)
{
	const struct bench_unit *unit = impl;

	(void)dl;
	(void)err;
	*ret_info = unit->info;
	return 0;
}

static int give_csr(void *impl, const struct deadline *dl, const char *cn, struct buf *ret_csr,
		    struct err *err)
{
	const struct bench_unit *unit = impl;

	(void)dl;
	(void)cn;
	return buf_set(ret_csr, buf_bytes(&unit->csr)) < 0 ? err_set(err, ERR_BUG, 0, "CSR") : 0;
}

static int put(void *impl, const struct deadline *dl, enum unit_item item, struct bytes data, struct err *err)
{
	struct bench_unit *unit = impl;

	(void)dl;
	return buf_set(&unit->items[item], data) < 0 ? err_set(err, ERR_BUG, 0, "item") : 0;
}

static int get(void *impl, const struct deadline *dl, enum unit_item item, struct buf *ret_data,
	       struct err *err)
{
	const struct bench_unit *unit = impl;

	(void)dl;
	return buf_set(ret_data, buf_bytes(&unit->items[item])) < 0 ? err_set(err, ERR_BUG, 0, "item") : 0;
}

static int prove(void *impl, const struct deadline *dl, struct bytes nonce, struct buf *ret_proof,
		 struct err *err)
{
	CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const struct bench_unit *unit = impl;
	uint8_t message[FIXTURE_PROVE_MESSAGE_LEN], sig[128];
	size_t n = sizeof(sig);

	(void)dl;
	fixture_prove_message(nonce.p, message);
	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, unit->key) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, message, sizeof(message)) != 1 ||
	    buf_set(ret_proof, bytes_of(sig, n)) < 0)
		return err_set(err, ERR_BUG, 0, "proof");
	return 0;
}

static const struct fixture_item_ops items = { .put = put, .get = get };
static const struct fixture_key_ops keys = { .make = give_csr, .prove = prove };

const struct fixture_ops bench_unit_ops = {
	.name = "bench",
	.close = nothing_to_close,
	.identify = identify,
	.items = &items,
	.keys = &keys,
};
