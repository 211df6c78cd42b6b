/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/mmio.h"

#include <errno.h>
#include <stdlib.h>

#include "hw/bank-internal.h"
#include "hw/device-internal.h"
#include "hw/face-internal.h"
#include "hw/place-internal.h"
#include "shim/why-internal.h"

struct hws_mmio {
	struct gate gate;
	void *direct; /* the window's first byte; only reached through the gate */
	struct hws_window window;
};

static int map(struct hws *hw, struct hws_access *access, uint64_t size, struct hws_window *ret)
{
	int r = shim_ops(&hw->shim)->bar_map(hw->shim.self, access->bdf, access->bar, access->first,
					     size, access->rights & HWS_RW, ret);

	if (r == 0)
		access->last = access->first + ret->size - 1;
	return r < 0 ? context_fail(hw, HWS_EVENT_GRANT, access, r) : 0;
}

/* The window's last byte, as far as that is known without mapping it; else its first. */
static uint64_t find_last(struct hws *hw, uint64_t size, const struct hws_access *access)
{
	struct hws_pci_info info = { .size = sizeof(info) };

	if (size)
		return access->first + size - 1;
	if (access->bar >= HWS_PCI_BARS ||
	    shim_ops(&hw->shim)->pci_info(hw->shim.self, access->bdf, &info) < 0 ||
	    info.bars[access->bar].size <= access->first)
		return access->first;
	return info.bars[access->bar].size - 1;
}

static int fail_unknown(struct hws *hw, const struct hws_access *access, int code)
{
	char bdf[HWS_BDF_TEXT];

	(void)why(
		code,
		"%s: which device it is can't be read, and a rule may deny it by that: its config "
		"space must be readable",
		hws_bdf_format(access->bdf, bdf));
	return context_fail(hw, HWS_EVENT_GRANT, access, code);
}

/*
 * What no rule allows is refused in the policy's words, whatever the kernel would have said to it.
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
	int identified;
	int r = 0;

	if (device_parse(bdf, &access) < 0)
		return -EINVAL;
	if (!hws_range_ok(offset, size, UINT64_MAX))
		return why(-ERANGE, "the window ends beyond all addresses");
	mmio = calloc(1, sizeof(*mmio));
	if (!mmio)
		return why(-ENOMEM, "no memory for a window");
	access.first = offset;
	access.last = find_last(hw, size, &access);
	identified = device_identify_unless_hidden(hw, &access);
	if (identified == 0)
		r = gate_may(hw, &access);
	/* what is not there is told by mapping it */
	r = r < 0 ? r : map(hw, &access, size, &mmio->window);
	/* what is there must be known to the rules: one may deny it by name */
	if (r == 0 && identified < 0)
		r = fail_unknown(hw, &access, identified);
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
	bank_close(&mmio->gate);
	shim_ops(&mmio->gate.hw->shim)->bar_unmap(mmio->gate.hw->shim.self, &mmio->window);
	gate_close(&mmio->gate);
	free(mmio);
}

uint64_t hws_mmio_size(const struct hws_mmio *mmio)
{
	return mmio->window.size;
}

static int gone(const struct gate *gate)
{
	char bdf[HWS_BDF_TEXT];

	return why(-ENODEV, "%s is gone: it reads as all-ones, in configuration space too",
		   hws_bdf_format(gate->window.bdf, bdf));
}

/* All-ones may be a value; but it is also what is read where no device is left. */
static int do_read(struct gate *gate, const struct gate_access *one, uint64_t *ret_value)
{
	const struct hws_mmio *mmio = (const struct hws_mmio *)gate;
	struct hws_shim *shim = &gate->hw->shim;
	int r = shim_ops(shim)->mmio_read(shim->self, &mmio->window, one->offset, one->width,
					  ret_value);

	if (r == 0 && *ret_value == shim_ones(one->width) &&
	    !device_present(gate->hw, gate->window.bdf))
		return gone(gate);
	return r;
}

static int do_write(struct gate *gate, const struct gate_access *one)
{
	const struct hws_mmio *mmio = (const struct hws_mmio *)gate;
	struct hws_shim *shim = &gate->hw->shim;

	return shim_ops(shim)->mmio_write(shim->self, &mmio->window, one->offset, one->width,
					  one->value);
}

const struct face mmio_face = { do_read, do_write, .has_old = true };

/* The ways that are not fast: ask, then go through the back end's table. */
__attribute__((noinline, cold)) static int slow_read(struct hws_mmio *mmio, uint64_t offset,
						     uint32_t width, uint64_t *ret_value)
{
	struct gate_access one = { .offset = offset, .width = width };

	return face_ask_read(&mmio->gate, &mmio_face, &one, ret_value);
}

__attribute__((noinline, cold)) static int slow_write(struct hws_mmio *mmio, uint64_t offset,
						      uint32_t width, uint64_t value)
{
	struct gate_access one = { .offset = offset, .width = width, .value = value };

	return face_ask_write(&mmio->gate, &mmio_face, &one);
}

__attribute__((noinline, cold)) static int lost(struct hws_mmio *mmio, enum gate_use use,
						uint64_t word, unsigned int shift)
{
	struct gate_access one = { .offset = word << shift, .width = 1u << shift };

	why(-EIO, "the device behind %s did not answer: unplugged, or powered down",
	    mmio->window.way);
	return gate_failed(&mmio->gate, use, &one, -EIO);
}

/* 0, when the device is there and really says all-ones. */
__attribute__((noinline, cold)) static int check_present(struct hws_mmio *mmio, uint64_t word,
							 unsigned int shift)
{
	struct gate_access one = { .offset = word << shift, .width = 1u << shift };

	if (device_present(mmio->gate.hw, mmio->gate.window.bdf))
		return 0;
	return gate_failed(&mmio->gate, GATE_READ, &one, gone(&mmio->gate));
}

static inline uint64_t word_of(uint64_t offset, unsigned int shift)
{
	/* SAFETY: touches nothing */
	return raw_forget(gate_word(offset, shift));
}

/*
 * Each width: the fast way is a gate and the one instruction, nothing on the stack; all else is a
 * call at its end. Of the offset only the word's number is kept: a register less to fill.
 */
#define MMIO(bits, shift)                                                                          \
	__attribute__((noinline, cold)) static int slow_read##bits(                                \
		struct hws_mmio *mmio, uint64_t offset, uint##bits##_t *ret_value)                 \
	{                                                                                          \
		uint64_t value;                                                                    \
		int r = slow_read(mmio, offset, (bits) / 8, &value);                               \
		if (r >= 0)                                                                        \
			*ret_value = (uint##bits##_t)value;                                        \
		return r;                                                                          \
	}                                                                                          \
	__attribute__((noinline, cold)) static int ones##bits(                                     \
		struct hws_mmio *mmio, uint64_t word, uint##bits##_t *ret_value)                   \
	{                                                                                          \
		int r = check_present(mmio, word, shift);                                          \
		if (r == 0)                                                                        \
			*ret_value = (uint##bits##_t) - 1;                                         \
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
		uint64_t word = word_of(offset, shift);                                            \
		uint##bits##_t value;                                                              \
		if (!gate_pass_word(&mmio->gate, GATE_READ, word, shift))                          \
			return slow_read##bits(mmio, gate_offset(word, shift), ret_value);         \
		/* SAFETY: the gate has checked right, offset, width and alignment */              \
		if (raw_load##bits((const char *)mmio->direct + (word << (shift)), &value) < 0)    \
			return lost(mmio, GATE_READ, word, shift);                                 \
		if (__builtin_expect(value == (uint##bits##_t) - 1, 0))                            \
			return ones##bits(mmio, word, ret_value);                                  \
		*ret_value = value;                                                                \
		return 0;                                                                          \
	}                                                                                          \
	uint##bits##_t hws_mmio_get##bits(struct hws_mmio *mmio, uint64_t offset)                  \
	{                                                                                          \
		uint64_t word = word_of(offset, shift);                                            \
		uint##bits##_t value;                                                              \
		if (!gate_pass_word(&mmio->gate, GATE_READ, word, shift))                          \
			return slow_get##bits(mmio, gate_offset(word, shift));                     \
		/* SAFETY: the gate has checked right, offset, width and alignment */              \
		if (raw_load##bits((const char *)mmio->direct + (word << (shift)), &value) < 0)    \
			lost(mmio, GATE_READ, word, shift);                                        \
		return value;                                                                      \
	}                                                                                          \
	int hws_mmio_write##bits(struct hws_mmio *mmio, uint64_t offset, uint##bits##_t value)     \
	{                                                                                          \
		uint64_t word = word_of(offset, shift);                                            \
		if (!gate_pass_word(&mmio->gate, GATE_WRITE, word, shift))                         \
			return slow_write(mmio, gate_offset(word, shift), (bits) / 8, value);      \
		/* SAFETY: the gate has checked right, offset, width and alignment */              \
		if (raw_store##bits((char *)mmio->direct + (word << (shift)), value) < 0)          \
			return lost(mmio, GATE_WRITE, word, shift);                                \
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

int hws_mmio_describe(struct hws_mmio *mmio, struct hws_registers *registers,
		      struct hws_bank **ret_bank)
{
	return bank_open(&mmio->gate, &mmio_face, registers, ret_bank);
}

int hws_mmio_wait_for(struct hws_mmio *mmio, uint64_t offset, uint32_t width, uint64_t mask,
		      uint64_t value, uint64_t deadline_ns, uint64_t *ret_value)
{
	struct gate_access one = { .offset = offset, .width = width };
	struct face_wait wait = { mask, value, deadline_ns };
	uint64_t last;
	int r = face_wait_for(&mmio->gate, &mmio_face, &one, &wait, &last);

	if (r == 0 && ret_value)
		*ret_value = last;
	return r;
}

int hws_mmio_read_block(struct hws_mmio *mmio, uint64_t offset, uint32_t width, void *bytes,
			uint32_t count, uint32_t flags)
{
	struct face_block block = { offset, width, count, flags };

	return face_read_block(&mmio->gate, &mmio_face, &block, bytes);
}

int hws_mmio_write_block(struct hws_mmio *mmio, uint64_t offset, uint32_t width, const void *bytes,
			 uint32_t count, uint32_t flags)
{
	struct face_block block = { offset, width, count, flags };

	return face_write_block(&mmio->gate, &mmio_face, &block, bytes);
}
