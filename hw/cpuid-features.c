/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bits of CPUID by name: the names are those of Linux's /proc/cpuinfo, where it has one. */
#include <errno.h>
#include <string.h>

#include "hw/topology-internal.h"
#include "shim/why-internal.h"

enum reg { EAX, EBX, ECX, EDX };

/* Intel SDM vol. 2, CPUID; AMD64 APM vol. 3, appendix E. */
static const struct feature {
	const char *name;
	uint32_t leaf;
	uint32_t subleaf;
	enum reg reg;
	uint32_t bit;
} features[] = {
	{ "fpu", 1, 0, EDX, 0 },
	{ "tsc", 1, 0, EDX, 4 },
	{ "msr", 1, 0, EDX, 5 },
	{ "cx8", 1, 0, EDX, 8 },
	{ "apic", 1, 0, EDX, 9 },
	{ "mtrr", 1, 0, EDX, 12 },
	{ "cmov", 1, 0, EDX, 15 },
	{ "pat", 1, 0, EDX, 16 },
	{ "clflush", 1, 0, EDX, 19 },
	{ "mmx", 1, 0, EDX, 23 },
	{ "fxsr", 1, 0, EDX, 24 },
	{ "sse", 1, 0, EDX, 25 },
	{ "sse2", 1, 0, EDX, 26 },
	{ "ht", 1, 0, EDX, 28 },
	{ "pni", 1, 0, ECX, 0 },
	{ "pclmulqdq", 1, 0, ECX, 1 },
	{ "monitor", 1, 0, ECX, 3 },
	{ "vmx", 1, 0, ECX, 5 },
	{ "smx", 1, 0, ECX, 6 },
	{ "ssse3", 1, 0, ECX, 9 },
	{ "fma", 1, 0, ECX, 12 },
	{ "cx16", 1, 0, ECX, 13 },
	{ "pcid", 1, 0, ECX, 17 },
	{ "sse4_1", 1, 0, ECX, 19 },
	{ "sse4_2", 1, 0, ECX, 20 },
	{ "x2apic", 1, 0, ECX, 21 },
	{ "movbe", 1, 0, ECX, 22 },
	{ "popcnt", 1, 0, ECX, 23 },
	{ "tsc_deadline", 1, 0, ECX, 24 },
	{ "aes", 1, 0, ECX, 25 },
	{ "xsave", 1, 0, ECX, 26 },
	{ "osxsave", 1, 0, ECX, 27 },
	{ "avx", 1, 0, ECX, 28 },
	{ "f16c", 1, 0, ECX, 29 },
	{ "rdrand", 1, 0, ECX, 30 },
	{ "hypervisor", 1, 0, ECX, 31 },
	{ "dtherm", 6, 0, EAX, 0 },
	{ "ida", 6, 0, EAX, 1 },
	{ "arat", 6, 0, EAX, 2 },
	{ "hwp", 6, 0, EAX, 7 },
	{ "aperfmperf", 6, 0, ECX, 0 },
	{ "fsgsbase", 7, 0, EBX, 0 },
	{ "tsc_adjust", 7, 0, EBX, 1 },
	{ "sgx", 7, 0, EBX, 2 },
	{ "bmi1", 7, 0, EBX, 3 },
	{ "hle", 7, 0, EBX, 4 },
	{ "avx2", 7, 0, EBX, 5 },
	{ "smep", 7, 0, EBX, 7 },
	{ "bmi2", 7, 0, EBX, 8 },
	{ "erms", 7, 0, EBX, 9 },
	{ "invpcid", 7, 0, EBX, 10 },
	{ "rtm", 7, 0, EBX, 11 },
	{ "cqm", 7, 0, EBX, 12 },
	{ "mpx", 7, 0, EBX, 14 },
	{ "rdt_a", 7, 0, EBX, 15 },
	{ "avx512f", 7, 0, EBX, 16 },
	{ "avx512dq", 7, 0, EBX, 17 },
	{ "rdseed", 7, 0, EBX, 18 },
	{ "adx", 7, 0, EBX, 19 },
	{ "smap", 7, 0, EBX, 20 },
	{ "clflushopt", 7, 0, EBX, 23 },
	{ "clwb", 7, 0, EBX, 24 },
	{ "intel_pt", 7, 0, EBX, 25 },
	{ "avx512cd", 7, 0, EBX, 28 },
	{ "sha_ni", 7, 0, EBX, 29 },
	{ "avx512bw", 7, 0, EBX, 30 },
	{ "avx512vl", 7, 0, EBX, 31 },
	{ "umip", 7, 0, ECX, 2 },
	{ "pku", 7, 0, ECX, 3 },
	{ "ospke", 7, 0, ECX, 4 },
	{ "waitpkg", 7, 0, ECX, 5 },
	{ "user_shstk", 7, 0, ECX, 7 },
	{ "gfni", 7, 0, ECX, 8 },
	{ "vaes", 7, 0, ECX, 9 },
	{ "vpclmulqdq", 7, 0, ECX, 10 },
	{ "avx512_vnni", 7, 0, ECX, 11 },
	{ "la57", 7, 0, ECX, 16 },
	{ "rdpid", 7, 0, ECX, 22 },
	{ "movdiri", 7, 0, ECX, 27 },
	{ "movdir64b", 7, 0, ECX, 28 },
	{ "enqcmd", 7, 0, ECX, 29 },
	{ "fsrm", 7, 0, EDX, 4 },
	{ "md_clear", 7, 0, EDX, 10 },
	{ "serialize", 7, 0, EDX, 14 },
	{ "hybrid_cpu", 7, 0, EDX, 15 },
	{ "pconfig", 7, 0, EDX, 18 },
	{ "ibt", 7, 0, EDX, 20 },
	{ "amx_bf16", 7, 0, EDX, 22 },
	{ "amx_tile", 7, 0, EDX, 24 },
	{ "amx_int8", 7, 0, EDX, 25 },
	{ "spec_ctrl", 7, 0, EDX, 26 },
	{ "arch_capabilities", 7, 0, EDX, 29 },
	{ "core_capabilities", 7, 0, EDX, 30 },
	{ "ssbd", 7, 0, EDX, 31 },
	{ "avx_vnni", 7, 1, EAX, 4 },
	{ "avx512_bf16", 7, 1, EAX, 5 },
	{ "lam", 7, 1, EAX, 26 },
	{ "xsaveopt", 0xd, 1, EAX, 0 },
	{ "xsavec", 0xd, 1, EAX, 1 },
	{ "xsaves", 0xd, 1, EAX, 3 },
	{ "lahf_lm", 0x80000001, 0, ECX, 0 },
	{ "svm", 0x80000001, 0, ECX, 2 },
	{ "abm", 0x80000001, 0, ECX, 5 },
	{ "sse4a", 0x80000001, 0, ECX, 6 },
	{ "topoext", 0x80000001, 0, ECX, 22 },
	{ "syscall", 0x80000001, 0, EDX, 11 },
	{ "nx", 0x80000001, 0, EDX, 20 },
	{ "pdpe1gb", 0x80000001, 0, EDX, 26 },
	{ "rdtscp", 0x80000001, 0, EDX, 27 },
	{ "lm", 0x80000001, 0, EDX, 29 },
	{ "constant_tsc", 0x80000007, 0, EDX, 8 },
	{ "clzero", 0x80000008, 0, EBX, 0 },
	{ "wbnoinvd", 0x80000008, 0, EBX, 9 },
};
enum { FEATURES = sizeof(features) / sizeof(features[0]) };

const char *hws_cpuid_feature_name(unsigned int index)
{
	return index < FEATURES ? features[index].name : NULL;
}

/* Those of 0x80000000 have a largest of their own. */
int cpuid_has_leaf(struct hws_cpuid *cpuid, uint32_t leaf)
{
	uint32_t regs[4];
	int r = hws_cpuid_read(cpuid, leaf & 0x80000000, 0, regs);

	return r < 0 ? r : regs[EAX] >= leaf && (regs[EAX] ^ leaf) < 0x80000000;
}

int hws_cpuid_has(struct hws_cpuid *cpuid, const char *name)
{
	const struct feature *feature = features;
	uint32_t regs[4];
	int r;

	while (feature < features + FEATURES && strcmp(feature->name, name) != 0)
		feature++;
	if (feature == features + FEATURES)
		return why(-ENOENT, "'%s' is no feature that is known", name);
	r = cpuid_has_leaf(cpuid, feature->leaf);
	if (r <= 0)
		return r;
	r = hws_cpuid_read(cpuid, feature->leaf, feature->subleaf, regs);
	return r < 0 ? r : (int)(regs[feature->reg] >> feature->bit & 1);
}
