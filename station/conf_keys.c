/* Every key of station.ini: its section, its kind of value and its place. The grammar, at a glance. */
#include "station/conf_internal.h"

#include <limits.h>
#include <stddef.h>

#define CONF_FIELD(field) offsetof(struct conf, field), sizeof(((struct conf *)NULL)->field)
#define PROFILE_FIELD(field)                                                                                 \
	offsetof(struct conf_profile, field), sizeof(((struct conf_profile *)NULL)->field)
#define DEVICE_FIELD(field) PROFILE_FIELD(device.field)
#define TERMS_FIELD(field)  PROFILE_FIELD(terms.field)
#define SLOT_FIELD(field)   offsetof(struct conf_slot, field), sizeof(((struct conf_slot *)NULL)->field)

const struct conf_key conf_keys[] = {
	{ "station", "id", conf_set_text, CONF_FIELD(id), 0, 0 },
	{ "station", "language", conf_set_text, CONF_FIELD(language), 0, 0 },
	{ "people", "badge-prefix", conf_set_scanned, CONF_FIELD(badge_prefix), 0, 0 },
	{ "people", "logout-minutes", conf_set_number, CONF_FIELD(logout_minutes), 0, 1440 },
	{ "scanner", "prefix", conf_set_scanned, CONF_FIELD(scanner_prefix), 0, 0 },
	{ "scanner", "slot-prefix", conf_set_scanned, CONF_FIELD(slot_prefix), 0, 0 },
	{ "hsm", "module", conf_set_text, CONF_FIELD(module), 0, 0 },
	{ "hsm", "token", conf_set_uri, CONF_FIELD(token), 0, 0 },
	{ "hsm", "pin-source", conf_set_pin_source, CONF_FIELD(pin_source), 0, 0 },
	{ "hsm", "issuing-key", conf_set_uri, CONF_FIELD(issuing_key), 0, 0 },
	{ "hsm", "audit-key", conf_set_uri, CONF_FIELD(audit_key), 0, 0 },
	{ "service", "host", conf_set_text, CONF_FIELD(host), 0, 0 },
	{ "service", "id-scope", conf_set_text, CONF_FIELD(id_scope), 0, 0 },
	{ "service", "device-host", conf_set_device_host, CONF_FIELD(device_host), 0, 0 },
	{ "service", "ca-file", conf_set_text, CONF_FIELD(network.ca_file), 0, 0 },
	{ "service", "extra-ca-file", conf_set_text, CONF_FIELD(network.extra_ca_file), 0, 0 },
	{ "service", "proxy", conf_set_text, CONF_FIELD(network.proxy), 0, 0 },
	{ "service", "proxy-user", conf_set_text, CONF_FIELD(network.proxy_user), 0, 0 },
	{ "service", "proxy-password-source", conf_set_pin_source, CONF_FIELD(network.proxy_password_source),
	  0, 0 },
	{ "service", "resolve", conf_set_text, CONF_FIELD(network.resolve), 0, 0 },
	{ "service", "bind-address", conf_set_text, CONF_FIELD(network.bind_address), 0, 0 },
	{ "service", "connections", conf_set_number, CONF_FIELD(network.connections), 1, 16 },
	{ "service", "auth", conf_set_auth, CONF_FIELD(login.auth), 0, 0 },
	{ "service", "policy", conf_set_text, CONF_FIELD(login.policy), 0, 0 },
	{ "service", "key", conf_set_uri, CONF_FIELD(login.key), 0, 0 },
	{ "service", "login-host", conf_set_text, CONF_FIELD(login.host), 0, 0 },
	{ "service", "tenant", conf_set_text, CONF_FIELD(login.tenant), 0, 0 },
	{ "service", "client-id", conf_set_text, CONF_FIELD(login.client_id), 0, 0 },
	{ "service", "certificate-file", conf_set_text, CONF_FIELD(login.certificate_file), 0, 0 },
	{ "service", "assertion", conf_set_assertion, CONF_FIELD(login.assertion), 0, 0 },
	{ "service", "secret-source", conf_set_pin_source, CONF_FIELD(login.secret_source), 0, 0 },
	{ "service", "identity", conf_set_identity, CONF_FIELD(login.identity), 0, 0 },
	{ "service", "identity-endpoint", conf_set_text, CONF_FIELD(login.identity_endpoint), 0, 0 },
	{ "service", "identity-keys", conf_set_text, CONF_FIELD(login.identity_keys), 0, 0 },
	{ "service", "operations-per-minute", conf_set_number, CONF_FIELD(operations_per_minute), 1, 100000 },
	{ "service", "attempts", conf_set_number, CONF_FIELD(attempts), 1, 1000 },
	{ "profile", "model", conf_set_text, PROFILE_FIELD(model), 0, 0 },
	{ "profile", "attest", conf_set_attest, PROFILE_FIELD(attest), 0, 0 },
	{ "profile", "key", conf_set_key_source, PROFILE_FIELD(key), 0, 0 },
	{ "profile", "subject", conf_check_subject, 0, 0, 0, 0 },
	/* Any number: what certificates can hold is known to pki_profile_check. */
	{ "profile", "validity-days", conf_set_number, PROFILE_FIELD(certificate.validity_days), 0,
	  UINT_MAX },
	{ "profile", "outlive-issuer", conf_set_yes_no, PROFILE_FIELD(certificate.may_outlive_issuer), 0, 0 },
	{ "profile", "enroll", conf_set_enroll, PROFILE_FIELD(enroll), 0, 0 },
	{ "profile", "group", conf_set_text, PROFILE_FIELD(group), 0, 0 },
	{ "profile", "group-key", conf_set_uri, PROFILE_FIELD(group_key), 0, 0 },
	{ "profile", "scan", conf_set_scan, PROFILE_FIELD(label.demanded), 0, 0 },
	{ "profile", "label-pattern", conf_set_pattern, PROFILE_FIELD(label.pattern), 0, 0 },
	{ "profile", "label-check", conf_set_label_check, PROFILE_FIELD(label.check), 0, 0 },
	{ "profile", "label-serial", conf_set_label_serial, PROFILE_FIELD(label.serial), 0, 0 },
	{ "profile", "serial-from", conf_set_text, DEVICE_FIELD(serial_from), 0, 0 },
	{ "profile", "model-from", conf_set_text, DEVICE_FIELD(model_from), 0, 0 },
	{ "profile", "hwid-from", conf_set_text, DEVICE_FIELD(hwid_from), 0, 0 },
	{ "profile", "chain-path", conf_set_text, DEVICE_FIELD(chain_path), 0, 0 },
	{ "profile", "key-path", conf_set_text, DEVICE_FIELD(key_path), 0, 0 },
	{ "profile", "symkey-path", conf_set_text, DEVICE_FIELD(symkey_path), 0, 0 },
	{ "profile", "dps-path", conf_set_text, DEVICE_FIELD(dps_path), 0, 0 },
	{ "profile", "owner", conf_set_text, DEVICE_FIELD(owner), 0, 0 },
	{ "profile", "mode", conf_set_text, DEVICE_FIELD(mode), 0, 0 },
	{ "profile", "user", conf_set_text, DEVICE_FIELD(user), 0, 0 },
	{ "profile", "password-file", conf_set_text, DEVICE_FIELD(password_file), 0, 0 },
	{ "profile", "login-prompt", conf_set_text, DEVICE_FIELD(login_prompt), 0, 0 },
	{ "profile", "password-prompt", conf_set_text, DEVICE_FIELD(password_prompt), 0, 0 },
	{ "profile", "key-store", conf_set_text, DEVICE_FIELD(key_store), 0, 0 },
	{ "profile", "layout", conf_set_text, DEVICE_FIELD(layout), 0, 0 },
	{ "profile", "device-id", conf_set_text, TERMS_FIELD(device_id), 0, 0 },
	{ "profile", "tags", conf_set_text, TERMS_FIELD(tags), 0, 0 },
	{ "profile", "desired", conf_set_text, TERMS_FIELD(desired), 0, 0 },
	{ "profile", "allocation", conf_set_allocation, TERMS_FIELD(allocation), 0, 0 },
	{ "profile", "hubs", conf_set_text, TERMS_FIELD(hubs), 0, 0 },
	{ "profile", "webhook", conf_set_text, TERMS_FIELD(webhook), 0, 0 },
	{ "profile", "reprovision", conf_set_reprovision, TERMS_FIELD(reprovision), 0, 0 },
	{ "profile", "iot-edge", conf_set_yes_no, TERMS_FIELD(iot_edge), 0, 0 },
	{ "profile", "disabled", conf_set_yes_no, TERMS_FIELD(disabled), 0, 0 },
	{ "slot", "profile", conf_set_text, SLOT_FIELD(profile_names), 0, 0 },
	{ "slot", "driver", conf_set_text, SLOT_FIELD(driver), 0, 0 },
	{ "slot", "link", conf_set_text, SLOT_FIELD(link), 0, 0 },
	{ "slot", "barcode", conf_set_scanned, SLOT_FIELD(barcode), 0, 0 },
};

const size_t conf_keys_n = ARRAY_LEN(conf_keys);
_Static_assert(ARRAY_LEN(conf_keys) <= CONF_KEYS_MAX, "struct conf_parser remembers each key");
