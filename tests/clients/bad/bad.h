/* SPDX-License-Identifier: MIT */
/* What the cases of the bad client share; see main.c. All of it ends the program when it goes wrong. */
#ifndef ZC_TESTS_BAD_H
#define ZC_TESTS_BAD_H

#include "clients/ipc_client.h"

#define SIZE    (64u << 10) /* of the memory that `join` registers */
#define ENTRIES 8           /* of the ring */

struct bad_case {
	const char *name;
	void (*run)(void);
	const char *log; /* what the server says about it; NULL: nothing */
};

extern const struct bad_case memory_cases[], ring_cases[], control_cases[], stops_cases[],
	crowds_cases[];

extern const char *file;           /* on the mount */
extern struct ipc_client c;        /* after hello or join */
extern int memory;                 /* the memfd that join registered */
extern const struct ipc_sqe right; /* an operation that is right after join */

/* Not as it has to be: says so, and ends the program. */
void wrong(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A memfd; `full`: without holes. */
int sealed(uint64_t size, bool full, unsigned int flags, int seals);

/* A ticket for an open file, which stays open; a connection; and one message on it. The answer's value or error,
 * -ENOTCONN: there was none. */
struct ipc_channel ticket(void);
int dial(const struct ipc_channel *ch);
int ask(int sock, uint32_t type, uint64_t value, const uint8_t *secret, int fd);

void hello(void); /* a session with a ring */
void join(void);  /* ... and memory */
int operate(const struct ipc_sqe *d);

void expect(const char *what, int got, int want);
void expect_hang_up(int sock);
/* Something is refused, and the session goes on. */
void refused(const char *what, int got, int want);

/* Says that it is there, and does no more. */
void wait_for_end(void) __attribute__((noreturn));

#endif
