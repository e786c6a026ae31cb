/*
 * The few DER forms that tokens leave to their callers: ECDSA-Sig-Value and
 * SubjectPublicKeyInfo. Written by hand because X.509 belongs to pki, and
 * because a signature per unit should not allocate for two integers.
 */
#include "hsm/hsm_internal.h"

static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };

/* secp256r1 and secp384r1 (RFC 5480 2.1.1.1). */
const struct bytes der_oid_p256 = { oid_p256, sizeof(oid_p256) };
const struct bytes der_oid_p384 = { oid_p384, sizeof(oid_p384) };

/* X.690 8.1.3: short form to 127, else the shortest long form. */
static int der_head(struct buf *out, uint8_t tag, size_t len)
{
	if (buf_append_u8(out, tag) < 0)
		return -1;
	if (len < 0x80)
		return buf_append_u8(out, (uint8_t)len);
	if (len < 0x100)
		return buf_append_u8(out, 0x81) < 0 ? -1 : buf_append_u8(out, (uint8_t)len);
	if (len > 0xffff || buf_append_u8(out, 0x82) < 0)
		return -1;
	return buf_append_u16(out, (uint16_t)len);
}

int der_tlv(struct buf *out, uint8_t tag, struct bytes content)
{
	if (der_head(out, tag, content.len) < 0)
		return -1;
	return buf_append(out, content);
}

/* X.690 8.3: the fewest octets, and a zero in front where the sign bit would be set. */
int der_uint(struct buf *out, struct bytes number)
{
	size_t pad;

	while (number.len > 1 && number.p[0] == 0) {
		number.p++;
		number.len--;
	}
	if (number.len == 0)
		return -1;
	pad = (number.p[0] & 0x80) != 0 ? 1 : 0;
	if (der_head(out, 0x02, number.len + pad) < 0 || (pad != 0 && buf_append_u8(out, 0) < 0))
		return -1;
	return buf_append(out, number);
}

int der_octets(struct bytes in, struct bytes *ret_content)
{
	struct bytes content;
	uint8_t tag, len;

	if (take_u8(&in, &tag) < 0 || take_u8(&in, &len) < 0 || tag != 0x04 || len >= 0x80 ||
	    take(&in, len, &content) < 0 || in.len != 0)
		return -1;
	*ret_content = content;
	return 0;
}
