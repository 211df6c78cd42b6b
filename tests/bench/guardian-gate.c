/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the gate costs: an access through it against the bare one, on a machine made of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "shim/shim-internal.h"
#include "shim/why-internal.h"
#include "tests/bench/guardian.h"

#define BDF "0000:00:03.0"
#define DIR "/sys/bus/pci/devices/" BDF
enum { FIRST_PORT = 0x1000, REGISTER = 0x10 };

struct machine {
	char root[32];
	struct hws *hw;
	struct hws_mmio *input; /* one for each right: a rule alone then gives it */
	struct hws_mmio *output;
	struct hws_port *port;
	struct hws_msr *msr;
	struct hws_shim bare;
	struct hws_window ports;
	volatile uint32_t *memory;
};

static const struct {
	const char *path;
	const char *bytes;
	off_t size;
} files[] = {
	{ DIR "/config", "\x34\x12\xe8\x11", 64 },
	{ DIR "/resource0", "", 4096 },
	{ DIR "/resource1", "", 16 },
	{ DIR "/resource", "0x0 0xfff 0x40200\n0x1000 0x100f 0x40101\n", 0 },
	{ "/dev/cpu/0/msr", "", 4096 },
};

/* 0, or -errno: one file of the machine, and the directories that lead to it. */
static int create(const char *root, const char *path, const char *bytes, off_t size)
{
	char whole[128];
	FILE *file;
	int r;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = whole + strlen(root); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	file = fopen(whole, "w");
	if (!file)
		return -errno;
	fputs(bytes, file);
	fflush(file);
	r = size && ftruncate(fileno(file), size) < 0 ? -errno : 0;
	fclose(file);
	return r;
}

static int map_bare(struct machine *machine)
{
	char path[128];
	void *memory;
	int fd;

	snprintf(path, sizeof(path), "%s%s", machine->root, files[1].path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	machine->memory = memory;
	return memory == MAP_FAILED ? -errno : 0;
}

static int open_handles(struct machine *machine)
{
	struct hws_options options = { .size = sizeof(options),
				       .sysroot = machine->root,
				       .backend = "native",
				       .policy_text =
					       "bar = 1234:11e8 0 rw\nport = * r\nmsr = * r" };
	struct hws_shim_options bare = { .size = sizeof(bare), .sysroot = machine->root };
	int r;

	for (int i = 0; i < HWS_GUARDS; i++)
		options.guards[i] =
			(struct hws_guard_limit) { .handle = 1ull << 60, .context = 1ull << 60 };
	r = hws_open(&options, &machine->hw);
	r = r < 0 ? r : hws_mmio_map(machine->hw, BDF, 0, 0, 0, HWS_R, &machine->input);
	r = r < 0 ? r : hws_mmio_map(machine->hw, BDF, 0, 0, 0, HWS_W, &machine->output);
	r = r < 0 ? r : hws_port_open(machine->hw, FIRST_PORT, 16, HWS_R, &machine->port);
	r = r < 0 ? r : hws_msr_open(machine->hw, "0", REGISTER, REGISTER, HWS_R, &machine->msr);
	r = r < 0 ? r : shim_open(&native_ops, &bare, &machine->bare);
	return r < 0 ? r
		     : shim_ops(&machine->bare)
			       ->port_open(machine->bare.self, FIRST_PORT, 16, HWS_R,
					   &machine->ports);
}

static void teardown(void *context)
{
	struct machine *machine = context;
	char command[sizeof(machine->root) + 16];

	hws_mmio_unmap(machine->input);
	hws_mmio_unmap(machine->output);
	hws_port_close(machine->port);
	hws_msr_close(machine->msr);
	hws_close(machine->hw);
	if (machine->ports.size)
		shim_ops(&machine->bare)->port_close(machine->bare.self, &machine->ports);
	shim_close(&machine->bare);
	if (machine->memory && machine->memory != MAP_FAILED)
		munmap((void *)(uintptr_t)machine->memory, 4096);
	snprintf(command, sizeof(command), "rm -rf %s", machine->root);
	if (system(command) != 0)
		perror(command);
	free(machine);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int r = machine ? 0 : -ENOMEM;

	(void)of;
	if (r < 0)
		return r;
	snprintf(machine->root, sizeof(machine->root), "/tmp/hwsafe-bench-XXXXXX");
	if (!mkdtemp(machine->root))
		r = -errno;
	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		r = create(machine->root, files[i].path, files[i].bytes, files[i].size);
	if (r < 0)
		why(r, "%s: no machine can be made there", machine->root);
	r = r < 0 ? r : map_bare(machine);
	r = r < 0 ? r : open_handles(machine);
	if (r < 0)
		teardown(machine);
	else
		*ret_context = machine;
	return r;
}

static uint32_t v32;
static uint64_t v64;

/* Each work is a loop around one access of @handle; its status is kept, as a value would be. */
#define WORK(name, type, from, access)                                 \
	static int name(void *context, uint64_t n)                     \
	{                                                              \
		type handle = ((const struct machine *)context)->from; \
		uint32_t u32 = 0;                                      \
		uint64_t u64 = 0;                                      \
		int r = 0;                                             \
		for (; n; n = bench_next(n))                           \
			r = access;                                    \
		v32 = u32;                                             \
		v64 = u64;                                             \
		return r;                                              \
	}
WORK(mmio_read, struct hws_mmio *, input, hws_mmio_read32(handle, 8, &u32))
WORK(mmio_write, struct hws_mmio *, output, hws_mmio_write32(handle, 8, 1))
WORK(port_read, struct hws_port *, port, hws_port_read32(handle, FIRST_PORT + 4, &u32))
WORK(msr_read, struct hws_msr *, msr, hws_msr_read(handle, 0, REGISTER, &u64))

static int port_bare(void *context, uint64_t n)
{
	struct machine *machine = context;
	int r = 0;

	for (; n; n = bench_next(n))
		r = shim_ops(&machine->bare)
			    ->port_read(machine->bare.self, &machine->ports, FIRST_PORT + 4, 4,
					&v32);
	return r;
}

static int msr_bare(void *context, uint64_t n)
{
	struct machine *machine = context;
	int r = 0;

	for (; n; n = bench_next(n))
		r = shim_ops(&machine->bare)->msr_read(machine->bare.self, 0, REGISTER, &v64);
	return r;
}

static int mmio_get(void *context, uint64_t n)
{
	struct hws_mmio *handle = ((const struct machine *)context)->input;
	uint32_t value = 0;

	for (; n; n = bench_next(n))
		value = hws_mmio_get32(handle, 8);
	v32 = value;
	return 0;
}

static int load_bare(void *context, uint64_t n)
{
	const struct machine *machine = context;
	const volatile uint32_t *from = machine->memory + 2;
	uint32_t value = 0;

	for (; n; n = bench_next(n))
		value = *from;
	v32 = value;
	return 0;
}

static int store_bare(void *context, uint64_t n)
{
	const struct machine *machine = context;
	volatile uint32_t *to = machine->memory + 2;

	for (; n; n = bench_next(n))
		*to = 1;
	return 0;
}

const struct bench_case guardian_gate_cases[] = {
	{ .name = "mmio-gated",
	  .baseline = "bare volatile load",
	  .what = "a 32-bit read of a window, with a status",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = mmio_read,
	  .base = load_bare,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 15 } } },
	{ .name = "mmio-gated-get",
	  .baseline = "bare volatile load",
	  .what = "a 32-bit read of a window that never fails",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = mmio_get,
	  .base = load_bare,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 15 } } },
	{ .name = "mmio-gated-write",
	  .baseline = "bare volatile store",
	  .what = "a 32-bit write to a window, with a status",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = mmio_write,
	  .base = store_bare,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 15 } } },
	{ .name = "port-gated",
	  .baseline = "the back end's read",
	  .what = "a 32-bit read of a port through a PCI I/O window",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = port_read,
	  .base = port_bare },
	{ .name = "msr-gated",
	  .baseline = "the back end's read",
	  .what = "a read of a model-specific register",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = msr_read,
	  .base = msr_bare },
	{ 0 },
};
