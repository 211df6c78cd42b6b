/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to the helper, and one request over it. */
#ifndef HWSAFE_SHIM_BROKER_INTERNAL_H
#define HWSAFE_SHIM_BROKER_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>
#include <stdatomic.h>

#include "shim/probe.h"
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
	_Atomic uint32_t txns; /* that are open; changed with the lock held */
	void *native;	/* for what is held by the helper's descriptors; NULL: not needed yet */
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
/* With the lock held: the next request. broker_begin() does both. */
void *broker_put(struct broker *broker, enum hws_wire_op op, uint32_t steps);

/* broker-ring.c, with the lock held. From the second RUN on there is a ring, where there can be. */
void broker_ring_prepare(struct broker *broker);
void broker_ring_close(struct broker *broker);
/* Puts broker->request there, waits for broker->reply: its size; 0: the helper is gone; -errno. */
HWS_MUST ssize_t broker_ring_ask(struct broker *broker);

/* broker.c: one access; @ret_value: NULL for a write. */
int broker_one(void *self, struct hws_shim_step step, uint64_t *ret_value);

/* broker-bar.c: BARs, as the table has them. */
int broker_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset, uint64_t size,
		   enum hws_rights rights, struct hws_window *ret_window);
void broker_bar_unmap(void *self, struct hws_window *window);
int broker_mmio_read(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		     uint64_t *ret_value);
int broker_mmio_write(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		      uint64_t value);

/* broker-hold.c: functions held whole, as the table has them. */
int broker_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold);
void broker_hold_close(void *self, struct hws_hold *hold);
int broker_hold_reset(void *self, const struct hws_hold *hold);
int broker_dma_map(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
		   uint64_t size, enum hws_rights device);
int broker_dma_unmap(void *self, const struct hws_hold *hold, uint64_t address, uint64_t size);
int broker_dma_fault(void *self, const struct hws_hold *hold, struct hws_dma_fault *ret_fault);
int broker_irq_bind(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
		    const int32_t *eventfds, uint32_t count);
int broker_irq_unmask(void *self, const struct hws_hold *hold, enum hws_irq_mode mode);
/* What it needed of this machine is given up. */
void broker_holds_end(struct broker *broker);

/* broker-facts.c: entries of the table */
int broker_rights(struct broker *broker, struct hws_probe_rights *ret_rights); /* is no entry */
int broker_identify(void *self, struct hws_cpu *ret_cpu);
int broker_cpuid(void *self, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4]);
int broker_topology(void *self, struct hws_topology *ret_topology);
int broker_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf);
int broker_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info);

#endif
