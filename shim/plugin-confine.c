/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plug-in in a process of its own may ask of the kernel: to compute, and to read files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "confine-internal.h"
#include "shim/plugin-isolate-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

#ifndef SYS_kexec_file_load
#define SYS_kexec_file_load SYS_kexec_load /* where there is but one */
#endif

/* Whatever their arguments. */
static const int denied[] = { SYS_execve,
			      SYS_execveat,
			      SYS_ptrace,
			      SYS_socket,
			      SYS_connect,
			      SYS_bind,
			      SYS_listen,
			      SYS_openat2,
			      SYS_open_by_handle_at,
			      SYS_name_to_handle_at,
			      SYS_memfd_create,
			      SYS_mount,
			      SYS_umount2,
			      SYS_pivot_root,
			      SYS_chroot,
			      SYS_unshare,
			      SYS_setns,
			      SYS_move_mount,
			      SYS_open_tree,
			      SYS_fsopen,
			      SYS_fsmount,
			      SYS_fspick,
			      SYS_fsconfig,
			      SYS_swapon,
			      SYS_swapoff,
			      SYS_bpf,
			      SYS_perf_event_open,
			      SYS_userfaultfd,
			      SYS_io_uring_setup,
			      SYS_io_uring_enter,
			      SYS_io_uring_register,
			      SYS_keyctl,
			      SYS_add_key,
			      SYS_request_key,
			      SYS_kexec_load,
			      SYS_kexec_file_load,
			      SYS_init_module,
			      SYS_finit_module,
			      SYS_delete_module,
			      SYS_reboot,
			      SYS_setuid,
			      SYS_setgid,
			      SYS_setreuid,
			      SYS_setregid,
			      SYS_setresuid,
			      SYS_setresgid,
			      SYS_setgroups,
			      SYS_capset,
			      SYS_personality,
			      SYS_settimeofday,
			      SYS_clock_settime,
			      SYS_adjtimex,
			      SYS_clock_adjtime,
			      SYS_sethostname,
			      SYS_setdomainname,
			      SYS_syslog,
			      SYS_acct,
			      SYS_quotactl,
			      SYS_unlinkat,
			      SYS_renameat2,
			      SYS_mkdirat,
			      SYS_mknodat,
			      SYS_linkat,
			      SYS_symlinkat,
			      SYS_fchmod,
			      SYS_fchmodat,
			      SYS_fchown,
			      SYS_fchownat,
			      SYS_truncate,
			      SYS_setxattr,
			      SYS_lsetxattr,
			      SYS_fsetxattr,
			      SYS_removexattr,
			      SYS_lremovexattr,
			      SYS_fremovexattr,
			      SYS_pidfd_open,
			      SYS_pidfd_getfd,
			      SYS_pidfd_send_signal,
			      SYS_kill,
			      SYS_tkill,
			      SYS_rt_sigqueueinfo,
			      SYS_rt_tgsigqueueinfo,
			      SYS_process_madvise,
			      SYS_process_mrelease,
			      SYS_prlimit64,
			      SYS_setpriority,
			      SYS_ioprio_set,
			      SYS_sched_setparam,
			      SYS_sched_setscheduler,
			      SYS_sched_setattr,
			      SYS_move_pages,
			      SYS_migrate_pages,
			      SYS_ioctl,
			      SYS_vhangup,
			      SYS_mount_setattr,
			      SYS_quotactl_fd,
			      SYS_utimensat,
			      SYS_kcmp,
			      SYS_fanotify_init,
			      SYS_shmget,
			      SYS_shmat,
			      SYS_shmctl,
			      SYS_msgget,
			      SYS_msgsnd,
			      SYS_msgrcv,
			      SYS_msgctl,
			      SYS_semget,
			      SYS_semctl,
			      SYS_mq_open,
			      SYS_mq_unlink,
			      CONFINE_DENIED };

/* The first call that was not there when this was written: what it does isn't known. */
enum { MOST = 512, UNKNOWN = 451 };
struct program {
	struct sock_filter code[MOST];
	unsigned int length;
};

static void add(struct program *program, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
	program->code[program->length++] = (struct sock_filter) { code, yes, no, value };
}

static void end(struct program *program, uint32_t action)
{
	add(program, BPF_RET | BPF_K, action, 0, 0);
}

enum { NUMBER = offsetof(struct seccomp_data, nr) };
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)

/* The lower half of an argument: what is tested is an int, or flags of the lower half. */
static uint32_t argument(unsigned int which)
{
	return (uint32_t)(offsetof(struct seccomp_data, args) + which * sizeof(uint64_t));
}

/* One call, with a condition on an argument: (argument & mask) == value, or it is refused. */
static void only_if(struct program *program, int number, unsigned int which, uint32_t mask,
		    uint32_t value)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, NUMBER, 0, 0);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 5);
	add(program, BPF_LD | BPF_W | BPF_ABS, argument(which), 0, 0);
	add(program, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
	end(program, REFUSE);
	end(program, SECCOMP_RET_ALLOW);
}

/* One call, with a value of an argument for which it is refused. */
static void not_if(struct program *program, int number, unsigned int which, uint32_t value)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, NUMBER, 0, 0);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3);
	add(program, BPF_LD | BPF_W | BPF_ABS, argument(which), 0, 0);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	end(program, REFUSE);
}

/* Not there, as on an older kernel: libc does without. */
static void absent(struct program *program, int number)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, NUMBER, 0, 0);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
	end(program, SECCOMP_RET_ERRNO | ENOSYS);
}

static void build(struct program *program)
{
	const uint32_t self = (uint32_t)sys_pid();
	const uint32_t write_flags = 03 | 0100 | 01000; /* O_ACCMODE, O_CREAT, O_TRUNC */

	/* another architecture's calls have other numbers; x32's have a bit of their own */
	add(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, CONFINE_MACHINE, 1, 0);
	end(program, SECCOMP_RET_KILL_PROCESS);
	add(program, BPF_LD | BPF_W | BPF_ABS, NUMBER, 0, 0);
	add(program, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
	end(program, SECCOMP_RET_KILL_PROCESS);
	add(program, BPF_JMP | BPF_JGE | BPF_K, UNKNOWN, 0, 1);
	end(program, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)denied[i], 0, 1);
		end(program, REFUSE);
	}
	absent(program, SYS_clone3); /* its flags can't be seen */
	only_if(program, SYS_clone, 0, CLONE_THREAD, CLONE_THREAD);
	only_if(program, SYS_openat, 2, write_flags, 0);
	/* an older name of the same, where the architecture has one */
	if (CONFINE_OPEN >= 0)
		only_if(program, CONFINE_OPEN, 1, write_flags, 0);
	only_if(program, SYS_tgkill, 0, UINT32_MAX, self);
	only_if(program, SYS_sched_setaffinity, 0, UINT32_MAX, 0);
	/* a descriptor's owner is sent signals */
	not_if(program, SYS_fcntl, 1, F_SETOWN);
	not_if(program, SYS_fcntl, 1, F_SETOWN_EX);
	/* how we read what the plug-in points to */
	only_if(program, SYS_process_vm_readv, 0, UINT32_MAX, self);
	only_if(program, SYS_process_vm_writev, 0, UINT32_MAX, self);
	end(program, SECCOMP_RET_ALLOW);
}

/* All of it, for free(); NULL: it can't be read. */
static char *read_maps(void)
{
	for (size_t size = 1 << 16; size <= 1 << 26; size *= 2) {
		char *text = malloc(size);
		ssize_t n = text ? sys_read_file(SYS_REAL_ROOT, "/proc/self/maps", text, size) : 0;

		if (text && n >= 0)
			return text;
		free(text);
		if (n != -EFBIG)
			break;
	}
	return NULL;
}

/*
 * Not this process's own, and no file that is only read either: one that was opened for writing
 * could be made writable here, too, whatever it is now.
 */
static bool is_shared(void *first, uint64_t size, const char *flags, const char *name)
{
	return flags[3] == 's' &&
	       (name[0] != '/' || !strncmp(name, "/dev/", 5) || !strncmp(name, "/sys/", 5) ||
		sys_mprotect(first, size, PROT_READ | PROT_WRITE) != -EACCES);
}

int leave_shared(const void *kept)
{
	HWS_CLEANUP_FREE char *maps = read_maps();
	char *rest = NULL;
	int r = 0;

	if (!maps)
		return why(-EACCES, "what memory is shared can't be told: /proc/self/maps");
	for (char *line = strtok_r(maps, "\n", &rest); r == 0 && line;
	     line = strtok_r(NULL, "\n", &rest)) {
		uintptr_t first, end;
		char flags[5];
		int name = 0;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %n", &first, &end,
			   flags, &name) == 3 &&
		    ((uintptr_t)kept < first || (uintptr_t)kept >= end) &&
		    is_shared((void *)first, end - first, flags, line + name))
			r = sys_munmap((void *)first, end - first);
	}
	return r < 0 ? why(r, "memory that is shared stays: %s", strerror(-r)) : 0;
}

/* -ENOENT and -EACCES: what can't be opened needs no leave. */
static int allow_reading(int ruleset, int dir, const char *name, int flags)
{
	HWS_CLEANUP_FD int fd = sys_openat(dir, name, O_PATH | flags, 0);

	if (fd < 0)
		return fd == -ENOENT || fd == -EACCES ? 0 : fd;
	return sys_landlock_allow(ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE);
}

/* Where devices, the kernel and other processes are files. */
static int is_plain(const struct dirent *entry)
{
	static const char *const not_plain[] = { ".", "..", "dev", "proc", "sys" };

	for (size_t i = 0; i < sizeof(not_plain) / sizeof(not_plain[0]); i++)
		if (!strcmp(entry->d_name, not_plain[i]))
			return 0;
	return 1;
}

/* Where a link leads is allowed where it is, or not at all. */
static int allow_plain(int ruleset)
{
	HWS_CLEANUP_FD int top = sys_open(SYS_REAL_ROOT, "/", O_RDONLY | O_DIRECTORY);
	struct dirent **entries;
	int count = top < 0 ? top : sys_scandir(top, &entries, is_plain, NULL);
	int r = count < 0 ? count : 0;

	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = allow_reading(ruleset, top, entries[i]->d_name, O_NOFOLLOW);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return r;
}

/* Files may be read, but no devices, and nothing of other processes. */
static int shut_files(void)
{
	/* what libc and sanitizers look at */
	static const char *const harmless[] = {
		"/dev/null", "/dev/zero",     "/dev/random",   "/dev/urandom", "/proc/self",
		"/proc/sys", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",   "/sys/devices/system"
	};
	HWS_CLEANUP_FD int ruleset = sys_landlock(LANDLOCK_ACCESS_FS_READ_FILE);
	int r;

	if (ruleset == -ENOSYS || ruleset == -EOPNOTSUPP)
		return 0; /* then the user's rights are all that keeps it off */
	r = ruleset < 0 ? ruleset : allow_plain(ruleset);
	for (size_t i = 0; r == 0 && i < sizeof(harmless) / sizeof(harmless[0]); i++)
		r = allow_reading(ruleset, AT_FDCWD, harmless[i], 0);
	r = r < 0 ? r : sys_landlock_enter(ruleset);
	return r < 0 ? why(r, "devices can't be shut: %s", strerror(-r)) : 0;
}

int confine(void)
{
	int r = CONFINE_MACHINE ? shut_files() : 0;
	struct program program = { .length = 0 };
	const struct sock_fprog filter = { .filter = program.code };
	struct sock_fprog whole = filter;

	if (!CONFINE_MACHINE)
		return why(-EOPNOTSUPP, "system calls can't be filtered on this architecture");
	if (r < 0)
		return r;
	build(&program);
	whole.len = (unsigned short)program.length;
	return sys_confine(&whole);
}
