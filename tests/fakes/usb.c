/*
 * A USB device that is up to no good, over FunctionFS: what it says of itself, or what it does, is wrong.
 *
 *     fake_usb MANNER DIR     DIR: a mounted functionfs; says {"ready"} when the gadget can be plugged in
 *
 * no-pair    our interface with one bulk endpoint, to the host
 * two-pairs  our interface with two bulk endpoints each way
 * no-bulk    our interface, its endpoints interrupt ones of a packet size that is no power of two
 * silent     our interface as it should be; nothing is ever taken or given: it NAKs for ever
 * flood      our interface as it should be; garbage to the host, as fast as it goes; nothing is taken
 * babble     the same, and all that comes is taken
 */
#include <endian.h>
#include <fcntl.h>
#include <linux/usb/functionfs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define ENDPOINTS_MAX 4
#define FULL_PACKET   64
#define HIGH_PACKET   512
#define ODD_PACKET    13
#define INTERVAL      4
#define FLOOD_LEN     65536
#define AGAIN_MS      20
#define INTERFACE     "station provisioning"

struct manner {
	const char *name;
	uint8_t attributes; /* of the endpoints */
	uint8_t endpoints;
	uint8_t addresses[ENDPOINTS_MAX];
	bool floods, takes;
};

static const struct manner manners[] = {
	{ "no-pair", USB_ENDPOINT_XFER_BULK, 1, { 0x81 }, false, false },
	{ "two-pairs", USB_ENDPOINT_XFER_BULK, 4, { 0x81, 0x02, 0x83, 0x04 }, false, false },
	{ "no-bulk", USB_ENDPOINT_XFER_INT, 2, { 0x81, 0x02 }, false, false },
	{ "silent", USB_ENDPOINT_XFER_BULK, 2, { 0x81, 0x02 }, false, false },
	{ "flood", USB_ENDPOINT_XFER_BULK, 2, { 0x81, 0x02 }, true, false },
	{ "babble", USB_ENDPOINT_XFER_BULK, 2, { 0x81, 0x02 }, true, true },
};

struct strings {
	struct usb_functionfs_strings_head head;
	__le16 language;
	char name[sizeof(INTERFACE)];
} __attribute__((packed));

static int append_speed(const struct manner *manner, uint16_t packet, struct buf *out)
{
	const struct usb_interface_descriptor interface = {
		.bLength = sizeof(interface),
		.bDescriptorType = USB_DT_INTERFACE,
		.bNumEndpoints = manner->endpoints,
		.bInterfaceClass = USB_CLASS_VENDOR_SPEC,
		.bInterfaceSubClass = 0x53,
		.bInterfaceProtocol = 0x01,
		.iInterface = 1,
	};

	if (buf_append(out, bytes_of((const uint8_t *)&interface, sizeof(interface))) < 0)
		return -1;
	for (size_t i = 0; i < manner->endpoints; i++) {
		const struct usb_endpoint_descriptor_no_audio endpoint = {
			.bLength = sizeof(endpoint),
			.bDescriptorType = USB_DT_ENDPOINT,
			.bEndpointAddress = manner->addresses[i],
			.bmAttributes = manner->attributes,
			.wMaxPacketSize =
				htole16(manner->attributes == USB_ENDPOINT_XFER_BULK ? packet : ODD_PACKET),
			.bInterval = INTERVAL,
		};

		if (buf_append(out, bytes_of((const uint8_t *)&endpoint, sizeof(endpoint))) < 0)
			return -1;
	}
	return 0;
}

static int describe(int ep0, const struct manner *manner)
{
	const __le32 counts[2] = { htole32(1u + manner->endpoints), htole32(1u + manner->endpoints) };
	struct usb_functionfs_descs_head_v2 head = {
		.magic = htole32(FUNCTIONFS_DESCRIPTORS_MAGIC_V2),
		.flags = htole32(FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC),
	};
	const struct strings strings = {
		.head = { .magic = htole32(FUNCTIONFS_STRINGS_MAGIC),
			  .length = htole32(sizeof(struct strings)),
			  .str_count = htole32(1),
			  .lang_count = htole32(1) },
		.language = htole16(0x0409),
		.name = INTERFACE,
	};
	BUF_AUTO(text, 512);
	BUF_AUTO(body, 512);

	if (buf_append(&body, bytes_of((const uint8_t *)counts, sizeof(counts))) < 0 ||
	    append_speed(manner, FULL_PACKET, &body) < 0 || append_speed(manner, HIGH_PACKET, &body) < 0)
		return -1;
	head.length = htole32((uint32_t)(sizeof(head) + body.len));
	if (buf_append(&text, bytes_of((const uint8_t *)&head, sizeof(head))) < 0 ||
	    buf_append(&text, buf_bytes(&body)) < 0)
		return -1;
	return write(ep0, text.p, text.len) == (ssize_t)text.len &&
			       write(ep0, &strings, sizeof(strings)) == (ssize_t)sizeof(strings)
		       ? 0
		       : -1;
}

static int open_in(const char *dir, const char *name)
{
	char path[200];

	return str_format(path, sizeof(path), "%s/%s", dir, name) == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
}

/* Until it is killed. An unplugged device says how much it sent, and starts again when it is plugged in. */
static int flood(const char *dir)
{
	CLEANUP(fd_closep) int to_host = open_in(dir, "ep1");
	static uint8_t noise[FLOOD_LEN];
	uint32_t state = 1;
	size_t sent = 0;

	for (size_t i = 0; i < sizeof(noise); i++) {
		state = state * 1664525u + 1013904223u;
		noise[i] = (uint8_t)(state >> 24);
	}
	while (to_host >= 0) {
		ssize_t n = write(to_host, noise, sizeof(noise));

		if (n < 0) {
			(void)poll(NULL, 0, AGAIN_MS);
			if (sent > 0)
				(void)printf("{\"sent\":%zu}\n", sent);
			(void)fflush(stdout);
			sent = 0;
		} else {
			sent += (size_t)n;
		}
	}
	return -1;
}

/* A child that ends with us. */
static void take_all(const char *dir)
{
	CLEANUP(fd_closep) int from_host = -1;
	uint8_t sink[HIGH_PACKET];

	if (fork() != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return;
	from_host = open_in(dir, "ep2");
	while (from_host >= 0)
		if (read(from_host, sink, sizeof(sink)) < 0)
			(void)poll(NULL, 0, AGAIN_MS);
	_exit(1);
}

int main(int argc, char **argv)
{
	const struct manner *manner = NULL;
	CLEANUP(fd_closep) int ep0 = -1;

	for (size_t i = 0; i < ARRAY_LEN(manners) && argc == 3; i++)
		if (strcmp(manners[i].name, argv[1]) == 0)
			manner = &manners[i];
	if (manner == NULL) {
		(void)fputs("usage: fake_usb no-pair|two-pairs|no-bulk|silent|flood|babble DIR\n", stderr);
		return 2;
	}
	ep0 = open_in(argv[2], "ep0");
	if (ep0 < 0 || describe(ep0, manner) < 0) {
		perror(argv[2]);
		return 1;
	}
	(void)puts("{\"ready\":true}");
	(void)fflush(stdout);
	if (manner->takes)
		take_all(argv[2]);
	if (manner->floods)
		return flood(argv[2]) < 0;
	for (;;)
		(void)poll(NULL, 0, -1);
}
