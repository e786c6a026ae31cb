/*
 * The port of a device that keeps its items in RAM. It checks what fixtures/device promises a firmware: that
 * a chunk comes at its offset, fits the length that was announced, and that makers get room.
 */
#include "tests/fakes/ram_device.h"

#include "base/bytes.h"
#include "base/err.h"

static enum prov_rc give(struct bytes made, uint8_t *out, size_t cap, size_t *ret_n)
{
	if (made.len > cap)
		return PROV_TOO_LARGE;
	memcpy(out, made.p, made.len);
	*ret_n = made.len;
	return PROV_OK;
}

static enum prov_rc ram_size(void *ctx, enum prov_item item, size_t *ret_n)
{
	const struct ram_device *device = ctx;

	if (!device->kept[item].there)
		return PROV_NO_ENTRY;
	*ret_n = device->kept[item].n;
	return PROV_OK;
}

static enum prov_rc ram_read(void *ctx, enum prov_item item, size_t off, uint8_t *buf, size_t n)
{
	const struct ram_device *device = ctx;

	base_assert(device->kept[item].there && off <= device->kept[item].n &&
		    n <= device->kept[item].n - off);
	base_assert(item != PROV_KEY && item != PROV_SYMKEY);
	memcpy(buf, device->kept[item].data + off, n);
	return PROV_OK;
}

static enum prov_rc ram_digest(void *ctx, enum prov_item item, enum prov_copy copy, uint8_t *ret_sha)
{
	const struct ram_device *device = ctx;
	const struct ram_item *from = copy == PROV_KEPT ? &device->kept[item] : &device->staged;

	if (!from->there)
		return PROV_NO_ENTRY;
	sha256(bytes_of(from->data, from->n), ret_sha);
	return PROV_OK;
}

static enum prov_rc ram_stage(void *ctx, enum prov_item item, size_t len, size_t off, const uint8_t *p,
			      size_t n)
{
	struct ram_device *device = ctx;

	(void)item;
	device->stages++;
	if (len > RAM_ITEM_MAX)
		return PROV_TOO_LARGE;
	if (off == 0)
		device->staged = (struct ram_item){ .there = true };
	base_assert(device->staged.there && off == device->staged.n && n <= len - off);
	memcpy(device->staged.data + off, p, n);
	device->staged.n += n;
	if (device->flips && n > 0)
		device->staged.data[off] ^= 1;
	return PROV_OK;
}

static enum prov_rc ram_commit(void *ctx, enum prov_item item, size_t len)
{
	struct ram_device *device = ctx;

	device->commits++;
	base_assert(device->staged.there && device->staged.n == len);
	if (device->refuses)
		return PROV_INVALID;
	device->kept[item] = device->staged;
	device->staged.there = false;
	return PROV_OK;
}

/* The CN itself, so that a test sees what was asked for. */
static enum prov_rc ram_csr(void *ctx, const uint8_t *in, size_t in_n, uint8_t *out, size_t cap,
			    size_t *ret_n)
{
	struct ram_device *device = ctx;

	base_assert(!device->locked);
	device->kept[PROV_KEY].there = true;
	return give(bytes_of(in, in_n), out, cap, ret_n);
}

/* Longer than a CBOR head of two bytes tells. */
static enum prov_rc ram_sign(void *ctx, const uint8_t *in, size_t in_n, uint8_t *out, size_t cap,
			     size_t *ret_n)
{
	const struct ram_device *device = ctx;
	uint8_t sig[300] = { 0x30 };

	base_assert(in_n == PROV_MESSAGE_LEN);
	memcpy(sig + 1, in, in_n);
	return device->kept[PROV_KEY].there ? give(BYTES_ARRAY(sig), out, cap, ret_n) : PROV_NO_ENTRY;
}

static enum prov_rc ram_mac(void *ctx, const uint8_t *in, size_t in_n, uint8_t *out, size_t cap,
			    size_t *ret_n)
{
	const struct ram_device *device = ctx;
	const struct ram_item *key = &device->kept[PROV_SYMKEY];
	uint8_t mac[SHA256_LEN];

	hmac_sha256(bytes_of(key->data, key->n), bytes_of(in, in_n), mac);
	return give(BYTES_ARRAY(mac), out, cap, ret_n);
}

/* The command backwards. */
static enum prov_rc ram_tpm(void *ctx, const uint8_t *in, size_t in_n, uint8_t *out, size_t cap,
			    size_t *ret_n)
{
	(void)ctx;
	if (in_n > cap)
		return PROV_TOO_LARGE;
	for (size_t i = 0; i < in_n; i++)
		out[i] = in[in_n - 1 - i];
	*ret_n = in_n;
	return PROV_OK;
}

static bool ram_locked(void *ctx)
{
	const struct ram_device *device = ctx;

	return device->locked;
}

static enum prov_rc ram_lock(void *ctx)
{
	struct ram_device *device = ctx;

	device->locked = true;
	return PROV_OK;
}

static void ram_reset(void *ctx)
{
	struct ram_device *device = ctx;

	device->resets++;
	device->staged.there = false;
}

static const struct prov_port port = {
	.size = ram_size,
	.read = ram_read,
	.digest = ram_digest,
	.stage = ram_stage,
	.commit = ram_commit,
	.csr = ram_csr,
	.sign = ram_sign,
	.mac = ram_mac,
	.tpm = ram_tpm,
	.locked = ram_locked,
	.lock = ram_lock,
	.reset = ram_reset,
};

void ram_device_init(struct ram_device *device)
{
	*device = (struct ram_device){
		.about = { "SN-0001", "sensor", "a1b2c3d4", "1.0.0",
			   PROV_CAP_KEY | PROV_CAP_TPM | PROV_CAP_SYMKEY | PROV_CAP_LOCK,
			   1u << PROV_CHAIN | 1u << PROV_KEY | 1u << PROV_SYMKEY | 1u << PROV_DPS },
	};
	device->prov = (struct prov){
		.about = &device->about,
		.port = &port,
		.ctx = device,
		.out = device->out,
		.buf_size = sizeof(device->out),
	};
}
