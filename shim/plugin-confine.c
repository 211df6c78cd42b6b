/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plug-in in a process of its own may ask of the kernel: to compute, and to read files. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
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
			      SYS_mount_setattr,
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
			      SYS_quotactl_fd,
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
			      SYS_utimensat,
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
			      SYS_prlimit64,
			      SYS_kcmp,
			      SYS_fanotify_init,
			      SYS_shmget,
			      SYS_shmat,
			      SYS_msgget,
			      SYS_semget,
			      SYS_mq_open,
			      CONFINE_DENIED };

/* Newer than the list: they have the same numbers everywhere. */
enum { MOST = 512, NEWEST = 451 };
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

/* One call that is refused for one value of an argument. */
static void never(struct program *program, int number, unsigned int which, uint32_t value)
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
	add(program, BPF_JMP | BPF_JGT | BPF_K, NEWEST, 0, 1);
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
	/* the program's terminal may be ours: nothing is typed there for its user */
	never(program, SYS_ioctl, 1, TIOCSTI);
	never(program, SYS_ioctl, 1, TIOCLINUX);
	/* how we read what the plug-in points to */
	only_if(program, SYS_process_vm_readv, 0, UINT32_MAX, self);
	only_if(program, SYS_process_vm_writev, 0, UINT32_MAX, self);
	end(program, SECCOMP_RET_ALLOW);
}

int confine(void)
{
	struct program program = { .length = 0 };
	const struct sock_fprog filter = { .filter = program.code };
	struct sock_fprog whole = filter;

	if (!CONFINE_MACHINE)
		return why(-EOPNOTSUPP, "system calls can't be filtered on this architecture");
	build(&program);
	whole.len = (unsigned short)program.length;
	return sys_confine(&whole);
}
