/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to the helper, and one request over it. */
#ifndef HWSAFE_SHIM_BROKER_INTERNAL_H
#define HWSAFE_SHIM_BROKER_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>

#include "shim/wire-internal.h"

/* Memory that the helper looks at when its doorbell rings. */
struct broker_ring {
	struct hws_wire_ring *shared; /* NULL: there is none, everything goes by messages */
	int doorbell;
	uint32_t asked;
};

struct broker {
	pthread_mutex_t lock; /* one request at a time */
	int fd;
	int pid; /* whose connection it is: the helper serves no one else over it */
	uint32_t sequence;
	uint16_t version; /* that the helper agreed to; 0: before that */
	uint32_t runs;	  /* that were asked for before there was a ring */
	struct broker_ring ring;
	uint32_t txns;	/* that are open */
	char dead[160]; /* why nothing is asked any more; "" while it lives */
	union wire_request request;
	union wire_reply reply;
};

/* Connects, and agrees on a version. */
HWS_MUST int broker_connect(struct broker *broker, const char *path);
void broker_disconnect(struct broker *broker);

/* Begins a request, with the lock held until broker_end(); gives its body, zeroed. */
void *broker_begin(struct broker *broker, enum hws_wire_op op, uint32_t steps);
/*
 * Asks: 0, or what the helper answered, told by hws_why(); -EIO: it is gone, or makes no sense. The
 * reply's body is there until broker_end(). @ret_fd: NULL: none may come.
 */
HWS_MUST int broker_ask(struct broker *broker, int *ret_fd);
void broker_end(struct broker *broker);
/* With the lock held: the next request. broker_begin() does both. */
void *broker_put(struct broker *broker, enum hws_wire_op op, uint32_t steps);

/* broker-ring.c, with the lock held. From the second RUN on there is a ring, where there can be. */
void broker_ring_prepare(struct broker *broker);
void broker_ring_close(struct broker *broker);
/* Puts broker->request there, waits for broker->reply: its size; 0: the helper is gone; -errno. */
HWS_MUST ssize_t broker_ring_ask(struct broker *broker);

#endif
