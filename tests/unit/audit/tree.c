/* The tree against the roots that certificate-transparency publishes, and against RFC 6962 2.1 read literally. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audit/audit_internal.h"
#include "base/encode.h"

/* certificate-transparency, merkle_tree_test.cc: the leaves and the roots of the first n of them. */
static const char *const leaves[] = {
	"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
};
static const char *const roots[] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static struct bytes leaf_bytes(size_t n, uint8_t out[16])
{
	size_t len = 0;

	assert_int_equal(hex_decode(leaves[n], out, 16, &len), 0);
	return bytes_of(out, len);
}

static void assert_root(const struct tree *tree, const char *expected)
{
	char hex[HEX_LEN(SHA256_LEN) + 1];
	uint8_t root[SHA256_LEN];

	tree_root(tree, root);
	assert_int_equal(hex_encode(BYTES_ARRAY(root), hex, sizeof(hex)), 0);
	assert_string_equal(hex, expected);
}

static void test_tree_root_known_leaves_known_roots(void **state)
{
	uint8_t nodes[TREE_LEVELS][SHA256_LEN], leaf[16];
	struct tree tree = { 0 };

	(void)state;
	assert_root(&tree, roots[0]);
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		(void)tree_push(&tree, leaf_bytes(i, leaf), nodes);
		assert_int_equal(tree.size, i + 1);
		assert_root(&tree, roots[i + 1]);
	}
}

/* RFC 6962 2.1 word for word: MTH(D[n]), k the largest power of two below n. */
static void naive_root(int first, int n, uint8_t ret[SHA256_LEN])
{
	uint8_t message[1 + 2 * SHA256_LEN] = { 0 };
	int k = 1;

	if (n == 1) {
		message[1] = (uint8_t)(first >> 8);
		message[2] = (uint8_t)first;
		sha256(bytes_of(message, 3), ret);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	message[0] = 1;
	naive_root(first, k, message + 1);
	naive_root(first + k, n - k, message + 1 + SHA256_LEN);
	sha256(BYTES_ARRAY(message), ret);
}

static void test_tree_root_300_sizes_equal_recursion(void **state)
{
	uint8_t nodes[TREE_LEVELS][SHA256_LEN], root[SHA256_LEN], expected[SHA256_LEN];
	struct tree tree = { 0 };

	(void)state;
	for (int i = 0; i < 300; i++) {
		const uint8_t leaf[2] = { (uint8_t)(i >> 8), (uint8_t)i };

		(void)tree_push(&tree, BYTES_ARRAY(leaf), nodes);
		tree_root(&tree, root);
		naive_root(0, i + 1, expected);
		assert_memory_equal(root, expected, SHA256_LEN);
	}
}

static void test_tree_push_nodes_are_the_subtrees_it_closes(void **state)
{
	uint8_t nodes[TREE_LEVELS][SHA256_LEN], expected[SHA256_LEN];
	struct tree tree = { 0 };

	(void)state;
	for (int i = 0; i < 64; i++) {
		const uint8_t leaf[2] = { (uint8_t)(i >> 8), (uint8_t)i };
		size_t n = tree_push(&tree, BYTES_ARRAY(leaf), nodes);

		/* One more than the 1 bits that i ends with. */
		assert_int_equal(n, __builtin_ctz((unsigned)i + 1) + 1);
		for (size_t level = 0; level < n; level++) {
			naive_root(i + 1 - (1 << level), 1 << level, expected);
			assert_memory_equal(nodes[level], expected, SHA256_LEN);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_root_known_leaves_known_roots),
		cmocka_unit_test(test_tree_root_300_sizes_equal_recursion),
		cmocka_unit_test(test_tree_push_nodes_are_the_subtrees_it_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
