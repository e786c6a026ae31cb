/*
 * A profile's terms for one unit: ${serial} and its like in device-id, tags and desired become what the
 * unit, the station and the people say. Nothing else of a profile holds variables.
 */
#ifndef STATION_TERMS_H
#define STATION_TERMS_H

#include "station/conf.h"

/* ${serial}, ${registration_id}, ${model}, ${station}, ${operator}, ${slot}; NULL: empty. All are borrowed. */
struct terms_values {
	const char *serial, *registration_id, *model, *station, *operator_id, *slot;
};

#define TERMS_TEXT_MAX 1600 /* CONF_TEXT_MAX of nothing but the shortest variable with the longest value */
/* Of one unit. Not to be copied: enroll points into it, and into the profile's. */
struct terms {
	struct enroll_terms enroll;
	const char *device_id; /* NULL: the service takes the registration ID */
	char device_id_text[ENROLL_ID_MAX + 1];
	char tags[TERMS_TEXT_MAX];
	char desired[TERMS_TEXT_MAX];
};

/* A value that holds a variable is a text, whatever the unit says. ERR_UNIT if a variable is unknown or does not fit. */
MUST_USE int terms_fill(const struct conf_terms *conf, const struct terms_values *values, struct terms *ret,
			struct err *err);

/*
 * Before the first unit: whether the terms of this profile suit every unit, and the longest names. ERR_OPERATOR
 * that names the key.
 */
MUST_USE int terms_check(const struct conf_profile *profile, const char *station, struct err *err);

#endif
