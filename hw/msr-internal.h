/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_HW_MSR_INTERNAL_H
#define HWSAFE_HW_MSR_INTERNAL_H

#include "hw/face-internal.h"
#include "hw/msr.h"

enum {
	MSR_CPUS = 8192, /* the most that Linux is built for */
	MSR_SPANS = 64,
};

struct msr_span {
	uint32_t first;
	uint32_t last;
};

/* A gate for each range on each processor, range by range; NULL where the handle has none. */
struct hws_msr {
	struct hws *hw;
	uint32_t cpus;
	uint32_t spans;
	struct msr_span *span;
	struct gate **gates;
};

/* msr-list.c: which processors "0-3,8", "12..15" or "all" names; NULL: all. */
struct msr_cpus {
	uint32_t end; /* behind the last */
	bool named[MSR_CPUS];
};
HWS_MUST int msr_choose_cpus(struct hws *hw, const char *list, struct msr_cpus *ret_cpus);
/* "0x10,0x198-0x199": how many ranges, or -EINVAL. */
HWS_MUST int msr_read_spans(const char *list, struct msr_span ret_spans[MSR_SPANS]);

extern const struct face msr_face;

/* The gate for a register of a processor, and the access as it is seen from there; NULL: none. */
static inline struct gate *msr_gate(struct hws_msr *msr, uint32_t cpu, uint32_t reg,
				    struct gate_access *ret_one)
{
	struct gate *gate = NULL;
	uint32_t i = 0;

	while (i + 1 < msr->spans && (reg < msr->span[i].first || reg > msr->span[i].last))
		i++;
	if (cpu < msr->cpus)
		gate = msr->gates[i * msr->cpus + cpu];
	/* outside the last range it is the gate that refuses */
	if (gate)
		*ret_one = (struct gate_access) { .offset = reg - gate->window.first,
						  .width = 8,
						  .cpu = cpu };
	return gate;
}

/* Refuses what the handle has no gate for. */
int msr_no_cpu(struct hws_msr *msr, uint32_t cpu, uint32_t reg, enum hws_rights right);

#endif
