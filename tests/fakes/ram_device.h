/*
 * A firmware's half of fixtures/device, in RAM: items, a digest that is real, and makers that can be told
 * from each other. It counts what it was asked, and fails when it is told to.
 */
#ifndef TESTS_FAKES_RAM_DEVICE_H
#define TESTS_FAKES_RAM_DEVICE_H

#include "base/digest.h"
#include "fixtures/device/device.h"

#define RAM_PACKET_MAX 512
#define RAM_ITEM_MAX   2048

struct ram_item {
	bool there;
	size_t n;
	uint8_t data[RAM_ITEM_MAX];
};

struct ram_device {
	struct prov_about about;
	struct prov prov;
	uint8_t out[RAM_PACKET_MAX];
	struct ram_item kept[PROV_DPS + 1];
	struct ram_item staged;
	bool locked;
	bool flips;   /* the flash keeps one bit of what is staged otherwise */
	bool refuses; /* commit: the content is not what the item must be */
	unsigned stages, commits, resets;
};

/* Blank, can do everything, takes every item. prov points into it: do not move it. */
void ram_device_init(struct ram_device *device);

#endif
