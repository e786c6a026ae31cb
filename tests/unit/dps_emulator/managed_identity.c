/* Managed identities: the metadata service of a virtual machine, and the Arc agent's key file. */
#include "tests/unit/dps_emulator/service.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enroll/emulator/login_internal.h"

#define PATH     "/metadata/identity/oauth2/token?api-version="
#define RESOURCE "&resource=https%3A%2F%2Fazure-devices-provisioning.net"
#define VM       PATH "2018-02-01" RESOURCE
#define ARC      PATH "2019-11-01" RESOURCE

static int machine_setup(void **state)
{
	struct service *service;

	if (service_setup(state) < 0)
		return -1;
	service = *state;
	service->plain = true;
	(void)!str_format(service->conf.key_dir, sizeof(service->conf.key_dir), "%s/dps-XXXXXX",
			  getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(service->conf.key_dir) != NULL ? 0 : -1;
}

static int machine_teardown(void **state)
{
	struct service *service = *state;
	DIR *dir = opendir(service->conf.key_dir);

	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir))
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(service->conf.key_dir);
	return service_teardown(state);
}

static void ask(struct service *service, const char *target, const char *authorization, struct reply *ret)
{
	const struct dps_header headers[] = { { "Metadata", "true" }, { "Authorization", authorization } };

	service_call_raw(service, "GET", target, headers, authorization != NULL ? 2 : 1, NULL, ret);
}

/* The realm's path, and "Basic " with what the file holds. */
static void read_challenge(const struct reply *reply, char *path, size_t path_cap, char *header, size_t cap)
{
	static const char realm[] = "Basic realm=";
	const char *value = reply_header(reply, "WWW-Authenticate");
	struct stat st;
	ssize_t n;
	int fd;

	assert_int_equal(reply->res.status, 401);
	assert_non_null(value);
	assert_memory_equal(value, realm, sizeof(realm) - 1);
	assert_int_equal(str_format(path, path_cap, "%s", value + sizeof(realm) - 1), 0);
	assert_string_equal(path + strlen(path) - 4, ".key");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(str_format(header, cap, "Basic "), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, header + 6, cap - 7);
	assert_true(n > 0);
	header[6 + n] = '\0';
	(void)close(fd);
}

static void test_vm_answers_at_once_with_numbers_as_strings(void **state)
{
	struct service *service = *state;
	char until[32];
	REPLY_AUTO reply;

	ask(service, VM, NULL, &reply);
	assert_int_equal(reply.res.status, 200);
	assert_string_equal(reply_text(&reply, "expires_in"), "3599");
	(void)!str_format(until, sizeof(until), "%lld", TEST_TICKS / 10000000 + 3599);
	assert_string_equal(reply_text(&reply, "expires_on"), until);
	assert_string_equal(reply_text(&reply, "token_type"), "Bearer");
	assert_string_equal(reply_text(&reply, "resource"), "https://azure-devices-provisioning.net");
}

static void test_token_of_the_machine_is_taken_by_the_service(void **state)
{
	struct service *service = *state;
	char header[256];
	const struct dps_header headers[] = { { "Host", "localhost" }, { "Authorization", header } };
	REPLY_AUTO reply, call;

	ask(service, VM, NULL, &reply);
	assert_int_equal(str_format(header, sizeof(header), "Bearer %s", reply_text(&reply, "access_token")),
			 0);
	service->plain = false;
	service_call_raw(service, "GET", "/enrollments/a?api-version=2021-10-01", headers, 2, NULL, &call);
	assert_int_equal(reply_code(&call), 404201);
}

static void test_metadata_header_is_needed(void **state)
{
	const struct dps_header forwarded[] = { { "Metadata", "true" }, { "X-Forwarded-For", "10.0.0.1" } };
	const struct dps_header off[] = { { "Metadata", "false" } };
	REPLY_AUTO none, no, proxy;

	service_call_raw(*state, "GET", VM, NULL, 0, NULL, &none);
	assert_int_equal(none.res.status, 400);
	assert_string_equal(reply_text(&none, "error"), "bad_request_102");
	service_call_raw(*state, "GET", VM, off, 1, NULL, &no);
	assert_int_equal(no.res.status, 400);
	service_call_raw(*state, "GET", VM, forwarded, 2, NULL, &proxy);
	assert_int_equal(proxy.res.status, 400);
}

static void test_wrong_requests_refused(void **state)
{
	static const struct {
		const char *target;
		unsigned status;
	} wrong[] = {
		{ "/metadata/identity/oauth2/token", 404 },
		{ "/metadata/instance?api-version=2018-02-01", 404 },
		{ "/enrollments/a?api-version=2021-10-01", 404 },
		{ "/_knobs", 404 },
		{ PATH "2018-02-01", 400 },
		{ PATH "1999-01-01" RESOURCE, 400 },
		{ PATH "2018-02-01&resource=https%3A%2F%2Fvault.azure.net", 400 },
		{ VM "&client_id=another", 400 },
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		REPLY_AUTO reply;

		ask(*state, wrong[i].target, NULL, &reply);
		assert_int_equal(reply.res.status, wrong[i].status);
		assert_non_null(reply_text(&reply, "error_description"));
	}
}

static void test_chosen_identity_is_given(void **state)
{
	struct service *service = *state;
	REPLY_AUTO reply;

	(void)!str_format(service->conf.entra.client, sizeof(service->conf.entra.client), "station");
	ask(service, VM "&client_id=station", NULL, &reply);
	assert_int_equal(reply.res.status, 200);
	assert_string_equal(reply_text(&reply, "client_id"), "station");
}

static void test_arc_wants_what_the_file_holds(void **state)
{
	char path[300], header[256];
	REPLY_AUTO first, second;

	ask(*state, ARC, NULL, &first);
	read_challenge(&first, path, sizeof(path), header, sizeof(header));
	ask(*state, ARC, header, &second);
	assert_int_equal(second.res.status, 200);
	assert_non_null(reply_text(&second, "access_token"));
}

static unsigned status_of(struct service *service, const char *authorization)
{
	REPLY_AUTO reply;

	ask(service, ARC, authorization, &reply);
	return reply.res.status;
}

static void test_arc_file_serves_once_and_wrong_ones_never(void **state)
{
	char path[300], header[256];
	REPLY_AUTO challenge;

	ask(*state, ARC, NULL, &challenge);
	read_challenge(&challenge, path, sizeof(path), header, sizeof(header));
	header[strlen(header) - 1] ^= 1;
	assert_int_equal(status_of(*state, header), 401);
	header[strlen(header) - 1] ^= 1;
	assert_int_equal(status_of(*state, header), 200);
	assert_int_equal(status_of(*state, header), 401);
	assert_int_equal(status_of(*state, "Basic ../../etc/passwd"), 401);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vm_answers_at_once_with_numbers_as_strings),
		TEST(test_token_of_the_machine_is_taken_by_the_service),
		TEST(test_metadata_header_is_needed),
		TEST(test_wrong_requests_refused),
		TEST(test_chosen_identity_is_given),
		TEST(test_arc_wants_what_the_file_holds),
		TEST(test_arc_file_serves_once_and_wrong_ones_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
