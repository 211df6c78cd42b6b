/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* More than one access: waiting for a value, and blocks. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "hw/face-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* A poll waits 1/32 of the time that has passed: late by 3 % at most, and few in number. */
enum { PATIENCE = 32, SHORTEST_NS = 1000 };

static int gave_up(const struct gate_access *one, const struct face_wait *wait, uint64_t last)
{
	return why(-ETIME, "0x%llx is 0x%llx, and its bits 0x%llx did not become 0x%llx in time",
		   (unsigned long long)one->offset, (unsigned long long)last,
		   (unsigned long long)wait->mask, (unsigned long long)wait->value);
}

int face_wait_for(struct gate *gate, const struct face *face, const struct gate_access *one,
		  const struct face_wait *wait, uint64_t *ret_value)
{
	uint64_t begin;
	uint64_t now;
	uint64_t pause;
	uint64_t value;
	int r = sys_clock(CLOCK_MONOTONIC, &begin);

	if (r == 0 && wait->value & ~wait->mask)
		return why(-EINVAL, "the value 0x%llx has bits outside the mask 0x%llx",
			   (unsigned long long)wait->value, (unsigned long long)wait->mask);
	for (now = begin; r == 0; r = sys_clock(CLOCK_MONOTONIC, &now)) {
		r = face_ask_read(gate, face, one, &value);
		if (r < 0)
			return r;
		if ((value & wait->mask) == wait->value) {
			*ret_value = value;
			return 0;
		}
		if (now >= wait->deadline_ns)
			return gave_up(one, wait, value);
		pause = (now - begin) / PATIENCE;
		pause = pause < SHORTEST_NS ? SHORTEST_NS : pause;
		sys_sleep(pause < wait->deadline_ns - now ? pause : wait->deadline_ns - now);
	}
	return why(r, "the clock failed");
}

/* A value's bytes, as a number of that width has them in memory. */
static char *low_bytes(uint64_t *value, uint32_t width)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return (char *)value + sizeof(*value) - width;
#else
	(void)width;
	return (char *)value;
#endif
}

/* The whole block or nothing: where its end lies outside, not even the beginning is touched. */
static int check_block(struct gate *gate, enum gate_use use, const struct face_block *block)
{
	uint64_t size = gate->window.last - gate->window.first + 1;
	struct gate_access one = { .offset = block->offset, .width = block->width };
	uint64_t width = block->width;

	if (width == 0 || width > 8 || width & (width - 1))
		return gate_refuse(gate, use, &one, HWS_REASON_ARGUMENT, "no such width");
	if (block->flags & ~(uint32_t)HWS_BLOCK_FIFO || block->count > INT_MAX)
		return gate_refuse(gate, use, &one, HWS_REASON_ARGUMENT,
				   "no such flag, or too large a block");
	if (!(block->flags & HWS_BLOCK_FIFO) &&
	    !hws_range_ok(block->offset, width * block->count, size))
		return gate_refuse(gate, use, &one, HWS_REASON_RANGE,
				   "the block ends outside the handle's window");
	return 0;
}

static struct gate_access nth(const struct face_block *block, uint32_t n)
{
	uint64_t step = block->flags & HWS_BLOCK_FIFO ? 0 : block->width;

	return (struct gate_access) { .offset = block->offset + n * step, .width = block->width };
}

int face_read_block(struct gate *gate, const struct face *face, const struct face_block *block,
		    void *bytes)
{
	unsigned int shift = (unsigned int)__builtin_ctz(block->width | 8);
	int r = check_block(gate, GATE_READ, block);
	uint32_t done = 0;

	for (; r == 0 && done < block->count; done++) {
		struct gate_access one = nth(block, done);
		uint64_t value;

		r = face_read(gate, face, &one, shift, &value);
		if (r < 0)
			break;
		memcpy((char *)bytes + (size_t)done * block->width, low_bytes(&value, block->width),
		       block->width);
	}
	return r < 0 && done == 0 ? r : (int)done;
}

int face_write_block(struct gate *gate, const struct face *face, const struct face_block *block,
		     const void *bytes)
{
	unsigned int shift = (unsigned int)__builtin_ctz(block->width | 8);
	int r = check_block(gate, GATE_WRITE, block);
	uint32_t done = 0;

	for (; r == 0 && done < block->count; done++) {
		struct gate_access one = nth(block, done);

		memcpy(low_bytes(&one.value, block->width),
		       (const char *)bytes + (size_t)done * block->width, block->width);
		r = face_write(gate, face, &one, shift);
		if (r < 0)
			break;
	}
	return r < 0 && done == 0 ? r : (int)done;
}
