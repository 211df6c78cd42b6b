/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the helper that serves still can do, were somebody to take it over. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper/harden.h"
#include "tests/helper/intrude.h"
#include "tests/helper/serve-kit.h"
#include "tests/helper/start.h"

#define POLICY "[alice]\nuser = 41000\nmsr = 0x19c r\n"

static const char *const simulated[] = { "--backend", "sim", NULL };

static const struct {
	const char *name;
	long number;
	long arguments[6];
} denied[] = {
#define CALL(name, ...)             \
	{                           \
#name, SYS_##name,  \
		{                   \
			__VA_ARGS__ \
		}                   \
	}
	CALL(execve),
	CALL(execveat),
	CALL(clone),
	CALL(clone3),
	CALL(io_uring_setup, 1),
	CALL(io_uring_enter, -1),
	CALL(io_uring_register, -1),
	CALL(ptrace),
	CALL(process_vm_readv),
	CALL(process_vm_writev),
	CALL(pidfd_getfd, -1),
	CALL(kcmp),
	CALL(mount),
	CALL(umount2),
	CALL(pivot_root),
	CALL(chroot),
	CALL(move_mount),
	CALL(fsopen),
	CALL(open_tree),
	CALL(unshare),
	CALL(setns, -1),
	CALL(bpf),
	CALL(userfaultfd),
	CALL(keyctl),
	CALL(add_key),
	CALL(perf_event_open),
	CALL(init_module),
	CALL(finit_module, -1),
	CALL(delete_module),
	CALL(reboot),
	CALL(swapon),
	CALL(syslog),
	CALL(settimeofday),
	CALL(setuid),
	CALL(setresuid),
	CALL(setgroups),
	CALL(prctl),
	CALL(seccomp),
	CALL(personality),
	CALL(kill),
	CALL(tgkill),
	CALL(pidfd_send_signal, -1, SIGKILL),
	CALL(socket, AF_INET, SOCK_STREAM),
	CALL(socket, AF_UNIX, SOCK_STREAM),
	CALL(socket, AF_UNIX, SOCK_SEQPACKET),
	CALL(socket, AF_NETLINK, SOCK_DGRAM),
	CALL(socketpair),
	CALL(bind, -1),
	CALL(listen, -1),
	CALL(mknodat, -1),
	CALL(mkdirat, -1),
	CALL(linkat, -1),
	CALL(symlinkat),
	CALL(fchmodat, -1),
	CALL(fchownat, -1),
	CALL(open_by_handle_at, -1),
	CALL(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1),
	CALL(mprotect, 0, 4096, PROT_EXEC),
	CALL(prlimit64),
	CALL(shmget),
	CALL(ioctl, -1, TIOCSTI),
#ifdef __x86_64__
	CALL(iopl, 3),
	CALL(fork),
	CALL(vfork),
	CALL(modify_ldt),
	CALL(arch_prctl),
#endif
};

#define need_way_in()                                                                      \
	do {                                                                               \
		need_hardened();                                                           \
		need("intrude", intrude_known, "no way in is known on this architecture"); \
	} while (0)

START_TEST(p14_starting_programs_and_rings_and_all_else_is_denied)
{
	struct daemon daemon = { 0 };
	const long none[6] = { 0 };

	need_way_in();
	daemon_start(&daemon, POLICY, simulated);
	usleep(50000); /* it sleeps again */
	intrude_begin(daemon.pid);
	ck_assert_int_eq(intrude(daemon.pid, SYS_getpid, none), daemon.pid);
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		ck_assert_msg(intrude(daemon.pid, denied[i].number, denied[i].arguments) == -EPERM,
			      "%s is not denied", denied[i].name);
	intrude_end(daemon.pid);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

START_TEST(p14_reader_of_names_can_do_still_less)
{
	struct daemon daemon = { 0 };
	pid_t reader;

	need_way_in();
	daemon_start(&daemon, POLICY, simulated);
	reader = start_reader(daemon.pid);
	intrude_begin(reader);
	ck_assert_int_eq(intrude_open(reader, "/dev/null", O_RDONLY), -EPERM);
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		ck_assert_msg(intrude(reader, denied[i].number, denied[i].arguments) == -EPERM,
			      "%s is not denied", denied[i].name);
	intrude_end(reader);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

START_TEST(p18_numbers_of_ioctls_are_compared_whole)
{
	static const struct {
		uint64_t number;
		long result;
	} rows[] = {
		{ VFIO_GROUP_GET_STATUS, -EBADF }, /* let through; there is no such descriptor */
		{ VFIO_GROUP_GET_STATUS | UINT64_C(1) << 32, -EPERM },
		{ VFIO_DEVICE_RESET, -EBADF },
		{ VFIO_DEVICE_RESET | UINT64_C(1) << 32, -EPERM },
		{ VFIO_IOMMU_MAP_DMA, -EPERM }, /* what is mapped is the client's own memory */
		{ TIOCSTI, -EPERM },
		{ TIOCSTI | UINT64_C(1) << 32, -EPERM },
		{ TIOCSTI | UINT64_C(0xffffffff00000000), -EPERM },
		{ FIOCLEX, -EPERM },
	};
	struct daemon daemon = { 0 };

	need_way_in();
	daemon_start(&daemon, POLICY, simulated);
	usleep(50000);
	intrude_begin(daemon.pid);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const long arguments[6] = { -1, (long)rows[i].number };

		if ((unsigned long)rows[i].number != rows[i].number)
			continue; /* no such number on this machine */
		ck_assert_int_eq(intrude(daemon.pid, SYS_ioctl, arguments), rows[i].result);
	}
	intrude_end(daemon.pid);
	daemon_stop(&daemon);
}
END_TEST

static bool has_landlock(void)
{
	return harden_landlock_abi() > 0;
}

START_TEST(p19_server_reaches_only_the_files_it_works_with)
{
	static const struct {
		const char *path; /* of the daemon's folder where it doesn't begin with / */
		int flags;
		int result;
	} rows[] = {
		{ "policy.d/test.conf", O_RDONLY, 0 },
		{ "policy.d/test.conf", O_RDWR, -EACCES },
		{ "policy.d/new", O_RDWR | O_CREAT, -EACCES },
		{ "journals/txn-x", O_RDWR | O_CREAT, 0 },
		{ "elsewhere", O_RDWR | O_CREAT, -EACCES },
		{ "/sys/devices/system/cpu/online", O_RDONLY, 0 },
		{ "/sys/kernel/mm/ksm/run", O_WRONLY, -EACCES },
		{ "/proc/self/mountinfo", O_RDONLY, 0 },
		{ "/proc/self/mem", O_RDWR, -EACCES },
		{ "/proc/sys/kernel/core_pattern", O_WRONLY, -EACCES },
		{ "/proc", O_RDONLY | O_DIRECTORY, -EACCES },
		{ "/etc/passwd", O_RDONLY, 0 },
		{ "/etc/passwd", O_WRONLY, -EACCES },
		{ "/", O_RDONLY | O_DIRECTORY, -EACCES },
		{ "/tmp", O_RDONLY | O_DIRECTORY, -EACCES },
		{ "/dev/zero", O_RDONLY, -EACCES },
		{ HELPER, O_RDONLY, -EACCES },
	};
	struct daemon daemon = { 0 };

	need_way_in();
	need("landlock", has_landlock(), "this kernel has none");
	daemon_start(&daemon, POLICY, simulated);
	usleep(50000);
	intrude_begin(daemon.pid);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[256];
		int r;

		snprintf(path, sizeof(path), "%s%s%s", *rows[i].path == '/' ? "" : daemon.folder,
			 *rows[i].path == '/' ? "" : "/", rows[i].path);
		if (*path == '/' && access(path, F_OK) < 0 && rows[i].flags == O_WRONLY)
			continue; /* a kernel without it */
		r = intrude_open(daemon.pid, path, rows[i].flags);
		ck_assert_msg(r == rows[i].result, "%s %#x: %d, not %d", path,
			      (unsigned int)rows[i].flags, r, rows[i].result);
	}
	intrude_end(daemon.pid);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run("helper/harden-intruder",
			 (const TTest *[]) {
				 p14_starting_programs_and_rings_and_all_else_is_denied,
				 p14_reader_of_names_can_do_still_less,
				 p18_numbers_of_ioctls_are_compared_whole,
				 p19_server_reaches_only_the_files_it_works_with,
				 NULL,
			 });
}
