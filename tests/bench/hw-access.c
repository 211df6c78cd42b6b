/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One access of each kind, against the bare instruction or the bare system call. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/hw.h"
#include "tests/bench/machine.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/io.h>
#endif

enum { REGISTER = 0x10, CLOCK = 0x71 };

/* One kind's handle, and the bare way to the same place. */
struct access {
	const struct kind *kind;
	struct machine_root root;
	struct hws *hw;
	struct hws_mmio *mmio;
	struct hws_port *port;
	struct hws_msr *msr;
	struct hws_pci *pci;
	struct hws_cpuid *cpuid;
	volatile uint32_t *memory;
	int fd; /* -1: none */
};

/* What a kind's case has open; the rest stays closed, as not every machine has all. */
struct kind {
	int (*open)(struct access *access);
	const char *file; /* that the bare way reads; NULL: none */
};

static int open_mmio(struct access *access)
{
	access->memory = machine_map(&access->root, false);
	return access->memory ? hws_mmio_map(access->hw, MACHINE_BDF, 0, 0, MACHINE_PAGE, HWS_R,
					     &access->mmio)
			      : -ENODEV;
}

/* A real one is the clock's, by the instruction; else a file is read. */
static int open_port(struct access *access)
{
	uint32_t first = hw_real ? CLOCK : MACHINE_FIRST_PORT;

	return hws_port_open(access->hw, first, 1, HWS_R, &access->port);
}

static int open_msr(struct access *access)
{
	return hws_msr_open(access->hw, "0", REGISTER, REGISTER, HWS_R, &access->msr);
}

static int open_pci(struct access *access)
{
	return hws_pci_open(access->hw, MACHINE_BDF, 0, 64, HWS_R, &access->pci);
}

static const struct kind mmio_kind = { open_mmio, NULL };
static const struct kind port_kind = { open_port, MACHINE_PORTS };
static const struct kind msr_kind = { open_msr, MACHINE_MSRS };
static const struct kind pci_kind = { open_pci, MACHINE_CONFIG };

static void teardown(void *context)
{
	struct access *access = context;

	hws_mmio_unmap(access->mmio);
	hws_port_close(access->port);
	hws_msr_close(access->msr);
	hws_pci_close(access->pci);
	hws_cpuid_close(access->cpuid);
	hws_close(access->hw);
	machine_unmap(access->memory);
	if (access->fd >= 0)
		close(access->fd);
	machine_remove(&access->root);
	free(access);
}

static int open_all(struct access *access)
{
	const char *file = access->kind->file;
	int r = hw_real ? 0 : machine_make(&access->root);

	if (r == 0)
		r = hw_open_context("native", access->root.path, &access->hw);
	if (r == 0)
		r = access->kind->open(access);
	if (r == 0 && file && !(hw_real && access->port)) {
		access->fd = machine_open(&access->root, file, O_RDONLY);
		r = access->fd < 0 ? access->fd : 0;
	}
	return r;
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct access *access = calloc(1, sizeof(*access));
	int r;

	if (!access)
		return -ENOMEM;
	access->kind = of->arg;
	access->fd = -1;
	r = open_all(access);
	if (r < 0)
		teardown(access);
	else
		*ret_context = access;
	return r;
}

static uint32_t v32;
static uint64_t v64;

/* Each work is a loop around one access; its status is kept, as a value would be. */
#define WORK(name, access_once)                                               \
	static int name(void *context, uint64_t n)                            \
	{                                                                     \
		const struct access access = *(const struct access *)context; \
		(void)access;                                                 \
		uint8_t u8 = 0;                                               \
		uint32_t u32 = 0;                                             \
		uint64_t u64 = 0;                                             \
		uint32_t regs[4] = { 0 };                                     \
		long r = 0;                                                   \
		for (; n; n = bench_next(n))                                  \
			r = access_once;                                      \
		v32 = u32 + u8 + regs[1];                                     \
		v64 = u64;                                                    \
		return r < 0 ? -EIO : 0;                                      \
	}
WORK(mmio_read, hws_mmio_read32(access.mmio, 8, &u32))
WORK(mmio_bare, (u32 = access.memory[2], 0))
WORK(port_read, hws_port_read8(access.port, hw_real ? CLOCK : MACHINE_FIRST_PORT, &u8))
WORK(port_bare_file, pread(access.fd, &u8, 1, 0))
WORK(msr_read, hws_msr_read(access.msr, 0, REGISTER, &u64))
WORK(msr_bare, pread(access.fd, &u64, sizeof(u64), REGISTER))
WORK(pci_read, hws_pci_read32(access.pci, 0, &u32))
WORK(pci_bare, pread(access.fd, &u32, sizeof(u32), 0))

#if defined(__x86_64__)
/* The handle's port is this thread's. */
WORK(port_bare_instruction, (u8 = inb(CLOCK), 0))

static int open_cpuid(struct access *access)
{
	return hws_cpuid_open(access->hw, 0, UINT32_MAX, &access->cpuid);
}

static const struct kind cpuid_kind = { open_cpuid, NULL };

static inline int bare_cpuid(uint32_t regs[4])
{
	__cpuid_count(0, 0, regs[0], regs[1], regs[2], regs[3]);
	return 0;
}

WORK(cpuid_read, hws_cpuid_read(access.cpuid, 0, 0, regs))
WORK(cpuid_bare, bare_cpuid(regs))
#else
#define port_bare_instruction port_bare_file
#endif

static int port_bare(void *context, uint64_t n)
{
	return hw_real ? port_bare_instruction(context, n) : port_bare_file(context, n);
}

#define ROW(kind_name, bare, does, ours_does, base_does)                                       \
	.name = #kind_name "-gated", .baseline = bare, .what = does, .arg = &kind_name##_kind, \
	.setup = setup, .teardown = teardown, .ours = ours_does, .base = base_does

const struct bench_case hw_access_cases[] = {
	{ ROW(mmio, "bare volatile load", "a 32-bit read of a window", mmio_read, mmio_bare),
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 15 } } },
	{ ROW(port, "bare pread", "an 8-bit read of a port", port_read, port_bare) },
	{ ROW(msr, "bare pread", "a read of a model-specific register", msr_read, msr_bare) },
	{ ROW(pci, "bare pread", "a 32-bit read of configuration space", pci_read, pci_bare) },
#if defined(__x86_64__)
	{ ROW(cpuid, "bare cpuid", "a read of a leaf", cpuid_read, cpuid_bare) },
#endif
	{ 0 },
};
