// SPDX-License-Identifier: MIT
/* Error and warning texts; see err.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->remedy[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(e->what, sizeof(e->what), fmt, ap);
	va_end(ap);
	return code;
}

int err_sys(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	e->code = code;
	e->remedy[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(e->what, sizeof(e->what), fmt, ap);
	va_end(ap);
	n = strlen(e->what);
	snprintf(e->what + n, sizeof(e->what) - n, ": %s", strerror(-code));
	return code;
}

int err_remedy(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->remedy, sizeof(e->remedy), fmt, ap);
	va_end(ap);
	return e->code;
}

static const char *clear_line(void)
{
	return isatty(STDERR_FILENO) ? "\r\033[K" : "";
}

void err_print(const struct err *e)
{
	fprintf(stderr, "%szcbench: error: %s\n", clear_line(), e->what);
	if (e->remedy[0])
		fprintf(stderr, "  try: %s\n", e->remedy);
}

void warn(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%szcbench: warning: %s\n", clear_line(), line);
}
