/*
 * fixtures/device over any stream: the first byte chooses the wire, the rest is what comes. It reads the same
 * packets as the station's reader, takes every body that the station takes, and what it answers the station
 * reads. Its buffers end where a sanitizer looks.
 */
#include <stdlib.h>

#include "base/err.h"
#include "fixtures/smp_body.h"
#include "tests/fakes/ram_device.h"

#define PACKET_MAX (SMP_HEADER_LEN + SMP_BODY_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A request that the station could have sent is not malformed to the device, unless a field is. */
static void check_agreement(const struct smp_header *header, struct bytes body, const struct smp_body *answer)
{
	static struct smp_body request;
	unsigned group = 0, rc = 0;

	base_assert(smp_body_error(answer, &group, &rc) == 0);
	if (header->group != SMP_GROUP_PROVISION || header->command != SMP_PROVISION_INFO ||
	    header->op != SMP_READ || SMP_HEADER_LEN + body.len > RAM_PACKET_MAX)
		return;
	base_assert(smp_body_open(body, &request) < 0 || rc == SMP_RC_OK);
}

/* In heap blocks of exactly their size. */
static void answer(struct ram_device *device, struct bytes packet)
{
	static struct smp_body reply;
	struct smp_header header, reply_header;
	struct bytes body, reply_body;
	uint8_t *in = malloc(packet.len), *out = malloc(RAM_PACKET_MAX);
	bool request = smp_packet_read(packet, &header, &body) == 0 && (header.op & 1) == 0;
	size_t n;

	base_assert(in != NULL && out != NULL);
	memcpy(in, packet.p, packet.len);
	device->prov.out = out;
	n = prov_answer(&device->prov, in, packet.len);
	/* Reserved bits of a header are for the device to refuse. */
	base_assert((n > 0) == (request && packet.p[0] >> 5 == 0));
	if (n > 0) {
		base_assert(n <= RAM_PACKET_MAX);
		base_assert(smp_packet_read(bytes_of(out, n), &reply_header, &reply_body) == 0);
		base_assert(reply_header.op == header.op + 1 && reply_header.version == header.version &&
			    reply_header.group == header.group && reply_header.seq == header.seq &&
			    reply_header.command == header.command);
		base_assert(smp_body_open(reply_body, &reply) == 0);
		check_agreement(&header, body, &reply);
	}
	free(in);
	free(out);
}

/* The station's reader of the same stream. */
struct station {
	struct smp_serial_reader serial;
	struct smp_raw_reader raw;
};

static bool station_takes(struct station *station, enum prov_wire wire, uint8_t byte, struct buf *packet)
{
	struct bytes in = bytes_of(&byte, 1);
	bool whole = false;
	int rc = wire == PROV_SERIAL ? smp_serial_read(&station->serial, &in, packet, &whole)
				     : smp_raw_read(&station->raw, &in, packet, &whole);

	base_assert(rc == 0);
	return whole;
}

static void run(struct ram_device *device, struct prov_reader *reader, struct station *station,
		struct bytes stream)
{
	BUF_AUTO(expected, PACKET_MAX);
	const uint8_t *packet = NULL;
	uint8_t byte;

	while (take_u8(&stream, &byte) == 0) {
		size_t n = prov_reader_take(reader, byte, &packet);

		base_assert(station_takes(station, reader->wire, byte, &expected) == (n > 0));
		if (n == 0)
			continue;
		base_assert(bytes_equal(bytes_of(packet, n), buf_bytes(&expected)));
		answer(device, bytes_of(packet, n));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ram_device device;
	struct bytes in = bytes_of(data, size);
	struct prov_reader reader = { 0 };
	struct station station;
	uint8_t wire;

	if (take_u8(&in, &wire) < 0)
		return 0;
	ram_device_init(&device);
	reader.wire = wire % 2 == 0 ? PROV_SERIAL : PROV_PACKETS;
	reader.cap = reader.wire == PROV_SERIAL ? PACKET_MAX + PROV_FRAMING : PACKET_MAX;
	reader.buf = malloc(reader.cap);
	base_assert(reader.buf != NULL);
	smp_serial_reader_init(&station.serial);
	smp_raw_reader_init(&station.raw);
	run(&device, &reader, &station, in);
	smp_serial_reader_deinit(&station.serial);
	smp_raw_reader_deinit(&station.raw);
	free(reader.buf);
	return 0;
}
