// SPDX-License-Identifier: MIT
/* The receiver for sink tcp; see far_end.h. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/far_end.h"
#include "lib/clock.h"
#include "lib/control.h"

#define START_NS (10 * NSEC_PER_SEC)

int far_end_receiver(struct child *receiver, int *port, struct err *e)
{
	char *argv[6] = {"zcbench", "sink"};
	json_t *msg = NULL;
	int ret = child_start(receiver, argv, NULL, 0, e);

	if (ret)
		return ret;
	ret = control_recv(receiver->control, &msg, START_NS);
	if (ret)
		return err_sys(e, ret, "starting a receiver for sink tcp");
	ret = control_is_error(msg, e);
	*port = (int)json_integer_value(json_object_get(json_object_get(msg, "ready"), "port"));
	json_decref(msg);
	return ret;
}

int far_end_start(struct child *receiver, struct plan *plan, struct err *e)
{
	static char address[64];
	const char *tcp = getenv("ZCBENCH_TCP");

	for (unsigned int i = 0; i < plan->n; i++) {
		struct cell *c = &plan->cells[i];

		if (c->skipped || !c->sink->needs_tcp || c->config.tcp)
			continue;
		if (!tcp) {
			int port, ret = far_end_receiver(receiver, &port, e);

			if (ret)
				return ret;
			snprintf(address, sizeof(address), "127.0.0.1:%d", port);
			tcp = address;
		}
		c->config.tcp = tcp;
	}
	return 0;
}
