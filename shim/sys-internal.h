/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only door to the kernel: each function returns a result or -errno, never
 * sets errno, and says what it does about EINTR. Tests may replace sys.c.
 */
#ifndef HWSAFE_SHIM_SYS_INTERNAL_H
#define HWSAFE_SHIM_SYS_INTERNAL_H

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <time.h>

#include "shim/base.h"

/* The root that paths are opened below: SYS_REAL_ROOT or a descriptor of sys_root_open(). */
#define SYS_REAL_ROOT (-1)

/* NULL gives SYS_REAL_ROOT; else a descriptor of the directory. */
HWS_MUST int sys_root_open(const char *sysroot);
/* Below @root no link leads out of it. Close-on-exec always; EINTR is tried again. */
HWS_MUST int sys_open(int root, const char *path, int flags);
/*
 * The folder that a path's last name lies in; @ret_name points at that name, inside @path. -EINVAL:
 * it ends with no name; -ENAMETOOLONG.
 */
HWS_MUST int sys_open_folder(int root, const char *path, int flags, const char **ret_name);
/* As openat2(2) with @resolve; EINTR is tried again. */
HWS_MUST int sys_open_resolve(int dir, const char *path, int flags, uint32_t mode,
			      uint64_t resolve);
/* -1 is left alone; EINTR counts as closed, as Linux does. Returns -1, to be stored. */
int sys_close(int fd);
/* Makes *fd -1; for cleanup. */
void sys_close_p(int *fd);
#define HWS_CLEANUP_FD __attribute__((cleanup(sys_close_p)))
void sys_free_p(void *pointer_to_pointer);
#define HWS_CLEANUP_FREE __attribute__((cleanup(sys_free_p)))
void sys_closedir_p(DIR **dir);
#define HWS_CLEANUP_DIR __attribute__((cleanup(sys_closedir_p)))
/* Hands over what a cleanup would release. */
static inline int sys_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
#define HWS_TAKE_FD(fd) sys_take_fd(&(fd))
#define HWS_TAKE_PTR(pointer)                           \
	__extension__({                                 \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

/* Short counts are the caller's to see; EINTR is tried again. */
HWS_MUST ssize_t sys_read(int fd, void *bytes, size_t size);
HWS_MUST ssize_t sys_write(int fd, const void *bytes, size_t size);
HWS_MUST ssize_t sys_pread(int fd, void *bytes, size_t size, uint64_t offset);
HWS_MUST ssize_t sys_pwrite(int fd, const void *bytes, size_t size, uint64_t offset);
/* The whole file as a string: its length, or -errno; -EFBIG when it doesn't fit with a NUL. */
HWS_MUST ssize_t sys_read_file(int root, const char *path, char *text, size_t size);
/* The same of an open descriptor, from its start. */
HWS_MUST ssize_t sys_read_all(int fd, char *text, size_t size);
/* One number in C notation that fills the file but for white space; -EBADMSG otherwise. */
HWS_MUST int sys_read_u64(int root, const char *path, uint64_t *ret_value);
HWS_MUST int sys_fstat(int fd, struct stat *ret_stat);
HWS_MUST int sys_lseek(int fd, int64_t offset, int whence, uint64_t *ret_position);
/*
 * How direct I/O on an open file must be aligned, as the file says; zeros: it has none.
 * -EOPNOTSUPP where the kernel (before 6.1) or the file system doesn't tell.
 */
HWS_MUST int sys_dio_alignment(int fd, uint32_t *ret_memory, uint32_t *ret_offset);
/* The logical block size of an open block device; -ENOTTY for anything else. */
HWS_MUST int sys_block_size(int fd, uint32_t *ret_size);
HWS_MUST ssize_t sys_readlink(int root, const char *path, char *text, size_t size);
HWS_MUST int sys_opendir(int root, const char *path, DIR **ret_dir);
/* As scandirat(3) of the directory itself: the number of entries, each to be freed. */
HWS_MUST int sys_scandir(int dir, struct dirent ***ret_entries,
			 int (*filter)(const struct dirent *entry),
			 int (*compare)(const struct dirent **a, const struct dirent **b));
/* Memory as a file, which may be run. */
HWS_MUST int sys_memfd(const char *name);
/* From now on nobody changes it. Waits a little for who is about it; -EBUSY: he stays. */
HWS_MUST int sys_seal(int fd);
/* F_SEAL_… of a memfd; -EINVAL: it is none. */
HWS_MUST int sys_seals(int fd);
/* Of @size zero bytes, which stays that size; not closed by an exec. */
HWS_MUST int sys_memfd_sized(const char *name, uint64_t size);
/* Is it closed by an exec? And: from now on it is. */
HWS_MUST int sys_get_cloexec(int fd);
HWS_MUST int sys_set_cloexec(int fd);
HWS_MUST int sys_fsync(int fd);
HWS_MUST int sys_ftruncate(int fd, uint64_t size);
/* Both names are in the directory @dir. */
HWS_MUST int sys_rename_in(int dir, const char *from, const char *to);
HWS_MUST int sys_unlink_in(int dir, const char *name);
/* The whole open file, until its last descriptor is closed; -EWOULDBLOCK when it is locked. */
HWS_MUST int sys_lock(int fd);
/* All of it or -errno; EINTR is tried again. */
HWS_MUST int sys_random(void *bytes, size_t size);
/* A datagram socket that never blocks, connected to the Unix socket at @path. */
HWS_MUST int sys_log_socket(const char *path);
/* A socket that keeps messages whole, connected to the one at @path; a read gives up in time. */
HWS_MUST int sys_message_socket(const char *path, uint32_t seconds);
/* One message, waiting for room; no SIGPIPE. EINTR is tried again. */
HWS_MUST ssize_t sys_send_message(int fd, const void *bytes, size_t size);
/*
 * One message, waiting for it; 0: the peer is gone; -EMSGSIZE when it is larger, or brings several
 * descriptors. *ret_fd is the one that came along, or -1: close-on-exec, the caller's. EINTR is
 * tried again, until the socket's own limit is over: -EAGAIN.
 */
HWS_MUST ssize_t sys_receive_message(int fd, void *bytes, size_t size, int *ret_fd);
/* One datagram, whole or not at all; no SIGPIPE. */
HWS_MUST ssize_t sys_send(int fd, const void *bytes, size_t size);
/* Until @word is no longer @expected, a wake, a signal or the time is over: all the same. */
void sys_futex_wait(uint32_t *word, uint32_t expected, uint64_t ns);
/* Until @deadline_ns of CLOCK_MONOTONIC, UINT64_MAX: for ever. 0, -EAGAIN, -EINTR, -ETIMEDOUT. */
HWS_MUST int sys_futex_wait_until(uint32_t *word, uint32_t expected, uint64_t deadline_ns);
/* The same of a word in memory that several processes share: 0, -EAGAIN, -EINTR, -ETIMEDOUT. */
HWS_MUST int sys_futex_wait_shared(uint32_t *word, uint32_t expected, uint64_t ns);
/* Wakes one that waits. */
/* Wakes one that waits; or all. */
void sys_futex_wake(uint32_t *word);
void sys_futex_wake_all(uint32_t *word);

/*
 * What rings without io_uring are made of. Each is tried again at EINTR but where it says else;
 * descriptors are close-on-exec.
 */
struct epoll_event;
struct iovec;
struct pollfd;
struct statx;
HWS_MUST int sys_epoll_create(void);
HWS_MUST int sys_epoll_ctl(int poller, int how, int fd, struct epoll_event *event);
/* What is ready now. */
HWS_MUST int sys_epoll_get(int poller, struct epoll_event *ret_events, int size);
/* How many are ready; -ETIME at the deadline (CLOCK_MONOTONIC; UINT64_MAX: never); -EINTR. */
HWS_MUST int sys_poll_until(struct pollfd *fds, size_t count, uint64_t deadline_ns);
/* What of @events (and errors) is there now; 0: nothing. */
HWS_MUST int sys_poll_one(int fd, short events);
HWS_MUST int sys_eventfd(void);
void sys_eventfd_ring(int fd);
/* Of an eventfd or a timerfd: readable no more. */
void sys_eventfd_still(int fd);
HWS_MUST int sys_timerfd(void);
/* CLOCK_MONOTONIC; 0: never. */
void sys_timerfd_set(int fd, uint64_t at_ns);
HWS_MUST int sys_dup(int fd);
/* As close(2): unlike sys_close() it says what came of it. */
int sys_shut(int fd);
/* O_… of an open file. */
HWS_MUST int sys_get_flags(int fd);
/* As preadv2(2), pwritev2(2); UINT64_MAX: where the file stands. EINTR is the caller's to see. */
HWS_MUST ssize_t sys_readv(int fd, const struct iovec *iov, uint32_t count, uint64_t offset,
			   int flags);
HWS_MUST ssize_t sys_writev(int fd, const struct iovec *iov, uint32_t count, uint64_t offset,
			    int flags);
/* Never wait, whatever the flags. */
HWS_MUST ssize_t sys_recv(int fd, void *bytes, size_t size, int flags);
HWS_MUST ssize_t sys_send_flags(int fd, const void *bytes, size_t size, int flags);
HWS_MUST int sys_fdatasync(int fd);
HWS_MUST int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t size);
HWS_MUST int sys_statx(int dir, const char *path, int flags, uint32_t mask, struct statx *ret_of);
HWS_MUST int sys_openat(int dir, const char *path, int flags, uint32_t mode);
HWS_MUST int sys_socket(int domain, int type, int protocol);
HWS_MUST int sys_shutdown(int fd, int how);
/* 0 or 1; -ENOTSOCK. */
HWS_MUST int sys_is_listening(int fd);
/* A socket whose bytes may come in parts. */
bool sys_is_stream(int fd);
HWS_MUST int sys_accept(int fd, int flags);
/*
 * Without waiting: -EINPROGRESS when it would. For that moment a stream that isn't connected has
 * O_NONBLOCK; who could see it is another thread that asks for its flags.
 */
HWS_MUST int sys_connect_start(int fd, const void *address, uint32_t size);
/* What became of it: 0 or -errno. */
HWS_MUST int sys_socket_error(int fd);
/* UINT64_MAX as an offset: where the file stands. */
HWS_MUST ssize_t sys_splice(int in, uint64_t in_offset, int out, uint64_t out_offset, size_t size,
			    uint32_t flags);

/* Sizes of mappings have 64 bits: one that no pointer of this machine could span is -ENOMEM. */
HWS_MUST int sys_mmap(void *hint, uint64_t size, int prot, int flags, int fd, uint64_t offset,
		      void **ret_address);
/* These are of what is mapped, and so does fit. */
int sys_munmap(void *address, uint64_t size);
HWS_MUST int sys_mprotect(void *address, uint64_t size, int prot);
/* -ENOSYS before Linux 6.10: those who call it must do without. */
int sys_mseal(void *address, size_t size);
HWS_MUST int sys_madvise(void *address, uint64_t size, int advice);
/* New pages of the range come from this NUMA node and no other. */
HWS_MUST int sys_mbind(void *address, uint64_t size, uint32_t node);

/*
 * Memory of this process as a device reaches it: also where no thread may, closed by a key or
 * PROT_NONE. All of it, or -EFAULT.
 */
HWS_MUST int sys_own_memory_read(const void *memory, void *bytes, size_t size);
HWS_MUST int sys_own_memory_write(void *memory, const void *bytes, size_t size);
/* Memory that code of this process may write, by its pages' protection. All of it, or -EFAULT. */
HWS_MUST int sys_own_memory_fill(void *memory, const void *bytes, size_t size);
/* Could the kernel pin the page for a device? One that is absent or PROT_NONE it can't. */
bool sys_can_pin(const void *memory);

/* A protection key, or -errno: -ENOSPC when all are taken; else there are none. */
HWS_MUST int sys_pkey_alloc(uint32_t rights);
int sys_pkey_free(int key);
HWS_MUST int sys_pkey_mprotect(void *address, uint64_t size, int prot, int key);

/* For raw_* functions only. EINTR is the caller's to see. */
HWS_MUST int sys_ioctl(int fd, unsigned long request, void *argument);
/* To the file's end; what is written there from now on is read next. */
HWS_MUST int sys_seek_end(int fd);
HWS_MUST int sys_sigaction(int signal, const struct sigaction *action, struct sigaction *ret_old);
/* SIGSEGV and SIGBUS, for this thread. */
HWS_MUST int sys_unblock_faults(void);
/* -ENOSYS where the architecture has no such call. */
HWS_MUST int sys_ioperm(uint16_t first, uint32_t count, bool on);
HWS_MUST int sys_clock(clockid_t clock, uint64_t *ret_ns);
/* At least that long; EINTR sleeps on. */
void sys_sleep(uint64_t ns);
int sys_tid(void);
/* Is there such a thread in this process? */
bool sys_thread_alive(int tid);
int sys_pid(void);
uint32_t sys_uid(void);
uint32_t sys_gid(void);
/* The number of groups, or -errno. */
HWS_MUST int sys_groups(int size, gid_t *groups);
/* 0 when this process may open the file with @mode (R_OK, W_OK …); nothing is opened for use. */
HWS_MUST int sys_access(int root, const char *path, int mode);
HWS_MUST int sys_uname(struct utsname *ret_name);
/* The PR_SPEC_ flags of a speculation control of this thread; -ENODEV: there is no such control. */
HWS_MUST int sys_speculation(unsigned int control);
/*
 * Which start of the machine this is: another text after each; "-" where the system does not tell.
 * Once told it is known, whatever becomes of /proc for this process.
 */
enum { SYS_BOOT = 40 };
void sys_boot(char ret_boot[SYS_BOOT]);
/*
 * Runs @body in a child and waits for it: whatever the kernel does to the child,
 * the caller goes on. The child is a bare copy: @body makes system calls and
 * writes shared memory, nothing that takes a lock. It is ended after @seconds.
 * Returns 0; -ETIMEDOUT; -ECANCELED when it was killed, with *ret_signal (else 0).
 * A caller that ignores SIGCHLD may get 0 for any end: what the child was to
 * write then isn't there.
 */
HWS_MUST int sys_child(void (*body)(void *), void *context, unsigned int seconds, int *ret_signal);
/*
 * The same for longer: @body runs in a copy of this process that has one thread, @fd and nothing
 * else that is open but @kept, and which ends when the other side of @fd is closed. *ret_fd is that
 * side, where messages stay whole; *ret_process, a descriptor, is for sys_reap().
 */
HWS_MUST int sys_companion(void (*body)(int fd, void *context), void *context, int kept,
			   int *ret_fd, int *ret_process);
/*
 * Ends it, if it hasn't: the signal it died of, 0: none, or -errno. By its descriptor: its number
 * may be another's by now, where the program reaps whatever ends.
 */
int sys_reap(int process);
struct sock_fprog;
/* From now on this process gains no privileges, and its system calls are filtered. */
HWS_MUST int sys_confine(const struct sock_fprog *filter);
/*
 * Of files outside of what is allowed this thread can do none of @rights (LANDLOCK_ACCESS_FS_…)
 * from sys_landlock_enter() on. A ruleset; -ENOSYS, -EOPNOTSUPP: Linux has no Landlock, or not on.
 */
HWS_MUST int sys_landlock(uint64_t rights);
/* What @fd is, or is above. */
HWS_MUST int sys_landlock_allow(int ruleset, int fd, uint64_t rights);
HWS_MUST int sys_landlock_enter(int ruleset);
size_t sys_page_size(void);
int sys_cpus_online(void);
int sys_cpus_configured(void);
/* How many processors this thread may run on. */
HWS_MUST int sys_cpus_allowed(void);
/* The soft limit; unlimited is UINT64_MAX. */
HWS_MUST int sys_getrlimit(int which, uint64_t *ret_limit);
/* This thread runs on that processor only, from now on. */
HWS_MUST int sys_pin(uint32_t cpu);
/* The processor this thread runs on, and its NUMA node. */
void sys_where(uint32_t *ret_cpu, uint32_t *ret_node);
void sys_yield(void);

#endif
