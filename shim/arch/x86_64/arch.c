/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/native-internal.h"
#include "shim/why-internal.h"

int arch_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	/* SAFETY: CPUID changes nothing, and a leaf that isn't there gives zeros or the last one */
	int r = raw_cpuid(leaf, subleaf, ret_regs);

	return r < 0 ? why(r, "CPUID is switched off for this process (arch_prctl ARCH_CPUID)") : 0;
}

/* Some characters of a name, as CPUID gives them: four bytes a register. */
static void append(char *text, const uint32_t *regs, size_t count)
{
	memcpy(text + strlen(text), regs, 4 * count);
}

int arch_identify(int root, struct hws_cpu *ret_cpu)
{
	uint32_t regs[4];
	uint32_t max;
	int r = arch_cpuid(0, 0, regs);

	(void)root;
	if (r < 0)
		return r;
	append(ret_cpu->vendor, (uint32_t[]) { regs[1], regs[3], regs[2] }, 3);
	r = arch_cpuid(1, 0, regs);
	ret_cpu->id = r < 0 ? 0 : regs[0];
	r = r < 0 ? r : arch_cpuid(0x80000000, 0, regs);
	max = r < 0 ? 0 : regs[0];
	for (uint32_t leaf = 0x80000002; leaf <= 0x80000004 && leaf <= max && r == 0; leaf++) {
		r = arch_cpuid(leaf, 0, regs);
		append(ret_cpu->model, regs, 4);
	}
	return r;
}
