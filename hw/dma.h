/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DMA: memory that a device reads and writes by itself, and nothing else.
 *
 *	struct hws_domain *dom;
 *	struct hws_buf buf;
 *	uint64_t iova;
 *
 *	r = hws_dma_open(hw, "0000:00:03.0", NULL, &dom);           the device, whole
 *	r = hws_buf_take(hws_dma_pool(dom), 4096, &buf);            yours: view it, fill it
 *	r = hws_dma_give(dom, buf, HWS_TO_DEVICE, &iova);           the device's: tell it iova
 *	…                                                           wait until it says it is done
 *	r = hws_dma_take(dom, buf);                                 yours again
 *	hws_dma_close(dom);
 *
 * A device that is given a buffer reaches that buffer, in that direction, and no other memory: the
 * IOMMU sees to it. From hws_dma_give() to hws_dma_take() the buffer is the device's, and the
 * program can't touch it; afterwards the mapping is gone, and what the device still sends there is
 * stopped. That costs a system call each way. Where it is too much, hws_dma_map() keeps a buffer
 * mapped: then give and take cost next to nothing, the program is kept out as before, and of the
 * device it is believed that it stops when it says it is done.
 *
 * Addresses for the device are of the IOMMU's. They say nothing about where memory lies, and come
 * again only after all others had their turn.
 *
 * Context: a domain belongs to one thread at a time. In a forked child the device is the parent's:
 * what would reach it gives -ECHILD, its interrupts too, and hws_dma_close() frees the child's copy
 * alone; devices it opens by a context of its own. As long as the child has the parent's context
 * open, nobody else can have the device.
 */
#ifndef HWSAFE_HW_DMA_H
#define HWSAFE_HW_DMA_H

#include "../guardian/context.h"
#include "../uring/pool.h"

HWS_BEGIN_DECLS

/** struct hws_domain - a device and the memory that it reaches. */
struct hws_domain;

/** enum hws_dma_direction - who writes. */
enum hws_dma_direction {
	HWS_TO_DEVICE = 1,   /* the device reads memory: needs the right r */
	HWS_FROM_DEVICE = 2, /* the device writes it: needs the right w */
	HWS_BOTH_WAYS = 3,
};

/** struct hws_dma_options - how a domain is to be; all zero is the default. */
struct hws_dma_options {
	size_t size;	 /* of this struct; 0: as compiled */
	uint32_t rights; /* HWS_R, HWS_W or both, as the directions need them; 0: both */
	/* how many address lines the device drives: it is given no address beyond; 0: all 64 */
	uint32_t address_bits;
	/* shared: open for longer than the domain; NULL: the domain has one of its own */
	struct hws_pool *pool;
	const struct hws_pool_options *pool_options; /* borrowed; for its own; NULL: defaults */
};

/**
 * hws_dma_open() - take a device whole: no other program has it meanwhile.
 * @hw: borrowed
 * @bdf: borrowed; the PCI function, "0000:00:03.0"
 * @options: borrowed; NULL: the defaults
 * @ret_domain: out; for hws_dma_close(); untouched on failure
 *
 * On Linux the function must be bound to vfio-pci, and so must all that share its IOMMU group.
 * It is reset, where it can be, and may master the bus from now on.
 *
 * Safety: WRITES. The device may do anything that its registers make it do, but to no memory
 * except what is given to it.
 *
 * Return: 0; -EACCES policy; -EPERM kernel; -ENODEV no such function; -EOPNOTSUPP no IOMMU before
 * it; -ENXIO no driver has it: vfio-pci must be bound first; -EBUSY another program or driver has
 * it, or one of its group; -EINVAL options that can't be; -ENOSPC no addresses; -ENOMEM; -ECHILD
 * in a forked child, by its parent's context; as hws_pool_open(). hws_why() names who is in the
 * way, and the cure.
 */
HWS_API HWS_MUST int hws_dma_open(struct hws *hw, const char *bdf,
				  const struct hws_dma_options *options,
				  struct hws_domain **ret_domain);

/**
 * hws_dma_close() - stop the device, take all memory from it, give it up.
 * @domain: taken; NULL is fine
 *
 * Buffers that the device owned are the program's again, those of the domain's own pool gone.
 *
 * Return: how many buffers could not be taken from the device: quarantined, never reused.
 */
HWS_API int hws_dma_close(struct hws_domain *domain);

/**
 * hws_dma_pool() - where the domain's buffers are taken from.
 * @domain: borrowed
 *
 * Return: the pool, borrowed from the domain.
 */
HWS_API struct hws_pool *hws_dma_pool(const struct hws_domain *domain);

/**
 * hws_dma_reset() - reset the device. What it was given stays mapped for it.
 * @domain: borrowed
 *
 * Safety: WRITES. The device forgets all that it was told.
 *
 * Return: 0; -EOPNOTSUPP it can't be reset; -EIO; -ENODEV.
 */
HWS_API HWS_MUST int hws_dma_reset(struct hws_domain *domain);

/**
 * hws_dma_give() - the device owns the buffer from now on.
 * @domain: borrowed
 * @buf: yours now, not viewed; the device's until hws_dma_take()
 * @direction: who writes; of a mapped buffer: the one it is mapped in, or part of it never
 * @ret_iova: out; where the device finds the buffer's first byte
 *
 * Safety: the device may now read or write the buffer at any moment.
 *
 * Return: 0; -EACCES policy; -EDQUOT over the rule's or the guardian's limit; -ESTALE, -EBUSY as
 * hws_buf_view(); -EINVAL no direction, or not as it is mapped; -ENOSPC no addresses are left;
 * -ENOMEM, -EPERM the kernel maps no more, see RLIMIT_MEMLOCK. The buffer is still yours then.
 */
HWS_API HWS_MUST int hws_dma_give(struct hws_domain *domain, struct hws_buf buf,
				  enum hws_dma_direction direction, uint64_t *ret_iova);

/**
 * hws_dma_take() - the buffer is the program's again.
 * @domain: borrowed
 * @buf: the device's
 *
 * If it is not kept mapped, what the device still sends there doesn't arrive.
 *
 * Return: 0; -ESTALE; -EBUSY, -EINVAL it isn't this device's; -EIO it could not be unmapped: it is
 * quarantined.
 */
HWS_API HWS_MUST int hws_dma_take(struct hws_domain *domain, struct hws_buf buf);

/**
 * hws_dma_map() - keep a buffer mapped, so that hand-overs cost no system call.
 * @domain: borrowed
 * @buf: yours now, and afterwards
 * @direction: who writes; hws_dma_give() must name the same
 * @ret_iova: out; where the device finds its first byte, always
 *
 * If the buffer is given back to its pool while it is mapped, nobody gets it before it is unmapped.
 *
 * Safety: the device can read or write the buffer at any moment, whoever owns it.
 *
 * Return: as hws_dma_give(); -EALREADY it is mapped; -EBUSY another domain keeps it mapped.
 */
HWS_API HWS_MUST int hws_dma_map(struct hws_domain *domain, struct hws_buf buf,
				 enum hws_dma_direction direction, uint64_t *ret_iova);

/**
 * hws_dma_unmap() - end what hws_dma_map() began.
 * @domain: borrowed
 * @buf: the handle that was mapped; given back to its pool since, perhaps
 *
 * Return: 0; -EINVAL it isn't kept mapped here; -EBUSY the device owns it; -EIO it could not be
 * unmapped: nobody gets it any more.
 */
HWS_API HWS_MUST int hws_dma_unmap(struct hws_domain *domain, struct hws_buf buf);

/** enum hws_dma_place - what lay where a stopped transfer went. */
enum hws_dma_place {
	HWS_DMA_NOTHING = 0, /* nothing, ever */
	HWS_DMA_BEHIND,	     /* the page behind a buffer: it ran over */
	HWS_DMA_DIRECTION,   /* a buffer that is mapped the other way only */
	HWS_DMA_GONE,	     /* a buffer that was taken back */
	HWS_DMA_PLACES	     /* how many */
};

/** struct hws_dma_stop - a transfer that the IOMMU stopped. */
struct hws_dma_stop {
	struct hws_bdf bdf; /* the device's */
	uint64_t iova;
	bool write; /* it would have written memory */
	enum hws_dma_place place;
	struct hws_buf buf; /* what lay there, or before; all zero: nothing */
	uint64_t offset;    /* of the transfer, from the buffer's first byte */
	char text[160];	    /* the same in a sentence */
};

/**
 * hws_dma_stopped() - the next transfer of this device that the IOMMU stopped.
 * @domain: borrowed
 * @ret_stop: out
 *
 * Each is told once, and recorded in the audit trail. The kernel may tell of some only, when there
 * are many.
 *
 * Return: 0; -ENOENT none more for now; -EOPNOTSUPP nobody can tell (hws_why() says what is in
 * the way).
 */
HWS_API HWS_MUST int hws_dma_stopped(struct hws_domain *domain, struct hws_dma_stop *ret_stop);

/** struct hws_dma_info - a domain's numbers. */
struct hws_dma_info {
	size_t size; /* sizeof(struct hws_dma_info), set by the caller */
	struct hws_bdf bdf;
	const char *way;      /* "vfio type1", "sim" …; a constant */
	uint64_t page;	      /* mappings are multiples of it */
	uint64_t mapped;      /* bytes, now */
	uint64_t maps;	      /* mappings, now */
	uint64_t max_maps;    /* the kernel's limit */
	uint64_t given;	      /* buffers that the device owns */
	uint64_t gives;	      /* ever */
	uint64_t stops;	      /* stopped transfers that were told */
	uint64_t quarantined; /* buffers that could not be taken back */
	uint32_t can_reset;
	uint32_t irqs[HWS_IRQ_MODES];
};

/**
 * hws_dma_get_info() - the numbers now.
 * @domain: borrowed
 * @ret_info: out; its size set by the caller
 *
 * Return: 0; -EINVAL when size is less than that of the first version.
 */
HWS_API HWS_MUST int hws_dma_get_info(const struct hws_domain *domain,
				      struct hws_dma_info *ret_info);

HWS_END_DECLS

#endif
