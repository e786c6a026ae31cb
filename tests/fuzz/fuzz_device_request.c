/*
 * Whatever bytes a station sends, a device answers: two bytes choose the command
 * and the version, the rest is the CBOR body. Two bodies in a row per input, so
 * that what the first left behind in RAM meets the second.
 */
#include <ftw.h>
#include <stdlib.h>

#include "fixtures/emulator/emulator_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/fuzz-device-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_folder(void)
{
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A controller takes the most items, a key among them. */
static struct device *make_device(void)
{
	struct device *device = calloc(1, sizeof(*device));
	struct err err = { 0 };

	base_assert(device != NULL && mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
	identity_make(kind_find("controller"), 1, 0, &device->id);
	device->buf_size = EMULATOR_BUF_DEFAULT;
	device->wire.stop_fd = -1;
	buf_init(&device->put.data, FIXTURE_ITEM_MAX);
	smp_serial_reader_init(&device->reader);
	smp_raw_reader_init(&device->raw_reader);
	base_assert(flash_open(folder, &device->flash, &err) == 0);
	return device;
}

static void ask(struct device *device, uint8_t command, uint8_t version, struct bytes body)
{
	const struct smp_header header = { .op = command & 8 ? SMP_WRITE : SMP_READ,
					   .version = version & 1,
					   .group = version & 2 ? SMP_GROUP_OS : SMP_GROUP_PROVISION,
					   .command = command & 7 };
	BUF_AUTO(out, SMP_BODY_MAX);
	struct smp_body answer;

	base_assert(request_answer(device, &header, body, &out));
	base_assert(smp_body_open(buf_bytes(&out), &answer) == 0);
	base_assert(SMP_HEADER_LEN + out.len <= device->buf_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct device *device;
	struct bytes in = bytes_of(data, size);
	uint8_t command, version;

	if (device == NULL)
		device = make_device();
	device_reset(device);
	device->id.locked = false;
	if (take_u8(&in, &command) < 0 || take_u8(&in, &version) < 0)
		return 0;
	ask(device, command, version, in);
	ask(device, command, version, in);
	return 0;
}
