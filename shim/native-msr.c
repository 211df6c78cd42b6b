/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/major.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "shim/native-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/*
 * Safety: reading a model-specific register can change the processor (few do). Checked here: the
 * kernel refuses a register that doesn't exist with -EIO.
 */
static ssize_t raw_msr_read(int fd, uint32_t reg, uint64_t *ret_value)
{
	return sys_pread(fd, ret_value, sizeof(*ret_value), reg);
}

/* Safety: WRITES. A wrong value stops the machine. Checked here: nothing but the kernel's own. */
static ssize_t raw_msr_write(int fd, uint32_t reg, uint64_t value)
{
	return sys_pwrite(fd, &value, sizeof(value), reg);
}

static int open_failed(uint32_t cpu, int r)
{
	if (r == -ENOENT)
		return why(-ENODEV,
			   "/dev/cpu/%u/msr is not there: load the msr module (modprobe msr)", cpu);
	if (r == -ENXIO)
		return why(-ENODEV, "processor %u is not there, or is off", cpu);
	if (r == -EPERM)
		return why(-EPERM, "/dev/cpu/%u/msr: CAP_SYS_RAWIO is missing", cpu);
	return why(native_code(r), "/dev/cpu/%u/msr: %s", cpu, native_cause(r));
}

/* The processor's file, opened the first time; it stays the back end's. */
static int msr_fd(struct native *native, uint32_t cpu)
{
	char path[32];
	int none = -1;
	int fd;

	if (cpu >= (uint32_t)native->cpus)
		return why(-ENODEV, "processor %u is not there; the last is %d", cpu,
			   native->cpus - 1);
	fd = native->msr[cpu];
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
	fd = native_open_file(native, path, O_RDWR, makedev(MSR_MAJOR, cpu));
	if (native_refusal(fd) == -EPERM || fd == -EROFS)
		fd = native_open_file(native, path, O_RDONLY, makedev(MSR_MAJOR, cpu));
	if (fd < 0)
		return open_failed(cpu, fd);
	/* seq_cst, as nothing is won by less: the loser of a race uses the winner's */
	if (!atomic_compare_exchange_strong(&native->msr[cpu], &none, fd)) {
		sys_close(fd);
		return none;
	}
	return fd;
}

static int access_failed(uint32_t cpu, uint32_t reg, const char *verb, ssize_t n)
{
	if (n == -EPERM)
		return why(
			-EPERM,
			"the kernel refuses to %s MSR 0x%x: lockdown, or the msr module's allow_writes=off",
			verb, reg);
	if (n == -EBADF)
		return why(-EPERM, "/dev/cpu/%u/msr may only be read by this user", cpu);
	if (n == -EIO || n >= 0)
		return why(
			-EIO, "MSR 0x%x of processor %u can't be %s", reg, cpu,
			verb[0] == 'r'
				? "read: there is none, or it is write-only"
				: "written: there is none, it is read-only, or not for this value");
	return why(native_code((int)n), "can't %s MSR 0x%x on processor %u: %s", verb, reg, cpu,
		   native_cause((int)n));
}

int native_msr_read(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value)
{
	uint64_t value;
	ssize_t n;
	int fd = msr_fd(self, cpu);

	*ret_value = UINT64_MAX;
	if (fd < 0)
		return fd;
	/* SAFETY: the register was chosen by a caller who was allowed to read it */
	n = raw_msr_read(fd, reg, &value);
	if (n != sizeof(value))
		return access_failed(cpu, reg, "read", n);
	*ret_value = value;
	return 0;
}

int native_msr_write(void *self, uint32_t cpu, uint32_t reg, uint64_t value)
{
	ssize_t n;
	int fd = msr_fd(self, cpu);

	if (fd < 0)
		return fd;
	/* SAFETY: register and value were chosen by a caller who was allowed to write them */
	n = raw_msr_write(fd, reg, value);
	return n == sizeof(value) ? 0 : access_failed(cpu, reg, "write", n);
}
