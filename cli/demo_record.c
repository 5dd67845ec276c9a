// SPDX-License-Identifier: MIT
/* Recordings of zcbench demo: asciicast version 2 (docs.asciinema.org), made from the page and not from what
 * ncurses sends, so that one comes out the same with and without a terminal, whatever its type; see demo.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "cli/demo.h"
#include "lib/clock.h"

struct recording {
	FILE *f;
	char *name;
	uint64_t start_ns;
	struct page shown; /* what a player's screen looks like now */
	struct glyph pen;
};

static void utf8(FILE *f, uint32_t c)
{
	if (c < 0x80) {
		fputc((int)c, f);
	} else if (c < 0x800) {
		fputc((int)(0xc0 | c >> 6), f);
		fputc((int)(0x80 | (c & 0x3f)), f);
	} else {
		fputc((int)(0xe0 | c >> 12), f);
		fputc((int)(0x80 | (c >> 6 & 0x3f)), f);
		fputc((int)(0x80 | (c & 0x3f)), f);
	}
}

static void event(struct recording *r, const char *kind, const char *data)
{
	const double at = (double)(clock_ns() - r->start_ns) / NSEC_PER_SEC;
	json_t *j = json_pack("[f, s, s]", at, kind, data);

	if (json_dumpf(j, r->f, JSON_COMPACT | JSON_REAL_PRECISION(9)))
		errno = EIO;
	fputc('\n', r->f);
	json_decref(j);
}

static void put_pen(FILE *f, const struct glyph *g)
{
	fputs("\x1b[0", f);
	if (g->style & GLYPH_BOLD)
		fputs(";1", f);
	if (g->style & GLYPH_DIM)
		fputs(";2", f);
	if (g->style & GLYPH_REVERSE)
		fputs(";7", f);
	if (g->rgb >= 0)
		fprintf(f, ";38;5;%d", xterm_colour(g->rgb));
	fputc('m', f);
}

static bool same(const struct glyph *a, const struct glyph *b)
{
	return a->c == b->c && a->style == b->style && a->rgb == b->rgb;
}

/* The cells that differ; all of them after a change of size. */
static void put_changes(struct recording *r, const struct page *p, FILE *f)
{
	for (int y = 0; y < p->rows; y++) {
		int at = -1;

		for (int x = 0; x < p->cols; x++) {
			const struct glyph *g = &p->cells[y * p->cols + x];

			if (same(g, &r->shown.cells[y * p->cols + x]))
				continue;
			if (at != x)
				fprintf(f, "\x1b[%d;%dH", y + 1, x + 1);
			if (g->style != r->pen.style || g->rgb != r->pen.rgb)
				put_pen(f, g);
			utf8(f, g->c);
			r->pen = *g;
			at = x + 1;
		}
	}
}

static int resize(struct recording *r, const struct page *p)
{
	int ret = page_resize(&r->shown, p->cols, p->rows);

	for (int i = 0; !ret && i < p->cols * p->rows; i++)
		r->shown.cells[i] = (struct glyph){' ', 0, -1};
	r->pen = (struct glyph){' ', 0, -1};
	return ret;
}

int recording_add(struct recording *r, const struct page *p)
{
	const bool resized = r->shown.cols != p->cols || r->shown.rows != p->rows;
	char *text = NULL, size[32];
	size_t len = 0;
	FILE *f;
	int ret = 0;

	f = open_memstream(&text, &len);
	if (!f)
		return -ENOMEM;
	if (resized) {
		ret = resize(r, p);
		snprintf(size, sizeof(size), "%dx%d", p->cols, p->rows);
		event(r, "r", size);
		fputs("\x1b[0m\x1b[2J", f);
	}
	if (!ret)
		put_changes(r, p, f);
	fclose(f);
	if (!ret && len)
		event(r, "o", text);
	free(text);
	if (!ret)
		memcpy(r->shown.cells, p->cells, sizeof(*p->cells) * (size_t)p->cols * (size_t)p->rows);
	return ret ? ret : ferror(r->f) ? -EIO : 0;
}

int recording_open(struct recording **out, const char *file, const struct page *p, struct err *e)
{
	struct recording *r = calloc(1, sizeof(*r));
	json_t *header;

	if (!r || resize(r, p)) {
		free(r);
		return err_sys(e, -ENOMEM, "recording");
	}
	r->f = fopen(file, "we");
	if (!r->f) {
		const int ret = -errno;

		free(r->shown.cells);
		free(r);
		return err_sys(e, ret, "recording to %s", file);
	}
	r->name = strdup(file);
	r->start_ns = clock_ns();
	header = json_pack("{s:i, s:i, s:i, s:I, s:s, s:{s:s}}", "version", 2, "width", p->cols,
			   "height", p->rows, "timestamp", (json_int_t)time(NULL), "title",
			   "zcbench demo", "env", "TERM", "xterm-256color");
	json_dumpf(header, r->f, JSON_COMPACT);
	json_decref(header);
	fputc('\n', r->f);
	event(r, "o", "\x1b[0m\x1b[2J\x1b[H\x1b[?25l");
	*out = r;
	return 0;
}

int recording_close(struct recording *r, struct err *e)
{
	int ret;

	event(r, "o", "\x1b[0m\x1b[?25h");
	ret = ferror(r->f) ? -EIO : 0;
	if (fclose(r->f) && !ret)
		ret = -errno;
	if (ret)
		err_sys(e, ret, "recording to %s", r->name);
	free(r->shown.cells);
	free(r->name);
	free(r);
	return ret;
}
