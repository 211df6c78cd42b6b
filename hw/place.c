/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/place-internal.h"

#include <errno.h>

#include "hw/msr-internal.h"
#include "shim/why-internal.h"

static const struct {
	const struct face *face;
	bool from_window; /* offsets count from the window's first byte, not from 0 */
} kinds[HWS_KINDS] = {
	[HWS_KIND_PORT] = { &port_face, false },
	[HWS_KIND_MSR] = { &msr_face, false },
	[HWS_KIND_PCI] = { &pci_face, false },
	[HWS_KIND_BAR] = { &mmio_face, true },
};

int place_find(const struct hws_place *at, struct place *ret_place)
{
	struct gate *gate = (struct gate *)at->handle;
	uint32_t reg = (uint32_t)at->at;
	struct gate_access seen;

	if ((uint32_t)at->kind >= HWS_KINDS || !kinds[at->kind].face || !at->handle)
		return why(-EINVAL,
			   "a place is in a port range, a window, registers or a function: "
			   "see hws_in_port()");
	if (at->kind == HWS_KIND_MSR) {
		gate = msr_gate(at->handle, at->cpu, reg, &seen);
		if (!gate)
			return msr_no_cpu(at->handle, at->cpu, reg, HWS_R);
	}
	*ret_place = (struct place) {
		.gate = gate,
		.face = kinds[at->kind].face,
		.one = { .offset = kinds[at->kind].from_window ? at->at
							       : at->at - gate->window.first,
			 .width = at->width,
			 .cpu = at->cpu },
	};
	return 0;
}

int place_read(const struct place *place, uint64_t *ret_value)
{
	uint64_t value;
	int r = face_read(place->gate, place->face, &place->one, place_shift(place), &value);

	if (r == 0)
		*ret_value = value & place_ones(place);
	return r;
}

int place_write(const struct place *place, uint64_t value)
{
	struct gate_access one = place->one;

	one.value = value;
	return face_write(place->gate, place->face, &one, place_shift(place));
}
