/*
 * Verification believes nothing that is stored: it walks the entries, grows its
 * own tree and compares every hash, then the head. The first thing that does
 * not fit is named; what follows it proves nothing any more.
 */
#include "audit/audit_internal.h"

struct check {
	struct tree tree; /* of the entries that are good so far */
	struct audit_verdict *verdict;
};

static void bad(struct check *check, int64_t index, const char *reason)
{
	check->verdict->bad_index = index;
	(void)snprintf(check->verdict->reason, sizeof(check->verdict->reason), "%s", reason);
}

static const char *nodes_check(struct bytes stored, struct bytes computed)
{
	if (stored.len < SHA256_LEN ||
	    !bytes_equal(bytes_of(stored.p, SHA256_LEN), bytes_of(computed.p, SHA256_LEN)))
		return "its leaf hash differs from the stored one";
	if (!bytes_equal(stored, computed))
		return "a stored tree node above it differs";
	return NULL;
}

static int check_row(void *arg, const struct row *row, struct err *err)
{
	struct check *check = arg;
	struct tree grown = check->tree;
	uint8_t nodes[TREE_LEVELS][SHA256_LEN];
	const char *reason;
	size_t n;

	(void)err;
	if (check->verdict->bad_index >= 0)
		return 0;
	if (row->index != grown.size) {
		bad(check, grown.size, "it is missing: a gap in the log");
		return 0;
	}
	reason = entry_check(row->entry, row->index, row->key);
	n = tree_push(&grown, row->entry, nodes);
	if (reason == NULL)
		reason = nodes_check(row->nodes, bytes_of(nodes, n * SHA256_LEN));
	if (reason != NULL)
		bad(check, row->index, reason);
	else
		check->tree = grown;
	return 0;
}

/* The head must count exactly the entries there are, and hash to their root. */
static void check_head(struct check *check, const struct log_head *head)
{
	size_t peaks = tree_peaks_n(check->tree.size) * SHA256_LEN;
	uint8_t root[SHA256_LEN];

	tree_root(&check->tree, root);
	if (head->sound && head->tree.size < check->tree.size)
		bad(check, head->tree.size, "it comes after the end of the log that the head names");
	else if (check->verdict->bad_index >= 0)
		return;
	else if (!head->sound)
		bad(check, check->tree.size, "the head is missing or malformed");
	else if (head->tree.size > check->tree.size)
		bad(check, check->tree.size, "it is missing: the head counts more entries");
	else if (!bytes_equal(BYTES_ARRAY(head->root), BYTES_ARRAY(root)))
		bad(check, check->tree.size, "the head's root differs from that of the entries before it");
	else if (!bytes_equal(bytes_of(head->tree.peaks, peaks), bytes_of(check->tree.peaks, peaks)))
		bad(check, check->tree.size,
		    "the head's subtrees differ from those of the entries before it");
}

static int check_page(struct db *db, struct check *check, int64_t *next, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query hold = { 0 };
	struct log_head head;

	db_read_begin(db, &tx);
	/* Held open over the page: another process may append between two reads. */
	if (head_open(&tx, &hold, &head, err) < 0 || rows_page(&tx, *next, check_row, check, next, err) < 0)
		return -1;
	if (check->verdict->bad_index >= 0)
		*next = -1;
	if (*next < 0)
		check_head(check, &head);
	return 0;
}

int audit_verify(struct db *db, struct audit_verdict *ret_verdict, struct err *err)
{
	struct audit_verdict verdict = { .bad_index = -1 };
	struct check check = { .verdict = &verdict };
	int64_t next = INT64_MIN;

	do {
		if (check_page(db, &check, &next, err) < 0)
			return -1;
	} while (next >= 0);
	verdict.head.size = check.tree.size;
	tree_root(&check.tree, verdict.head.root);
	*ret_verdict = verdict;
	return 0;
}
