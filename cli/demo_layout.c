// SPDX-License-Identifier: MIT
/* The page of zcbench demo: its state as cells, without a terminal; see demo.h. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"
#include "cli/path_style.h"
#include "lib/units.h"

#define HEAD       3
#define FOOT       3
#define EACH_MAX   6 /* lines of a path */
#define COPIES_LEN 55

int page_resize(struct page *p, int cols, int rows)
{
	struct glyph *cells = calloc((size_t)cols * (size_t)rows, sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	free(p->cells);
	p->cells = cells;
	p->cols = cols;
	p->rows = rows;
	return 0;
}

struct pen {
	uint8_t style;
	int32_t rgb;
};

static const struct pen plain = {0, -1}, bold = {GLYPH_BOLD, -1}, dim = {GLYPH_DIM, -1},
			reverse = {GLYPH_REVERSE, -1};

static void put(struct page *p, int y, int x, uint32_t c, struct pen pen)
{
	if (y >= 0 && y < p->rows && x >= 0 && x < p->cols)
		p->cells[y * p->cols + x] = (struct glyph){c, pen.style, pen.rgb};
}

/* One character of UTF-8, and on to the next. */
static uint32_t next_character(const char **s)
{
	const unsigned char *u = (const unsigned char *)*s;
	const int more = u[0] < 0xc0 ? 0 : u[0] < 0xe0 ? 1 : u[0] < 0xf0 ? 2 : 3;
	uint32_t c = more ? u[0] & (0x3f >> more) : u[0] < 0x80 ? u[0] : '?';
	int i = 0;

	while (i < more && (u[i + 1] & 0xc0) == 0x80)
		c = c << 6 | (u[++i] & 0x3f);
	*s += i + 1;
	return i == more && c >= 0x20 && c != 0x7f ? c : '?';
}

/* At most `width` columns. Returns how many. */
static int put_text(struct page *p, int y, int x, int width, struct pen pen, const char *s)
{
	int n = 0;

	while (*s && n < width) {
		uint32_t c = next_character(&s);

		put(p, y, x + n++, p->ascii && c > 0x7e ? '?' : c, pen);
	}
	return n;
}

__attribute__((format(printf, 6, 7))) static int put_format(struct page *p, int y, int x, int width,
							    struct pen pen, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put_text(p, y, x, width, pen, text);
}

/* With its end at column `end`. */
static void put_right(struct page *p, int y, int end, struct pen pen, const char *s)
{
	put_text(p, y, end - (int)strlen(s), (int)strlen(s), pen, s);
}

static void fill(struct page *p, int y, struct pen pen)
{
	for (int x = 0; x < p->cols; x++)
		put(p, y, x, ' ', pen);
}

/* Words wrapped into `lines` lines. */
static void put_words(struct page *p, int y, int x, int width, int lines, struct pen pen, const char *s)
{
	for (int line = 0; line < lines && *s; line++) {
		int n = (int)strlen(s);

		if (n > width && line + 1 < lines)
			for (n = width; n > 0 && s[n] != ' ';)
				n--;
		if (n <= 0 || n > width)
			n = width;
		put_format(p, y + line, x, width, pen, "%.*s", n, s);
		s += n;
		s += strspn(s, " ");
	}
}

/* --- colours --- */

static int channel(int32_t rgb, int i)
{
	return rgb >> (16 - 8 * i) & 0xff;
}

int32_t demo_colour(const char *path)
{
	const int32_t rgb = (int32_t)strtol(path_style(path)->colour + 1, NULL, 16);

	/* black is for paper: on a screen it is the colour of the text, whatever that is */
	return channel(rgb, 0) + channel(rgb, 1) + channel(rgb, 2) < 96 ? -1 : rgb;
}

int xterm_colour(int32_t rgb)
{
	static const int levels[] = {0, 95, 135, 175, 215, 255};
	int best = 16, least = 1 << 30;

	for (int c = 16; c < 256; c++) {
		int distance = 0;

		for (int i = 0; i < 3; i++) {
			static const int step[] = {36, 6, 1};
			const int v = c < 232 ? levels[(c - 16) / step[i] % 6] : 8 + 10 * (c - 232);

			distance += (v - channel(rgb, i)) * (v - channel(rgb, i));
		}
		if (distance < least) {
			least = distance;
			best = c;
		}
	}
	return best;
}

/* gnuplot's point types, as far as characters look like them. */
static uint32_t marker(const struct page *p, const char *path)
{
	static const uint32_t shapes[] = {
		[2] = 0xd7,   [4] = 0x25a1,  [5] = 0x25a0,  [6] = 0x25cb,  [7] = 0x25cf,  [8] = 0x25b3,
		[9] = 0x25b2, [11] = 0x25bc, [12] = 0x25c7, [13] = 0x25c6, [15] = 0x2b1f,
	};
	const int m = path_style(path)->marker;

	if (p->ascii)
		return '*';
	return m >= 0 && m < (int)(sizeof(shapes) / sizeof(shapes[0])) && shapes[m] ? shapes[m] : '*';
}

/* --- figures --- */

/* "12.3 GiB" */
static char *bytes_text(char *buf, size_t len, uint64_t bytes)
{
	format_rate(buf, len, (double)bytes);
	buf[strlen(buf) - strlen("/s")] = '\0';
	return buf;
}

/* What was copied, and whether that is counted or only expected: "payload 1.20 GiB  copied 1.20 GiB ..." in
 * at most COPIES_LEN columns if `brief`. */
static char *copies_text(const struct demo *d, const struct demo_path *p, bool brief, char *buf,
			 size_t len)
{
	char payload[32], copied[32], own[64] = "", expected[32] = "?";
	const bool counted = !d->no_ledger[0] && !p->uncounted;

	bytes_text(payload, sizeof(payload), p->payload);
	bytes_text(copied, sizeof(copied), counted ? p->copied : p->declared);
	if (isfinite(p->expected))
		snprintf(expected, sizeof(expected), "%.2fx", p->expected);
	if (!brief)
		snprintf(own, sizeof(own), counted ? "  (expected: %s)" : "  (own code: %s)",
			 counted ? expected : copied);
	if (counted)
		snprintf(buf, len, "payload %s  copied %s = %.2fx%s", payload, copied,
			 p->payload ? (double)p->copied / (double)p->payload : 0, own);
	else
		snprintf(buf, len, "payload %s  copies %s EXPECTED, not counted%s", payload, expected,
			 own);
	return buf;
}

static double fastest(const struct demo *d)
{
	double best = 0;

	for (unsigned int i = 0; i < d->n; i++) {
		struct demo_turn t;

		if (demo_medians(&d->paths[i], &t) && t.rate > best)
			best = t.rate;
	}
	return best;
}

/* `share` of `width` columns, to an eighth of one. */
static void put_bar(struct page *p, int y, int x, int width, double share, int32_t rgb)
{
	const int eighths = (int)lround(share * width * 8);
	const struct pen pen = {0, rgb};

	for (int i = 0; i < width; i++) {
		const int left = eighths - 8 * i;

		if (left >= 8)
			put(p, y, x + i, p->ascii ? '#' : 0x2588, pen);
		else if (left > 0 && !p->ascii)
			put(p, y, x + i, (uint32_t)(0x2590 - left), pen);
		else if ((left > 0 && p->ascii) || (!i && share > 0))
			put(p, y, x + i, p->ascii ? '|' : 0x258f, pen);
	}
}

/* Where the columns end, of 80; wider pages stretch them. */
enum column { COL_RATE, COL_P50, COL_P99, COL_CPU, NCOLUMNS };

static const struct {
	int end;
	const char *title;
} columns[NCOLUMNS] = {
	[COL_RATE] = {31, "throughput"},
	[COL_P50] = {42, "p50"},
	[COL_P99] = {53, "p99"},
	[COL_CPU] = {75, "CPU ns/KiB cl + sv"},
};

static int column_end(const struct page *p, enum column c)
{
	const int cols = p->cols < 140 ? p->cols : 140;

	return columns[c].end * cols / DEMO_COLS;
}

static void put_figures(const struct demo_turn *t, struct page *p, int y)
{
	char text[64];

	put_right(p, y, column_end(p, COL_RATE), bold, format_rate(text, sizeof(text), t->rate));
	put_right(p, y, column_end(p, COL_P50), plain, format_time(text, sizeof(text), t->p50));
	put_right(p, y, column_end(p, COL_P99), plain, format_time(text, sizeof(text), t->p99));
	snprintf(text, sizeof(text), "%.0f + %.0f", t->client_cpu, t->server_cpu);
	put_right(p, y, column_end(p, COL_CPU), plain, text);
}

static const char *state_text(const struct demo_path *p)
{
	switch (p->state) {
	case DEMO_STARTS:
		return "starting";
	case DEMO_RUNS:
		return p->turns ? "" : "starting";
	case DEMO_STOPPED:
		return "stopped";
	case DEMO_KILLED:
		return "SERVER KILLED; it comes back in a moment";
	case DEMO_FAILED:
		return "FAILED (r restarts it)";
	case DEMO_LEFT_OUT:
		return "left out";
	}
	return "";
}

static void put_path(const struct demo *d, unsigned int i, struct page *p, int y, int each, double best)
{
	const struct demo_path *path = &d->paths[i];
	const struct pen colour = {GLYPH_BOLD, demo_colour(path->name)};
	const bool selected = i == d->selected;
	char copies[160];
	struct demo_turn t;
	int x = 5, bar;

	put(p, y, 0, selected ? '>' : ' ', bold);
	put_format(p, y, 1, 2, plain, "%u", i + 1);
	put(p, y, 3, marker(p, path->name), colour);
	put_text(p, y, x, 14, (struct pen){colour.style | (selected ? GLYPH_REVERSE : 0), colour.rgb},
		 path->name);
	if (d->turn == (int)i && path->state == DEMO_RUNS && !d->paused)
		put_text(p, y, p->cols - 4, 4, bold, "<now");
	if (!demo_medians(path, &t)) {
		if (each == 1) {
			put_format(p, y, 20, p->cols - 20, dim, "%s: %s", state_text(path), path->why);
			return;
		}
		put_text(p, y, 20, p->cols - 24, bold, state_text(path));
		put_words(p, y + 1, 20, p->cols - 21, each > 2 ? each - 1 : 1, plain, path->why);
		return;
	}
	put_figures(&t, p, y);
	copies_text(d, path, each == 2, copies, sizeof(copies));
	if (path->problem[0])
		snprintf(copies, sizeof(copies), "NOT AS CLAIMED: %s", path->problem);
	bar = each > 2 ? p->cols - x - 5 : p->cols - x - COPIES_LEN - 1;
	for (int k = 0; k < (each > 4 ? 2 : 1); k++)
		put_bar(p, y + 1 + k, x, bar, best > 0 ? t.rate / best : 0, colour.rgb);
	if (each > 2)
		put_text(p, y + (each > 4 ? 3 : 2), x, p->cols - x, plain, copies);
	else
		put_text(p, y + 1, p->cols - COPIES_LEN, COPIES_LEN, plain, copies);
}

static void put_head(const struct demo *d, struct page *p)
{
	char size[32], turn[32];

	fill(p, 0, reverse);
	put_format(p, 0, 1, p->cols - 12, reverse,
		   "zcbench demo   %s  blocks %s  source %s  sink %s  depth %u%s", d->op,
		   format_size(size, sizeof(size), d->bs), d->source, d->sink, (unsigned int)d->depth,
		   d->clients > 1 ? "  several clients" : "");
	put_text(p, 0, p->cols - 9, 8, reverse, d->paused ? "PAUSED" : "running");
	put_format(p, 1, 1, p->cols - 2, dim,
		   "One path at a time, in turns of %s. Figures: the median of its last %d.",
		   format_time(turn, sizeof(turn), (double)d->slice_ns), DEMO_RECENT);
	for (int c = 0; c < NCOLUMNS; c++)
		put_right(p, 2, column_end(p, (enum column)c), dim, columns[c].title);
	put_text(p, 2, 5, 12, dim, "path");
}

static void put_foot(const struct demo *d, struct page *p)
{
	const int y = p->rows - FOOT;

	if (d->no_ledger[0])
		put_format(p, y, 1, p->cols - 2, dim,
			   "Copies are EXPECTED by design and NOT counted here (zcbench vm can): %s",
			   d->no_ledger);
	else
		put_text(p, y, 1, p->cols - 2, dim,
			 "Copies: counted in the kernel (BPF) and by our own code, for each payload "
			 "byte.");
	put_text(p, y + 1, 1, p->cols - 2, bold, d->text);
	fill(p, y + 2, reverse);
	put_text(p, y + 2, 1, p->cols - 2, reverse,
		 "space pause  +- bs  s sink  o source  w op  1-9 path  k kill  r restart  ? q");
}

static void put_help(struct page *p)
{
	int y = 1;

	put_text(p, y, 3, p->cols, bold, "Keys, and the words of scripts");
	y += 2;
	for (const struct demo_action *a = demo_actions; a->word && y < p->rows - 1; a++, y++) {
		put_text(p, y, 3, 8, bold, a->shown);
		put_format(p, y, 12, 20, plain, "%s%s%s%s%s", a->word, a->arg_name[0] ? " " : "",
			   a->arg == ARG_MAY && a->arg_name[0] ? "[" : "", a->arg_name,
			   a->arg == ARG_MAY && a->arg_name[0] ? "]" : "");
		put_text(p, y, 32, p->cols - 33, plain, a->help);
	}
	put_text(p, p->rows - 1, 3, p->cols - 4, dim, "? goes back");
}

/* A path that is left out takes one line; the others share the rest. */
static int lines_of_each(const struct demo *d, const struct page *p)
{
	int shared = p->rows - HEAD - FOOT, live = 0, each;

	for (unsigned int i = 0; i < d->n; i++) {
		if (d->paths[i].state == DEMO_LEFT_OUT)
			shared--;
		else
			live++;
	}
	each = live ? shared / live : 2;
	return each < 2 ? 2 : each > EACH_MAX ? EACH_MAX : each;
}

void demo_layout(const struct demo *d, struct page *p)
{
	const double best = fastest(d);
	int each, y = HEAD;

	memset(p->cells, 0, sizeof(*p->cells) * (size_t)p->cols * (size_t)p->rows);
	for (int i = 0; i < p->cols * p->rows; i++)
		p->cells[i] = (struct glyph){' ', 0, -1};
	if (p->cols < DEMO_COLS || p->rows < DEMO_ROWS) {
		put_format(p, p->rows / 2, 0, p->cols, bold, "needs %dx%d, this is %dx%d", DEMO_COLS,
			   DEMO_ROWS, p->cols, p->rows);
		return;
	}
	if (d->help) {
		put_help(p);
		return;
	}
	put_head(d, p);
	each = lines_of_each(d, p);
	for (unsigned int i = 0; i < d->n; i++) {
		const int lines = d->paths[i].state == DEMO_LEFT_OUT ? 1 : each;

		if (y + lines > p->rows - FOOT)
			break;
		put_path(d, i, p, y, lines, best);
		y += lines;
	}
	put_foot(d, p);
}

char *demo_line(const struct demo *d, const struct demo_path *p, char *buf, size_t len)
{
	char rate[32], p50[32], p99[32], copies[160];
	struct demo_turn t;

	if (!demo_medians(p, &t)) {
		snprintf(buf, len, "%-12s %s%s%s", p->name, state_text(p), p->why[0] ? ": " : "",
			 p->why);
		return buf;
	}
	snprintf(buf, len, "%-12s %11s  p50 %8s  p99 %8s  CPU ns/KiB %.0f + %.0f  %s%s%s", p->name,
		 format_rate(rate, sizeof(rate), t.rate), format_time(p50, sizeof(p50), t.p50),
		 format_time(p99, sizeof(p99), t.p99), t.client_cpu, t.server_cpu,
		 copies_text(d, p, false, copies, sizeof(copies)),
		 p->problem[0] ? "  NOT AS CLAIMED: " : "", p->problem);
	return buf;
}
