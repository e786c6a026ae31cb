/*
 * The station's configuration: station.ini, parsed once into a const struct.
 * Unknown sections and keys, doubled keys and values out of range are errors
 * with file and line. No secret is in it: secrets are named by source.
 */
#ifndef STATION_CONF_H
#define STATION_CONF_H

#include "base/bytes.h"
#include "base/err.h"
#include "enroll/enroll.h"
#include "fixtures/fixture.h"
#include "pki/pki.h"
#include "station/label.h"

#define CONF_PROFILES_MAX 16
#define CONF_SLOTS_MAX    32
#define CONF_FILE_MAX     (64 * 1024)
#define CONF_TEXT_MAX     191 /* inih reads lines of at most 200 bytes */

enum attest {
	ATTEST_UNSET,
	ATTEST_TPM,
	ATTEST_X509,
	ATTEST_SYMMETRIC,
};

enum key_source {
	KEY_FROM_DEVICE,  /* the unit makes it and sends a CSR                   */
	KEY_FROM_STATION, /* the station makes it in locked memory, injects, wipes */
};

enum enroll_kind {
	ENROLL_INDIVIDUAL,
	ENROLL_GROUP, /* nothing per device: its CA or its master key is the group */
};

#define CONF_DEVICE_TEXT_MAX 127
/* How devices that speak no protocol of ours are read and written: see struct fixture_settings. */
struct conf_device {
	char serial_from[CONF_DEVICE_TEXT_MAX + 1];
	char model_from[CONF_DEVICE_TEXT_MAX + 1];
	char hwid_from[CONF_DEVICE_TEXT_MAX + 1];
	char chain_path[CONF_DEVICE_TEXT_MAX + 1];
	char key_path[CONF_DEVICE_TEXT_MAX + 1];
	char symkey_path[CONF_DEVICE_TEXT_MAX + 1];
	char dps_path[CONF_DEVICE_TEXT_MAX + 1];
	char owner[67];
	char mode[5];
	char user[33];
	char password_file[CONF_TEXT_MAX + 1];
	char login_prompt[33];
	char password_prompt[33];
	char key_store[9];
	char layout[17];
};

/* What an individual enrollment, or a profile's group, says beside the attestation: see struct enroll_terms. */
struct conf_terms {
	char device_id[CONF_DEVICE_TEXT_MAX + 1]; /* may hold ${serial}, ${registration_id} ... */
	char tags[CONF_TEXT_MAX + 1];             /* NAME=VALUE, separated by blanks; the same  */
	char desired[CONF_TEXT_MAX + 1];
	enum enroll_allocation allocation;
	char hubs[CONF_TEXT_MAX + 1]; /* host names, separated by blanks */
	char webhook[CONF_TEXT_MAX + 1];
	enum enroll_reprovision reprovision;
	bool iot_edge;
	bool disabled;
};

struct conf_profile {
	char name[33];
	char model[33]; /* the unit's model must equal it; empty: any */
	enum attest attest;
	enum key_source key;
	enum enroll_kind enroll;
	char group[65];                    /* enrollment group's name, for group profiles  */
	char group_key[CONF_TEXT_MAX + 1]; /* RFC 7512 URI of the master key, for symmetric */
	struct pki_profile certificate;
	struct label_rules label;
	struct conf_device device;
	struct conf_terms terms;
	unsigned line; /* where the section begins, for messages */
};

struct conf_slot {
	char name[17];
	char driver[17];
	char link[CONF_TEXT_MAX + 1];
	char barcode[33];                      /* what stands beside the slot to be scanned */
	char profile_names[CONF_TEXT_MAX + 1]; /* as written, separated by blanks or commas */
	const struct conf_profile *profiles[CONF_PROFILES_MAX];
	size_t profiles_n;
	unsigned line;
};

/* Who the station is to the service: see struct enroll_login. */
struct conf_login {
	enum enroll_auth auth;
	char policy[65];
	char key[CONF_TEXT_MAX + 1]; /* RFC 7512 URI: of the policy, or of the certificate */
	char host[CONF_TEXT_MAX + 1];
	char tenant[65];
	char client_id[65];
	char certificate_file[CONF_TEXT_MAX + 1];
	enum enroll_assertion assertion;
	char secret_source[CONF_TEXT_MAX + 1]; /* as a PIN's */
	enum enroll_identity identity;
	char identity_endpoint[CONF_TEXT_MAX + 1];
	char identity_keys[CONF_TEXT_MAX + 1];
};

/* How the service is reached: see struct enroll_network. */
struct conf_network {
	char ca_file[CONF_TEXT_MAX + 1];
	char extra_ca_file[CONF_TEXT_MAX + 1];
	char proxy[CONF_TEXT_MAX + 1];
	char proxy_user[65];
	char proxy_password_source[CONF_TEXT_MAX + 1];
	char resolve[CONF_TEXT_MAX + 1]; /* HOST=ADDRESS, separated by blanks */
	char bind_address[65];
	unsigned connections;
};

struct conf {
	char id[33];
	char language[9]; /* of the screens, until an operator brings another; empty: English */
	/* [people] */
	char badge_prefix[9];
	unsigned logout_minutes; /* 0: never */
	/* [scanner] */
	char scanner_prefix[9]; /* what it types before each scan; empty: nothing */
	char slot_prefix
		[17]; /* slots' barcodes are this and the slot's name, unless the slot says otherwise */
	/* [hsm] */
	char module[CONF_TEXT_MAX + 1];
	char token[CONF_TEXT_MAX + 1];
	char pin_source[CONF_TEXT_MAX + 1];
	char issuing_key[CONF_TEXT_MAX + 1];
	char audit_key[CONF_TEXT_MAX + 1]; /* what the station vouches with: batches and receipts */
	/* [service] */
	char host[CONF_TEXT_MAX + 1];
	char id_scope[33];
	char device_host[CONF_TEXT_MAX + 1]; /* without its port */
	unsigned device_port;
	struct conf_login login;
	struct conf_network network;
	unsigned operations_per_minute;
	unsigned attempts;

	struct conf_profile profiles[CONF_PROFILES_MAX];
	size_t profiles_n;
	struct conf_slot slots[CONF_SLOTS_MAX];
	size_t slots_n;
};

/* Parses text; name stands for the file in messages. ERR_OPERATOR "station.ini:12: …". The caller frees. */
MUST_USE int conf_parse(const char *name, struct bytes text, struct conf **ret_conf, struct err *err);
/* Reads DIR/station.ini. */
MUST_USE int conf_load(const char *dir, struct conf **ret_conf, struct err *err);
void conf_free(struct conf *conf);
DEFINE_CLEANUP(conf_freep, struct conf, conf_free)

/* "tpm", "x509", "symmetric": stored data. */
const char *attest_name(enum attest attest);

/* The profile whose master key the sender needs, for individual symmetric enrollments; NULL if none is. */
const struct conf_profile *conf_device_key_profile(const struct conf *conf);

/* How the slot's driver is to be opened; borrows the configuration's texts. Settings are the first profile's. */
struct fixture_settings conf_slot_settings(const struct conf_slot *slot);

/* The profile of this slot that takes units of this model; NULL if none does. */
const struct conf_profile *conf_slot_profile(const struct conf_slot *slot, const char *model);

#endif
