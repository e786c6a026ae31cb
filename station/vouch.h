/*
 * What stations vouch for each other with: this one's own key in its token (audit-key of [hsm]),
 * and the public keys of those whose batches and receipts it takes, DIR/stations/ID.pem.
 */
#ifndef STATION_VOUCH_H
#define STATION_VOUCH_H

#include "hsm/hsm.h"
#include "station/conf.h"

/* Borrows the configuration; close frees the rest. */
struct vouch {
	struct hsm *hsm;
	struct hsm_session *session;
	struct signer signer;
	struct buf spki;
	uint8_t key_sha256[SHA256_LEN]; /* the fingerprint: of the SubjectPublicKeyInfo */
	struct macer device_keys;       /* mac is NULL unless a profile has a master key that senders need */
};
#define VOUCH_AUTO(name) CLEANUP(vouch_close) struct vouch name = { .spki = { NULL, 0, 0, PKI_SPKI_MAX } }
/* The token alone; a second time does nothing. */
MUST_USE int vouch_open_token(const char *dir, const struct conf *conf, struct vouch *vouch, struct err *err);
/* ERR_OPERATOR that says how to get one, if the station has no such key. */
MUST_USE int vouch_open_key(const char *dir, const struct conf *conf, struct vouch *vouch, struct err *err);
/* The master key of symmetric enrollments, if the configuration has one. */
MUST_USE int vouch_open_device_keys(const char *dir, const struct conf *conf, struct vouch *vouch,
				    struct err *err);
void vouch_close(struct vouch *vouch);

/* "Station: ID", the fingerprint, and the key in PEM: what is handed to another station. */
#define VOUCH_TEXT_MAX 1024
MUST_USE int vouch_text(const char *station, struct bytes spki, struct buf *ret_text, struct err *err);
/* Reads that back. ERR_OPERATOR. */
MUST_USE int vouch_text_read(struct bytes text, char ret_station[ENROLL_STATION_MAX + 1],
			     struct buf *ret_spki, struct err *err);

/* DIR/stations/ID.pem is this text from now on. */
MUST_USE int vouch_trust(const char *dir, const char *station, struct bytes text, struct err *err);
/* ERR_OPERATOR unless sig is one over message by the key that is trusted for this station. */
MUST_USE int vouch_check(const char *dir, const char *station, const uint8_t key_sha256[SHA256_LEN],
			 struct bytes message, struct bytes sig, struct err *err);

#endif
