// SPDX-License-Identifier: MIT
/* Text in HTML; see report.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "cli/report.h"

static void escape(FILE *f, char c)
{
	switch (c) {
	case '<':
		fputs("&lt;", f);
		break;
	case '>':
		fputs("&gt;", f);
		break;
	case '&':
		fputs("&amp;", f);
		break;
	case '"':
		fputs("&quot;", f);
		break;
	case '\'':
		fputs("&#39;", f);
		break;
	default:
		fputc(c, f);
	}
}

void html_text(FILE *f, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	for (const char *p = text; *p; p++)
		escape(f, *p);
	free(text);
}

void html_words(FILE *f, const char *text)
{
	bool code = false;

	for (; *text; text++) {
		if (*text != '`') {
			escape(f, *text);
			continue;
		}
		code = !code;
		fputs(code ? "<code>" : "</code>", f);
	}
	if (code)
		fputs("</code>", f);
}

int html_base64(FILE *f, const char *path)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	FILE *from = fopen(path, "re");
	unsigned char in[3];
	size_t n;

	if (!from)
		return -errno;
	while ((n = fread(in, 1, 3, from))) {
		unsigned int bits =
			(unsigned int)in[0] << 16 | (n > 1 ? in[1] : 0u) << 8 | (n > 2 ? in[2] : 0u);

		fputc(digits[bits >> 18], f);
		fputc(digits[bits >> 12 & 63], f);
		fputc(n > 1 ? digits[bits >> 6 & 63] : '=', f);
		fputc(n > 2 ? digits[bits & 63] : '=', f);
	}
	n = ferror(from);
	fclose(from);
	return n ? -EIO : 0;
}
