/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/mmio.h"

#include <errno.h>
#include <stdlib.h>

#include "guardian/gate-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

struct hws_mmio {
	struct gate gate;
	void *direct; /* the window's first byte; only reached through the gate */
	struct hws_window window;
};

/* What policy wants to know of the function; what can't be read matches no rule that names it. */
static void identify(struct hws *hw, struct hws_access *access)
{
	const struct hws_shim_ops *ops = shim_ops(&hw->shim);
	uint32_t id;
	uint32_t class_code;

	if (ops->pci_read(hw->shim.self, access->bdf, 0, 4, &id) == 0) {
		access->vendor = (uint16_t)id;
		access->device = (uint16_t)(id >> 16);
	}
	if (ops->pci_read(hw->shim.self, access->bdf, 8, 4, &class_code) == 0)
		access->class_code = class_code >> 8;
}

static int map(struct hws *hw, struct hws_access *access, uint64_t size, struct hws_window *ret)
{
	int r = shim_ops(&hw->shim)->bar_map(hw->shim.self, access->bdf, access->bar, access->first,
					     size, access->rights & HWS_RW, ret);

	if (r == 0)
		access->last = access->first + ret->size - 1;
	return r < 0 ? context_fail(hw, HWS_EVENT_GRANT, access, r) : 0;
}

/*
 * The mapping comes first only where its size is not known without it; nothing of it is touched
 * before the policy has spoken.
 */
int hws_mmio_map(struct hws *hw, const char *bdf, uint32_t bar, uint64_t offset, uint64_t size,
		 uint32_t rights, struct hws_mmio **ret_mmio)
{
	struct hws_access access = { .kind = HWS_KIND_BAR, .rights = rights, .bar = bar };
	struct gate_options options = { .window = &access,
					.guard = { HWS_GUARD_MMIO_READ, HWS_GUARD_MMIO_WRITE } };
	struct hws_mmio *mmio;
	int r;

	if (hws_bdf_parse(bdf, &access.bdf) < 0)
		return why(-EINVAL, "'%s' is no PCI address: 0000:00:03.0 is one", bdf ? bdf : "");
	if (!hws_range_ok(offset, size, UINT64_MAX))
		return why(-ERANGE, "the window ends beyond all addresses");
	mmio = calloc(1, sizeof(*mmio));
	if (!mmio)
		return why(-ENOMEM, "no memory for a window");
	access.first = offset;
	access.last = size ? offset + size - 1 : offset;
	identify(hw, &access);
	r = map(hw, &access, size, &mmio->window);
	options.slow = !mmio->window.direct;
	r = r < 0 ? r : gate_open(hw, &options, &mmio->gate);
	if (r < 0) {
		if (mmio->window.size)
			shim_ops(&hw->shim)->bar_unmap(hw->shim.self, &mmio->window);
		free(mmio);
		return r;
	}
	mmio->direct = mmio->window.direct;
	*ret_mmio = mmio;
	return 0;
}

void hws_mmio_unmap(struct hws_mmio *mmio)
{
	if (!mmio)
		return;
	shim_ops(&mmio->gate.hw->shim)->bar_unmap(mmio->gate.hw->shim.self, &mmio->window);
	gate_close(&mmio->gate);
	free(mmio);
}

uint64_t hws_mmio_size(const struct hws_mmio *mmio)
{
	return mmio->window.size;
}

/* The ways that are not fast: ask, then go through the back end's table. */
__attribute__((noinline, cold)) static int slow_read(struct hws_mmio *mmio, uint64_t offset,
						     uint32_t width, uint64_t *ret_value)
{
	struct gate_access one = { .offset = offset, .width = width };
	struct hws *hw = mmio->gate.hw;
	int r = gate_ask(&mmio->gate, GATE_READ, &one);

	if (r < 0)
		return r;
	r = shim_ops(&hw->shim)->mmio_read(hw->shim.self, &mmio->window, offset, width, ret_value);
	return r < 0 ? gate_failed(&mmio->gate, GATE_READ, &one, r) : 0;
}

/*
 * A rule with a mask is about bits that change: what stands there now is part of the question. It
 * is read only where this handle may read; elsewhere such a rule refuses.
 */
static void add_old(struct hws_mmio *mmio, struct gate_access *one)
{
	struct hws *hw = mmio->gate.hw;

	if (mmio->gate.decision.per_access && mmio->gate.window.rights & HWS_R &&
	    shim_ops(&hw->shim)->mmio_read(hw->shim.self, &mmio->window, one->offset, one->width,
					   &one->old) == 0)
		one->has |= HWS_HAS_OLD;
}

__attribute__((noinline, cold)) static int slow_write(struct hws_mmio *mmio, uint64_t offset,
						      uint32_t width, uint64_t value)
{
	struct gate_access one = {
		.offset = offset, .width = width, .has = HWS_HAS_VALUE, .value = value
	};
	struct hws *hw = mmio->gate.hw;
	int r;

	if (hws_range_ok(offset, width, mmio->window.size) && offset % width == 0)
		add_old(mmio, &one);
	r = gate_ask(&mmio->gate, GATE_WRITE, &one);
	if (r < 0)
		return r;
	r = shim_ops(&hw->shim)->mmio_write(hw->shim.self, &mmio->window, offset, width, value);
	return r < 0 ? gate_failed(&mmio->gate, GATE_WRITE, &one, r) : 0;
}

__attribute__((noinline, cold)) static int lost(struct hws_mmio *mmio, enum gate_use use,
						uint64_t offset, uint32_t width)
{
	struct gate_access one = { .offset = offset, .width = width };

	why(-EIO, "the device behind %s did not answer: unplugged, or powered down",
	    mmio->window.way);
	return gate_failed(&mmio->gate, use, &one, -EIO);
}

/*
 * Each width: the fast way is a gate and the one instruction, nothing on the stack; all else is a
 * call at its end.
 */
#define MMIO(bits, shift)                                                                          \
	__attribute__((noinline, cold)) static int slow_read##bits(                                \
		struct hws_mmio *mmio, uint64_t offset, uint##bits##_t *ret_value)                 \
	{                                                                                          \
		uint64_t value;                                                                    \
		int r = slow_read(mmio, offset, bits / 8, &value);                                 \
		if (r == 0)                                                                        \
			*ret_value = (uint##bits##_t)value;                                        \
		return r;                                                                          \
	}                                                                                          \
	__attribute__((noinline, cold)) static uint##bits##_t slow_get##bits(                      \
		struct hws_mmio *mmio, uint64_t offset)                                            \
	{                                                                                          \
		uint##bits##_t value;                                                              \
		return slow_read##bits(mmio, offset, &value) < 0 ? (uint##bits##_t) - 1 : value;   \
	}                                                                                          \
	int hws_mmio_read##bits(struct hws_mmio *mmio, uint64_t offset, uint##bits##_t *ret_value) \
	{                                                                                          \
		uint##bits##_t value;                                                              \
		if (!gate_pass(&mmio->gate, GATE_READ, offset, shift))                             \
			return slow_read##bits(mmio, offset, ret_value);                           \
		/* SAFETY: the gate has checked right, offset, width and alignment */              \
		if (raw_load##bits((const char *)mmio->direct + offset, &value) < 0)               \
			return lost(mmio, GATE_READ, offset, bits / 8);                            \
		*ret_value = value;                                                                \
		return 0;                                                                          \
	}                                                                                          \
	uint##bits##_t hws_mmio_get##bits(struct hws_mmio *mmio, uint64_t offset)                  \
	{                                                                                          \
		uint##bits##_t value;                                                              \
		if (!gate_pass(&mmio->gate, GATE_READ, offset, shift))                             \
			return slow_get##bits(mmio, offset);                                       \
		/* SAFETY: the gate has checked right, offset, width and alignment */              \
		if (raw_load##bits((const char *)mmio->direct + offset, &value) < 0)               \
			lost(mmio, GATE_READ, offset, bits / 8);                                   \
		return value;                                                                      \
	}                                                                                          \
	int hws_mmio_write##bits(struct hws_mmio *mmio, uint64_t offset, uint##bits##_t value)     \
	{                                                                                          \
		if (!gate_pass(&mmio->gate, GATE_WRITE, offset, shift))                            \
			return slow_write(mmio, offset, bits / 8, value);                          \
		/* SAFETY: the gate has checked right, offset, width and alignment */              \
		if (raw_store##bits((char *)mmio->direct + offset, value) < 0)                     \
			return lost(mmio, GATE_WRITE, offset, bits / 8);                           \
		return 0;                                                                          \
	}                                                                                          \
	void hws_mmio_put##bits(struct hws_mmio *mmio, uint64_t offset, uint##bits##_t value)      \
	{                                                                                          \
		/* a refusal is counted, recorded and kept for hws_last_denial() */                \
		int r = hws_mmio_write##bits(mmio, offset, value);                                 \
		(void)r;                                                                           \
	}

MMIO(8, 0)
MMIO(16, 1)
MMIO(32, 2)
MMIO(64, 3)
