/*
 * Numbers and names that are asked for, not found: serial numbers, registration
 * IDs, validity. A serial keeps all its 158 random bits: nothing is ever thrown
 * away because of its top bit, which once left a CA with 63-bit serials.
 */
#include "pki/pki_internal.h"

#include <string.h>

void pki_serial_shape(uint8_t serial[PKI_SERIAL_LEN])
{
	/* Bit 159 clear: positive in 20 octets; bit 158 set: always 20 octets (4.1.2.2). */
	serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
}

bool serial_is_shaped(const uint8_t serial[PKI_SERIAL_LEN])
{
	return (serial[0] & 0xc0) == 0x40;
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int pki_registration_id_check(const char *id, struct err *err)
{
	size_t n = strnlen(id, PKI_CN_MAX + 1);

	if (n == 0 || n > PKI_CN_MAX)
		return err_set(err, ERR_UNIT, 0, "a registration ID has 1 to %d characters", PKI_CN_MAX);
	for (size_t i = 0; i < n; i++)
		if (!is_alphanumeric(id[i]) && strchr("-._:", id[i]) == NULL)
			return err_set(
				err, ERR_UNIT, 0,
				"character %zu of the registration ID is none of A-Z a-z 0-9 - . _ :", i + 1);
	if (!is_alphanumeric(id[0]) && id[0] != '-')
		return err_set(err, ERR_UNIT, 0,
			       "a registration ID begins with a letter, a digit or '-', not with '%c'",
			       id[0]);
	if (!is_alphanumeric(id[n - 1]) && id[n - 1] != '-')
		return err_set(err, ERR_UNIT, 0,
			       "a registration ID ends with a letter, a digit or '-', not with '%c'",
			       id[n - 1]);
	return 0;
}

int pki_profile_check(const struct pki_profile *profile, struct err *err)
{
	if (profile->validity_days == 0 || profile->validity_days > PKI_VALIDITY_DAYS_MAX)
		return err_set(err, ERR_OPERATOR, 0, "validity-days is %u; 1 to %d are allowed",
			       profile->validity_days, PKI_VALIDITY_DAYS_MAX);
	return 0;
}

int validity_end(int64_t now_s, unsigned days, int64_t last_s, int64_t *ret_s, struct err *err)
{
	int64_t end_s;

	if (days == 0 || days > PKI_VALIDITY_DAYS_MAX)
		return err_set(err, ERR_OPERATOR, 0, "a validity of %u days; 1 to %d are allowed", days,
			       PKI_VALIDITY_DAYS_MAX);
	if (now_s < 0 || now_s >= TIME_LAST_S)
		return err_set(err, ERR_STATION, 0, "the clock says %lld s since 1970, which can't be",
			       (long long)now_s);
	end_s = now_s + (int64_t)days * 86400;
	*ret_s = end_s < last_s ? end_s : last_s;
	return 0;
}
