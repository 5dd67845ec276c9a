// SPDX-License-Identifier: MIT
/* Orders and answers; see talk.h. */
#include <errno.h>
#include <signal.h>

#include "cli/talk.h"
#include "lib/clock.h"
#include "lib/control.h"

volatile int interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

void catch_interrupts(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

int answer(struct child *c, const char *who, json_t **msg, uint64_t timeout_ns, struct err *e)
{
	uint64_t end = clock_ns() + timeout_ns;
	int ret;

	do {
		uint64_t now = clock_ns();

		ret = interrupted ? -EINTR : control_recv(c->control, msg, end > now ? end - now : 0);
	} while (ret == -EINTR && !interrupted);
	if (ret == -EINTR)
		return err_set(e, -EINTR, "interrupted");
	if (ret == -ETIMEDOUT)
		return err_set(e, -ETIMEDOUT, "%s does not answer", who);
	if (ret == -EPIPE) {
		child_wait(c, NSEC_PER_SEC);
		return err_set(e, -EPIPE, "%s %s in the middle of the round", who, child_fate(c));
	}
	if (ret)
		return err_sys(e, ret, "talking to %s", who);
	ret = control_is_error(*msg, e);
	if (ret) {
		json_decref(*msg);
		*msg = NULL;
	}
	return ret;
}

int ask(struct child *c, const char *who, json_t *question, json_t **msg, uint64_t timeout_ns,
	struct err *e)
{
	int ret = control_send(c->control, question);

	if (ret && ret != -EPIPE)
		return err_sys(e, ret, "talking to %s", who);
	return answer(c, who, msg, timeout_ns, e); /* a dead one's last words may still be there */
}
