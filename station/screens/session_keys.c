/*
 * Keys and scans on their way: to the PIN, to a text that is being typed, to the
 * desk, or to a screen. A PIN's digits go from the terminal to locked memory, past
 * curses and past the screens, one at a time: each waits for what tells it from a scan.
 */
#include "station/screens/session_internal.h"

#include <openssl/crypto.h>

#include "station/exit.h"

#define KEYS_MAX 16 /* in one turn: each may note events, for which the mailbox keeps few places */
#define DETACHED "The station works on, and waits when its units are done. Come back with: station run\n"

/* --- PIN ------------------------------------------------------------------------------------------ */

void session_forget_pin(struct session *session)
{
	memset(session->pin.p, 0, PEOPLE_PIN_MAX);
	session->ui.pin_typed = 0;
	session->dirty = true;
}

static int enter_pin(struct session *session, struct err *err)
{
	const struct secret typed = { session->pin.p, session->ui.pin_typed };
	int ret = desk_answer_pin(session->st->desk, &typed, err);

	session_forget_pin(session);
	return ret;
}

static int pin_key(struct session *session, uint32_t key, struct err *err)
{
	unsigned *n = &session->ui.pin_typed;

	session->dirty = true;
	if (key == INPUT_ENTER) /* without a digit it is no try */
		return *n > 0 ? enter_pin(session, err) : 0;
	if (key == INPUT_ESCAPE) {
		session_forget_pin(session);
		desk_cancel_login(session->st->desk);
	} else if ((key == 0x7f || key == INPUT_BACKSPACE) && *n > 0) {
		session->pin.p[--*n] = 0;
	} else if (key > ' ' && key < 0x7f && *n < PEOPLE_PIN_MAX) {
		session->pin.p[(*n)++] = (uint8_t)key;
	}
	return 0;
}

static bool asks_pin(struct session *session)
{
	struct desk_dialog dialog;

	desk_get_dialog(session->st->desk, &dialog);
	return dialog.asks == DESK_ASKS_PIN;
}

/* Who scans a badge is somebody else; any other scan is no answer, and no try. */
static int scan_at_pin(struct session *session, const char *text, struct err *err)
{
	session_forget_pin(session);
	if (desk_is_badge(session->st->desk, bytes_str(text)))
		return desk_scan(session->st->desk, text, err);
	desk_refuse_scan(session->st->desk);
	return 0;
}

/* --- commands of the screens ------------------------------------------------------------------------ */

static int answer_id(struct session *session, struct err *err)
{
	int ret = desk_answer_id(session->st->desk, session->ui.id_typed, err);

	memset(session->ui.id_typed, 0, sizeof(session->ui.id_typed));
	return ret;
}

static void begin_login(struct session *session)
{
	/* What somebody began to type before is not this one's. */
	memset(session->ui.id_typed, 0, sizeof(session->ui.id_typed));
	desk_begin_login(session->st->desk);
}

static void cancel_login(struct session *session)
{
	memset(session->ui.id_typed, 0, sizeof(session->ui.id_typed));
	desk_cancel_login(session->st->desk);
}

static int obey(struct session *session, struct err *err)
{
	enum ui_command command = session->ui.command;

	session->ui.command = UI_NOTHING;
	switch (command) {
	case UI_NOTHING:
		return 0;
	case UI_LOGIN:
		begin_login(session);
		return 0;
	case UI_LOGOUT:
		return desk_logout(session->st->desk, err);
	case UI_ANSWER_ID:
		return answer_id(session, err);
	case UI_CANCEL_LOGIN:
		cancel_login(session);
		return 0;
	case UI_REDRAW:
		terminal_refresh(session->terminal);
		return 0;
	case UI_LANGUAGE:
		session->language = language_next(session->language);
		return 0;
	case UI_RELOAD:
		session_load_page(session);
		return 0;
	case UI_DETACH:
		session_drop_client(session, EXIT_DONE, DETACHED);
		return 0;
	case UI_QUIT:
		session->over = true;
		return 0;
	}
	return 0;
}

/* --- keys and scans ---------------------------------------------------------------------------------- */

static void scan_into_search(struct session *session, const char *text)
{
	for (; *text != '\0'; text++)
		ui_key(&session->ui, (uint8_t)*text);
	ui_key(&session->ui, INPUT_ENTER);
}

static int use_key(struct session *session, uint32_t key, struct err *err)
{
	if (asks_pin(session))
		return pin_key(session, key, err);
	ui_key(&session->ui, key);
	return obey(session, err);
}

static int use_scan(struct session *session, const char *text, struct err *err)
{
	if (asks_pin(session))
		return scan_at_pin(session, text, err);
	if (!session->ui.searching)
		return desk_scan(session->st->desk, text, err);
	scan_into_search(session, text);
	return obey(session, err);
}

static int use(struct session *session, const struct input_event *event, struct err *err)
{
	switch (event->kind) {
	case INPUT_NONE:
		return 0;
	case INPUT_KEY:
		return use_key(session, event->key, err);
	case INPUT_SCAN:
		return use_scan(session, event->text, err);
	case INPUT_REFUSED:
		if (asks_pin(session))
			session_forget_pin(session); /* part of it may have been in the burst */
		desk_refuse_scan(session->st->desk);
		return 0;
	}
	return 0;
}

/* What was typed may be a badge or a PIN: nothing of it stays. */
static int use_up(struct session *session, struct input_event *event, struct err *err)
{
	int ret = use(session, event, err);

	OPENSSL_cleanse(event, sizeof(*event));
	return ret;
}

static bool next_key(struct session *session, uint32_t *ret_key)
{
	uint8_t byte;

	if (session->terminal == NULL)
		return false;
	if (!asks_pin(session))
		return terminal_key(session->terminal, ret_key);
	if (!terminal_byte(session->terminal, &byte))
		return false;
	*ret_key = byte;
	return true;
}

/* *ret_silent_ms: when there was no key, asked before looking: one that comes right after is no silence. */
static int read_keys(struct session *session, int64_t *ret_silent_ms, struct err *err)
{
	struct input_event event;
	uint32_t key;

	for (unsigned n = 0; n < KEYS_MAX; n++) {
		const int64_t looked_ms = deadline_now_ms();

		if (!next_key(session, &key)) {
			*ret_silent_ms = looked_ms;
			return 0;
		}
		session->touched_ms = deadline_now_ms();
		session->dirty = true;
		desk_touch(session->st->desk);
		input_feed(&session->input, key, session->touched_ms, &event);
		if (use_up(session, &event, err) < 0)
			return -1;
	}
	return 0;
}

int session_keys(struct session *session, struct err *err)
{
	int64_t silent_ms = 0; /* not yet: more keys wait */
	struct input_event event;

	if (session->terminal == NULL)
		return 0;
	/* Nobody waits for it any more. */
	if (session->ui.pin_typed > 0 && !asks_pin(session))
		session_forget_pin(session);
	if (read_keys(session, &silent_ms, err) < 0)
		return -1;
	input_tick(&session->input, silent_ms, &event);
	return use_up(session, &event, err);
}
