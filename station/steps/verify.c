/*
 * verify. Needs: what inject put; request (x509), symkey (symmetric), tpm and ek (tpm).
 * Gives: the certainty that the unit holds its identity, and proof, the word for how we know. One that says yes and did nothing fails here.
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "station/steps/steps.h"

static int fresh(uint8_t *out, size_t n, struct err *err)
{
	if (RAND_bytes(out, (int)n) != 1)
		return err_set(err, ERR_STATION, 0, "no random numbers");
	return 0;
}

/* A proof over a nonce that nobody has seen before. */
static int ask_proof(struct job *job, uint8_t message[FIXTURE_PROVE_MESSAGE_LEN], struct buf *ret_proof,
		     struct err *err)
{
	uint8_t nonce[FIXTURE_NONCE_LEN];

	if (fresh(nonce, sizeof(nonce), err) < 0)
		return -1;
	fixture_prove_message(nonce, message);
	if (fixture_prove(job->fixture, &job->deadline, BYTES_ARRAY(nonce), ret_proof, err) < 0)
		return err_wrap(err, "asking for a proof");
	return 0;
}

static int prove_signature(struct job *job, const struct pki_csr *csr, struct err *err)
{
	BUF_AUTO(proof, FIXTURE_PROOF_MAX);
	uint8_t message[FIXTURE_PROVE_MESSAGE_LEN];

	if (ask_proof(job, message, &proof, err) < 0)
		return -1;
	if (pki_signature_check(csr, BYTES_ARRAY(message), buf_bytes(&proof), err) < 0)
		return err_wrap(err, "the unit's proof of its key");
	job->proof = "signature";
	return 0;
}

static int prove_mac(struct job *job, struct err *err)
{
	BUF_AUTO(proof, FIXTURE_PROOF_MAX);
	uint8_t message[FIXTURE_PROVE_MESSAGE_LEN], want[SHA256_LEN];

	if (ask_proof(job, message, &proof, err) < 0)
		return -1;
	hmac_sha256(secret_bytes(&job->symkey), BYTES_ARRAY(message), want);
	if (proof.len != sizeof(want) || CRYPTO_memcmp(proof.p, want, sizeof(want)) != 0)
		return err_set(err, ERR_UNIT, 0,
			       "the unit can't prove its key: it does not hold what it was given");
	job->proof = "mac";
	return 0;
}

/* Where the unit can't prove: its own digest of what it keeps, against what it was given. */
static int compare_key(struct job *job, enum unit_item item, const uint8_t digest[SHA256_LEN],
		       struct err *err)
{
	bool same = false;

	if (fixture_holds(job->fixture, &job->deadline, item, digest, &same, err) < 0)
		return err_wrap(err, "comparing the key");
	if (!same)
		return err_set(err, ERR_UNIT, 0, "the unit does not hold the key that it was given");
	job->proof = "file-hash";
	return 0;
}

int check_key(struct job *job, const struct pki_csr *csr, struct err *err)
{
	if ((job->unit.caps & UNIT_CAP_PROVE) != 0)
		return prove_signature(job, csr, err);
	if (!job->has_key_item_sha256)
		return err_set(err, ERR_UNIT, 0, "the unit can't prove its key, and its digest is not known");
	return compare_key(job, UNIT_ITEM_KEY, job->key_item_sha256, err);
}

int check_symkey(struct job *job, struct err *err)
{
	uint8_t digest[SHA256_LEN];

	if ((job->unit.caps & UNIT_CAP_PROVE) != 0)
		return prove_mac(job, err);
	sha256(secret_bytes(&job->symkey), digest);
	return compare_key(job, UNIT_ITEM_SYMKEY, digest, err);
}

static int verify_bundle(struct job *job, struct err *err)
{
	bool same = false;

	/* On a link that stays up when the board is swapped, another one may hold what this one was given. */
	if (job_check_unit(job, &job->deadline, err) < 0)
		return -1;
	if (bundle_read_back(job, &same, err) < 0)
		return err_wrap(err, "reading back");
	if (!same)
		return err_set(err, ERR_UNIT, 0, "the unit does not hold what it said it stored");
	return 0;
}

int verify_x509(struct job *job, struct err *err)
{
	if (verify_bundle(job, err) < 0)
		return -1;
	return check_key(job, job->request, err);
}

int verify_symmetric(struct job *job, struct err *err)
{
	if (verify_bundle(job, err) < 0)
		return -1;
	return check_symkey(job, err);
}

/* What the challenge hides, and what it is hidden with. */
struct hidden {
	uint8_t secret[PKI_CREDENTIAL_SECRET_LEN], seed[32];
};

static void hidden_wipe(struct hidden *hidden)
{
	OPENSSL_cleanse(hidden, sizeof(*hidden));
}

/* Only the TPM that holds this EK can open the credential (TPM 2.0 Part 1, 24). */
static int challenge(struct job *job, struct bytes srk_name, struct err *err)
{
	BUF_AUTO(id_object, PKI_EK_PUBLIC_MAX);
	BUF_AUTO(encrypted, PKI_EK_PUBLIC_MAX);
	BUF_AUTO(answer, 64);
	CLEANUP(hidden_wipe) struct hidden hidden;

	if (fresh(hidden.secret, sizeof(hidden.secret), err) < 0 ||
	    fresh(hidden.seed, sizeof(hidden.seed), err) < 0)
		return -1;
	if (pki_credential_make(buf_bytes(&job->ek.public_area), srk_name, hidden.secret, hidden.seed,
				&id_object, &encrypted, err) < 0)
		return err_wrap(err, "making the credential challenge");
	if (fixture_tpm_activate(job->tpm, buf_bytes(&id_object), buf_bytes(&encrypted), &answer, err) < 0)
		return err_wrap(err, "the TPM's answer to the credential challenge");
	if (answer.len != sizeof(hidden.secret) ||
	    CRYPTO_memcmp(answer.p, hidden.secret, sizeof(hidden.secret)) != 0)
		return err_set(err, ERR_UNIT, 0, "the TPM does not hold the endorsement key that it showed");
	job->proof = "tpm";
	return 0;
}

int verify_tpm(struct job *job, struct err *err)
{
	BUF_AUTO(srk_name, 64);

	if (verify_bundle(job, err) < 0)
		return -1;
	if (job_open_tpm(job, err) < 0 || fixture_tpm_srk_name(job->tpm, &srk_name, err) < 0)
		return err_wrap(err, "reading the SRK");
	return challenge(job, buf_bytes(&srk_name), err);
}
