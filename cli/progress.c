// SPDX-License-Identifier: MIT
/* A progress line; see progress.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "lib/clock.h"

#define WIDTH 24

void progress_start(struct progress *p, unsigned int total, bool quiet)
{
	*p = (struct progress){
		.shown = !quiet && isatty(STDERR_FILENO), .start_ns = clock_ns(), .total = total};
}

void progress_show(struct progress *p, const char *what)
{
	char bar[WIDTH + 1], left[32] = "";
	unsigned int filled = p->total ? p->done * WIDTH / p->total : 0;

	if (!p->shown)
		return;
	memset(bar, '.', WIDTH);
	memset(bar, '#', filled);
	bar[WIDTH] = '\0';
	if (p->done) {
		uint64_t each = (clock_ns() - p->start_ns) / p->done;

		snprintf(left, sizeof(left), "%llu s left, ",
			 (unsigned long long)(each * (p->total - p->done) / NSEC_PER_SEC) + 1);
	}
	/* cut to fit any terminal: a wrapped line could not be wiped */
	fprintf(stderr, "\r\033[K[%s] %u/%u %s%.40s", bar, p->done, p->total, left, what);
}

void progress_step(struct progress *p)
{
	p->done++;
}

void progress_drop(struct progress *p, unsigned int steps)
{
	p->total -= steps;
}

void progress_more(struct progress *p, unsigned int steps)
{
	p->total += steps;
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
}
