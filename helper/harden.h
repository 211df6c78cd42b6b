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

struct harden_limit {
	int which;
	rlim_t value;
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
	/* Landlock, where the kernel has it: rights that only @landlock_rules can give back */
	uint64_t landlock_fs;		    /* 0: no Landlock */
	int (*landlock_rules)(int ruleset); /* NULL: nothing is given back; 0 or -errno */
	/*
	 * system calls that give EPERM; NULL: none. Numbers from 424 on only: they are the same for
	 * every architecture, so that the other ones of this machine are no way around
	 */
	const int *denied;
	size_t denied_count;
};

/* 0, or -errno and the name of the step that failed: then the process must end. */
int harden(const struct harden *what, const char **ret_step);

/* Of the effective and permitted capabilities one goes, now. 0 or -errno. */
int harden_drop(int capability);
/* Those that are permitted are effective from now on, or none is. 0 or -errno. */
int harden_raise(bool on);
/* All capabilities go, now. 0 or -errno. */
int harden_forgo(void);
/* Also before anything else: nobody of the same user may look into this process. 0 or -errno. */
int harden_hide(void);

#endif
