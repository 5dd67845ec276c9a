// SPDX-License-Identifier: MIT
/* Pages that go away under a mapping; see sigbus.h. */
#include <signal.h>
#include <stddef.h>

#include "servers/sigbus.h"

_Thread_local sigjmp_buf *sigbus_guard;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	if (sigbus_guard)
		siglongjmp(*sigbus_guard, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

void sigbus_catch(void)
{
	/* SA_NODEFER: the jump has no mask to restore, which would be a system call for each guard */
	struct sigaction sa = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGBUS, &sa, NULL);
}
