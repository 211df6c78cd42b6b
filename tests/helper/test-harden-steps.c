/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps by themselves; and what each capability is for, shown by what fails without it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/random.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "helper/harden.h"
#include "helper/needs.h"
#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

#define RANDOM "/dev/urandom"

enum { OWN_USER = 41007 };

static void all_steps(void *context)
{
	const struct harden what = { .uid = OWN_USER,
				     .gid = OWN_USER,
				     .keep = *(const uint64_t *)context,
				     .no_new_code = true };
	const int locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			   SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	const char *step;
	uint64_t permitted;

	must(harden(&what, &step) == 0);
	must(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == locked);
	must(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) < 0 && errno == EPERM);
	must(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	must(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		must(prctl(PR_CAPBSET_READ, i, 0, 0, 0) == (int)(what.keep >> i & 1));
	must(harden_permitted(&permitted) == 0 && permitted == what.keep);
	must(harden_effective(UINT64_MAX) == 0);
	must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_RAWIO, 0, 0) < 0);
	must(setuid(0) < 0 && setgid(0) < 0);
	/* one step that can't be done any more stops all */
	must(harden(&what, &step) == -EPERM && !strcmp(step, "securebits"));
	_exit(0);
}

START_TEST(p14_securebits_are_locked_and_sets_are_what_was_kept)
{
	uint64_t keep[] = { 0, UINT64_C(1) << CAP_SYS_RAWIO, needs_declared() };

	need_hardened();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(suite_child(all_steps, &keep[i]), 0);
}
END_TEST

static int random_ioctl(int fd)
{
	int bits;

	return ioctl(fd, RNDGETENTCNT, &bits) < 0 ? -errno : 0;
}

/* Descriptors of before go on; of those opened later the kernel asks which ioctls they may. */
static void opens_devices(void *context)
{
	const struct harden_path paths[] = { { RANDOM, HARDEN_FS_READ | HARDEN_FS_IOCTL },
					     { "/dev/random", HARDEN_FS_READ } };
	const struct harden what = { .keep_groups = true,
				     .landlock_fs = HARDEN_FS_ALL,
				     .landlock_others = true,
				     .paths = paths,
				     .path_count = 2 };
	int abi = *(const int *)context;
	int before = open("/dev/random", O_RDONLY);
	const char *step;
	int with;
	int without;
	char byte;

	must(harden(&what, &step) == 0);
	with = open(RANDOM, O_RDONLY);
	without = open("/dev/random", O_RDONLY);
	must(with >= 0 && without >= 0);
	must(read(without, &byte, 1) == 1);
	must(open(RANDOM, O_RDWR) < 0 && errno == EACCES);
	must(open("/dev/null", O_RDONLY) < 0 && errno == EACCES);
	must(random_ioctl(before) == 0);
	must(random_ioctl(with) == 0);
	must(random_ioctl(without) == (abi >= 5 ? -EACCES : 0));
	_exit(0);
}

START_TEST(p19_devices_are_opened_without_ioctl_where_landlock_knows_it)
{
	int abi = harden_landlock_abi();

	need_hardened();
	need("landlock", abi > 0, "this kernel has none");
	fprintf(stderr, "# Landlock ABI %d\n", abi);
	ck_assert_int_eq(suite_child(opens_devices, &abi), 0);
}
END_TEST

/* Accesses that a capability is for: 0 or -errno. The device of each is the lab's. */
static int gets_ports(void)
{
	return sys_ioperm(0x70, 2, true);
}

static int opens(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int opens_msr(void)
{
	return opens("/dev/cpu/0/msr", O_RDONLY);
}

#define EDU "/sys/bus/pci/devices/0000:00:03.0/"

static int opens_config(void)
{
	return opens(EDU "config", O_RDWR);
}

static int opens_bar(void)
{
	return opens(EDU "resource0", O_RDWR);
}

static int reads_config(void)
{
	int fd = open(EDU "config", O_RDONLY);
	char byte;
	ssize_t n = pread(fd, &byte, 1, 64);

	close(fd);
	return n == 1 ? 0 : -EPERM;
}

static int sees_memory(void)
{
	FILE *file = fopen("/proc/iomem", "r");
	unsigned long long last;
	char line[256];
	bool shown = false;

	while (file && !shown && fgets(line, sizeof(line), file))
		shown = sscanf(line, " %*x-%llx", &last) == 1 && last;
	if (file)
		fclose(file);
	return shown ? 0 : -EPERM;
}

/* Root's, who started this. */
static int looks_at_another(void)
{
	char name[64];
	char path[256];

	snprintf(name, sizeof(name), "/proc/%d/exe", getppid());
	return readlink(name, path, sizeof(path)) < 0 ? -errno : 0;
}

static const struct {
	int capability;
	const char *where; /* the lab's word */
	int (*access)(void);
	int without; /* what it gives then */
} accesses[] = {
	{ CAP_SYS_RAWIO, "ioport", gets_ports, -EPERM },
	{ CAP_SYS_RAWIO, "msr", opens_msr, -EPERM },
	{ CAP_DAC_OVERRIDE, "msr", opens_msr, -EACCES },
	{ CAP_DAC_OVERRIDE, "edu", opens_config, -EACCES },
	{ CAP_DAC_OVERRIDE, "edu", opens_bar, -EACCES },
	{ CAP_SYS_ADMIN, "edu", reads_config, -EPERM },
	{ CAP_SYS_ADMIN, "edu", sees_memory, -EPERM },
	{ CAP_SYS_PTRACE, "root", looks_at_another, -EACCES },
};

struct trial {
	size_t which;
	uint64_t raised;
	int result;
};

static void try_access(void *context)
{
	const struct trial *trial = context;
	const struct harden what = { .uid = OWN_USER, .gid = OWN_USER, .keep = needs_declared() };
	const char *step;
	int r;

	must(harden(&what, &step) == 0);
	must(harden_effective(trial->raised) == 0);
	r = accesses[trial->which].access();
	if (r != trial->result)
		fprintf(stderr, "# %zu: %d, not %d\n", trial->which, r, trial->result);
	_exit(r != trial->result);
}

START_TEST(each_capability_is_needed_for_what_it_is_declared_for)
{
	need_hardened();
	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		uint64_t one = UINT64_C(1) << accesses[i].capability;
		struct trial trials[] = { { i, needs_declared(), 0 },
					  { i, needs_declared() & ~one, accesses[i].without } };
		bool here = suite_in_lab() ? suite_lab_has(accesses[i].where)
					   : accesses[i].capability == CAP_SYS_PTRACE;

		for (int j = 0; here && j < 2; j++)
			ck_assert_int_eq(suite_child(try_access, &trials[j]), 0);
	}
}
END_TEST

START_TEST(each_declared_capability_has_such_an_access)
{
	uint64_t tried = 0;

	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++)
		tried |= UINT64_C(1) << accesses[i].capability;
	ck_assert_uint_eq(tried, needs_declared());
}
END_TEST

int main(void)
{
	return suite_run("helper/harden-steps",
			 (const TTest *[]) {
				 p14_securebits_are_locked_and_sets_are_what_was_kept,
				 p19_devices_are_opened_without_ioctl_where_landlock_knows_it,
				 each_capability_is_needed_for_what_it_is_declared_for,
				 each_declared_capability_has_such_an_access,
				 NULL,
			 });
}
