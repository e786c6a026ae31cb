/*
 * Whatever bytes a station sends, a device answers: two bytes choose the command
 * and the version, the rest is the CBOR body. Two bodies in a row per input, so
 * that what the first left behind in RAM meets the second.
 */
#include <ftw.h>
#include <stdlib.h>

#include "fixtures/emulator/emulator_internal.h"
#include "fixtures/smp_body.h"

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
	buf_init(&device->put, FIXTURE_ITEM_MAX);
	base_assert(flash_open(folder, &device->flash, &err) == 0);
	return device;
}

static void ask(struct device *device, uint8_t command, uint8_t version, struct bytes body)
{
	const struct smp_header header = { .op = command & 8 ? SMP_WRITE : SMP_READ,
					   .version = version & 1,
					   .group = version & 2 ? SMP_GROUP_OS : SMP_GROUP_PROVISION,
					   .command = command & 7 };
	BUF_AUTO(packet, EMULATOR_BUF_MAX);
	struct smp_header answer_header;
	struct smp_body answer;
	struct bytes out;
	size_t n;

	if (smp_packet_write(&header, body, &packet) < 0)
		return;
	n = prov_answer(&device->prov, packet.p, packet.len);
	base_assert(n <= device->buf_size);
	base_assert(smp_packet_read(bytes_of(device->out, n), &answer_header, &out) == 0);
	base_assert(answer_header.op == header.op + 1 && answer_header.command == header.command);
	base_assert(smp_body_open(out, &answer) == 0);
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
