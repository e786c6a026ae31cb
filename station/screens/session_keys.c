/*
 * Keys and scans on their way: to the PIN, to a text that is being typed, to the
 * desk, or to a screen. A PIN's digits go straight from the terminal to locked
 * memory, past curses and past the screens.
 */
#include "station/screens/session_internal.h"

#include "station/exit.h"

#define KEYS_MAX 16 /* in one turn: each may note events, for which the mailbox keeps few places */
#define DETACHED "The station works on, and waits when its units are done. Come back with: station run\n"

/* --- PIN ------------------------------------------------------------------------------------------ */

static void forget_pin(struct session *session)
{
	memset(session->pin.p, 0, PEOPLE_PIN_MAX);
	session->ui.pin_typed = 0;
	session->dirty = true;
}

static int enter_pin(struct session *session, struct err *err)
{
	const struct secret typed = { session->pin.p, session->ui.pin_typed };
	int ret = desk_answer_pin(session->st->desk, &typed, err);

	forget_pin(session);
	return ret;
}

static int pin_byte(struct session *session, uint8_t byte, struct err *err)
{
	unsigned *n = &session->ui.pin_typed;

	session->dirty = true;
	if (byte == '\r' || byte == '\n')
		return enter_pin(session, err);
	if (byte == INPUT_ESCAPE) {
		forget_pin(session);
		desk_cancel_login(session->st->desk);
	} else if ((byte == 0x7f || byte == '\b') && *n > 0) {
		session->pin.p[--*n] = 0;
	} else if (byte > ' ' && byte < 0x7f && *n < PEOPLE_PIN_MAX) {
		session->pin.p[(*n)++] = byte;
	}
	return 0;
}

static bool asks_pin(struct session *session)
{
	struct desk_dialog dialog;

	desk_get_dialog(session->st->desk, &dialog);
	return dialog.asks == DESK_ASKS_PIN;
}

static int read_pin(struct session *session, struct err *err)
{
	uint8_t byte;

	while (asks_pin(session) && terminal_byte(session->terminal, &byte)) {
		session->touched_ms = deadline_now_ms();
		if (pin_byte(session, byte, err) < 0)
			return -1;
	}
	return 0;
}

/* --- commands of the screens ------------------------------------------------------------------------ */

static int answer_id(struct session *session, struct err *err)
{
	int ret = desk_answer_id(session->st->desk, session->ui.id_typed, err);

	memset(session->ui.id_typed, 0, sizeof(session->ui.id_typed));
	return ret;
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
		desk_begin_login(session->st->desk);
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

static int use(struct session *session, const struct input_event *event, struct err *err)
{
	switch (event->kind) {
	case INPUT_NONE:
		return 0;
	case INPUT_KEY:
		ui_key(&session->ui, event->key);
		break;
	case INPUT_SCAN:
		if (!session->ui.searching)
			return desk_scan(session->st->desk, event->text, err);
		scan_into_search(session, event->text);
		break;
	case INPUT_REFUSED:
		/* Not a scan, and nobody's key: the desk says so. */
		return desk_scan(session->st->desk, "", err);
	}
	return obey(session, err);
}

static int read_keys(struct session *session, struct err *err)
{
	struct input_event event;
	uint32_t key;

	for (unsigned n = 0; n < KEYS_MAX; n++) {
		if (session->terminal == NULL || asks_pin(session) || !terminal_key(session->terminal, &key))
			break;
		session->touched_ms = deadline_now_ms();
		session->dirty = true;
		desk_touch(session->st->desk);
		input_feed(&session->input, key, session->touched_ms, &event);
		if (use(session, &event, err) < 0)
			return -1;
	}
	return 0;
}

int session_keys(struct session *session, struct err *err)
{
	struct input_event event;

	if (session->terminal == NULL)
		return 0;
	if (read_keys(session, err) < 0)
		return -1;
	input_tick(&session->input, deadline_now_ms(), &event);
	if (use(session, &event, err) < 0)
		return -1;
	return session->terminal != NULL ? read_pin(session, err) : 0;
}
