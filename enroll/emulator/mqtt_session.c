/*
 * One MQTT connection of a device. Registering and asking for the operation are
 * the device API's calls in another dress, so a PUBLISH becomes the HTTP request
 * that says the same, and dps_handle answers it. At CONNECT the user name is
 * judged and that there is a credential at all; the credential itself is judged
 * by the device API, which publishes 401 (dps-api 5.5).
 */
#include "enroll/emulator/mqtt_internal.h"

#include <strings.h>

#define FILTER         "$dps/registrations/res/#"
#define TOPIC_REGISTER "$dps/registrations/PUT/iotdps-register/"
#define TOPIC_STATUS   "$dps/registrations/GET/iotdps-get-operationstatus/"
#define RID_MAX        256
#define TARGET_MAX     1024

static int violation(const char *what, struct err *err)
{
	return err_set(err, ERR_UNIT, 0, "MQTT: %s", what);
}

static int no_room(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "MQTT: the answer is too large");
}

/* --- CONNECT ------------------------------------------------------------------------------------------------- */

/* The value of name= among the parts that '&' joins; NULL and no bytes if there is none. */
static struct bytes query_value(struct bytes query, const char *name)
{
	const size_t name_len = strlen(name);

	while (query.len > 0) {
		const uint8_t *end = memchr(query.p, '&', query.len);
		size_t len = end != NULL ? (size_t)(end - query.p) : query.len;

		if (len > name_len && query.p[name_len] == '=' &&
		    bytes_equal(bytes_of(query.p, name_len), bytes_str(name)))
			return bytes_of(query.p + name_len + 1, len - name_len - 1);
		if (end == NULL)
			break;
		query = bytes_of(end + 1, query.len - len - 1);
	}
	return BYTES_NONE;
}

/* Up to the next '/', which is taken too. */
static int take_segment(struct bytes *in, struct bytes *ret)
{
	const uint8_t *slash = in->len > 0 ? memchr(in->p, '/', in->len) : NULL;

	if (slash == NULL)
		return -1;
	*ret = bytes_of(in->p, (size_t)(slash - in->p));
	*in = bytes_of(slash + 1, in->len - ret->len - 1);
	return 0;
}

/* {scope}/registrations/{id}/api-version={version}&... */
static int take_user(struct mqtt_session *session, struct bytes user)
{
	struct bytes scope, word, id;

	if (take_segment(&user, &scope) < 0 || take_segment(&user, &word) < 0 ||
	    take_segment(&user, &id) < 0 || scope.len == 0 ||
	    !bytes_equal(word, BYTES_LIT("registrations")) ||
	    bytes_to_str(scope, session->scope, sizeof(session->scope)) < 0 ||
	    strpbrk(session->scope, "?%") != NULL || bytes_to_str(id, session->id, sizeof(session->id)) < 0 ||
	    !dps_id_valid(session->id))
		return -1;
	return bytes_to_str(query_value(user, "api-version"), session->api_version,
			    sizeof(session->api_version)) < 0 ||
			       session->api_version[0] == '\0'
		       ? -1
		       : 0;
}

static enum mqtt_connack judge(struct mqtt_session *session, const struct mqtt_packet *packet)
{
	if (packet->level == 0)
		return MQTT_WRONG_VERSION;
	if (take_user(session, packet->user) < 0 ||
	    bytes_to_str(packet->password, session->password, sizeof(session->password)) < 0)
		return MQTT_NOT_AUTHORIZED;
	if (packet->client_id.len != strlen(session->id) ||
	    strncasecmp((const char *)packet->client_id.p, session->id, packet->client_id.len) != 0)
		return MQTT_ID_REJECTED;
	return session->password[0] != '\0' || session->chain_n > 0 ? MQTT_ACCEPTED : MQTT_NOT_AUTHORIZED;
}

static int connect_client(struct mqtt_session *session, const struct mqtt_packet *packet, struct buf *out,
			  struct err *err)
{
	enum mqtt_connack code = judge(session, packet);

	session->keepalive_s = packet->keepalive_s;
	session->state = code == MQTT_ACCEPTED ? MQTT_OPEN : MQTT_ENDED;
	return mqtt_put_connack(out, code) < 0 ? no_room(err) : 0;
}

/* --- SUBSCRIBE, UNSUBSCRIBE ------------------------------------------------------------------------------------ */

/* There is one filter; QoS 2 is granted as 1. */
static int subscribe(struct mqtt_session *session, const struct mqtt_packet *packet, struct buf *out,
		     struct err *err)
{
	uint8_t codes[MQTT_FILTERS_MAX];

	for (size_t i = 0; i < packet->filters_n; i++) {
		codes[i] = packet->filter_qos[i] > 1 ? 1 : packet->filter_qos[i];
		if (bytes_equal(packet->filters[i], BYTES_LIT(FILTER)))
			session->subscribed = true;
		else
			codes[i] = MQTT_SUBSCRIBE_FAILED;
	}
	return mqtt_put_suback(out, packet->packet_id, codes, packet->filters_n) < 0 ? no_room(err) : 0;
}

static int unsubscribe(struct mqtt_session *session, const struct mqtt_packet *packet, struct buf *out,
		       struct err *err)
{
	for (size_t i = 0; i < packet->filters_n; i++) {
		if (bytes_equal(packet->filters[i], BYTES_LIT(FILTER)))
			session->subscribed = false;
	}
	return mqtt_put_ack(out, MQTT_UNSUBACK, packet->packet_id) < 0 ? no_room(err) : 0;
}

/* --- PUBLISH --------------------------------------------------------------------------------------------------- */

struct call {
	const char *method;
	char target[TARGET_MAX];
	char rid[RID_MAX];
};

/* The topic without its beginning; BYTES_NONE if it begins otherwise. */
static struct bytes topic_after(struct bytes topic, const char *begin)
{
	size_t len = strlen(begin);

	if (topic.len <= len || !bytes_equal(bytes_of(topic.p, len), bytes_str(begin)) || topic.p[len] != '?')
		return BYTES_NONE;
	return bytes_of(topic.p + len + 1, topic.len - len - 1);
}

/* A value that can be part of a path and of a topic. */
static int take_value(struct bytes query, const char *name, char *out, size_t cap)
{
	struct bytes value = query_value(query, name);

	return value.len > 0 && bytes_to_str(value, out, cap) == 0 && strpbrk(out, "/?#+ \r\n") == NULL ? 0
													: -1;
}

/* $dps/registrations/PUT/iotdps-register/?$rid={rid}, or
 * $dps/registrations/GET/iotdps-get-operationstatus/?$rid={rid}&operationId={id} */
static int take_call(const struct mqtt_session *session, struct bytes topic, struct call *ret)
{
	struct bytes enroll = topic_after(topic, TOPIC_REGISTER), status = topic_after(topic, TOPIC_STATUS);
	char operation[RID_MAX];

	if (enroll.p != NULL) {
		ret->method = "PUT";
		return take_value(enroll, "$rid", ret->rid, RID_MAX) < 0
			       ? -1
			       : str_format(ret->target, TARGET_MAX,
					    "/%s/registrations/%s/register?api-version=%s", session->scope,
					    session->id, session->api_version);
	}
	ret->method = "GET";
	if (take_value(status, "$rid", ret->rid, RID_MAX) < 0 ||
	    take_value(status, "operationId", operation, sizeof(operation)) < 0)
		return -1;
	return str_format(ret->target, TARGET_MAX, "/%s/registrations/%s/operations/%s?api-version=%s",
			  session->scope, session->id, operation, session->api_version);
}

static const char *header_of(const struct dps_response *res, const char *name)
{
	for (size_t i = 0; i < res->headers_n; i++) {
		if (strcmp(res->headers[i].name, name) == 0)
			return res->headers[i].value;
	}
	return NULL;
}

static void ask(const struct mqtt_session *session, const struct call *call, struct bytes payload,
		int64_t at_ticks, struct dps_response *res)
{
	char length[24];
	struct dps_header headers[] = {
		{ "Host", "global.azure-devices-provisioning.net" },
		{ "Content-Type", "application/json; charset=utf-8" },
		{ "Content-Length", length },
		{ "Authorization", session->password },
	};
	const struct dps_request req = {
		.method = call->method,
		.target = call->target,
		.headers = headers,
		.headers_n = ARRAY_LEN(headers) - (session->password[0] == '\0' ? 1 : 0),
		.body = payload,
		.too_large = payload.len > DPS_BODY_MAX,
		.at_ticks = at_ticks,
		.chain = session->chain,
		.chain_n = session->chain_n,
	};

	(void)!str_format(length, sizeof(length), "%zu", payload.len);
	dps_handle(session->dps, &req, res);
}

/* $dps/registrations/res/{status}/?$rid={rid}[&retry-after={seconds}] */
static int put_answer(const struct call *call, const struct dps_response *res, struct buf *out,
		      struct err *err)
{
	const char *retry_after = header_of(res, "Retry-After");
	char topic[RID_MAX + 128];

	if (str_format(topic, sizeof(topic), "$dps/registrations/res/%u/?$rid=%s%s%s", res->status, call->rid,
		       retry_after != NULL ? "&retry-after=" : "",
		       retry_after != NULL ? retry_after : "") < 0 ||
	    mqtt_put_publish(out, topic, buf_bytes(&res->body)) < 0)
		return no_room(err);
	return 0;
}

static int publish(struct mqtt_session *session, const struct mqtt_packet *packet, int64_t at_ticks,
		   struct buf *out, struct err *err)
{
	struct dps_response res;
	struct call call;
	int rc = 0;

	if (take_call(session, packet->topic, &call) < 0)
		return violation("a topic that is none of this service's", err);
	if (packet->qos > 0 && mqtt_put_ack(out, MQTT_PUBACK, packet->packet_id) < 0)
		return no_room(err);
	dps_response_init(&res);
	ask(session, &call, packet->payload, at_ticks, &res);
	session->reset = res.end == DPS_END_RESET;
	if (res.end != DPS_END_ANSWER)
		session->state = MQTT_ENDED;
	else if (session->subscribed)
		rc = put_answer(&call, &res, out, err);
	dps_response_deinit(&res);
	return rc;
}

/* --- Any packet -------------------------------------------------------------------------------------------------- */

static int take_open(struct mqtt_session *session, const struct mqtt_packet *packet, int64_t at_ticks,
		     struct buf *out, struct err *err)
{
	switch (packet->type) {
	case MQTT_PUBLISH:
		return publish(session, packet, at_ticks, out, err);
	case MQTT_SUBSCRIBE:
		return subscribe(session, packet, out, err);
	case MQTT_UNSUBSCRIBE:
		return unsubscribe(session, packet, out, err);
	case MQTT_PINGREQ:
		return mqtt_put_pingresp(out) < 0 ? no_room(err) : 0;
	case MQTT_DISCONNECT:
		session->state = MQTT_ENDED;
		return 0;
	case MQTT_PUBACK: /* answers go out with QoS 0, so there is nothing to acknowledge */
	case MQTT_CONNECT:
	case MQTT_CONNACK:
	case MQTT_SUBACK:
	case MQTT_UNSUBACK:
	case MQTT_PINGRESP:
		break;
	}
	return violation("a packet out of place", err);
}

int mqtt_session_take(struct mqtt_session *session, struct bytes packet, int64_t at_ticks, struct buf *out,
		      struct err *err)
{
	struct mqtt_packet parsed;

	if (mqtt_packet_parse(packet, &parsed, err) < 0)
		return -1;
	if (session->state == MQTT_OPEN)
		return take_open(session, &parsed, at_ticks, out, err);
	if (session->state == MQTT_ENDED || parsed.type != MQTT_CONNECT)
		return violation("CONNECT comes first", err);
	return connect_client(session, &parsed, out, err);
}
