/* Text forms that the service uses: percent escapes, its seven-digit times, ids for tracking. */
#include "enroll/emulator/dps_internal.h"

#include <time.h>

#include <openssl/rand.h>

#include "base/encode.h"

#define TICKS_PER_SECOND 10000000

static int decode_escape(struct bytes *in, uint8_t *ret)
{
	struct bytes digits;
	char hex[3];
	size_t n;

	if (take(in, 2, &digits) < 0 || bytes_to_str(digits, hex, sizeof(hex)) < 0)
		return -1;
	return hex_decode(hex, ret, 1, &n);
}

int dps_percent_decode(struct bytes in, char *out, size_t cap)
{
	size_t n = 0;
	uint8_t c;

	while (take_u8(&in, &c) == 0) {
		if (c == '%' && decode_escape(&in, &c) < 0)
			return -1;
		if (c == '\0' || n + 1 >= cap)
			return -1;
		out[n++] = (char)c;
	}
	if (cap == 0)
		return -1;
	out[n] = '\0';
	return 0;
}

void dps_time_text(int64_t ticks, char out[DPS_TIME_LEN + 1])
{
	time_t seconds = (time_t)(ticks / TICKS_PER_SECOND);
	struct tm tm = { 0 };

	out[0] = '\0';
	if (ticks < 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 8099)
		return;
	(void)!str_format(out, DPS_TIME_LEN + 1, "%04d-%02d-%02dT%02d:%02d:%02d.%07dZ", tm.tm_year + 1900,
			  tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			  (int)(ticks % TICKS_PER_SECOND));
}

/* Not strftime: the names are English in every locale. */
void dps_http_date(int64_t ticks, char out[DPS_HTTP_DATE_LEN + 1])
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(ticks / TICKS_PER_SECOND);
	struct tm tm = { 0 };

	out[0] = '\0';
	if (ticks < 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 8099)
		return;
	(void)!str_format(out, DPS_HTTP_DATE_LEN + 1, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
			  days + (size_t)(3 * tm.tm_wday), tm.tm_mday, months + (size_t)(3 * tm.tm_mon),
			  tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int64_t dps_time_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * TICKS_PER_SECOND + ts.tv_nsec / 100;
}

int dps_uuid(char out[DPS_UUID_LEN + 1], struct err *err)
{
	char hex[HEX_LEN(16) + 1];
	uint8_t raw[16];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return err_set(err, ERR_STATION, 0, "no random numbers");
	raw[6] = (uint8_t)((raw[6] & 0x0f) | 0x40); /* RFC 4122 4.4 */
	raw[8] = (uint8_t)((raw[8] & 0x3f) | 0x80);
	(void)!hex_encode(BYTES_ARRAY(raw), hex, sizeof(hex));
	(void)!str_format(out, DPS_UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
			  hex + 16, hex + 20);
	return 0;
}
