/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/auxv.h>

#include "shim/native-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

int arch_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	(void)leaf, (void)subleaf;
	memset(ret_regs, 0xff, 4 * sizeof(*ret_regs));
	return why(-EOPNOTSUPP, "CPUID is an x86 instruction; identify gives MIDR_EL1 here");
}

static const struct {
	uint8_t code;
	const char *name;
} implementers[] = {
	{ 0x41, "Arm" },       { 0x42, "Broadcom" }, { 0x43, "Cavium" },    { 0x46, "Fujitsu" },
	{ 0x48, "HiSilicon" }, { 0x4e, "NVIDIA" },   { 0x50, "APM" },	    { 0x51, "Qualcomm" },
	{ 0x61, "Apple" },     { 0x69, "Intel" },    { 0x6d, "Microsoft" }, { 0xc0, "Ampere" },
};

static const char *implementer(uint8_t code)
{
	for (size_t i = 0; i < sizeof(implementers) / sizeof(implementers[0]); i++) {
		if (implementers[i].code == code)
			return implementers[i].name;
	}
	return "unknown";
}

/* From sysfs, or from the register itself, which the kernel lets user space read. */
static int midr(int root, uint64_t *ret_midr)
{
	int r = sys_read_u64(root, "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1",
			     ret_midr);

	if (r == 0 || root != SYS_REAL_ROOT)
		return r;
	if (!(getauxval(AT_HWCAP) & HWCAP_CPUID))
		return -EPERM;
	/* SAFETY: reading an ID register changes nothing, and this kernel answers for them */
	return raw_midr(ret_midr);
}

int arch_identify(int root, struct hws_cpu *ret_cpu)
{
	uint64_t id;
	int r = midr(root, &id);

	if (r < 0)
		return why(r, "MIDR_EL1 can't be read, neither from sysfs nor directly");
	ret_cpu->id = id;
	/* Arm ARM D17.2.100: implementer 31:24, variant 23:20, part 15:4, revision 3:0 */
	snprintf(ret_cpu->vendor, sizeof(ret_cpu->vendor), "%s", implementer((uint8_t)(id >> 24)));
	snprintf(ret_cpu->model, sizeof(ret_cpu->model), "part 0x%03x r%up%u",
		 (unsigned int)(id >> 4) & 0xfff, (unsigned int)(id >> 20) & 0xf,
		 (unsigned int)id & 0xf);
	return 0;
}
