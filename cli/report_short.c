// SPDX-License-Identifier: MIT
/* What stands first on the page, of one file: where and when, what to beware of, and the answers in short. */
#include <string.h>

#include "cli/report.h"

/* What is wrong with the cells, or that nothing is. */
static void trust(FILE *f, const struct results *one)
{
	unsigned int n = 0, wrong = 0, unverified = 0, failed = 0, counted = 0;
	struct summary s;

	for (unsigned int i = 0; i < one->ncells; i++) {
		const struct result_cell *c = &one->cells[i];

		failed += c->error != NULL;
		if (!cell_measured(c))
			continue;
		n++;
		wrong += !c->path_ok;
		unverified += !c->verified;
		counted += result_cell_metric(c, "copy_factor", &s);
	}
	fprintf(f, "<li class=\"%s\">", wrong || unverified || failed || !n ? "bad" : "good");
	fprintf(f, "%u cell%s measured: ", n, n == 1 ? " was" : "s were");
	if (!wrong && !unverified && n)
		fputs("each request took the way that its path is named after, and every byte of the "
		      "verification pass was right.",
		      f);
	else
		fprintf(f, "%u NOT AS CLAIMED, %u not verified.", wrong, unverified);
	if (failed)
		fprintf(f, " %u failed.", failed);
	if (counted)
		fprintf(f, " Copies in the kernel were counted in %u of them.", counted);
	else
		fputs(" Copies in the kernel were not counted (why: below).", f);
	fputs("</li>\n", f);
}

/* How well a pair stands for its question: writes are what was asked about, and of cells held against another of
 * the same path those of `copy` are what people know. */
static int rank(const struct question *q, const struct pair *p)
{
	return 2 * !strcmp(p->a->op, q->dim == DIM_OP ? "read" : "write") +
	       (q->dim != DIM_PATH && !strcmp(p->a->path, "copy"));
}

/* The last of the best: with the largest blocks, and a server that reads if any does. */
static const struct pair *headline(const struct question *q, const struct pairs *pairs)
{
	const struct pair *found = NULL;

	for (unsigned int i = 0; i < pairs->n; i++) {
		const struct pair *p = &pairs->v[i];

		if (pair_leads(q, pairs, p) && (!found || rank(q, p) >= rank(q, found)))
			found = p;
	}
	return found;
}

static void answers(FILE *f, const struct results *one)
{
	const struct result_cell *said[32][2];
	unsigned int n = 0;

	fputs("<ul class=\"short\">\n", f);
	trust(f, one);
	for (const struct question *q = questions; q->name; q++) {
		const struct pair *pair;
		struct pairs pairs;
		char text[2000];
		bool again = false;

		if (q->say || pairs_find(&pairs, q, one, one->files))
			continue;
		pair = headline(q, &pairs);
		for (unsigned int i = 0; i < n && pair; i++)
			again |= said[i][0] == pair->a && said[i][1] == pair->base;
		if (pair && !again && n < 32) {
			said[n][0] = pair->a;
			said[n++][1] = pair->base;
			fputs("<li>", f);
			html_words(f, pair_sentence(text, sizeof(text), q->dim, pair));
			fputs("</li>\n", f);
		}
		pairs_free(&pairs);
	}
	report_copies(f, one, one->files, 2);
	fputs("</ul>\n", f);
}

static void warnings(FILE *f, const struct result_file *file)
{
	const json_t *run = json_object_get(file->root, "run"), *w;
	size_t i;

	if (file->emulated)
		fputs("<p class=\"callout\">This ran on an emulated machine (QEMU's TCG): its times are "
		      "no "
		      "machine's, and none are shown. What was counted is exact.</p>\n",
		      f);
	if (json_is_true(json_object_get(run, "interrupted")))
		fputs("<p class=\"callout\">The run was interrupted: what was measured until then is "
		      "here.</p>\n",
		      f);
	json_array_foreach (json_object_get(run, "warnings"), i, w) {
		fputs("<p class=\"callout\">", f);
		html_text(f, "%s; %s", result_text(w, "what", "?"), result_text(w, "remedy", ""));
		fputs("</p>\n", f);
	}
}

void report_short(FILE *f, const struct results *one)
{
	const struct result_file *file = one->files;

	fputs("<p class=\"where\">", f);
	html_text(
		f, "%s, Linux %s%s, %s; zcbench %s (%s)",
		result_text(file->host, "cpu_model", result_text(file->host, "machine", "unknown CPU")),
		result_text(file->host, "kernel", "?"),
		file->uml                                              ? ", user-mode Linux"
		: json_is_true(json_object_get(file->host, "virtual")) ? ", virtual"
								       : "",
		result_text(json_object_get(file->root, "run"), "started", "date unknown"),
		result_text(file->root, "zcbench", "?"), result_text(file->root, "git", "?"));
	fputs("</p>\n", f);
	warnings(f, file);
	answers(f, one);
}
