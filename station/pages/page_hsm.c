/*
 * The token's page. A token that does not answer is what the page is for, so it
 * is no error. Asked through a session of its own, closed again at once: the
 * workers' sessions belong to them.
 */
#include "station/pages/pages.h"

#include "station/station.h"

static int add_key(struct hsm_session *session, const char *what, const char *uri, struct page_hsm *page,
		   struct err *err)
{
	struct page_hsm_key *key = &page->keys[page->keys_n];

	if (uri[0] == '\0' || page->keys_n == ARRAY_LEN(page->keys))
		return 0;
	if (hsm_key_exists(session, uri, &key->found, err) < 0)
		return err_wrap(err, "%s", what);
	str_clip(key->what, sizeof(key->what), what);
	str_clip(key->object, sizeof(key->object), uri);
	page->keys_n++;
	return 0;
}

static int ask(struct station *st, struct page_hsm *page, struct err *err)
{
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;
	const struct conf *conf = st->conf;
	struct hsm_info info;

	if (hsm_info(st->hsm, &info, err) < 0)
		return -1;
	str_clip(page->label, sizeof(page->label), info.label);
	str_clip(page->manufacturer, sizeof(page->manufacturer), info.manufacturer);
	str_clip(page->model, sizeof(page->model), info.model);
	str_clip(page->serial, sizeof(page->serial), info.serial);
	if (hsm_session_open(st->hsm, &session, err) < 0 ||
	    add_key(session, "issuing-key", conf->issuing_key, page, err) < 0 ||
	    add_key(session, "audit-key", conf->audit_key, page, err) < 0 ||
	    add_key(session, "service-key", conf->login.key, page, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->profiles_n; i++)
		if (add_key(session, conf->profiles[i].name, conf->profiles[i].group_key, page, err) < 0)
			return -1;
	return 0;
}

void page_hsm_load(struct station *st, struct page_hsm *ret)
{
	struct page_hsm page = { .ok = true };
	struct err why = { 0 };
	char text[sizeof(why.what) + sizeof(why.where) + 3];

	if (ask(st, &page, &why) < 0) {
		page.ok = false;
		str_clip(page.text, sizeof(page.text), err_text(&why, text, sizeof(text)));
	}
	*ret = page;
}
