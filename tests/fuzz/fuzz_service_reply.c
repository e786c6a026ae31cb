/*
 * Everything that the provisioning service says: bulk replies, error bodies,
 * enrollments, attestation mechanisms, Retry-After. The first byte chooses which.
 */
#include "enroll/enroll_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OURS                                                                                                 \
	"{\"registrationId\":\"u\",\"provisioningStatus\":\"enabled\",\"attestation\":{\"type\":\"tpm\","    \
	"\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}}"
#define OURS_TERMS                                                                                           \
	"{\"registrationId\":\"u\",\"deviceId\":\"D\",\"attestation\":{\"type\":\"symmetricKey\"},"          \
	"\"capabilities\":{\"iotEdge\":false},\"iotHubs\":[\"a.x\",\"b.x\"],\"initialTwin\":{\"tags\":"      \
	"{\"line\":\"7\",\"n\":2},\"properties\":{\"desired\":{\"i\":30}}}}"

static void fuzz_bulk(struct bytes in)
{
	struct bulk_reply reply = { 0 };
	struct err err = { 0 };

	if (bulk_reply_parse(in, &reply, &err) < 0) {
		base_assert(err.class == ERR_RETRY);
		return;
	}
	base_assert(reply.errors_n <= ENROLL_BULK_MAX && (!reply.successful || reply.errors_n == 0));
	for (size_t i = 0; i < reply.errors_n; i++)
		(void)refusal_of(reply.errors[i].code);
}

static void fuzz_error(struct bytes in)
{
	struct item_error error = { 0 };

	if (error_reply_parse(in, &error))
		base_assert(strlen(error.text) < sizeof(error.text));
}

/* Whatever the service's words are, they become JSON again. */
static void write_difference(const struct difference *difference)
{
	BUF_AUTO(json, DIFFERENCE_JSON_MAX);
	struct err err = { 0 };

	base_assert(difference_json(difference, &json, &err) == 0);
	base_assert(difference->differs == (json.len > 0));
}

static void fuzz_terms(struct bytes in)
{
	static struct difference difference; /* two of them are too long for a frame */
	struct err err = { 0 };

	if (compare_enrollment(BYTES_LIT(OURS_TERMS), in, &difference, &err) == 0)
		write_difference(&difference);
}

/* What is equal to ours must name our ID and our key. */
static void fuzz_enrollment(struct bytes in)
{
	struct difference difference = { 0 };
	struct err err = { 0 };

	if (compare_enrollment(BYTES_LIT(OURS), in, &difference, &err) == 0 && !difference.differs)
		base_assert(memmem(in.p, in.len, "tpm", 3) != NULL || memchr(in.p, '\\', in.len) != NULL);
	write_difference(&difference);
	fuzz_terms(in);
	(void)!compare_group(
		BYTES_LIT("{\"enrollmentGroupId\":\"g\",\"attestation\":{\"type\":\"symmetricKey\"}}"), in,
		&difference, &err);
}

static void fuzz_keys(struct bytes in)
{
	static const uint8_t digest[SHA256_LEN] = { 0 };
	struct difference difference = { 0 };
	SECRET_AUTO key = { NULL, 0 };
	struct err err = { 0 };

	(void)!compare_keys(digest, in, &difference, &err);
	(void)!symmetric_key_of(in, &key, &err);
}

static void fuzz_retry_after(struct bytes in)
{
	char text[64];
	int64_t ms;

	if (bytes_to_str(in, text, sizeof(text)) < 0)
		return;
	ms = pace_retry_after_ms(text, INT64_C(1800000000000));
	base_assert(ms >= -1 && ms <= PACE_HOLD_MAX_MS);
}

static void fuzz_certificate(struct bytes in)
{
	uint8_t digest[SHA256_LEN];

	(void)!certificate_sha256(in, digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(struct bytes in) = { fuzz_bulk, fuzz_error,       fuzz_enrollment,
							    fuzz_keys, fuzz_retry_after, fuzz_certificate };
	struct bytes in = bytes_of(data, size);
	uint8_t choice = 0;

	if (take_u8(&in, &choice) == 0)
		parsers[choice % ARRAY_LEN(parsers)](in);
	return 0;
}
