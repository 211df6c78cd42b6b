/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to the helper, and one request over it. */
#ifndef HWSAFE_SHIM_BROKER_INTERNAL_H
#define HWSAFE_SHIM_BROKER_INTERNAL_H

#include <pthread.h>

#include "shim/wire-internal.h"

struct broker {
	pthread_mutex_t lock; /* one request at a time */
	int fd;
	int pid; /* whose connection it is: the helper serves no one else over it */
	uint32_t sequence;
	uint32_t txns;	/* that are open */
	char dead[160]; /* why nothing is asked any more; "" while it lives */
	union wire_request request;
	union wire_reply reply;
};

/* Connects, and agrees on a version. No answer may take longer than @seconds. */
HWS_MUST int broker_connect(struct broker *broker, const char *path, uint32_t seconds);
void broker_disconnect(struct broker *broker);

/* Begins a request, with the lock held until broker_end(); gives its body, zeroed. */
void *broker_begin(struct broker *broker, enum hws_wire_op op, uint32_t steps);
/*
 * Asks: 0, or what the helper answered, told by hws_why(); -EIO: it is gone, or makes no sense. The
 * reply's body is there until broker_end(). @ret_fd: NULL: none may come.
 */
HWS_MUST int broker_ask(struct broker *broker, int *ret_fd);
void broker_end(struct broker *broker);

#endif
