/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the helper that serves still can do, were somebody to take it over. */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/harden.h"
#include "helper/needs.h"
#include "shim/sys-internal.h"
#include "tests/helper/intrude.h"
#include "tests/helper/serve-kit.h"

#define POLICY "[alice]\nuser = 41000\nmsr = 0x19c r\n"

static const char *const simulated[] = { "--backend", "sim", NULL };

/* A field of /proc/PID/status; capabilities are in hexadecimal. */
static uint64_t status_of(pid_t pid, const char *field, int base)
{
	char path[64];
	char line[256];
	char *found = NULL;
	uint64_t value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (!found && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)) && line[strlen(field)] == ':')
			found = line + strlen(field) + 1;
	fclose(file);
	ck_assert_msg(found, "no %s", field);
	value = strtoull(found, NULL, base);
	return value;
}

/* The process that looks what programs are. */
static pid_t reader_of(pid_t pid)
{
	char path[64];
	int reader = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%d", &reader), 1);
	fclose(file);
	return reader;
}

static void holds(pid_t pid, uint64_t permitted)
{
	static const char *const none[] = { "CapEff", "CapInh", "CapAmb" };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_uint_eq(status_of(pid, none[i], 16), 0);
	ck_assert_uint_eq(status_of(pid, "CapPrm", 16), permitted);
	ck_assert_uint_eq(status_of(pid, "CapBnd", 16), permitted);
	ck_assert_uint_eq(status_of(pid, "NoNewPrivs", 10), 1);
	ck_assert_uint_eq(status_of(pid, "Seccomp", 10), 2);
	ck_assert_uint_eq(status_of(pid, "Threads", 10), 1);
}

static bool hardened(void)
{
	return intrude_can() && !SUITE_SANITIZED;
}
#define need_hardened() \
	need("root", hardened(), "only root starts a helper that gives up what root has")

START_TEST(p14_both_processes_hold_what_is_declared_and_nothing_effective)
{
	static const char *const real[] = { "--backend", "native", NULL };
	const uint64_t all = needs_for(NEEDS_ALL_KINDS);
	struct daemon daemon = { 0 };

	need_hardened();
	daemon_start(&daemon, POLICY, real);
	holds(daemon.pid, all);
	holds(reader_of(daemon.pid), needs_declared() & ~all);
	/* streams, socket, poller, signals, spare, the other process, and the client of the kit */
	ck_assert(daemon_has_fds(&daemon, 11));
	daemon_stop(&daemon);
}
END_TEST

static int self_check(const char *format, int pid)
{
	char words[64];
	char command[256];
	int status;

	snprintf(words, sizeof(words), "%.32s %d", format, pid);
	snprintf(command, sizeof(command), HELPER " self-check %s >/dev/null 2>&1", words);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(self_check_of_a_running_helper_tells_one_that_holds_more)
{
	struct daemon daemon = { 0 };
	struct daemon soft = { 0 };
	int reader;

	need_hardened();
	daemon_start(&daemon, POLICY, (const char *const[]) { "--backend", "native", NULL });
	reader = reader_of(daemon.pid);
	ck_assert_int_eq(self_check("--pid", daemon.pid), 0);
	ck_assert_int_eq(self_check("--json --pid", daemon.pid), 0);
	ck_assert_int_eq(self_check("--pid", reader), 0);
	ck_assert_int_eq(self_check("--expect none --pid", daemon.pid), 1);
	ck_assert_int_eq(self_check("--expect cap_sys_ptrace --pid", reader), 0);
	/* a program of root's, as this one */
	ck_assert_int_eq(self_check("--pid", getpid()), 1);
	daemon_stop(&daemon);
	ck_assert_int_eq(self_check("--pid", 999999999), 3);
	daemon_start(&soft, POLICY, (const char *const[]) { "--backend", "sim", "--soft", NULL });
	ck_assert_int_eq(self_check("--pid", soft.pid), 1);
	daemon_stop(&soft);
}
END_TEST

START_TEST(simulated_machine_needs_no_capability)
{
	struct daemon daemon = { 0 };

	need_hardened();
	daemon_start(&daemon, POLICY, simulated);
	holds(daemon.pid, 0);
	daemon_stop(&daemon);
}
END_TEST

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

START_TEST(p14_starting_programs_and_rings_and_all_else_is_denied)
{
	struct daemon daemon = { 0 };
	const long none[6] = { 0 };

	need_hardened();
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

	need_hardened();
	daemon_start(&daemon, POLICY, simulated);
	reader = reader_of(daemon.pid);
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
		unsigned long number;
		long result;
	} rows[] = {
		{ VFIO_GROUP_GET_STATUS, -EBADF }, /* let through; there is no such descriptor */
		{ VFIO_GROUP_GET_STATUS | 1ul << 32, -EPERM },
		{ VFIO_DEVICE_RESET, -EPERM },
		{ TIOCSTI, -EPERM },
		{ TIOCSTI | 1ul << 32, -EPERM },
		{ TIOCSTI | 0xffffffff00000000ul, -EPERM },
		{ FIOCLEX, -EPERM },
	};
	struct daemon daemon = { 0 };

	need_hardened();
	daemon_start(&daemon, POLICY, simulated);
	usleep(50000);
	intrude_begin(daemon.pid);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const long arguments[6] = { -1, (long)rows[i].number };

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

	need_hardened();
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

/* As the helper's own user: none of its memory, descriptors or insides. */
static int spies(const struct daemon *daemon, void *context)
{
	static const char *const closed[] = { "mem", "maps", "environ", "auxv",
					      "io",  "fd",   "pagemap" };
	const pid_t *pid = context;

	(void)daemon;
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/%s", *pid, closed[i]);
		must(open(path, O_RDONLY) < 0 && errno == EACCES);
	}
	must(ptrace(PTRACE_ATTACH, *pid, NULL, NULL) < 0 && errno == EPERM);
	must(syscall(SYS_pidfd_getfd, (int)syscall(SYS_pidfd_open, *pid, 0), 0, 0) < 0 &&
	     errno == EPERM);
	return 0;
}

START_TEST(p14_memory_is_closed_to_the_same_user)
{
	const struct passwd *user = getpwnam(suite_in_lab() ? "lab" : "nobody");
	const char *const words[] = { "--backend", "sim", "--user", user->pw_name, NULL };
	struct daemon daemon = { 0 };
	pid_t pids[2];

	need_hardened();
	daemon_start(&daemon, POLICY, words);
	pids[0] = daemon.pid;
	pids[1] = reader_of(daemon.pid);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(status_of(pids[i], "Uid", 10), user->pw_uid);
		ck_assert_int_eq(as_user(user->pw_uid, spies, &daemon, &pids[i]), 0);
	}
	daemon_stop(&daemon);
}
END_TEST

START_TEST(rules_for_a_program_hold_although_nobody_may_look_at_others)
{
	char self[1024] = "";
	char policy[2048];
	struct daemon daemon = { 0 };

	need_hardened();
	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	snprintf(policy, sizeof(policy), "[own]\nuser = %d\nexe = %s\nmsr = 0x19c r\n", ALICE,
		 self);
	daemon_start(&daemon, policy, simulated);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	/* without who looks there are no such rules any more; the rest goes on */
	kill(reader_of(daemon.pid), SIGKILL);
	ck_assert_int_ne(as_user(ALICE, is_served, &daemon, NULL), 0);
	snprintf(policy, sizeof(policy), "[own]\nuser = %d\nmsr = 0x19c r\n", ALICE);
	daemon_policy(&daemon, policy);
	kill(daemon.pid, SIGHUP);
	ck_assert_int_eq(as_user(ALICE, is_served, &daemon, NULL), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run("helper/harden",
			 (const TTest *[]) {
				 p14_both_processes_hold_what_is_declared_and_nothing_effective,
				 p14_starting_programs_and_rings_and_all_else_is_denied,
				 p14_reader_of_names_can_do_still_less,
				 p14_memory_is_closed_to_the_same_user,
				 p18_numbers_of_ioctls_are_compared_whole,
				 p19_server_reaches_only_the_files_it_works_with,
				 rules_for_a_program_hold_although_nobody_may_look_at_others,
				 self_check_of_a_running_helper_tells_one_that_holds_more,
				 simulated_machine_needs_no_capability,
				 NULL,
			 });
}
