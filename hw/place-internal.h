/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A place of any kind, as gate and face see it. */
#ifndef HWSAFE_HW_PLACE_INTERNAL_H
#define HWSAFE_HW_PLACE_INTERNAL_H

#include "hw/batch.h"
#include "hw/face-internal.h"

extern const struct face port_face;
extern const struct face mmio_face;
extern const struct face pci_face;

struct place {
	struct gate *gate;
	const struct face *face;
	struct gate_access one; /* its value is not set */
};

/* 0; -EINVAL a place that makes no sense; -ERANGE no such processor. Borrows the handle. */
HWS_MUST int place_find(const struct hws_place *at, struct place *ret_place);

/* All of what the place holds. */
static inline uint64_t place_ones(const struct place *place)
{
	return shim_ones(place->one.width);
}

/* An access counts as 1 << that many bytes; registers are counted, not measured. */
static inline unsigned int place_shift(const struct place *place)
{
	return place->gate->window.kind == HWS_KIND_MSR
		       ? 0
		       : (unsigned int)__builtin_ctz(place->one.width);
}

/* One access, as the kind's own functions do it. */
HWS_MUST int place_read(const struct place *place, uint64_t *ret_value);
HWS_MUST int place_write(const struct place *place, uint64_t value);

#endif
