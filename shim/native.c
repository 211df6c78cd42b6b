/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/native-vfio-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "shim/fault-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static void native_close(void *self)
{
	struct native *native = self;

	for (int cpu = 0; cpu < native->cpus; cpu++)
		sys_close(native->msr[cpu]);
	vfio_close_all(native);
	sys_close(native->config.fd);
	sys_close(native->config.dir);
	pthread_mutex_destroy(&native->config.lock);
	pthread_mutex_destroy(&native->vfio.lock);
	sys_close(native->root);
	free(native);
}

enum { CPUS_MOST = 8192 }; /* as in any kernel */

/*
 * The processors of another root, as a list such as "0-3,8": how many, and the number behind the
 * last. False: nothing tells.
 */
static bool read_cpus(int root, const char *path, int *ret_count, int *ret_end)
{
	char text[1024];
	const char *at = text;
	char *behind;
	int count = 0;
	int end = 0;

	if (root == SYS_REAL_ROOT || sys_read_file(root, path, text, sizeof(text)) <= 0)
		return false;
	do {
		unsigned long first = strtoul(at, &behind, 10);
		unsigned long last = *behind == '-' ? strtoul(behind + 1, &behind, 10) : first;

		if (behind == at || first < (unsigned long)end || last < first || last >= CPUS_MOST)
			return false;
		count += (int)(last - first) + 1;
		end = (int)last + 1;
		at = behind + 1;
	} while (*behind == ',');
	*ret_count = count;
	*ret_end = end;
	return true;
}

static int native_open(const struct hws_shim_options *options, void **ret_self)
{
	HWS_CLEANUP_FREE struct native *native = NULL;
	HWS_CLEANUP_FD int root = sys_root_open(options->sysroot);
	int cpus = sys_cpus_configured();
	int count;
	int r = fault_arm();

	if (r < 0)
		return r;
	if (options->sysroot && root < 0)
		return why(root, "sysroot '%s': %s", options->sysroot, strerror(-root));
	if (!read_cpus(root, "/sys/devices/system/cpu/possible", &count, &cpus) && cpus < 1)
		return why(-ENODEV, "the number of processors can't be told");
	native = calloc(1, sizeof(*native) + (size_t)cpus * sizeof(native->msr[0]));
	if (!native)
		return why(-ENOMEM, "no memory for the native back end");
	native->root = HWS_TAKE_FD(root);
	native->grants = options->grants;
	native->config.fd = native->config.dir = -1;
	pthread_mutex_init(&native->config.lock, NULL);
	pthread_mutex_init(&native->vfio.lock, NULL);
	native->cpus = cpus;
	for (int cpu = 0; cpu < cpus; cpu++)
		native->msr[cpu] = -1;
	*ret_self = HWS_TAKE_PTR(native);
	return 0;
}

int native_identify(void *self, struct hws_cpu *ret_cpu)
{
	struct native *native = self;
	int online = sys_cpus_online();
	int end;

	(void)read_cpus(native->root, "/sys/devices/system/cpu/online", &online, &end);
	*ret_cpu = (struct hws_cpu) { .arch = RAW_ARCH, .cpus = (uint32_t)online };
	return arch_identify(native->root, ret_cpu);
}

enum { SAFELY = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY };

/* @fd is taken, whatever it is. */
static int only_a_device(struct native *native, int opened, dev_t device)
{
	HWS_CLEANUP_FD int fd = opened;
	struct stat stat;
	int r = fd < 0 ? fd : sys_fstat(fd, &stat);
	bool plain = !device || native->root != SYS_REAL_ROOT;

	if (r < 0)
		return r;
	if (S_ISCHR(stat.st_mode) ? !device || stat.st_rdev != device
				  : !plain || !S_ISREG(stat.st_mode))
		return -ELOOP;
	return HWS_TAKE_FD(fd);
}

int native_open_file(struct native *native, const char *path, int flags, dev_t device)
{
	return only_a_device(native, sys_open(native->root, path, flags | SAFELY), device);
}

int native_open_in(struct native *native, int dir, const char *name, int flags)
{
	return only_a_device(native, sys_openat(dir, name, flags | SAFELY | O_CLOEXEC, 0), 0);
}

int native_cpuid(void *self, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	(void)self;
	return arch_cpuid(leaf, subleaf, ret_regs);
}

static void native_barrier(void *self, enum hws_barrier kind)
{
	(void)self;
	/* SAFETY: a barrier changes nothing */
	raw_barrier(kind);
}

static uint64_t native_timestamp(void *self)
{
	(void)self;
	/* SAFETY: reading the counter changes nothing; where it is forbidden it gives 0 */
	return raw_timestamp();
}

const struct hws_shim_ops native_ops = {
	.struct_size = sizeof(native_ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "native",
	.open = native_open,
	.close = native_close,
	.identify = native_identify,
	.cpuid = native_cpuid,
	.port_open = native_port_open,
	.port_close = native_port_close,
	.port_read = native_port_read,
	.port_write = native_port_write,
	.msr_read = native_msr_read,
	.msr_write = native_msr_write,
	.pci_next = native_pci_next,
	.pci_read = native_pci_read,
	.pci_write = native_pci_write,
	.bar_map = native_bar_map,
	.bar_unmap = native_bar_unmap,
	.bar_fd = native_bar_fd,
	.mmio_read = native_mmio_read,
	.mmio_write = native_mmio_write,
	.hold_open = native_hold_open,
	.hold_close = native_hold_close,
	.hold_reset = native_hold_reset,
	.dma_map = native_dma_map,
	.dma_unmap = native_dma_unmap,
	.dma_fault = native_dma_fault,
	.irq_bind = native_irq_bind,
	.irq_unmask = native_irq_unmask,
	.barrier = native_barrier,
	.timestamp = native_timestamp,
	.pci_info = native_pci_info,
	.ports_claimed = native_ports_claimed,
	.pci_claimed = native_pci_claimed,
	.topology = native_topology,
	.hold_fds = native_hold_fds,
	.hold_adopt = native_hold_adopt,
};
