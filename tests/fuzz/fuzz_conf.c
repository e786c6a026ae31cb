/* station.ini: whatever it holds, conf_parse answers with a configuration or with a cause. */
#include <stdlib.h>

#include "station/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	struct conf *conf = NULL;

	if (conf_parse("station.ini", bytes_of(data, size), &conf, &err) < 0) {
		if (err.class == ERR_NONE || err.what[0] == '\0')
			abort();
		return 0;
	}
	if (conf->slots_n == 0 || conf->slots[0].profiles_n == 0)
		abort();
	conf_free(conf);
	return 0;
}
