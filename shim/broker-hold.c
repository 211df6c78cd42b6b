/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions held whole: the helper opens them and hands over the descriptors. From then on the
 * kernel is asked by this process itself, as the native back end does; what is mapped is its own
 * memory, which the helper could not map for it.
 */
#include <errno.h>

#include "shim/broker-internal.h"
#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* Under the lock. */
static int need_native(struct broker *broker)
{
	const struct hws_shim_options options = { .size = sizeof(options) };

	if (!native_ops.hold_adopt)
		return why(-EOPNOTSUPP,
			   "this architecture has no use for a function's descriptors");
	return broker->native ? 0 : native_ops.open(&options, &broker->native);
}

/* One descriptor a reply. */
static int ask_for(struct broker *broker, struct hws_bdf bdf, uint32_t which,
		   struct hws_hold_limits *ret_limits, int *ret_fd)
{
	struct hws_wire_hold *hold = broker_begin(broker, HWS_WIRE_HOLD, 0);
	const struct hws_wire_held *held = wire_reply_body(&broker->reply);
	int r = need_native(broker);

	*hold = (struct hws_wire_hold) { wire_put_bdf(bdf), which, 0 };
	r = r < 0 ? r : broker_ask(broker, ret_fd);
	if (r == 0 && *ret_fd < 0)
		r = why(-EIO, "the helper grants the function, but sends no descriptor of it");
	if (r == 0)
		*ret_limits = (struct hws_hold_limits) { held->bytes, held->maps, held->vectors };
	broker_end(broker);
	return r;
}

int broker_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold)
{
	struct broker *broker = self;
	struct hws_hold_limits limits;
	int32_t fds[HWS_HOLD_FDS] = { -1, -1 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < HWS_HOLD_FDS; i++)
		r = ask_for(broker, bdf, i, &limits, &fds[i]);
	if (r == 0)
		return native_ops.hold_adopt(broker->native, bdf, fds, &limits, ret_hold);
	for (uint32_t i = 0; i < HWS_HOLD_FDS; i++)
		sys_close(fds[i]);
	return r;
}

void broker_holds_end(struct broker *broker)
{
	if (broker->native)
		native_ops.close(broker->native);
	broker->native = NULL;
}

/* Whoever has a hold has been given it by native_ops. */
static void *native_of(void *self)
{
	return ((struct broker *)self)->native;
}

void broker_hold_close(void *self, struct hws_hold *hold)
{
	native_ops.hold_close(native_of(self), hold);
}

int broker_hold_reset(void *self, const struct hws_hold *hold)
{
	return native_ops.hold_reset(native_of(self), hold);
}

int broker_dma_map(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
		   uint64_t size, enum hws_rights device)
{
	return native_ops.dma_map(native_of(self), hold, address, memory, size, device);
}

int broker_dma_unmap(void *self, const struct hws_hold *hold, uint64_t address, uint64_t size)
{
	return native_ops.dma_unmap(native_of(self), hold, address, size);
}

int broker_dma_fault(void *self, const struct hws_hold *hold, struct hws_dma_fault *ret_fault)
{
	return native_ops.dma_fault(native_of(self), hold, ret_fault);
}

int broker_irq_bind(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
		    const int32_t *eventfds, uint32_t count)
{
	return native_ops.irq_bind(native_of(self), hold, mode, eventfds, count);
}

int broker_irq_unmask(void *self, const struct hws_hold *hold, enum hws_irq_mode mode)
{
	return native_ops.irq_unmask(native_of(self), hold, mode);
}
