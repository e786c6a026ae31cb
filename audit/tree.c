/*
 * The Merkle tree of RFC 6962 2.1, grown one leaf at a time. Only the peaks are
 * kept: a leaf at index n closes one subtree for every 1 bit that n ends with.
 */
#include "audit/audit_internal.h"

size_t tree_peaks_n(int64_t size)
{
	return size > 0 ? (size_t)__builtin_popcountll((unsigned long long)size) : 0;
}

/* SHA-256(0x01 || left || right). */
static void node_hash(const uint8_t left[SHA256_LEN], const uint8_t right[SHA256_LEN],
		      uint8_t ret[SHA256_LEN])
{
	uint8_t pair[1 + 2 * SHA256_LEN] = { 0x01 };

	memcpy(pair + 1, left, SHA256_LEN);
	memcpy(pair + 1 + SHA256_LEN, right, SHA256_LEN);
	sha256(BYTES_ARRAY(pair), ret);
}

size_t tree_push(struct tree *tree, struct bytes entry, uint8_t ret_nodes[TREE_LEVELS][SHA256_LEN])
{
	static const uint8_t leaf_prefix[1] = { 0x00 };
	size_t peaks = tree_peaks_n(tree->size), level = 0;

	base_assert(tree->size >= 0 && tree->size < TREE_SIZE_MAX);
	sha256_two(BYTES_ARRAY(leaf_prefix), entry, ret_nodes[0]);
	while (((tree->size >> level) & 1) != 0) {
		node_hash(tree->peaks[--peaks], ret_nodes[level], ret_nodes[level + 1]);
		level++;
	}
	memcpy(tree->peaks[peaks], ret_nodes[level], SHA256_LEN);
	tree->size++;
	return level + 1;
}

void tree_root(const struct tree *tree, uint8_t ret_root[SHA256_LEN])
{
	size_t at = tree_peaks_n(tree->size);
	uint8_t root[SHA256_LEN];

	/* The empty tree is the hash of the empty string. */
	if (at == 0) {
		sha256(BYTES_NONE, ret_root);
		return;
	}
	memcpy(root, tree->peaks[--at], SHA256_LEN);
	while (at > 0)
		node_hash(tree->peaks[--at], root, root);
	memcpy(ret_root, root, SHA256_LEN);
}
