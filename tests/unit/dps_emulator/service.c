/* Calls are signed as the SDKs sign them: plain host in sr, percent-encoded sig. */
#include "tests/unit/dps_emulator/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/digest.h"
#include "base/encode.h"

#define HEADERS_MAX 16

static const char *const hosts[] = { "localhost", "contoso.azure-devices-provisioning.net", "127.0.0.42",
				     NULL };

static const char *const hubs[] = { "hub1.azure-devices.net", "hub2.azure-devices.net",
				    "hub3.azure-devices.net", NULL };

int service_setup(void **state)
{
	struct service *service = calloc(1, sizeof(*service));
	struct err err;

	if (service == NULL)
		return -1;
	service->conf.hosts = hosts;
	dps_knobs_init(&service->conf.knobs);
	service->conf.hubs = hubs;
	(void)!str_format(service->conf.id_scope, sizeof(service->conf.id_scope), TEST_SCOPE);
	(void)!str_format(service->conf.policy, sizeof(service->conf.policy), "station-enroll");
	for (size_t i = 0; i < sizeof(service->conf.key); i++)
		service->conf.key[i] = (uint8_t)i;
	service->at_ticks = TEST_TICKS;
	*state = service;
	if (dps_store_open(NULL, &service->store, &err) < 0)
		return -1;
	return dps_new(&service->conf, service->store, &service->dps, &err);
}

int service_teardown(void **state)
{
	struct service *service = *state;

	dps_free(service->dps);
	dps_store_close(service->store);
	free(service);
	return 0;
}

static void percent_encode(const char *in, char *out, size_t cap)
{
	size_t n = 0;

	for (; *in != '\0'; in++) {
		bool plain = strchr("+/=", *in) == NULL;

		assert_int_equal(plain ? str_format(out + n, cap - n, "%c", *in)
				       : str_format(out + n, cap - n, "%%%02x", (unsigned char)*in),
				 0);
		n += plain ? 1 : 3;
	}
}

void service_token(const struct service *service, const char *host, int expires_s, char *out, size_t cap)
{
	char message[512], sig[BASE64_LEN(SHA256_LEN) + 1], encoded[256];
	long long se = service->at_ticks / 10000000 + expires_s;
	uint8_t mac[SHA256_LEN];

	assert_int_equal(str_format(message, sizeof(message), "%s\n%lld", host, se), 0);
	hmac_sha256(BYTES_ARRAY(service->conf.key), bytes_str(message), mac);
	assert_int_equal(base64_encode(BYTES_ARRAY(mac), sig, sizeof(sig)), 0);
	percent_encode(sig, encoded, sizeof(encoded));
	assert_int_equal(str_format(out, cap, "SharedAccessSignature sr=%s&sig=%s&se=%lld&skn=%s", host,
				    encoded, se, service->conf.policy),
			 0);
}

void service_call_raw(struct service *service, const char *method, const char *target,
		      const struct dps_header *headers, size_t headers_n, const char *body, struct reply *ret)
{
	struct dps_request req = { .method = method,
				   .target = target,
				   .headers = headers,
				   .headers_n = headers_n,
				   .body = bytes_str(body),
				   .at_ticks = service->at_ticks,
				   .chain = service->chain,
				   .chain_n = service->chain_n,
				   .plain = service->plain };

	*ret = (struct reply){ 0 };
	dps_response_init(&ret->res);
	dps_handle(service->dps, &req, &ret->res);
	if (ret->res.body.len > 0) {
		ret->body = json_loadb((const char *)ret->res.body.p, ret->res.body.len, 0, NULL);
		assert_non_null(ret->body);
		assert_string_equal(reply_header(ret, "Content-Type"), "application/json; charset=utf-8");
	}
	assert_non_null(reply_header(ret, "x-ms-request-id"));
}

void service_call(struct service *service, const char *method, const char *path, const char *body,
		  const struct dps_header *extra, struct reply *ret)
{
	char target[512], token[512], length[16];
	struct dps_header headers[HEADERS_MAX] = {
		{ "Host", "localhost:8443" },
		{ "Authorization", token },
		{ "content-length", length },
		{ "Content-Type", "application/json; charset=utf-8" },
	};
	size_t n = 4;

	service_token(service, "localhost", 3600, token, sizeof(token));
	assert_int_equal(str_format(target, sizeof(target), "%s?api-version=2021-10-01", path), 0);
	assert_int_equal(str_format(length, sizeof(length), "%zu", body != NULL ? strlen(body) : 0), 0);
	for (; extra != NULL && extra->name != NULL; extra++) {
		assert_true(n < HEADERS_MAX);
		headers[n++] = *extra;
	}
	service_call_raw(service, method, target, headers, n, body, ret);
}

int service_code(struct service *service, const char *method, const char *path, const char *body)
{
	REPLY_AUTO reply;

	service_call(service, method, path, body, NULL, &reply);
	return reply_code(&reply);
}

void reply_deinit(struct reply *reply)
{
	json_decref(reply->body);
	dps_response_deinit(&reply->res);
}

const char *reply_header(const struct reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->res.headers_n; i++) {
		if (strcasecmp(reply->res.headers[i].name, name) == 0)
			return reply->res.headers[i].value;
	}
	return NULL;
}

const char *reply_text(const struct reply *reply, const char *name)
{
	const json_t *at = reply->body;

	while (at != NULL && *name != '\0') {
		size_t len = strcspn(name, "/");
		char part[64];

		assert_int_equal(bytes_to_str(bytes_of(name, len), part, sizeof(part)), 0);
		at = json_object_get(at, part);
		name += len + (name[len] == '/' ? 1 : 0);
	}
	return json_string_value(at);
}

int reply_code(const struct reply *reply)
{
	json_t *code = json_object_get(reply->body, "errorCode");
	char text[16];

	if (code == NULL)
		return (int)reply->res.status;
	assert_int_equal(str_format(text, sizeof(text), "%lld", (long long)json_integer_value(code)), 0);
	assert_string_equal(reply_header(reply, "x-ms-error-code"), text);
	assert_int_equal(json_integer_value(code) / 1000, reply->res.status);
	return (int)json_integer_value(code);
}
