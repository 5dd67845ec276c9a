// SPDX-License-Identifier: MIT
/* Proves that control messages arrive whole or fail with the right errno, and that errors keep
 * their text on the way. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/control.h"
#include "tests/unit/unit.h"

#define SECOND NSEC_PER_SEC

static int fds[2];

static int open_pair(void **state)
{
	(void)state;
	return control_pair(fds);
}

static int close_pair(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return 0;
}

static void hang_up(int i)
{
	assert_int_equal(close(fds[i]), 0);
	fds[i] = -1;
}

static void test_round_trip(void **state)
{
	json_t *sent = json_pack("{s:s, s:[i, f, b, n], s:I}", "text", "\"\u00e9\n\\", "list", -1, 0.5,
				 1, "large", (json_int_t)INT64_MAX);
	json_t *got = NULL;

	(void)state;
	for (int from = 0; from < 2; from++) {
		json_incref(sent);
		assert_int_equal(control_send(fds[from], sent), 0);
		assert_int_equal(control_recv(fds[!from], &got, SECOND), 0);
		assert_true(json_equal(got, sent));
		json_decref(got);
	}
	json_decref(sent);
}

static void test_messages_keep_their_order_and_bounds(void **state)
{
	json_t *got;

	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(control_send(fds[0], json_pack("[i]", i)), 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(control_recv(fds[1], &got, SECOND), 0);
		assert_int_equal(json_array_size(got), 1);
		assert_int_equal(json_integer_value(json_array_get(got, 0)), i);
		json_decref(got);
	}
}

/* A client's histogram can be as long. */
static void test_150_kib(void **state)
{
	const size_t len = 150 * 1024;
	char *text = malloc(len + 1);
	json_t *got;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 26);
	text[len] = '\0';
	assert_int_equal(control_send(fds[0], json_pack("{s:s}", "text", text)), 0);
	assert_int_equal(control_recv(fds[1], &got, SECOND), 0);
	assert_string_equal(json_string_value(json_object_get(got, "text")), text);
	json_decref(got);
	free(text);
}

static void test_timeout(void **state)
{
	uint64_t begin = clock_ns();
	json_t *got = NULL;

	(void)state;
	assert_int_equal(control_recv(fds[0], &got, 30 * NSEC_PER_MSEC), -ETIMEDOUT);
	assert_true(clock_ns() - begin >= 30 * NSEC_PER_MSEC);
	assert_int_equal(control_recv(fds[0], &got, 0), -ETIMEDOUT);
	assert_null(got);
	assert_int_equal(control_send(fds[1], json_pack("{}")), 0);
	assert_int_equal(control_recv(fds[0], &got, 0), 0); /* what is there needs no time */
	json_decref(got);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_a_signal_interrupts(void **state)
{
	const struct sigaction sa = {.sa_handler = on_alarm};
	const struct itimerval often = {{0, 10000}, {0, 10000}}, off = {0};
	struct sigaction old;
	json_t *got;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(control_recv(fds[0], &got, UINT64_MAX), -EINTR);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
}

static void test_the_peer_is_gone(void **state)
{
	json_t *got;

	(void)state;
	assert_int_equal(control_send(fds[1], json_pack("{s:i}", "last", 1)), 0);
	hang_up(1);
	assert_int_equal(control_recv(fds[0], &got, SECOND), 0); /* its last words still arrive */
	json_decref(got);
	assert_int_equal(control_recv(fds[0], &got, UINT64_MAX), -EPIPE);
	assert_int_equal(control_send(fds[0], json_pack("{}")), -EPIPE); /* and no SIGPIPE */
}

/* The kernel says ECONNRESET to who has sent what was never read. */
static void test_the_peer_is_gone_without_reading(void **state)
{
	json_t *got;

	(void)state;
	assert_int_equal(control_send(fds[0], json_pack("{}")), 0);
	hang_up(1);
	assert_int_equal(control_recv(fds[0], &got, SECOND), -EPIPE);
}

static void test_what_is_not_json(void **state)
{
	static const char *const texts[] = {"hello", "{", "{}x", "{'a': 1}", "5", "[1,]", "\xff", " "};
	json_t *got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(send(fds[0], texts[i], strlen(texts[i]), 0), strlen(texts[i]));
		assert_int_equal(control_recv(fds[1], &got, SECOND), -EPROTO);
	}
	assert_int_equal(send(fds[0], "{}\0", 3, 0), 3);
	assert_int_equal(control_recv(fds[1], &got, SECOND), -EPROTO);
	/* the channel itself is still good */
	assert_int_equal(control_send(fds[0], json_pack("{}")), 0);
	assert_int_equal(control_recv(fds[1], &got, SECOND), 0);
	json_decref(got);
}

static void check_error(const char *what, const char *remedy)
{
	struct err sent, got = {0};
	json_t *msg;

	err_set(&sent, -ENODEV, "%s", what);
	err_remedy(&sent, "%s", remedy);
	assert_int_equal(control_send(fds[0], control_error(&sent)), 0);
	assert_int_equal(control_recv(fds[1], &msg, SECOND), 0);
	assert_int_equal(control_is_error(msg, &got), -ENODEV);
	json_decref(msg);
	assert_int_equal(got.code, -ENODEV);
	assert_string_equal(got.what, sent.what);
	assert_string_equal(got.remedy, sent.remedy);
}

static void test_errors_travel(void **state)
{
	char longest[2 * sizeof(((struct err *)0)->what)];

	(void)state;
	check_error("no such thing", "buy one");
	check_error("no such thing", "");
	check_error("100 %s \"sure\"\n", "%n");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	check_error(longest, longest);
}

/* A file name may hold any byte; JSON may not. The message arrives all the same. */
static void test_errors_that_are_not_utf8(void **state)
{
	struct err sent, got;
	json_t *msg;

	(void)state;
	err_set(&sent, -EACCES, "cannot open /tmp/\xff\xc3.dat");
	err_remedy(&sent, "look at it");
	assert_int_equal(control_send(fds[0], control_error(&sent)), 0);
	assert_int_equal(control_recv(fds[1], &msg, SECOND), 0);
	assert_int_equal(control_is_error(msg, &got), -EACCES);
	assert_string_equal(got.what, "cannot open /tmp/?\?.dat");
	assert_string_equal(got.remedy, "look at it");
	json_decref(msg);
}

static void test_what_is_an_error(void **state)
{
	struct err e = {.code = 1, .what = "untouched"};
	json_t *none = json_pack("{s:s}", "ready", "yes");
	json_t *bare = json_pack("{s:s}", "error", "something");
	json_t *odd = json_pack("{s:s, s:i}", "error", "something", "errno", 5);

	(void)state;
	assert_int_equal(control_is_error(none, &e), 0);
	assert_int_equal(e.code, 1);
	assert_string_equal(e.what, "untouched");
	/* an error always has a negative errno */
	assert_int_equal(control_is_error(bare, &e), -EIO);
	assert_string_equal(e.what, "something");
	assert_string_equal(e.remedy, "");
	assert_int_equal(control_is_error(odd, &e), -EIO);
	json_decref(none);
	json_decref(bare);
	json_decref(odd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_messages_keep_their_order_and_bounds),
		TEST(test_150_kib),
		TEST(test_timeout),
		TEST(test_a_signal_interrupts),
		TEST(test_the_peer_is_gone),
		TEST(test_the_peer_is_gone_without_reading),
		TEST(test_what_is_not_json),
		TEST(test_errors_travel),
		TEST(test_errors_that_are_not_utf8),
		TEST(test_what_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
