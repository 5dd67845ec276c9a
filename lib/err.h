/* SPDX-License-Identifier: MIT */
/*
 * Errors that a person can act on: what went wrong, and what to do about it.
 *
 * Functions that can fail for a reason worth a sentence take a struct err and return 0 or a
 * negative errno. The lowest function that knows the reason writes it; callers only pass it on.
 */
#ifndef ZC_ERR_H
#define ZC_ERR_H

struct err {
	int code;         /* negative errno, or 0 */
	char what[512];   /* what was wrong, and where */
	char remedy[512]; /* what to do; may be empty */
};

/* Sets what went wrong; returns code, so that `return err_set(e, -EINVAL, ...)` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of errno `code` behind the message. */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds the remedy to an error that was set before; returns its code. */
int err_remedy(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints "zcbench: error: WHAT" and, where there is one, "  try: REMEDY" to stderr. */
void err_print(const struct err *e);

/* Prints "zcbench: warning: ..." to stderr, above a progress line if one is shown. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
