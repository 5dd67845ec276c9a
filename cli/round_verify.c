// SPDX-License-Identifier: MIT
/* The verification pass before the first round of a cell; see round_verify.h. */
#include <errno.h>
#include <inttypes.h>

#include "cli/round_json.h"
#include "cli/round_verify.h"
#include "cli/talk.h"
#include "lib/clock.h"
#include "lib/control.h"

#define VERIFY_BYTES (16ull << 20)
#define VERIFY_OPS   64

static uint64_t integer(const json_t *obj, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(obj, name));
}

static uint64_t verify_ops(const struct cell *c)
{
	uint64_t ops = VERIFY_BYTES / c->bs, blocks = c->config.size / c->bs;

	if (ops > VERIFY_OPS)
		ops = VERIFY_OPS;
	if (ops < 2ull * c->depth)
		ops = 2ull * c->depth;
	return ops < blocks ? ops : blocks;
}

/* The server's own count must be what clients moved: a check that never looked is no check. */
static int judge_verification(const struct verify_pass *p, const json_t *end, uint64_t bytes,
			      struct err *e)
{
	const json_t *stats = json_object_get(end, "stats");
	const char *wrong = json_string_value(json_object_get(stats, "verify_error"));
	uint64_t seen = integer(stats, "verified_bytes");
	uint64_t stored = integer(end, "stored_bytes_checked");
	const json_t *forwarded = json_object_get(end, "forwarded_bytes_checked");

	if (wrong)
		return err_set(e, -EILSEQ, "verification: %s", wrong);
	if (p->cell->op == OP_WRITE && !forwarded && seen + stored < bytes)
		return err_set(e, -EILSEQ,
			       "verification: clients wrote %" PRIu64 " bytes, the server saw %" PRIu64
			       " and found %" PRIu64 " stored",
			       bytes, seen, stored);
	if (p->cell->op == OP_WRITE && forwarded && (uint64_t)json_integer_value(forwarded) < bytes)
		return err_set(e, -EILSEQ,
			       "verification: clients wrote %" PRIu64 " bytes, %" PRIu64
			       " came out at the other end of the connection",
			       bytes, (uint64_t)json_integer_value(forwarded));
	return 0;
}

/* Server and clients make and check the same pattern. */
static int verify_by_pattern(const struct verify_pass *p, uint64_t *bytes, struct err *e)
{
	const struct cell *c = p->cell;
	const uint64_t ops = verify_ops(c), seed = clock_ns(), timeout = c->config.watchdog_ns;
	json_t *msg = NULL, *files = json_array();
	int ret;

	ret = ask(p->server, "the server",
		  json_pack("{s:s, s:I, s:s, s:I}", "cmd", "verify", "seed", (json_int_t)seed, "op",
			    op_names[c->op], "len", (json_int_t)(ops * c->bs)),
		  &msg, SETUP_NS, e);
	if (ret)
		goto out;
	json_decref(msg);
	for (unsigned int i = 0; i < p->nclients; i++) {
		control_send(p->clients[i].control,
			     json_pack("{s:s, s:I, s:I}", "cmd", "verify", "seed",
				       (json_int_t)(seed + i), "ops", (json_int_t)ops));
		if (c->op == OP_WRITE)
			json_array_append_new(files, json_integer((json_int_t)(ops * c->bs)));
	}
	for (unsigned int i = 0; i < p->nclients; i++) {
		ret = answer(&p->clients[i], "a client", &msg, timeout, e);
		if (ret)
			goto out;
		*bytes += integer(msg, "verified_bytes");
		json_decref(msg);
	}
	ret = ask(p->server, "the server", json_pack("{s:s, s:O}", "cmd", "verify_end", "files", files),
		  &msg, SETUP_NS, e);
	if (ret)
		goto out;
	ret = judge_verification(p, msg, *bytes, e);
	json_decref(msg);
out:
	json_decref(files);
	return ret;
}

static int stats(const struct verify_pass *p, json_t **out, struct err *e)
{
	return ask(p->server, "the server", json_pack("{s:s}", "cmd", "stats"), out,
		   p->cell->config.watchdog_ns, e);
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

/* Each client writes its blocks, reads them back and checks them by its own means; the server has to have sent
 * what was checked. */
static int verify_by_driver(const struct verify_pass *p, uint64_t *bytes, struct err *e)
{
	json_t *before = NULL, *after = NULL;
	uint64_t checked = 0;
	int ret = stats(p, &before, e);

	for (unsigned int i = 0; i < p->nclients && !ret; i++)
		control_send(p->clients[i].control, json_pack("{s:s, s:I}", "cmd", "verify", "ops",
							      (json_int_t)verify_ops(p->cell)));
	for (unsigned int i = 0; i < p->nclients && !ret; i++) {
		json_t *msg = NULL;

		ret = answer(&p->clients[i], "a client", &msg, p->cell->config.watchdog_ns, e);
		checked += (uint64_t)json_integer_value(json_object_get(msg, "verified_bytes"));
		json_decref(msg);
	}
	if (!ret)
		ret = stats(p, &after, e);
	if (!ret && !checked)
		ret = err_set(e, -EILSEQ, "verification: nothing was checked");
	if (!ret && p->cell->path->expect[OP_READ].route != ROUTE_NONE && sent(before, after) < checked)
		ret = err_set(e, -EILSEQ,
			      "verification: clients checked %" PRIu64
			      " bytes, the server sent %" PRIu64,
			      checked, sent(before, after));
	json_decref(before);
	json_decref(after);
	*bytes += checked;
	return ret;
}

int round_verify(const struct verify_pass *p, uint64_t *bytes, struct err *e)
{
	return p->cell->driver->foreign ? verify_by_driver(p, bytes, e) : verify_by_pattern(p, bytes, e);
}
