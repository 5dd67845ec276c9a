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
	int slot = -1, oldest = -1, own = 0, used = 0;

	if (getrandom(secret, IPC_TICKET_SIZE, 0) != IPC_TICKET_SIZE)
		return -EIO;
	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < t->top; i++) {
		if (!t->slots[i].number) {
			if (slot < 0)
				slot = i;
			continue;
		}
		used++;
		if (t->slots[i].ticket.fh != ticket->fh)
			continue;
		own++;
		if (oldest < 0 || t->slots[i].number < t->slots[oldest].number)
			oldest = i;
	}
	if (own && (own >= IPC_TICKETS_FILE || used >= IPC_FILES_MAX))
		slot = oldest;
	else if (slot < 0 && t->top < IPC_TICKETS_MAX)
		slot = t->top++;
	if (slot >= 0) {
		t->slots[slot].number = ++t->issued;
		t->slots[slot].ticket = *ticket;
		memcpy(t->slots[slot].secret, secret, IPC_TICKET_SIZE);
	}
	pthread_mutex_unlock(&t->lock);
	return slot < 0 ? -EMFILE : 0;
}

void ipc_tickets_revoke(struct ipc_tickets *t, uint64_t fh)
{
	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < t->top; i++)
		if (t->slots[i].number && t->slots[i].ticket.fh == fh)
			t->slots[i].number = 0;
	pthread_mutex_unlock(&t->lock);
}

bool ipc_tickets_any(struct ipc_tickets *t, uint32_t uid)
{
	bool any = false;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < t->top && !any; i++)
		any = t->slots[i].number && t->slots[i].ticket.uid == uid;
	pthread_mutex_unlock(&t->lock);
	return any;
}

int ipc_tickets_redeem(struct ipc_tickets *t, uint32_t uid, const uint8_t *secret,
		       struct ipc_ticket *out)
{
	int ret = -EACCES;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < t->top && ret; i++) {
		unsigned char diff = 0;

		if (!t->slots[i].number || t->slots[i].ticket.uid != uid)
			continue;
		for (int k = 0; k < IPC_TICKET_SIZE; k++)
			diff |= (unsigned char)(t->slots[i].secret[k] ^ secret[k]);
		if (diff)
			continue;
		*out = t->slots[i].ticket;
		t->slots[i].number = 0;
		ret = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return ret;
}
