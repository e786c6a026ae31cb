/*
 * A device with stock firmware: an SMP server written from Zephyr's documentation alone (SMP protocol
 * and transport specification, smp_groups 0, 3, 8 and 9), so that the station's own reading of it meets
 * another one. It shares no code with fixtures/ and includes nothing of it.
 */
#ifndef TESTS_FAKES_SMP_SERVER_H
#define TESTS_FAKES_SMP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 1536
#define PAIRS_MAX  8

/* "NAME=VALUE" of the command line: a setting, or a line of the shell and what it prints. */
struct pair {
	const char *name;
	const char *value;
};

struct firmware {
	const char *dir;   /* its file system: /lfs/x is DIR/lfs/x */
	const char *pty;   /* a symlink to its terminal, or NULL    */
	const char *board; /* os info i                             */
	struct pair settings[PAIRS_MAX];
	struct pair shell[PAIRS_MAX];
	size_t settings_n, shell_n;
	size_t buf_size;
	bool old;        /* before SMP version 2: rc alone        */
	bool lacks_hash; /* built without these                   */
	bool lacks_status;
	bool lies_about_hash;
	const char *
		rots; /* this file, once the settings were written: worn flash, or a device that says yes alone */
	long drop_at; /* hangs up, once, when so many bytes were uploaded; -1: never */
	long mute_at; /* stores that part and does not say so, once */
};

/* --- CBOR, by hand (smp_server_cbor.c) -------------------------------------------------------------- */

/* What is left to read. A failed read leaves bad set, and everything after it fails. */
struct in {
	const uint8_t *p, *end;
	bool bad;
};
struct out {
	uint8_t bytes[PACKET_MAX];
	size_t n;
};

/* Stands before the value of key in the map at the beginning of body; bad if there is none. */
struct in value_of(struct in body, const char *key);
uint64_t read_uint(struct in *in);
/* Text or byte string by its major type, 3 or 2. */
const uint8_t *read_string(struct in *in, unsigned major, size_t *ret_n);
/* As a C string; bad if it does not fit. */
void read_text(struct in *in, char *ret, size_t cap);
/* How many elements follow. */
uint64_t read_array(struct in *in);

void put_text(struct out *out, const char *text);
void put_uint(struct out *out, uint64_t value);
void put_bytes(struct out *out, const uint8_t *p, size_t n);
/* Maps have no length in front of them, as Zephyr's zcbor writes them. */
void put_map(struct out *out);
void put_end(struct out *out);

/* --- The serial transport (smp_server_wire.c) ------------------------------------------------------- */

struct wire {
	char line[128];
	size_t line_n;
	uint8_t frame[PACKET_MAX + 4];
	size_t frame_n;
	bool begun;
};

/* One more byte of the line. The length of the packet that it ends, in frame + 2; or 0. */
size_t wire_take(struct wire *wire, uint8_t byte);
/* The packet as lines of text. Returns their length. */
size_t wire_lines(const uint8_t *packet, size_t n, char *ret, size_t cap);

/* --- The groups ------------------------------------------------------------------------------------- */

struct request {
	unsigned op, group, command;
	struct in body;
};

struct server {
	struct firmware is;
	unsigned long uploaded;
	unsigned parts;
	bool hang_up; /* now */
	bool mute;    /* no answer to this one */
};

/* Codes of the specification: MGMT_ERR_*. */
enum { OK = 0, EUNKNOWN = 1, EINVAL_ = 3, ENOENT_ = 5, ENOTSUP_ = 8 };

/* Each writes the pairs of its answer and returns one of these. */
unsigned serve_file(struct server *server, const struct request *request, struct out *out);
unsigned serve_other(struct server *server, const struct request *request, struct out *out);

#endif
