/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/cpuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/face-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

struct hws_cpuid {
	struct gate gate;
};

int hws_cpuid_open(struct hws *hw, uint32_t first, uint32_t last, struct hws_cpuid **ret_cpuid)
{
	struct hws_access access = {
		.kind = HWS_KIND_CPUID, .rights = HWS_R, .first = first, .last = last
	};
	struct gate_options options = { .window = &access,
					.guard = { HWS_GUARD_CPUID, HWS_GUARD_CPUID } };
	HWS_CLEANUP_FREE struct hws_cpuid *cpuid = calloc(1, sizeof(*cpuid));
	int r;

	if (!cpuid)
		return why(-ENOMEM, "no memory for leaves");
	r = gate_open(hw, &options, &cpuid->gate);
	if (r == 0)
		*ret_cpuid = HWS_TAKE_PTR(cpuid);
	return r;
}

void hws_cpuid_close(struct hws_cpuid *cpuid)
{
	if (!cpuid)
		return;
	gate_close(&cpuid->gate);
	free(cpuid);
}

int hws_cpuid_read(struct hws_cpuid *cpuid, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	struct gate *gate = &cpuid->gate;
	struct gate_access one = { .offset = leaf - gate->window.first, .width = 4 };
	struct hws_shim *shim = &gate->hw->shim;
	uint32_t regs[4];
	int r = face_enter(gate, GATE_READ, &one, 0);

	if (r < 0)
		return r;
	r = shim_ops(shim)->cpuid(shim->self, leaf, subleaf, regs);
	gate_over(gate);
	if (r < 0)
		return gate_failed(gate, GATE_READ, &one, r);
	memcpy(ret_regs, regs, sizeof(regs));
	return 0;
}

void hws_cpuid_get(struct hws_cpuid *cpuid, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	if (hws_cpuid_read(cpuid, leaf, subleaf, ret_regs) < 0)
		memset(ret_regs, 0xff, 4 * sizeof(ret_regs[0]));
}
