// SPDX-License-Identifier: MIT
/* The verification pass of a driver that has its own way to verify; see round_driver.h. */
#include <errno.h>
#include <inttypes.h>

#include "cli/round_driver.h"
#include "cli/round_json.h"
#include "cli/talk.h"
#include "lib/control.h"
#include "lib/types.h"

static int stats(const struct driver_pass *p, json_t **out, struct err *e)
{
	return ask(p->server, "the server", json_pack("{s:s}", "cmd", "stats"), out, p->timeout_ns, e);
}

/* The bytes of READs between two of the server's answers. */
static uint64_t sent(const json_t *before, const json_t *after)
{
	const char *op = op_names[OP_READ], *name;
	json_t *routes = round_route_diff(json_object_get(before, op), json_object_get(after, op)),
	       *route;
	uint64_t n = 0;

	json_object_foreach (routes, name, route)
		n += (uint64_t)json_integer_value(json_object_get(route, "bytes"));
	json_decref(routes);
	return n;
}

int round_driver_verify(const struct driver_pass *p, uint64_t *bytes, struct err *e)
{
	json_t *before = NULL, *after = NULL;
	uint64_t checked = 0;
	int ret = stats(p, &before, e);

	for (unsigned int i = 0; i < p->nclients && !ret; i++)
		control_send(p->clients[i].control,
			     json_pack("{s:s, s:I}", "cmd", "verify", "ops", (json_int_t)p->ops));
	for (unsigned int i = 0; i < p->nclients && !ret; i++) {
		json_t *msg = NULL;

		ret = answer(&p->clients[i], "a client", &msg, p->timeout_ns, e);
		checked += (uint64_t)json_integer_value(json_object_get(msg, "verified_bytes"));
		json_decref(msg);
	}
	if (!ret)
		ret = stats(p, &after, e);
	if (!ret && !checked)
		ret = err_set(e, -EILSEQ, "verification: nothing was checked");
	if (!ret && p->counted && sent(before, after) < checked)
		ret = err_set(e, -EILSEQ,
			      "verification: clients checked %" PRIu64
			      " bytes, the server sent %" PRIu64,
			      checked, sent(before, after));
	json_decref(before);
	json_decref(after);
	*bytes += checked;
	return ret;
}
