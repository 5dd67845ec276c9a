// SPDX-License-Identifier: MIT
/* Where it was measured, what could not be, and how to do it again; see report.h. */
#include <string.h>

#include "cli/format.h"
#include "cli/report.h"
#include "lib/units.h"

static void row(FILE *f, const char *name, const char *value)
{
	fputs("<tr><th scope=\"row\">", f);
	html_text(f, "%s", name);
	fputs("</th><td class=\"words\">", f);
	html_text(f, "%s", value);
	fputs("</td></tr>\n", f);
}

/* A member as text: numbers and flags as they are in the file. */
static void member_row(FILE *f, const char *name, const json_t *v)
{
	char text[64];

	if (json_is_string(v)) {
		row(f, name, json_string_value(v));
	} else if (json_is_boolean(v)) {
		row(f, name, json_is_true(v) ? "yes" : "no");
	} else if (json_is_integer(v)) {
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
		row(f, name, text);
	} else if (json_is_real(v)) {
		snprintf(text, sizeof(text), "%.4g", json_real_value(v));
		row(f, name, text);
	} else if (json_is_object(v)) {
		const char *key;
		json_t *sub;
		char path[200];

		json_object_foreach ((json_t *)v, key, sub) {
			snprintf(path, sizeof(path), "%s: %s", name, key);
			member_row(f, path, sub);
		}
	}
}

/* Names that people know from elsewhere first; the rest follows. */
static void host_table(FILE *f, const struct result_file *file)
{
	const char *name;
	json_t *v;

	fputs("<h3>Host</h3>\n<div class=\"wide\"><table class=\"pairs\"><tbody>\n", f);
	json_object_foreach ((json_t *)file->host, name, v) {
		const char *key;
		json_t *sub;
		char text[4000] = "";
		size_t at = 0;

		if (!json_is_object(v) || !json_is_string(json_object_iter_value(json_object_iter(v)))) {
			member_row(f, name, v);
			continue;
		}
		/* one row for each group of settings; what is as usual is not worth one */
		json_object_foreach (v, key, sub)
			if (json_is_string(sub) && strcmp(json_string_value(sub), "Not affected") &&
			    at < sizeof(text))
				at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s: %s",
						       at ? ";  " : "", key, json_string_value(sub));
		row(f, name, text);
	}
	member_row(f, "load before the run",
		   json_object_get(json_object_get(file->root, "run"), "load_before"));
	fputs("</tbody></table></div>\n", f);
}

static void value_row(FILE *f, const char *name, const json_t *v, const char *unit)
{
	char median[48], lo[48], hi[48], text[200];

	if (!json_is_number(json_object_get(v, "median")))
		return;
	snprintf(text, sizeof(text), "%s  (%s to %s)",
		 format_metric(median, sizeof(median), json_number_value(json_object_get(v, "median")),
			       unit),
		 format_metric(lo, sizeof(lo), json_number_value(json_object_get(v, "lo")), unit),
		 format_metric(hi, sizeof(hi), json_number_value(json_object_get(v, "hi")), unit));
	row(f, name, text);
}

static void limits_table(FILE *f, const struct result_file *file)
{
	const json_t *limits = json_object_get(file->root, "limits"), *v;
	const char *name;
	size_t i;

	/* times of a machine that is none */
	if (!json_is_object(limits) || file->emulated)
		return;
	fputs("<h3>Limits of the machine</h3>\n<div class=\"wide\"><table class=\"pairs\"><tbody>\n", f);
	json_object_foreach (json_object_get(limits, "latency_ns"), name, v) {
		char text[100];
		size_t n = 0;

		for (; name[n] && n < sizeof(text) - 1; n++)
			text[n] = name[n] == '_' ? ' ' : name[n];
		text[n] = '\0';
		value_row(f, text, v, "ns");
	}
	json_array_foreach (json_object_get(limits, "bandwidth_bytes_per_s"), i, v) {
		const char *pass = json_string_value(json_object_get(v, "pass"));
		char text[100], size[32];

		format_size(size, sizeof(size),
			    (uint64_t)json_integer_value(json_object_get(v, "bytes")));
		snprintf(text, sizeof(text), "%.40s, %s", pass ? pass : "?", size);
		value_row(f, text, v, "bytes/s");
	}
	fputs("</tbody></table></div>\n", f);
}

/* One line for each path and reason, with the sinks that it holds for. */
static void skipped_list(FILE *f, const json_t *skipped)
{
	const json_t *a, *b;
	size_t i, k;

	json_array_foreach (skipped, i, a) {
		const char *path = json_string_value(json_object_get(a, "path")),
			   *why = json_string_value(json_object_get(a, "why"));
		bool said = !path || !why;

		for (k = 0; k < i && !said; k++) {
			b = json_array_get(skipped, k);
			said = json_equal(json_object_get(a, "path"), json_object_get(b, "path")) &&
			       json_equal(json_object_get(a, "why"), json_object_get(b, "why"));
		}
		if (said)
			continue;
		fputs("<li>left out: <code>", f);
		html_text(f, "%s", path);
		fputs("</code>: ", f);
		html_text(f, "%s", why);
		fputs("</li>\n", f);
	}
}

static void missing_list(FILE *f, const struct result_file *file)
{
	json_t *missing = json_object_get(file->root, "not_measured"), *why, *other;
	const char *name, *name2;

	fputs("<h3>What could not be measured, and why</h3>\n<ul>\n", f);
	json_object_foreach (missing, name, why) {
		bool said = false, more = false;

		if (!json_is_string(why))
			continue;
		/* those with one reason together */
		json_object_foreach (missing, name2, other) {
			if (!strcmp(name, name2))
				break;
			said |= json_equal(why, other);
		}
		if (said)
			continue;
		fputs("<li>", f);
		json_object_foreach (missing, name2, other) {
			if (!json_equal(why, other))
				continue;
			fputs(more ? ", <code>" : "<code>", f);
			html_text(f, "%s", name2);
			fputs("</code>", f);
			more = true;
		}
		html_text(f, ": %s", json_string_value(why));
		fputs("</li>\n", f);
	}
	skipped_list(f, json_object_get(file->root, "skipped"));
	if (!json_object_size(missing) && !json_array_size(json_object_get(file->root, "skipped")))
		fputs("<li>nothing: all that was asked for is here</li>\n", f);
	fputs("</ul>\n", f);
}

/* As a shell reads it. */
static void shell_word(FILE *f, const char *word)
{
	const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./,:+@%";

	if (*word && word[strspn(word, plain)] == '\0') {
		html_text(f, "%s", word);
		return;
	}
	html_text(f, "'");
	for (; *word; word++)
		if (*word == '\'')
			html_text(f, "'\\''");
		else
			html_text(f, "%c", *word);
	html_text(f, "'");
}

static void commands(FILE *f, const struct result_file *file)
{
	const json_t *word;
	size_t i;

	fputs("<h3>To do it again</h3>\n<pre>", f);
	json_array_foreach (json_object_get(file->root, "command"), i, word) {
		if (i)
			fputc(' ', f);
		if (json_is_string(word))
			shell_word(f, json_string_value(word));
		/* (with --kernel, if it was another than by default: the table below names it) */
		if (!i && json_object_get(file->host, "virtual_machine"))
			fputs(" vm --", f);
	}
	fputs("\nzcbench plot ", f);
	shell_word(f, file->name);
	fputs("\nzcbench report ", f);
	shell_word(f, file->name);
	fputs("</pre>\n", f);
}

void report_conditions(FILE *f, const struct result_file *file)
{
	missing_list(f, file);
	commands(f, file);
	host_table(f, file);
	limits_table(f, file);
}
