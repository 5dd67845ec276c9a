// SPDX-License-Identifier: MIT
/* zcbench sink: the receiver to which sink tcp forwards. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "lib/control.h"
#include "lib/stream.h"
#include "servers/receiver.h"

int cmd_sink(struct options *o)
{
	const int control = opts_given(&o->sets[0], "control-fd") ? (int)o->config.control_fd : -1;
	struct err e = {0};
	int fd, port;

	if (o->rest.n) {
		fprintf(stderr,
			"zcbench: error: sink takes no %s\n  try: zcbench sink --listen HOST:PORT\n",
			o->rest.v[0]);
		return EXIT_USAGE;
	}
	fd = stream_listen(o->config.listen, &e);
	port = fd < 0 ? 0 : stream_port(fd);
	if (control >= 0)
		control_send(control,
			     fd < 0 ? control_error(&e) : json_pack("{s:{s:i}}", "ready", "port", port));
	else if (fd < 0)
		err_print(&e);
	else
		fprintf(stderr, "zcbench: a sink listens on %.*s:%d; Ctrl-C ends it\n",
			(int)(strrchr(o->config.listen, ':') - o->config.listen), o->config.listen,
			port);
	return fd < 0 ? EXIT_FAILED : receiver_serve(fd, control);
}
