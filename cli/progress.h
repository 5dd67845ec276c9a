/* SPDX-License-Identifier: MIT */
/* A progress line with the time left, on stderr, on a terminal only. */
#ifndef ZC_PROGRESS_H
#define ZC_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;
	uint64_t start_ns;
	unsigned int done, total;
};

void progress_start(struct progress *p, unsigned int total, bool quiet);
/* Before step number p->done + 1: shows what it is. */
void progress_show(struct progress *p, const char *what);
void progress_step(struct progress *p);
/* A step that will not come. */
void progress_drop(struct progress *p, unsigned int steps);
/* More steps than was thought. */
void progress_more(struct progress *p, unsigned int steps);
void progress_end(struct progress *p);

#endif
