// SPDX-License-Identifier: MIT
/* zcbench plot: figures from result files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/figure.h"
#include "cli/result.h"

static int fail(const struct err *e, int status)
{
	err_print(e);
	return status;
}

/* The drawings that were asked for, or all that the results allow. What was asked for by name and is not
 * there is an error. */
static int plan(struct drawings *d, const struct results *r, const struct names *wanted, struct err *e)
{
	for (unsigned int i = 0; i < wanted->n; i++) {
		int ret = drawings_add(d, figure_find(wanted->v[i]), r, e);

		if (ret)
			return ret;
	}
	for (const struct figure *f = figures; f->name && !wanted->n; f++) {
		int ret = drawings_add(d, f, r, e);

		if (ret == -ENODATA)
			fprintf(stderr, "not drawn: %s; it needs %s: %s\n", f->name, f->needs,
				f->remedy);
		else if (ret)
			return ret;
	}
	if (!d->n)
		return err_set(e, -ENODATA,
			       "there is nothing in these results that a figure could show");
	return 0;
}

/* Draws them all; those whose cells turn out not to make a picture are told of. 0, -ENODATA if there were any
 * such, or another error, after which nothing more is drawn. */
static int draw(const struct drawings *d, const char *folder, const struct names *formats, struct err *e)
{
	int result = 0;

	for (unsigned int i = 0; i < d->n; i++) {
		int ret = drawing_write(&d->v[i], folder, e);

		if (ret == -ENODATA) {
			err_print(e);
			result = ret;
			continue;
		}
		for (unsigned int k = 0; k < formats->n && !ret; k++) {
			ret = drawing_draw(&d->v[i], folder, formats->v[k], e);
			if (!ret)
				printf("%s/%s.%s\n", folder, d->v[i].name, formats->v[k]);
		}
		if (ret) {
			err_print(e);
			return ret;
		}
	}
	return result;
}

int cmd_plot(struct options *o)
{
	const struct config *c = &o->config;
	struct drawings d = {0};
	struct results r;
	struct err e = {0};
	char folder[4096];
	int status, no_gnuplot = 0;

	if (!o->rest.n) {
		fprintf(stderr, "zcbench: error: plot needs result files\n"
				"  try: zcbench plot results/*/result.json\n");
		return EXIT_USAGE;
	}
	if (results_load(&r, o->rest.v, o->rest.n, c->plot.mixed, &e))
		return fail(&e, EXIT_FAILED);
	if (c->output)
		snprintf(folder, sizeof(folder), "%s", c->output);
	else
		path_beside(folder, sizeof(folder), r.files[0].name, "figures");
	if (plan(&d, &r, &c->plot.figure, &e) || (no_gnuplot = figure_check_gnuplot(&e)) ||
	    make_folder(folder, &e))
		status = fail(&e, no_gnuplot ? EXIT_NOTHING : EXIT_FAILED);
	else
		status = draw(&d, folder, &c->plot.format, &e) ? EXIT_FAILED : EXIT_OK;
	drawings_free(&d);
	results_free(&r);
	return status;
}
