/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/harden.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65 /* Linux 6.3 */
#endif

enum {
	CAPABILITIES = 64,
	DENIED_MOST = 32,
	FIRST_COMMON = 424, /* from here on numbers are the same everywhere */
	X32_BIT = 0x40000000,
};

static int result(long value)
{
	return value < 0 ? -errno : 0;
}

/* A value that the kernel says to have although it was asked for another. */
static int check(bool took)
{
	return took ? 0 : -EPERM;
}

/* An exec as uid 0 gives nothing; changing the uid takes nothing by itself: capset() does. */
static int set_securebits(const struct harden *what)
{
	const int bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	int r = result(prctl(PR_SET_SECUREBITS, bits, 0, 0, 0));

	(void)what;
	return r < 0 ? r : check(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == bits);
}

static int drop_bounding(const struct harden *what)
{
	for (int i = 0; i < CAPABILITIES; i++) {
		int held = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (held < 0)
			return errno == EINVAL ? 0 : -errno; /* the kernel knows no more */
		if (!held || what->keep >> i & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return -errno;
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) != 0)
			return -EPERM;
	}
	return 0;
}

static int clear_ambient(const struct harden *what)
{
	(void)what;
	return result(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}

static int set_groups(const struct harden *what)
{
	int r;

	if (what->keep_groups)
		return 0;
	r = result(setgroups(what->group_count, what->groups));
	return r < 0 ? r : check(getgroups(0, NULL) == (int)what->group_count);
}

static int set_gid(const struct harden *what)
{
	gid_t is[3];
	int r = result(setresgid(what->gid, what->gid, what->gid));

	r = r < 0 ? r : result(getresgid(&is[0], &is[1], &is[2]));
	return r < 0 ? r : check(is[0] == what->gid && is[1] == is[0] && is[2] == is[0]);
}

static int set_uid(const struct harden *what)
{
	uid_t is[3];
	int r = result(setresuid(what->uid, what->uid, what->uid));

	r = r < 0 ? r : result(getresuid(&is[0], &is[1], &is[2]));
	return r < 0 ? r : check(is[0] == what->uid && is[1] == is[0] && is[2] == is[0]);
}

static int get_capabilities(struct __user_cap_data_struct sets[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return result(syscall(SYS_capget, &head, sets));
}

static int put_capabilities(const struct __user_cap_data_struct sets[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return result(syscall(SYS_capset, &head, sets));
}

static int set_capabilities(const struct harden *what)
{
	struct __user_cap_data_struct wanted[2] = {
		{ .permitted = (uint32_t)what->keep },
		{ .permitted = (uint32_t)(what->keep >> 32) },
	};
	struct __user_cap_data_struct is[2];
	int r = put_capabilities(wanted);

	r = r < 0 ? r : get_capabilities(is);
	return r < 0 ? r : check(!memcmp(is, wanted, sizeof(is)));
}

int harden_forgo(void)
{
	return set_capabilities(&(const struct harden) { .keep = 0 });
}

static int set_no_new_privs(const struct harden *what)
{
	int r = result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));

	(void)what;
	return r < 0 ? r : check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

int harden_hide(void)
{
	int r = result(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));

	return r < 0 ? r : check(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
}

/* Again: changing the uid may have changed it. */
static int clear_dumpable(const struct harden *what)
{
	(void)what;
	return harden_hide();
}

static int set_limits(const struct harden *what)
{
	for (size_t i = 0; i < what->limit_count; i++) {
		struct rlimit limit = { what->limits[i].value, what->limits[i].value };
		struct rlimit is = { RLIM_INFINITY, 0 }; /* what no limit is */

		if (setrlimit((__rlimit_resource_t)what->limits[i].which, &limit) < 0 ||
		    getrlimit((__rlimit_resource_t)what->limits[i].which, &is) < 0)
			return -errno;
		if (memcmp(&is, &limit, sizeof(is)) != 0)
			return -EPERM;
	}
	return 0;
}

/* Linux before 6.3 has no such thing; there a filter of system calls must do. */
static int forbid_new_code(const struct harden *what)
{
	enum { REFUSE_EXEC_GAIN = 1 };
	int r = what->no_new_code ? result(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0)) : 0;

	return r == -EINVAL ? 0 : r;
}

int harden_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

/* As much of it as the kernel knows: the rest goes on being allowed. */
static uint64_t known_rights(int abi)
{
	static const struct {
		int abi;
		uint64_t rights;
	} since[] = { { 5, HARDEN_FS_ALL },
		      { 3, HARDEN_FS_TRUNCATE | (HARDEN_FS_TRUNCATE - 1) },
		      { 2, HARDEN_FS_TRUNCATE - 1 } };

	for (size_t i = 0; i < COUNT(since); i++)
		if (abi >= since[i].abi)
			return since[i].rights;
	return (UINT64_C(1) << 13) - 1;
}

static int allow_path(int ruleset, uint64_t handled, const struct harden_path *path)
{
	static const uint64_t of_files = HARDEN_FS_EXECUTE | HARDEN_FS_READ | HARDEN_FS_WRITE |
					 HARDEN_FS_TRUNCATE | HARDEN_FS_IOCTL;
	struct landlock_path_beneath_attr rule = { .allowed_access = path->rights & handled };
	struct stat stat;
	int r;

	rule.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = result(fstat(rule.parent_fd, &stat));
	if (!S_ISDIR(stat.st_mode))
		rule.allowed_access &= of_files;
	if (r == 0 && rule.allowed_access)
		r = result(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
				   &rule, 0));
	close(rule.parent_fd);
	return r;
}

static int restrict_files(const struct harden *what)
{
	struct {
		uint64_t files;
		uint64_t network; /* binding, connecting */
		uint64_t scopes;  /* abstract sockets, signals */
	} handled = { 0 };
	int abi = harden_landlock_abi();
	int ruleset;
	int r = 0;

	if (!what->landlock_fs)
		return 0;
	handled.files = what->landlock_fs & known_rights(abi);
	handled.network = what->landlock_others && abi >= 4 ? 3 : 0;
	handled.scopes = what->landlock_others && abi >= 6 ? 3 : 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (ruleset < 0) /* a kernel without it, or where it is switched off */
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	for (size_t i = 0; r == 0 && i < what->path_count; i++)
		r = allow_path(ruleset, handled.files, &what->paths[i]);
	if (r == 0)
		r = result(syscall(SYS_landlock_restrict_self, ruleset, 0));
	close(ruleset);
	if (r == 0 && handled.files & HARDEN_FS_LIST)
		r = check(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0);
	return r;
}

static int load_filter(const struct sock_fprog *program)
{
	int r = result(
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, program));

	/* every filter here denies it; without one it would be about the missing argument */
	return r < 0 ? r : check(syscall(SYS_io_uring_setup, 0, NULL) < 0 && errno == EPERM);
}

static int filter_own(const struct harden *what)
{
	struct sock_fprog program;
	int r = what->filter(&program);

	if (r < 0)
		return r;
	r = load_filter(&program);
	free(program.filter);
	return r;
}

static int filter_calls(const struct harden *what)
{
	struct sock_filter code[2 + DENIED_MOST + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)X32_BIT),
	};
	struct sock_fprog program = { .filter = code };
	size_t n = 2;

	if (what->filter)
		return filter_own(what);
	if (!what->denied_count)
		return 0;
	if (what->denied_count > DENIED_MOST)
		return -E2BIG;
	for (size_t i = 0; i < what->denied_count; i++) {
		if (what->denied[i] < FIRST_COMMON)
			return -EINVAL;
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)what->denied[i],
							 (uint8_t)(what->denied_count - i), 0);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	program.len = (unsigned short)n;
	return load_filter(&program);
}

/* The order is the point: what stands later needs less, and takes from what stands before. */
static const struct {
	const char *name;
	int (*run)(const struct harden *what);
} steps[] = {
	{ "securebits", set_securebits },
	{ "bounding set", drop_bounding },
	{ "ambient set", clear_ambient },
	{ "groups", set_groups },
	{ "gid", set_gid },
	{ "uid", set_uid },
	{ "capabilities", set_capabilities },
	{ "no_new_privs", set_no_new_privs },
	{ "dumpable", clear_dumpable },
	{ "limits", set_limits },
	{ "no new code", forbid_new_code },
	{ "Landlock", restrict_files },
	{ "seccomp", filter_calls },
};

int harden(const struct harden *what, const char **ret_step)
{
	for (size_t i = 0; i < COUNT(steps); i++) {
		int r = steps[i].run(what);

		if (r < 0) {
			*ret_step = steps[i].name;
			return r;
		}
	}
	return 0;
}

int harden_drop(int capability)
{
	struct __user_cap_data_struct sets[2];
	uint32_t bit = UINT32_C(1) << capability % 32;
	int r = get_capabilities(sets);

	if (r < 0)
		return r;
	sets[capability / 32].effective &= ~bit;
	sets[capability / 32].permitted &= ~bit;
	return put_capabilities(sets);
}

int harden_effective(uint64_t capabilities)
{
	struct __user_cap_data_struct sets[2];
	int r = get_capabilities(sets);

	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++)
		sets[i].effective = sets[i].permitted & (uint32_t)(capabilities >> 32 * i);
	return put_capabilities(sets);
}

int harden_raise(bool on)
{
	return harden_effective(on ? UINT64_MAX : 0);
}

int harden_permitted(uint64_t *ret_capabilities)
{
	struct __user_cap_data_struct sets[2];
	int r = get_capabilities(sets);

	if (r == 0)
		*ret_capabilities = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
	return r;
}
