/* SPDX-License-Identifier: MIT */
/*
 * A client can take pages away under a mapping of memory that it shares (punch a hole when memory or huge pages
 * have run out), and touching one then raises SIGBUS. That must cost this client its request or its session,
 * and nobody else anything: the thread jumps out of whatever touched the page.
 *
 *	sigjmp_buf jump;
 *
 *	sigbus_guard = &jump;
 *	if (sigsetjmp(jump, 0) == 0)
 *		touch(memory);
 *	else
 *		it_is_gone();
 *	sigbus_guard = NULL;
 */
#ifndef ZC_SIGBUS_H
#define ZC_SIGBUS_H

#include <setjmp.h>

/* Where this thread goes; NULL: SIGBUS ends the process, as it does by default. */
extern _Thread_local sigjmp_buf *sigbus_guard;

/* Has the signal handled so; once for a process, more do no harm. */
void sigbus_catch(void);

#endif
