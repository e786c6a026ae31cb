/*
 * Everything that comes from a console's line: escape sequences, prompts, marks, replies. The first
 * byte says how large the chunks are. Whatever comes, text stays printable and a reply stays in bounds.
 */
#include <stdlib.h>

#include "fixtures/drivers/console.h"

#define MARK "0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_reply(struct bytes text)
{
	enum console_reply reply = CONSOLE_REPLY_NONE;
	BUF_AUTO(out, 4096);
	unsigned status = 1000;

	if (console_reply_read(text, MARK, &out, &status, &reply) < 0)
		return;
	must((reply == CONSOLE_REPLY_WHOLE) == (status <= 255));
	must(reply == CONSOLE_REPLY_WHOLE || out.len == 0);
}

static void check_text(struct bytes text)
{
	static const struct console_prompts prompts = { "login:", "assword:" };
	struct bytes rest = BYTES_NONE;

	for (size_t i = 0; i < text.len; i++)
		must(text.p[i] == '\n' || text.p[i] == '\t' || (text.p[i] >= 0x20 && text.p[i] != 0x7f));
	must(console_look(text, &prompts) <= CONSOLE_BOOTLOADER);
	if (console_find_line(text, MARK, "set", &rest))
		must(rest.p >= text.p && rest.p + rest.len < text.p + text.len);
	check_reply(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct console_text text;
	size_t step = size > 0 ? 1 + data[0] : 1;

	console_text_init(&text);
	for (size_t at = 1; at < size; at += step) {
		must(console_text_push(&text, bytes_of(data + at, size - at < step ? size - at : step)) == 0);
		must(text.text.len <= text.text.max && text.strange <= text.got);
	}
	check_text(buf_bytes(&text.text));
	console_text_deinit(&text);
	return 0;
}
