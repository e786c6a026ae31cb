/* A client's assertion, and the form it comes in: no crash, and nothing made up is taken. */
#include <stdlib.h>

#include "enroll/emulator/login_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of an RSA key that nobody keeps. */
static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
				  "MIIDBTCCAe2gAwIBAgIUUXK8nQ64KyyOm1efU50K5gFVhPIwDQYJKoZIhvcNAQEL\n"
				  "BQAwEjEQMA4GA1UEAwwHc3RhdGlvbjAeFw0yNjExMjIxMDEyMzNaFw0zNjExMTkx\n"
				  "MDEyMzNaMBIxEDAOBgNVBAMMB3N0YXRpb24wggEiMA0GCSqGSIb3DQEBAQUAA4IB\n"
				  "DwAwggEKAoIBAQC3oDupSnGjiOIvA2AR3qcv5xW4js5yLBv1wRnlxNi1ospXHRbm\n"
				  "EZ4ZilaJGWgQbzeebRScYaPRwLiJswObiQo/H2Rym9qmMDr9nVM11aMxd+iX8l6k\n"
				  "ezn1mDQPN8qbEAtBxSyHTT7DzxdPkN7c2RqIf83ZucfzUSv13HyRkJFMfKzY4BYU\n"
				  "4Ums9VZj/1czqS9FLaaMf5+HSce/IfWzafGdNaXPGUF9P5mrUNznRgL3h5SL8toD\n"
				  "Vm9ShLEdJhvgt7uKW8gyplsRTePqG5FDqlXKPdCw9JjsG4EQY96usXX/o/5njSfj\n"
				  "r8f4U5QzrRt1jB8kR3MeD+MPkdGg7D6MKEuBAgMBAAGjUzBRMB0GA1UdDgQWBBRP\n"
				  "+wkB9FzkqtbsPJODB04A9vtstTAfBgNVHSMEGDAWgBRP+wkB9FzkqtbsPJODB04A\n"
				  "9vtstTAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQAa9VcrZ8YA\n"
				  "xw90Wddc1o6oknTuv+5knGQ3gWVExpIf/cplWgTyac7gPNvELzQCegdQNRafYS4z\n"
				  "Hcj/uaNzlPt+170+uVrju+xQS51zDf9d1vR7ivNpDkXe2rRir6i/cnt+74h/myzG\n"
				  "eoZ3/lSf+rAGhxWSdyoj1TVsc8Pgn/hhUjFNY2ZlvQMN1FlERqErF3vQy/FkBCcT\n"
				  "4vvzPCxNxSNr5X3Hw3lWa+PmALtHYGFoEGSoI9+ezftjDzJsYheK6ZJ7iFg9RNZA\n"
				  "Q/o6AyCyJp66L8Bh/aWoUgyZ/nXNbH+jc09PX3ZvN4AjHvXCzy8FQsG3KUzOOn+d\n"
				  "NFpgCcHx4x8P\n"
				  "-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char value[256];
	struct dps_jwt jwt;
	struct err err;

	if (dps_form_value(bytes_of(data, size), "client_assertion", value, sizeof(value)) == 0 &&
	    memchr(value, '\0', sizeof(value)) == NULL)
		abort();
	if (dps_jwt_parse(bytes_of(data, size), &jwt, &err) < 0)
		return 0;
	if (dps_jwt_verify(&jwt, certificate, &err) == 0)
		abort();
	dps_jwt_deinit(&jwt);
	return 0;
}
