// SPDX-License-Identifier: MIT
/* zcbench report: one page from result files. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/report.h"
#include "cli/result.h"

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
	path_beside(output, sizeof(output), r.files[0].name, "report.html");
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
	path_beside(output, sizeof(output), r.files[0].name, "report.html");
	path_beside(folder, sizeof(folder), result, "figures");
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
