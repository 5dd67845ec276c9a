// SPDX-License-Identifier: MIT
/* zcbench serve PATH MOUNTPOINT: one reference server, in the foreground or for a run; and the client
 * process that a run starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clients/client.h"
#include "cli/cmd.h"
#include "servers/server.h"

static int usage(const char *what, const char *word)
{
	fprintf(stderr,
		"zcbench: error: %s%s\n  try: zcbench serve copy /tmp/mnt   (zcbench list shows "
		"the paths)\n",
		what, word);
	return EXIT_USAGE;
}

int cmd_serve(struct options *o)
{
	struct config *c = &o->config;
	static char mountpoint[4096];
	struct serve_config s = {.control_fd =
					 opts_given(&o->sets[0], "control-fd") ? (int)c->control_fd : -1,
				 .direct_io = c->direct_io,
				 .max_io = c->max_io,
				 .shares_cpu = c->shares_cpu,
				 .fault_delay_ns = c->fault_delay_ns};
	struct stat st;
	struct err e;

	if (o->rest.n != 2)
		return usage("serve needs a path and a mount point", "");
	s.path = path_find(o->rest.v[0]);
	if (!s.path)
		return usage("there is no path ", o->rest.v[0]);
	if (!realpath(o->rest.v[1], mountpoint) || stat(mountpoint, &st) || !S_ISDIR(st.st_mode))
		return usage("the mount point must be a folder that exists: ", o->rest.v[1]);
	for (int f = 0; fault_names[f]; f++)
		if (!strcmp(c->fault, fault_names[f]))
			s.fault = (enum fault)f;
	s.mountpoint = mountpoint;
	s.sink = sink_find(c->serve_sink);
	s.sink_config = (struct sink_config){
		.file = c->file,
		.files = (unsigned int)c->files,
		.file_size = c->size,
		.direct = c->aligned,
		.overwrite = c->overwrite,
		.fill = c->fill,
		.tree = c->tree,
		.tcp = c->tcp,
		.send = !strcmp(c->send, "zc")     ? SEND_ZERO_COPY
			: !strcmp(c->send, "copy") ? SEND_COPY
						   : SEND_AUTO,
	};
	for (unsigned int i = 0; i < c->serve_events.n; i++)
		if (events_add(&s.events, c->serve_events.v[i], &e)) {
			err_print(&e);
			return EXIT_USAGE;
		}
	return serve(&s);
}

int cmd_client(struct options *o)
{
	if (!opts_given(&o->sets[0], "control-fd")) {
		fprintf(stderr, "zcbench: error: clients are started by zcbench run\n");
		return EXIT_USAGE;
	}
	return client_main((int)o->config.control_fd);
}
