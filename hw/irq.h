/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interrupts of a device that is held by a domain: each vector rings an eventfd.
 *
 *	struct hws_irq *irq;
 *	uint64_t count;
 *
 *	r = hws_irq_open(dom, HWS_IRQ_BEST, 1, &irq);
 *	…                                                 have the device do something
 *	r = hws_irq_wait(irq, 0, HWS_FOREVER, &count);    it has rung count times since
 *	r = hws_irq_unmask(irq);                          INTx only: once the device is quiet
 *	hws_irq_close(irq);
 *
 * Context: as its domain, they belong to one thread at a time.
 */
#ifndef HWSAFE_HW_IRQ_H
#define HWSAFE_HW_IRQ_H

#include "dma.h"

HWS_BEGIN_DECLS

/** struct hws_irq - the interrupts of a device. */
struct hws_irq;

/** HWS_IRQ_BEST - the first of MSI-X, MSI and INTx that has as many vectors as are wanted. */
#define HWS_IRQ_BEST HWS_IRQ_MODES

/**
 * hws_irq_open() - have the device's interrupts from vector 0 on.
 * @domain: borrowed; when it is closed the interrupts end
 * @mode: how it interrupts; HWS_IRQ_BEST
 * @count: how many vectors, at most 256
 * @ret_irq: out; for hws_irq_close(); untouched on failure
 *
 * The policy is asked for "irq" of the device, vectors 0 to @count - 1, rights rw; the guardian for
 * @count of HWS_IRQ.
 *
 * Safety: WRITES. The device may interrupt the machine, through the IOMMU, from now on.
 *
 * Return: 0; -EACCES policy; -EDQUOT guardian; -ERANGE the device has not so many vectors; -EINVAL
 * no such mode, or none wanted; -EBUSY the domain has interrupts open; -ENOSPC the machine has none
 * left; -EMFILE; -ENOMEM; -ENODEV.
 */
HWS_API HWS_MUST int hws_irq_open(struct hws_domain *domain, enum hws_irq_mode mode, uint32_t count,
				  struct hws_irq **ret_irq);

/**
 * hws_irq_close() - no more interrupts.
 * @irq: taken; NULL does nothing
 */
HWS_API void hws_irq_close(struct hws_irq *irq);

/**
 * hws_irq_get_mode() - how the device interrupts.
 * @irq: borrowed
 *
 * Return: never HWS_IRQ_BEST: what that became.
 */
HWS_API enum hws_irq_mode hws_irq_get_mode(const struct hws_irq *irq);

/**
 * hws_irq_fd() - a vector's eventfd, to be polled; it does not block.
 * @irq: borrowed
 * @vector: from 0 on
 *
 * Return: the descriptor, which stays @irq's: it must not be closed; -ERANGE no such vector.
 */
HWS_API int hws_irq_fd(const struct hws_irq *irq, uint32_t vector);

/**
 * hws_irq_wait() - wait until a vector has rung.
 * @irq: borrowed
 * @vector: from 0 on
 * @deadline_ns: CLOCK_MONOTONIC; 0: don't wait; HWS_FOREVER
 * @ret_count: out; how often it rang since the last wait; untouched on failure
 *
 * Return: 0; -ETIME the deadline came; -EINTR a signal; -ERANGE no such vector; -EACCES the policy
 * changed; -ENODEV the domain was closed.
 */
HWS_API HWS_MUST int hws_irq_wait(struct hws_irq *irq, uint32_t vector, uint64_t deadline_ns,
				  uint64_t *ret_count);

/**
 * hws_irq_unmask() - let the device interrupt again.
 * @irq: borrowed
 *
 * INTx is masked when it comes, since its line stays up until the device is told to be quiet; do
 * that, then this. MSI and MSI-X need it not: nothing is done.
 *
 * Safety: a device whose line is still up rings again at once.
 *
 * Return: 0; -EACCES the policy changed; -ENODEV the domain was closed; -EIO.
 */
HWS_API HWS_MUST int hws_irq_unmask(struct hws_irq *irq);

HWS_END_DECLS

#endif
