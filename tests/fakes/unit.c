/*
 * The emulator's flash, keys and items behind a driver's table, without wire and
 * threads. Only what changes the unit for good is an event: reading one twice
 * is no risk.
 */
#include "tests/fakes/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fixtures/emulator/emulator_internal.h"

#define TPM_HEADER_LEN 10

struct fake_unit {
	struct identity id;
	struct flash flash;
	bool stock; /* stock firmware: files as they were put, in place, and no proof */
	char tpm_socket[EMULATOR_PATH_MAX];
	int tpm_fd; /* -1 until the first command */
	bool pulled;
	fake_unit_event_fn *event;
	void *arg;
};

static void effect(const struct fake_unit *unit)
{
	if (unit->event != NULL)
		unit->event(unit->arg);
}

static int answers(const struct fake_unit *unit, struct err *err)
{
	return unit->pulled ? err_set(err, ERR_RETRY, ETIMEDOUT, "nobody answers") : 0;
}

static bool has(const struct fake_unit *unit, enum unit_item item)
{
	return flash_has(&unit->flash, item_file(item));
}

/* --- The driver ------------------------------------------------------------------------------------- */

static void unit_close(void *impl)
{
	struct fake_unit *unit = impl;

	flash_close(&unit->flash);
	if (unit->tpm_fd >= 0)
		(void)close(unit->tpm_fd);
	free(unit);
}

static int unit_identify(void *impl, const struct deadline *dl, struct unit_info *ret_info, struct err *err)
{
	const struct fake_unit *unit = impl;
	const unsigned proves = unit->stock ? 0u : (unsigned)UNIT_CAP_PROVE;
	struct unit_info info = { .caps = unit->id.kind->caps | proves };

	(void)dl;
	if (answers(unit, err) < 0)
		return -1;
	str_clip(info.serial, sizeof(info.serial), unit->id.serial);
	str_clip(info.model, sizeof(info.model), unit->id.model);
	str_clip(info.hwid, sizeof(info.hwid), unit->id.hwid);
	str_clip(info.firmware, sizeof(info.firmware), "1.0.0-fake");
	info.state = has(unit, UNIT_ITEM_DPS) ? UNIT_PROVISIONED : UNIT_BLANK;
	*ret_info = info;
	return 0;
}

static int unit_make_key(void *impl, const struct deadline *dl, const char *cn, struct buf *ret_csr,
			 struct err *err)
{
	struct fake_unit *unit = impl;
	const char *file = item_file(UNIT_ITEM_KEY);
	BUF_AUTO(pem, KEY_PEM_MAX);
	bool found = false;

	(void)dl;
	if ((unit->id.kind->caps & UNIT_CAP_KEY) == 0)
		return err_set(err, ERR_UNIT, 0, "this unit makes no key");
	if (answers(unit, err) < 0 || flash_read(&unit->flash, file, &pem, &found, err) < 0)
		return -1;
	if (!found) {
		effect(unit);
		if (answers(unit, err) < 0 || key_make(&pem, err) < 0 ||
		    flash_write(&unit->flash, file, buf_bytes(&pem), err) < 0)
			return -1;
		effect(unit);
	}
	return key_csr(buf_bytes(&pem), cn, ret_csr, err);
}

/* In place: who is killed in between leaves half a file. */
static int stock_put(const struct fake_unit *unit, enum unit_item item, struct bytes data, struct err *err)
{
	const char *file = item_file(item);

	if (flash_write(&unit->flash, file, bytes_of(data.p, data.len / 2), err) < 0)
		return -1;
	effect(unit);
	if (answers(unit, err) < 0)
		return -1;
	return flash_write(&unit->flash, file, data, err);
}

static int unit_holds(void *impl, const struct deadline *dl, enum unit_item item,
		      const uint8_t digest[SHA256_LEN], bool *ret_same, struct err *err)
{
	const struct fake_unit *unit = impl;
	BUF_AUTO(content, FIXTURE_ITEM_MAX);
	uint8_t have[SHA256_LEN];
	bool found = false;

	(void)dl;
	if (answers(unit, err) < 0 || flash_read(&unit->flash, item_file(item), &content, &found, err) < 0)
		return -1;
	sha256(buf_bytes(&content), have);
	*ret_same = found && bytes_equal(BYTES_ARRAY(have), bytes_of(digest, SHA256_LEN));
	return 0;
}

static int unit_put(void *impl, const struct deadline *dl, enum unit_item item, struct bytes data,
		    struct err *err)
{
	struct fake_unit *unit = impl;

	(void)dl;
	effect(unit);
	if (answers(unit, err) < 0 ||
	    (unit->stock ? stock_put(unit, item, data, err) : item_write(&unit->flash, item, data, err)) < 0)
		return -1;
	effect(unit);
	return answers(unit, err);
}

static int unit_get(void *impl, const struct deadline *dl, enum unit_item item, struct buf *ret_data,
		    struct err *err)
{
	struct fake_unit *unit = impl;
	bool found = false;

	(void)dl;
	if (item == UNIT_ITEM_KEY || item == UNIT_ITEM_SYMKEY)
		return err_set(err, ERR_UNIT, 0, "secrets can't be read");
	if (answers(unit, err) < 0 || item_read(&unit->flash, item, ret_data, &found, err) < 0)
		return -1;
	return found ? 0 : err_set(err, ERR_UNIT, 0, "no such item");
}

static int prove_mac(const struct fake_unit *unit, struct bytes message, struct buf *ret_proof,
		     struct err *err)
{
	BUF_AUTO(key, FIXTURE_ITEM_MAX);
	uint8_t mac[SHA256_LEN];
	bool found = false;

	if (item_read(&unit->flash, UNIT_ITEM_SYMKEY, &key, &found, err) < 0)
		return -1;
	hmac_sha256(buf_bytes(&key), message, mac);
	return buf_set(ret_proof, BYTES_ARRAY(mac)) < 0 ? err_set(err, ERR_BUG, 0, "no room for a proof") : 0;
}

static int unit_prove(void *impl, const struct deadline *dl, struct bytes nonce, struct buf *ret_proof,
		      struct err *err)
{
	const struct fake_unit *unit = impl;
	BUF_AUTO(pem, KEY_PEM_MAX);
	uint8_t message[FIXTURE_PROVE_MESSAGE_LEN];
	bool found = false;

	(void)dl;
	if (unit->stock)
		return err_set(err, ERR_UNIT, 0, "stock firmware proves nothing");
	if (answers(unit, err) < 0)
		return -1;
	fixture_prove_message(nonce.p, message);
	if (has(unit, UNIT_ITEM_SYMKEY))
		return prove_mac(unit, BYTES_ARRAY(message), ret_proof, err);
	if (flash_read(&unit->flash, item_file(UNIT_ITEM_KEY), &pem, &found, err) < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_UNIT, 0, "there is no key to prove");
	return key_sign(buf_bytes(&pem), BYTES_ARRAY(message), ret_proof, err);
}

/* --- The TPM ---------------------------------------------------------------------------------------- */

static int connect_tpm(struct fake_unit *unit, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (str_format(at.sun_path, sizeof(at.sun_path), "%s", unit->tpm_socket) < 0)
		return err_set(err, ERR_OPERATOR, 0, "%s is too long for a socket", unit->tpm_socket);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return err_set(err, ERR_RETRY, errno, "%s: %s", unit->tpm_socket, strerror(errno));
	unit->tpm_fd = fd;
	fd = -1;
	return 0;
}

static int recv_exact(int fd, uint8_t *to, size_t n)
{
	/* Asked for nothing, recv(2) would wait for something. */
	return n == 0 || recv(fd, to, n, MSG_WAITALL) == (ssize_t)n ? 0 : -1;
}

static int exchange(int fd, struct bytes cmd, struct buf *ret_rsp)
{
	BUF_AUTO(rsp, FIXTURE_TPM_MAX);
	uint8_t *p = buf_reserve(&rsp, FIXTURE_TPM_MAX);
	struct bytes header = bytes_of(p, TPM_HEADER_LEN);
	uint16_t tag;
	uint32_t size = 0;

	if (p == NULL || send(fd, cmd.p, cmd.len, MSG_NOSIGNAL) != (ssize_t)cmd.len ||
	    recv_exact(fd, p, TPM_HEADER_LEN) < 0 || take_u16(&header, &tag) < 0 ||
	    take_u32(&header, &size) < 0 || size < TPM_HEADER_LEN || size > FIXTURE_TPM_MAX ||
	    recv_exact(fd, p + TPM_HEADER_LEN, size - TPM_HEADER_LEN) < 0)
		return -1;
	rsp.len = size;
	return buf_set(ret_rsp, buf_bytes(&rsp));
}

/* What leaves something behind in the TPM: keys, sessions, their end (TPM 2.0 Part 2, 6.5.2). */
static bool changes_state(struct bytes cmd)
{
	static const uint32_t changing[] = {
		0x120, /* EvictControl       */
		0x131, /* CreatePrimary      */
		0x147, /* ActivateCredential */
		0x165, /* FlushContext       */
		0x176, /* StartAuthSession   */
	};
	uint16_t tag;
	uint32_t size, code;

	if (take_u16(&cmd, &tag) < 0 || take_u32(&cmd, &size) < 0 || take_u32(&cmd, &code) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(changing); i++)
		if (changing[i] == code)
			return true;
	return false;
}

static int unit_tpm(void *impl, const struct deadline *dl, struct bytes cmd, struct buf *ret_rsp,
		    struct err *err)
{
	struct fake_unit *unit = impl;
	bool changes = changes_state(cmd);

	(void)dl; /* swtpm answers or ends */
	if (unit->tpm_fd < 0 && connect_tpm(unit, err) < 0)
		return -1;
	if (changes)
		effect(unit);
	if (exchange(unit->tpm_fd, cmd, ret_rsp) < 0)
		return err_set(err, ERR_RETRY, errno, "swtpm did not answer");
	if (changes)
		effect(unit);
	return 0;
}

/* ---------------------------------------------------------------------------------------------------- */

static const struct fixture_item_ops fake_items = { .put = unit_put, .get = unit_get, .holds = unit_holds };
static const struct fixture_key_ops fake_keys = {
	.make = unit_make_key,
	.prove = unit_prove,
	.tpm = unit_tpm,
};

static const struct fixture_ops fixture_fake = {
	.name = "fake",
	.close = unit_close,
	.identify = unit_identify,
	.items = &fake_items,
	.keys = &fake_keys,
};

static int describe(const struct fake_unit_conf *conf, struct fake_unit *unit, struct err *err)
{
	size_t prefix = strlen(FAKE_STOCK);

	unit->stock = strncmp(conf->model, FAKE_STOCK, prefix) == 0;
	unit->id.kind = kind_find(conf->model + (unit->stock ? prefix : 0));
	flash_close(&unit->flash);
	if (unit->id.kind == NULL ||
	    str_format(unit->id.model, sizeof(unit->id.model), "%s", conf->model) < 0 ||
	    str_format(unit->id.serial, sizeof(unit->id.serial), "%s", conf->serial) < 0 ||
	    str_format(unit->id.hwid, sizeof(unit->id.hwid), "hw-%.12s", conf->serial) < 0 ||
	    str_format(unit->tpm_socket, sizeof(unit->tpm_socket), "%s/tpm/socket", conf->dir) < 0)
		return err_set(err, ERR_BUG, 0, "a fake unit that can't be: %s %s", conf->model,
			       conf->serial);
	return flash_open(conf->dir, &unit->flash, err);
}

void fake_unit_pull(struct fake_unit *unit)
{
	unit->pulled = true;
}

int fake_unit_swap(struct fake_unit *unit, const char *dir, const char *serial, struct err *err)
{
	const struct fake_unit_conf conf = { dir, unit->id.model, serial, NULL, NULL };

	return describe(&conf, unit, err);
}

int fake_unit_open(const struct fake_unit_conf *conf, struct fake_unit **ret_unit,
		   struct fixture **ret_fixture, struct err *err)
{
	struct fake_unit *unit = calloc(1, sizeof(*unit));

	if (unit == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "out of memory");
	unit->flash.dir = -1;
	unit->tpm_fd = -1;
	unit->event = conf->event;
	unit->arg = conf->arg;
	if (describe(conf, unit, err) < 0 || fixture_open_with(&fixture_fake, unit, ret_fixture, err) < 0) {
		unit_close(unit);
		return -1;
	}
	*ret_unit = unit;
	return 0;
}
