// SPDX-License-Identifier: MIT
/* Tickets; see ipc_tickets.h. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "servers/ipc_tickets.h"

void ipc_tickets_init(struct ipc_tickets *t)
{
	pthread_mutex_init(&t->lock, NULL);
}

void ipc_tickets_destroy(struct ipc_tickets *t)
{
	pthread_mutex_destroy(&t->lock);
}

int ipc_tickets_issue(struct ipc_tickets *t, const struct ipc_ticket *ticket, uint8_t *secret)
{
	int slot = -1;

	if (getrandom(secret, IPC_TICKET_SIZE, 0) != IPC_TICKET_SIZE)
		return -EIO;
	pthread_mutex_lock(&t->lock);
	/* One for each open file: asking again and again must not use up what others need. */
	for (int i = 0; i < IPC_TICKETS_MAX; i++) {
		if (t->slots[i].used && t->slots[i].ticket.fh == ticket->fh) {
			slot = i;
			break;
		}
		if (!t->slots[i].used && slot < 0)
			slot = i;
	}
	if (slot >= 0) {
		t->slots[slot].used = true;
		t->slots[slot].ticket = *ticket;
		memcpy(t->slots[slot].secret, secret, IPC_TICKET_SIZE);
	}
	pthread_mutex_unlock(&t->lock);
	return slot < 0 ? -EMFILE : 0;
}

void ipc_tickets_revoke(struct ipc_tickets *t, uint64_t fh)
{
	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < IPC_TICKETS_MAX; i++)
		if (t->slots[i].used && t->slots[i].ticket.fh == fh)
			t->slots[i].used = false;
	pthread_mutex_unlock(&t->lock);
}

bool ipc_tickets_any(struct ipc_tickets *t, uint32_t uid)
{
	bool any = false;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < IPC_TICKETS_MAX && !any; i++)
		any = t->slots[i].used && t->slots[i].ticket.uid == uid;
	pthread_mutex_unlock(&t->lock);
	return any;
}

int ipc_tickets_redeem(struct ipc_tickets *t, uint32_t uid, const uint8_t *secret,
		       struct ipc_ticket *out)
{
	int ret = -EACCES;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < IPC_TICKETS_MAX && ret; i++) {
		unsigned char diff = 0;

		if (!t->slots[i].used || t->slots[i].ticket.uid != uid)
			continue;
		for (int k = 0; k < IPC_TICKET_SIZE; k++)
			diff |= (unsigned char)(t->slots[i].secret[k] ^ secret[k]);
		if (diff)
			continue;
		*out = t->slots[i].ticket;
		t->slots[i].used = false;
		ret = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return ret;
}
