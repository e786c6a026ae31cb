/*
 * Private to audit. Tables: audit_entry(idx, key, entry, nodes), one row per
 * entry, where nodes holds the hashes of the complete subtrees that the entry
 * closes, leaf first (level 0, 1, …), 32 bytes each. So the node (level, n) is
 * substr(nodes, 32 * level + 1, 32) of entry ((n + 1) << level) - 1, an append
 * writes one row, and a proof needs one row per level.
 * audit_head(size, root, peaks) is the one row that says where the log ends.
 */
#ifndef AUDIT_AUDIT_INTERNAL_H
#define AUDIT_AUDIT_INTERNAL_H

#include "audit/audit.h"

#define TREE_LEVELS   41
#define TREE_SIZE_MAX ((int64_t)1 << (TREE_LEVELS - 1))

/* entry.c: the canonical bytes of one event. */

/* Fills ret with the canonical JSON. ERR_BUG for a bad field name, a field named twice, an entry too long. */
MUST_USE int entry_make(const struct audit_event *event, int64_t at_ms, int64_t index, struct buf *ret,
			struct err *err);
/* Equal but for "at" and "index"; false too if either is not an entry. */
bool entry_same(struct bytes a, struct bytes b);
/* NULL if entry is canonical and belongs at index under key; else why not. */
const char *entry_check(struct bytes entry, int64_t index, struct bytes key);

/* tree.c: RFC 6962 section 2.1, one leaf at a time. */

/* The roots of the complete subtrees that make up the tree, largest first. */
struct tree {
	int64_t size;
	uint8_t peaks[TREE_LEVELS][SHA256_LEN];
};
/* One per bit set in size. */
size_t tree_peaks_n(int64_t size);
/* Adds a leaf; ret_nodes gets the hashes it closes, leaf first. Returns how many. */
size_t tree_push(struct tree *tree, struct bytes entry, uint8_t ret_nodes[TREE_LEVELS][SHA256_LEN]);
void tree_root(const struct tree *tree, uint8_t ret_root[SHA256_LEN]);

/* record.c: the head row. */

struct log_head {
	bool sound; /* false: the row is missing or malformed, and nothing else here is filled */
	struct tree tree;
	uint8_t root[SHA256_LEN];
};
/* Reads the head and leaves the query open: what is read before its end sees the same state of the log. */
MUST_USE int head_open(struct db_tx *tx, struct db_query *ret_query, struct log_head *ret_head,
		       struct err *err);

/* each.c: the rows, a page at a time, so that a long walk never keeps a writer waiting. */

struct row {
	int64_t index;
	struct bytes key, entry, nodes;
};
typedef int row_fn(void *arg, const struct row *row, struct err *err);
/* Visits up to a page of rows from index first on; *ret_next is where to go on, or -1 after the last row. */
MUST_USE int rows_page(struct db_tx *tx, int64_t first, row_fn *visit, void *arg, int64_t *ret_next,
		       struct err *err);

#endif
