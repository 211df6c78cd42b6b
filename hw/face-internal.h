/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the access kinds have in common: an access passes the handle's gate, or
 * asks it; the back end does it; a failure is told and counted.
 *
 * Each kind says by a struct face how its back end is called. The gate is the
 * first thing in its handle, so that one leads to the other.
 */
#ifndef HWSAFE_HW_FACE_INTERNAL_H
#define HWSAFE_HW_FACE_INTERNAL_H

#include "guardian/gate-internal.h"
#include "hw/block.h"

struct face {
	int (*read)(struct gate *gate, const struct gate_access *one, uint64_t *ret_value);
	int (*write)(struct gate *gate, const struct gate_access *one);
	/* reading what stands there is harmless: rules about bits that change may be asked */
	bool has_old;
};

/* Through the gate: at once, or by asking. @shift: the access counts as 1 << @shift bytes. */
HWS_MUST static inline int face_enter(struct gate *gate, enum gate_use use,
				      const struct gate_access *one, unsigned int shift)
{
	return gate_pass(gate, use, one->offset, shift) ? 0 : gate_ask(gate, use, one);
}

/* What was let in: done, or told why not. */
HWS_MUST int face_do_read(struct gate *gate, const struct face *face, const struct gate_access *one,
			  uint64_t *ret_value);
HWS_MUST int face_do_write(struct gate *gate, const struct face *face,
			   const struct gate_access *one);

/* The whole access for who has no way past the gate, or was not let through it at once. */
HWS_MUST int face_ask_read(struct gate *gate, const struct face *face,
			   const struct gate_access *one, uint64_t *ret_value);
HWS_MUST int face_ask_write(struct gate *gate, const struct face *face,
			    const struct gate_access *one);

/* Only the way in: what face_do_read() or face_do_write() then does. */
HWS_MUST int face_admit_read(struct gate *gate, const struct gate_access *one);
HWS_MUST int face_admit_write(struct gate *gate, const struct face *face,
			      const struct gate_access *one);

/* The whole access for who goes through the back end's table in any case. */
HWS_MUST int face_read(struct gate *gate, const struct face *face, const struct gate_access *one,
		       unsigned int shift, uint64_t *ret_value);
HWS_MUST int face_write(struct gate *gate, const struct face *face, const struct gate_access *one,
			unsigned int shift);

/* What is waited for: the bits of the mask have the value. */
struct face_wait {
	uint64_t mask;
	uint64_t value;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
};

/*
 * Reads until it is so. Each read asks the gate and is charged: a wait of ten seconds has some 300
 * of them. -ETIME at the deadline.
 */
HWS_MUST int face_wait_for(struct gate *gate, const struct face *face,
			   const struct gate_access *one, const struct face_wait *wait,
			   uint64_t *ret_value);

struct face_block {
	uint64_t offset;
	uint32_t width;
	uint32_t count;
	uint32_t flags; /* enum hws_block_flags */
};

/* How many were read or written, each an access of its own; an error only when none was. */
HWS_MUST int face_read_block(struct gate *gate, const struct face *face,
			     const struct face_block *block, void *bytes);
HWS_MUST int face_write_block(struct gate *gate, const struct face *face,
			      const struct face_block *block, const void *bytes);

/* Would it be let in, as far as shape and policy go? Refusals are told and counted. */
HWS_MUST int face_check(struct gate *gate, const struct face *face, enum gate_use use,
			const struct gate_access *one);

/* face_read() and face_write() at a place that is counted as the window's first is. */
HWS_MUST int face_read_at(struct gate *gate, const struct face *face, uint32_t at,
			  unsigned int shift, uint64_t *ret_value);
HWS_MUST int face_write_at(struct gate *gate, const struct face *face, uint32_t at,
			   unsigned int shift, uint64_t value);

/*
 * The four functions of one width: read and write with a status, get and put without. The kind
 * has a struct face called kind_face; a handle begins with its gate.
 */
#define FACES(kind, bits, shift)                                                                   \
	int hws_##kind##_read##bits(struct hws_##kind *handle, uint32_t at,                        \
				    uint##bits##_t *ret_value)                                     \
	{                                                                                          \
		uint64_t value;                                                                    \
		int r = face_read_at((struct gate *)handle, &kind##_face, at, shift, &value);      \
		if (r == 0)                                                                        \
			*ret_value = (uint##bits##_t)value;                                        \
		return r;                                                                          \
	}                                                                                          \
	uint##bits##_t hws_##kind##_get##bits(struct hws_##kind *handle, uint32_t at)              \
	{                                                                                          \
		uint64_t value;                                                                    \
		int r = face_read_at((struct gate *)handle, &kind##_face, at, shift, &value);      \
		return r < 0 ? (uint##bits##_t) - 1 : (uint##bits##_t)value;                       \
	}                                                                                          \
	int hws_##kind##_write##bits(struct hws_##kind *handle, uint32_t at, uint##bits##_t value) \
	{                                                                                          \
		return face_write_at((struct gate *)handle, &kind##_face, at, shift, value);       \
	}                                                                                          \
	void hws_##kind##_put##bits(struct hws_##kind *handle, uint32_t at, uint##bits##_t value)  \
	{                                                                                          \
		/* a refusal is counted, recorded and kept for hws_last_denial() */                \
		int r = face_write_at((struct gate *)handle, &kind##_face, at, shift, value);      \
		(void)r;                                                                           \
	}

#endif
