/*
 * Recordings: what is read can be written and read again, the same; and whatever a replay of it is asked,
 * with the recorded questions under other sequence numbers, it answers within its bounds.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/file.h"
#include "fixtures/fixtures_internal.h"
#include "fixtures/recording.h"

#define PACKET_MAX  (SMP_HEADER_LEN + SMP_BODY_MAX)
#define SEQ_AT      6
#define ANSWERS_MAX 10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct recording *recording, struct buf *text)
{
	if (buf_append(text, BYTES_LIT(RECORDING_MAGIC)) < 0 ||
	    recording_write_open(text, recording->packets) < 0)
		abort();
	for (size_t i = 0; i < recording->n; i++) {
		const struct recording_chunk *chunk = &recording->chunks[i];

		if ((chunk->secret
			     ? recording_write_secret(text, chunk->way, chunk->len)
			     : recording_write_chunk(text, chunk->way, recording_data(recording, chunk))) < 0)
			abort();
	}
}

static void check_again(const struct recording *recording, struct bytes text)
{
	CLEANUP(recording_deinit) struct recording again = { .chunks = NULL };
	struct err err = { 0 };

	if (recording_parse(text, &again, &err) < 0 || again.n != recording->n ||
	    again.packets != recording->packets ||
	    !bytes_equal(buf_bytes(&again.data), buf_bytes(&recording->data)))
		abort();
	for (size_t i = 0; i < again.n; i++)
		if (again.chunks[i].len != recording->chunks[i].len ||
		    again.chunks[i].way != recording->chunks[i].way ||
		    again.chunks[i].secret != recording->chunks[i].secret)
			abort();
}

/* The chunk with another sequence number if it is a packet, else as it is. */
static void renumber(const struct recording *recording, struct bytes chunk, struct buf *out)
{
	CLEANUP(smp_serial_reader_deinit) struct smp_serial_reader reader;
	BUF_AUTO(packet, PACKET_MAX);
	struct bytes rest = chunk;
	bool whole = false;

	smp_serial_reader_init(&reader);
	if (recording->packets) {
		if (buf_set(out, chunk) < 0)
			abort();
		if (out->len > SEQ_AT)
			out->p[SEQ_AT] = (uint8_t)(out->p[SEQ_AT] + 7);
		return;
	}
	if (smp_serial_read(&reader, &rest, &packet, &whole) < 0)
		abort();
	buf_clear(out);
	if (whole)
		packet.p[SEQ_AT] = (uint8_t)(packet.p[SEQ_AT] + 7);
	if ((whole ? smp_serial_encode(buf_bytes(&packet), out) : buf_append(out, chunk)) < 0)
		abort();
}

static void hear_all(const struct link *link, const struct deadline *dl)
{
	uint8_t buf[300];
	struct err err;
	size_t n = 1;

	for (int i = 0; n > 0; i++)
		if (i > ANSWERS_MAX * 100 || link->ops->recv(link->impl, dl, buf, sizeof(buf), &n, &err) < 0)
			return;
}

static void converse(const struct recording *recording, const struct link *link)
{
	const struct deadline dl = deadline_in_ms(0);
	BUF_AUTO(say, 4 * RECORDING_CHUNK_MAX);
	struct err err;

	hear_all(link, &dl);
	for (size_t i = 0; i < recording->n; i++) {
		struct bytes chunk = recording_data(recording, &recording->chunks[i]);

		if (recording->chunks[i].way != RECORDING_SENT)
			continue;
		renumber(recording, chunk, &say);
		if (link->ops->send(link->impl, &dl, buf_bytes(&say), &err) < 0 &&
		    link->ops->send(link->impl, &dl, chunk, &err) < 0 && err.class != ERR_UNIT)
			abort();
		hear_all(link, &dl);
	}
}

static void replay(const struct recording *recording, struct bytes text)
{
	CLEANUP(fd_closep) int fd = memfd_create("recording", MFD_CLOEXEC);
	struct link link = { NULL, NULL };
	struct err err = { 0 };
	char spec[64];

	if (fd < 0 || file_write_all(fd, text) < 0 ||
	    str_format(spec, sizeof(spec), "replay:/proc/self/fd/%d", fd) < 0 ||
	    link_open(spec, &link, &err) < 0)
		abort();
	converse(recording, &link);
	link_close(&link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(recording_deinit) struct recording recording = { .chunks = NULL };
	BUF_AUTO(text, 2 * RECORDING_TEXT_MAX);
	struct err err = { 0 };

	if (recording_parse(bytes_of(data, size), &recording, &err) < 0) {
		if (err.class == ERR_NONE || err.what[0] == '\0')
			abort();
		return 0;
	}
	write_again(&recording, &text);
	check_again(&recording, buf_bytes(&text));
	replay(&recording, bytes_of(data, size));
	return 0;
}
