/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/face-internal.h"

#include "hw/bank-internal.h"

int face_do_read(struct gate *gate, const struct face *face, const struct gate_access *one,
		 uint64_t *ret_value)
{
	int r = face->read(gate, one, ret_value);

	gate_over(gate);
	return r < 0 ? gate_failed(gate, GATE_READ, one, r) : 0;
}

int face_do_write(struct gate *gate, const struct face *face, const struct gate_access *one)
{
	int r = face->write(gate, one);

	gate_over(gate);
	return r < 0 ? gate_failed(gate, GATE_WRITE, one, r) : 0;
}

/* What the handle knows of its registers; 0 when it knows nothing. */
static int ask_bank(struct gate *gate, enum gate_use use, const struct gate_access *one)
{
	return gate->bank ? bank_ask(gate->bank, use, one) : 0;
}

int face_admit_read(struct gate *gate, const struct gate_access *one)
{
	int r = ask_bank(gate, GATE_READ, one);

	return r < 0 ? r : gate_ask(gate, GATE_READ, one);
}

int face_ask_read(struct gate *gate, const struct face *face, const struct gate_access *one,
		  uint64_t *ret_value)
{
	int r = face_admit_read(gate, one);

	return r < 0 ? r : face_do_read(gate, face, one, ret_value);
}

/*
 * A rule with a mask is about bits that change: what stands there now is part of the question. It
 * is read only where this handle may read; elsewhere such a rule refuses.
 */
static void add_old(struct gate *gate, const struct face *face, struct gate_access *one)
{
	if (!face->has_old || one->has & HWS_HAS_OLD || !gate_wants_old(gate, one) ||
	    (gate->bank && bank_hides(gate->bank, one)) || gate_peek(gate, one) < 0)
		return;
	if (face->read(gate, one, &one->old) == 0)
		one->has |= HWS_HAS_OLD;
	gate_over(gate);
}

int face_admit_write(struct gate *gate, const struct face *face, const struct gate_access *one)
{
	struct gate_access whole = *one;
	int r = ask_bank(gate, GATE_WRITE, one);

	if (r < 0)
		return r;
	whole.has |= HWS_HAS_VALUE;
	add_old(gate, face, &whole);
	return gate_ask(gate, GATE_WRITE, &whole);
}

int face_ask_write(struct gate *gate, const struct face *face, const struct gate_access *one)
{
	int r = face_admit_write(gate, face, one);

	r = r < 0 ? r : face_do_write(gate, face, one);
	if (r == 0 && gate->bank)
		bank_wrote(gate->bank, one);
	return r;
}

int face_check(struct gate *gate, const struct face *face, enum gate_use use,
	       const struct gate_access *one)
{
	struct gate_access whole = *one;
	int r = ask_bank(gate, use, one);

	if (r < 0)
		return r;
	if (use == GATE_WRITE) {
		whole.has |= HWS_HAS_VALUE;
		add_old(gate, face, &whole);
	}
	return gate_check(gate, use, &whole);
}

int face_read(struct gate *gate, const struct face *face, const struct gate_access *one,
	      unsigned int shift, uint64_t *ret_value)
{
	return gate_pass(gate, GATE_READ, one->offset, shift)
		       ? face_do_read(gate, face, one, ret_value)
		       : face_ask_read(gate, face, one, ret_value);
}

int face_write(struct gate *gate, const struct face *face, const struct gate_access *one,
	       unsigned int shift)
{
	return gate_pass(gate, GATE_WRITE, one->offset, shift) ? face_do_write(gate, face, one)
							       : face_ask_write(gate, face, one);
}

int face_read_at(struct gate *gate, const struct face *face, uint32_t at, unsigned int shift,
		 uint64_t *ret_value)
{
	struct gate_access one = { .offset = at - gate->window.first, .width = 1u << shift };

	return face_read(gate, face, &one, shift, ret_value);
}

int face_write_at(struct gate *gate, const struct face *face, uint32_t at, unsigned int shift,
		  uint64_t value)
{
	struct gate_access one = { .offset = at - gate->window.first,
				   .width = 1u << shift,
				   .value = value };

	return face_write(gate, face, &one, shift);
}
