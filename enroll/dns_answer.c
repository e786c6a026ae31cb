/*
 * The aliases in a DNS answer: a private endpoint shows by a name in privatelink (RFC 1035 3.3.1).
 * getaddrinfo tells only the last of them, which is somebody's traffic manager.
 */
#include <arpa/nameser.h>
#include <resolv.h>

#include "enroll/check_internal.h"

/* Names come from the network and go to terminals. */
static void make_plain(char *name)
{
	for (; *name != '\0'; name++)
		if ((unsigned char)*name <= ' ' || (unsigned char)*name >= 0x7f)
			*name = '?';
}

static int take_alias(ns_msg *message, ns_rr *record, struct dns_names *names)
{
	char *name = names->names[names->n];

	if (ns_rr_type(*record) != ns_t_cname || names->n == DNS_NAMES_MAX)
		return 0;
	if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), ns_rr_rdata(*record), name,
			       sizeof(names->names[0])) < 0)
		return -1;
	make_plain(name);
	names->n++;
	return 0;
}

int dns_answer_parse(struct bytes answer, struct dns_names *ret, struct err *err)
{
	struct dns_names names = { .n = 0 };
	ns_msg message;
	ns_rr record;

	if (answer.len > DNS_ANSWER_MAX || ns_initparse(answer.p, (int)answer.len, &message) < 0)
		return err_set(err, ERR_RETRY, 0, "the name server's answer is malformed");
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++)
		if (ns_parserr(&message, ns_s_an, i, &record) < 0 ||
		    take_alias(&message, &record, &names) < 0)
			return err_set(err, ERR_RETRY, 0, "the name server's answer is malformed");
	*ret = names;
	return 0;
}
