// SPDX-License-Identifier: MIT
/* zcbench report: one page from result files. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/report.h"
#include "cli/result.h"

/* Beside the first result. */
static void default_output(const struct results *r, char *path, size_t len)
{
	const char *name = r->files[0].name, *slash = strrchr(name, '/');

	if (slash)
		snprintf(path, len, "%.*s/report.html", (int)(slash - name), name);
	else
		snprintf(path, len, "report.html");
}

int cmd_report(struct options *o)
{
	const struct config *c = &o->config;
	struct report report = {.title = c->report.title};
	struct results r;
	struct err e = {0};
	char output[4096];
	int ret;

	if (!o->rest.n) {
		fprintf(stderr, "zcbench: error: report needs result files\n"
				"  try: zcbench report results/*/result.json\n");
		return EXIT_USAGE;
	}
	if (results_load(&r, o->rest.v, o->rest.n, c->plot.mixed, &e)) {
		err_print(&e);
		return EXIT_FAILED;
	}
	default_output(&r, output, sizeof(output));
	report.results = &r;
	report.output = c->report.output ? c->report.output : output;
	ret = report_write(&report, &e);
	if (ret)
		err_print(&e);
	else
		printf("%s\n", report.output);
	results_free(&r);
	return ret ? EXIT_FAILED : EXIT_OK;
}

int report_of_run(const char *result, struct err *e)
{
	struct report report = {0};
	struct results r;
	char output[4096], folder[4096];
	int ret = results_load(&r, &result, 1, false, e);

	if (ret)
		return ret;
	default_output(&r, output, sizeof(output));
	snprintf(folder, sizeof(folder), "%.*s/figures", (int)(strrchr(result, '/') - result), result);
	report.results = &r;
	report.output = output;
	report.figures = folder;
	ret = make_folder(folder, e);
	if (!ret)
		ret = report_write(&report, e);
	rmdir(folder); /* if it has stayed empty */
	results_free(&r);
	if (!ret)
		printf("\nthe report:\n%s\n", output);
	return ret;
}
