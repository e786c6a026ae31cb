/*
 * smp_raw_read over any stream: no crash, never more than a packet in memory, the same
 * packets whether the bytes come at once or one by one, and each is a packet to who reads it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "fixtures/smp.h"

#define PACKET_MAX (SMP_HEADER_LEN + SMP_BODY_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_packet(struct bytes packet)
{
	struct smp_header header;
	struct bytes body;

	if (smp_packet_read(packet, &header, &body) < 0 || body.len != packet.len - SMP_HEADER_LEN)
		abort();
}

static unsigned read_all(struct bytes in, size_t piece, unsigned *ret_dropped)
{
	CLEANUP(smp_raw_reader_deinit) struct smp_raw_reader reader;
	BUF_AUTO(packet, PACKET_MAX);
	struct bytes part;
	unsigned n = 0;

	smp_raw_reader_init(&reader);
	while (take(&in, piece < in.len ? piece : in.len, &part) == 0 && part.len > 0) {
		while (part.len > 0) {
			bool whole = false;

			if (smp_raw_read(&reader, &part, &packet, &whole) < 0 || reader.in.len > PACKET_MAX)
				abort();
			if (whole)
				check_packet(buf_bytes(&packet));
			n += whole;
		}
	}
	*ret_dropped = reader.dropped;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned at_once, one_by_one;

	if (read_all(bytes_of(data, size), size + 1, &at_once) !=
		    read_all(bytes_of(data, size), 1, &one_by_one) ||
	    at_once != one_by_one)
		abort();
	return 0;
}
