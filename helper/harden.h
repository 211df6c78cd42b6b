/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving privileges up, step by step in the one order that works: each step still has what it needs
 * from those before, and reads back from the kernel that it took effect.
 */
#ifndef HWSAFE_HELPER_HARDEN_H
#define HWSAFE_HELPER_HARDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct sock_fprog;

struct harden_limit {
	int which;
	rlim_t value;
};

/* What Landlock gives back, of a file, or of a folder and all below it. */
struct harden_path {
	const char *path; /* borrowed; one that is not there gets nothing */
	uint64_t rights;
};

/* Landlock's rights to files by what they are for; the kernel's headers may be older than it. */
enum {
	HARDEN_FS_EXECUTE = 1 << 0,
	HARDEN_FS_WRITE = 1 << 1,
	HARDEN_FS_READ = 1 << 2,
	HARDEN_FS_LIST = 1 << 3,
	HARDEN_FS_REMOVE = 1 << 5,
	HARDEN_FS_MAKE_FILE = 1 << 8,
	HARDEN_FS_TRUNCATE = 1 << 14, /* ABI 3 */
	HARDEN_FS_IOCTL = 1 << 15,    /* ABI 5 */
	HARDEN_FS_ALL = (1 << 16) - 1,
};

/* What is to be left. */
struct harden {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* borrowed */
	size_t group_count;
	bool keep_groups; /* they are the caller's own already, and it may not change them */
	uint64_t keep;	  /* capabilities that stay permitted (never effective); 0: none */
	const struct harden_limit *limits; /* borrowed */
	size_t limit_count;
	bool no_new_code; /* memory never becomes executable, where the kernel can see to that */
	/* Landlock, as far as the kernel has it: rights that only @paths give back */
	uint64_t landlock_fs; /* 0: no Landlock */
	bool landlock_others; /* also no TCP, no abstract socket and no signal of others */
	const struct harden_path *paths; /* borrowed */
	size_t path_count;
	/*
	 * system calls that give EPERM; NULL: none. Numbers from 424 on only: they are the same for
	 * every architecture, so that the other ones of this machine are no way around
	 */
	const int *denied;
	size_t denied_count;
	/* instead: a filter of one's own, which denies io_uring_setup. NULL: none; 0 or -errno */
	int (*filter)(struct sock_fprog *ret_program);
};

/* 0, or -errno and the name of the step that failed: then the process must end. */
int harden(const struct harden *what, const char **ret_step);

/* Of the effective and permitted capabilities one goes, now. 0 or -errno. */
int harden_drop(int capability);
/* Those that are permitted are effective from now on, or none is. 0 or -errno. */
int harden_raise(bool on);
/* Of those that are permitted just these are effective from now on. 0 or -errno. */
int harden_effective(uint64_t capabilities);
/* Which capabilities are permitted. 0 or -errno. */
int harden_permitted(uint64_t *ret_capabilities);
/* What the kernel has of Landlock; 0: nothing, or it is switched off. */
int harden_landlock_abi(void);
/* All capabilities go, now. 0 or -errno. */
int harden_forgo(void);
/* Also before anything else: nobody of the same user may look into this process. 0 or -errno. */
int harden_hide(void);

#endif
