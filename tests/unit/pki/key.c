/* pki/key.c: keys for devices that can't make one, and where they are not left behind. */
#include "make.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#define SCALAR_AT  7 /* in the ECPrivateKey: after SEQUENCE, version, OCTET STRING header */
#define SCALAR_LEN 32
#define WINDOW     (1 << 20)

static int make_heap(void **state)
{
	(void)state;
	return CRYPTO_secure_malloc_init(64 * 1024, 16) == 0 ? -1 : 0;
}

static void test_key_make_private_key_reads_back(void **state)
{
	SECRET_AUTO key = { NULL, 0 };
	struct err err;
	BUF_AUTO(csr, PKI_CERT_MAX);
	const unsigned char *p;

	(void)state;
	assert_int_equal(pki_key_make("unit-1", &key, &csr, &err), 0);
	p = key.p;
	{
		CLEANUP(make_key_freep) EVP_PKEY *pkey = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)key.len);
		CLEANUP(pki_csr_freep) struct pki_csr *parsed = NULL;
		BUF_AUTO(spki, PKI_SPKI_MAX);
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

		assert_non_null(pkey);
		assert_ptr_equal(p, key.p + key.len);
		assert_int_equal(EVP_PKEY_pairwise_check(ctx), 1);
		EVP_PKEY_CTX_free(ctx);
		make_spki(pkey, &spki);
		assert_int_equal(pki_csr_parse(buf_bytes(&csr), &parsed, &err), 0);
		assert_string_equal(pki_csr_cn(parsed), "unit-1");
		assert_true(bytes_equal(pki_csr_spki(parsed), buf_bytes(&spki)));
	}
}

static void test_key_make_twice_differs(void **state)
{
	SECRET_AUTO one = { NULL, 0 };
	SECRET_AUTO two = { NULL, 0 };
	struct err err;
	BUF_AUTO(csr, PKI_CERT_MAX);

	(void)state;
	assert_int_equal(pki_key_make("unit-1", &one, &csr, &err), 0);
	assert_int_equal(pki_key_make("unit-1", &two, &csr, &err), 0);
	assert_int_equal(one.len, two.len);
	assert_int_not_equal(CRYPTO_memcmp(one.p, two.p, one.len), 0);
}

static void test_key_make_private_key_is_on_the_secure_heap(void **state)
{
	SECRET_AUTO key = { NULL, 0 };
	struct err err;
	BUF_AUTO(csr, PKI_CERT_MAX);

	(void)state;
	assert_int_equal(pki_key_make("unit-1", &key, &csr, &err), 0);
	assert_int_equal(CRYPTO_secure_allocated(key.p), 1);
}

/* Either byte order: a BIGNUM keeps its words the other way round. */
static bool holds(const uint8_t *at, const uint8_t *scalar)
{
	bool forward = true, backward = true;

	for (size_t i = 0; i < SCALAR_LEN && (forward || backward); i++) {
		forward = forward && at[i] == scalar[i];
		backward = backward && at[i] == scalar[SCALAR_LEN - 1 - i];
	}
	return forward || backward;
}

/* Copies of the scalar in one mapping, but the key itself. window is read into and is no part of it. */
static int count_copies(int mem, uintptr_t from, uintptr_t to, const uint8_t *scalar, uint8_t *window)
{
	int copies = 0;

	for (uintptr_t at = from; at + SCALAR_LEN <= to; at += WINDOW - SCALAR_LEN) {
		size_t want = to - at < WINDOW ? to - at : WINDOW;
		ssize_t n = pread(mem, window, want, (off_t)at);

		for (ssize_t i = 0; i + SCALAR_LEN <= n; i++)
			if (at + (uintptr_t)i != (uintptr_t)scalar && holds(window + i, scalar))
				copies++;
	}
	return copies;
}

/* Every private writable mapping of the process but the one named. */
static int count_all_copies(const uint8_t *scalar, uint8_t *window)
{
	CLEANUP(file_closep) FILE *maps = fopen("/proc/self/maps", "r");
	CLEANUP(fd_closep) int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	uintptr_t from, to;
	char mode[5], line[512];
	int copies = 0;

	assert_non_null(maps);
	assert_true(mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3 && mode[1] == 'w' &&
		    from != (uintptr_t)window && to - from < (UINT64_C(256) << 20))
			copies += count_copies(mem, from, to, scalar, window);
	return copies;
}

static void test_key_make_leaves_no_copy_in_memory(void **state)
{
	uint8_t *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	SECRET_AUTO key = { NULL, 0 };
	struct err err;
	BUF_AUTO(csr, PKI_CERT_MAX);

	(void)state;
	assert_ptr_not_equal(window, MAP_FAILED);
	assert_int_equal(pki_key_make("unit-1", &key, &csr, &err), 0);
	assert_int_equal(count_all_copies(key.p + SCALAR_AT, window), 0);
	/* The search finds one when there is one. */
	{
		uint8_t copy[SCALAR_LEN];

		memcpy(copy, key.p + SCALAR_AT, sizeof(copy));
		assert_int_equal(count_all_copies(key.p + SCALAR_AT, window), 1);
		OPENSSL_cleanse(copy, sizeof(copy));
	}
	assert_int_equal(munmap(window, WINDOW), 0);
}

static void test_key_make_bad_cn_refused(void **state)
{
	SECRET_AUTO key = { NULL, 0 };
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(csr, PKI_CERT_MAX);

	(void)state;
	assert_int_equal(pki_key_make("unit 1", &key, &csr, &err), -1);
	assert_err(&err, ERR_UNIT, "character 5");
	assert_null(key.p);
	assert_int_equal(csr.len, 0);
}

static void test_key_make_small_buffer_gives_no_key(void **state)
{
	SECRET_AUTO key = { NULL, 0 };
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(csr, 16);

	(void)state;
	assert_int_equal(pki_key_make("unit-1", &key, &csr, &err), -1);
	assert_err(&err, ERR_BUG, "too small");
	assert_null(key.p);
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_key_make_private_key_reads_back),
		T(test_key_make_twice_differs),
		T(test_key_make_private_key_is_on_the_secure_heap),
		T(test_key_make_leaves_no_copy_in_memory),
		T(test_key_make_bad_cn_refused),
		T(test_key_make_small_buffer_gives_no_key),
	};

	return cmocka_run_group_tests(tests, make_heap, NULL);
}
