/* SPDX-License-Identifier: MIT */
/* The tickets of a back channel: who has which file open, and may say so there once. Thread-safe: FUSE threads
 * issue them, clients' threads redeem them. */
#ifndef ZC_IPC_TICKETS_H
#define ZC_IPC_TICKETS_H

#include <pthread.h>
#include <stdbool.h>

#include "servers/ipc_server.h"

struct ipc_ticket {
	uint64_t fh, ino;
	uint32_t flags, uid; /* open(2) flags; who it is for */
};

#define IPC_TICKETS_MAX (2 * IPC_FILES_MAX)

struct ipc_tickets {
	pthread_mutex_t lock;
	uint64_t issued; /* ever */
	int top;         /* behind the last slot that was ever used */
	struct {
		uint64_t number; /* 0: free */
		struct ipc_ticket ticket;
		uint8_t secret[IPC_TICKET_SIZE];
	} slots[IPC_TICKETS_MAX];
};

/* t is all zeros before. */
void ipc_tickets_init(struct ipc_tickets *t);
void ipc_tickets_destroy(struct ipc_tickets *t);

/* Makes a secret for an open file. Processes that inherited one ask at the same moment: it has up to IPC_TICKETS_FILE
 * at a time, behind which a new one takes the place of the oldest. That holds for its second one, too, while half of the
 * slots are taken: the other half has one for each of IPC_FILES_MAX, whatever somebody asks for. 0, -EMFILE or -EIO. */
int ipc_tickets_issue(struct ipc_tickets *t, const struct ipc_ticket *ticket, uint8_t *secret);

/* Takes what was issued for a file handle back. */
void ipc_tickets_revoke(struct ipc_tickets *t, uint64_t fh);

/* Whether a user has business here at all. */
bool ipc_tickets_any(struct ipc_tickets *t, uint32_t uid);

/* The open file behind a secret: good once, and for the user who opened the file. 0 or -EACCES. */
int ipc_tickets_redeem(struct ipc_tickets *t, uint32_t uid, const uint8_t *secret,
		       struct ipc_ticket *out);

#endif
