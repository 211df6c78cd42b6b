/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/irq.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "hw/domain-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { MOST = 256 };

struct hws_irq {
	struct gate gate;	   /* has the context */
	struct hws_domain *domain; /* NULL: it was closed */
	enum hws_irq_mode mode;
	struct hws_token token;
	bool reserved;
	uint32_t count; /* of eventfds */
	int32_t eventfds[];
};

static const struct hws_shim_ops *ops(const struct hws_irq *irq)
{
	return shim_ops(&irq->gate.hw->shim);
}

static enum hws_irq_mode best(const struct hws_hold *hold, uint32_t count)
{
	static const enum hws_irq_mode order[] = { HWS_IRQ_MSIX, HWS_IRQ_MSI };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (hold->irqs[order[i]] >= count)
			return order[i];
	}
	return HWS_IRQ_INTX;
}

static int open_gate(const struct hws_domain *domain, uint32_t count, struct gate *gate)
{
	struct hws_access access = domain->gate.window;
	struct gate_options options = { .window = &access,
					.guard = { HWS_GUARD_MMIO_READ, HWS_GUARD_MMIO_WRITE },
					.slow = true };

	access.kind = HWS_KIND_IRQ;
	access.rights = HWS_RW;
	access.first = 0;
	access.last = count - 1;
	return gate_open(domain->gate.hw, &options, gate);
}

static int open_eventfds(struct hws_irq *irq, uint32_t count)
{
	while (irq->count < count) {
		int fd = sys_eventfd();

		if (fd < 0)
			return why(fd, "no descriptor for vector %u", irq->count);
		irq->eventfds[irq->count++] = fd;
	}
	return 0;
}

static int reserve(struct hws_irq *irq, uint32_t count)
{
	int r = hws_guardian_reserve(irq->gate.hw, HWS_IRQ, count, &irq->token);

	irq->reserved = r == 0;
	return r;
}

static int bind_all(struct hws_irq *irq)
{
	struct hws_domain *domain = irq->domain;
	int r = ops(irq)->irq_bind(irq->gate.hw->shim.self, &domain->hold, irq->mode, irq->eventfds,
				   irq->count);

	if (r < 0)
		return context_fail(irq->gate.hw, HWS_EVENT_GRANT, &irq->gate.window, r);
	domain->irq = irq;
	return 0;
}

int hws_irq_open(struct hws_domain *domain, enum hws_irq_mode mode, uint32_t count,
		 struct hws_irq **ret_irq)
{
	struct hws_irq *irq;
	int r;

	if (count == 0 || count > MOST || (uint32_t)mode > HWS_IRQ_BEST)
		return why(-EINVAL, "interrupts: INTx, MSI, MSI-X or the best; 1 to %u vectors",
			   MOST);
	r = domain_mine(domain);
	if (r < 0)
		return r;
	if (domain->irq)
		return why(-EBUSY, "the device's interrupts are open already");
	irq = calloc(1, sizeof(*irq) + count * sizeof(irq->eventfds[0]));
	if (!irq)
		return why(-ENOMEM, "no memory for interrupts");
	irq->domain = domain;
	irq->mode = mode == HWS_IRQ_BEST ? best(&domain->hold, count) : mode;
	r = open_gate(domain, count, &irq->gate);
	if (r == 0)
		r = reserve(irq, count);
	if (r == 0)
		r = open_eventfds(irq, count);
	if (r == 0)
		r = bind_all(irq);
	if (r < 0) {
		hws_irq_close(irq);
		return r;
	}
	*ret_irq = irq;
	return 0;
}

void irq_detach(struct hws_irq *irq)
{
	if (!irq)
		return;
	if (domain_mine(irq->domain) == 0)
		(void)ops(irq)->irq_bind(irq->gate.hw->shim.self, &irq->domain->hold, irq->mode,
					 NULL, 0);
	irq->domain->irq = NULL;
	irq->domain = NULL;
}

void hws_irq_close(struct hws_irq *irq)
{
	if (!irq)
		return;
	if (irq->domain && irq->domain->irq == irq)
		irq_detach(irq);
	while (irq->count > 0)
		sys_close(irq->eventfds[--irq->count]);
	if (irq->reserved)
		(void)hws_guardian_release(irq->gate.hw, irq->token);
	gate_close(&irq->gate);
	free(irq);
}

enum hws_irq_mode hws_irq_get_mode(const struct hws_irq *irq)
{
	return irq->mode;
}

int hws_irq_fd(const struct hws_irq *irq, uint32_t vector)
{
	return vector < irq->count ? irq->eventfds[vector]
				   : why(-ERANGE, "vector %u: there are %u", vector, irq->count);
}

static int may(struct hws_irq *irq)
{
	int r;

	if (!irq->domain)
		return why(-ENODEV, "the domain of these interrupts was closed");
	r = domain_mine(irq->domain);
	return r < 0 ? r : gate_ask_whole(&irq->gate, HWS_R);
}

/* Another reader of the descriptor may be faster: then on with waiting. */
int hws_irq_wait(struct hws_irq *irq, uint32_t vector, uint64_t deadline_ns, uint64_t *ret_count)
{
	struct pollfd one = { .fd = hws_irq_fd(irq, vector), .events = POLLIN };
	uint64_t count;
	int r = one.fd < 0 ? one.fd : may(irq);

	while (r >= 0) {
		ssize_t n = sys_read(one.fd, &count, sizeof(count));

		if (n == sizeof(count)) {
			*ret_count = count;
			return 0;
		}
		r = n == -EAGAIN ? sys_poll_until(&one, 1, deadline_ns) : -EIO;
	}
	return r == -ETIME ? why(r, "vector %u did not ring until the deadline", vector) : r;
}

int hws_irq_unmask(struct hws_irq *irq)
{
	int r = may(irq);

	if (r < 0 || irq->mode != HWS_IRQ_INTX)
		return r;
	r = ops(irq)->irq_unmask(irq->gate.hw->shim.self, &irq->domain->hold, irq->mode);
	return r < 0 ? context_fail(irq->gate.hw, HWS_EVENT_ACCESS, &irq->gate.window, r) : 0;
}
