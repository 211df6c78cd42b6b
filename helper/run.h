/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher: `run -p PROFILE -- CMD`. One process all the way: it opens what the policy grants,
 * gives every privilege up and becomes the program.
 *
 *   run.c          the arguments, the order of things, the end
 *   run-user.c     for whom
 *   run-policy.c   what of the policy holds for that profile and user
 *   run-grant.c    ports and BARs; the sealed description of all that was granted
 *   run-hold.c     functions held whole, for DMA
 *   run-ring.c     restricted rings
 */
#ifndef HWSAFE_HELPER_RUN_H
#define HWSAFE_HELPER_RUN_H

#include <sys/types.h>

#include "helper/helper.h"
#include "hw/hwsafe.h"

enum {
	RUN_GROUPS = 1024,
	RUN_TEXT = 256, /* a name, a directory */
	RUN_PATH = 4096,
};

struct run {
	/* asked for */
	const char *profile;
	const char *user;      /* NULL: the caller */
	const char *directory; /* of the policy; NULL: where it always is */
	bool verbose;
	char **command;

	/* for whom */
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t group_count;
	bool is_caller; /* nobody else: identity and groups stay */
	char name[RUN_TEXT];
	char home[RUN_TEXT];

	/* what is to run */
	int program;
	char exe[RUN_PATH];

	/* what holds: the profile alone, made a policy of its own */
	char *text;
	size_t text_size; /* with its NUL */
	struct hws_policy *policy;
	struct hws_policy_view *view;

	/* this machine with everything allowed, to ask who uses what; NULL: not needed yet */
	struct hws *machine;

	/* what is granted */
	struct hws_grants grants;
	struct hws_grants_bar bars[HWS_GRANTS_BARS];
	struct hws_grants_ring rings[HWS_GRANTS_RINGS];
	struct hws_grants_hold holds[HWS_GRANTS_HOLDS];
	uint64_t dma_bytes; /* that the program may have mapped for them */
	int description;    /* the sealed memfd */
};

/* One line on stderr, and in the system's log; gives @result. Odd characters become '?'. */
enum result run_refuse(enum result result, const char *format, ...) HWS_PRINTF(2, 3);
/* The same where somebody wants to know it, and goes on. */
void run_say(const struct run *run, const char *format, ...) HWS_PRINTF(2, 3);
/* What a negative errno is as a result: refused by the policy, the system … */
enum result run_result(int code);

enum result run_find_user(struct run *run);
enum result run_load_policy(struct run *run);
enum result run_open_bars(struct run *run);
enum result run_open_holds(struct run *run);
enum result run_make_rings(struct run *run);
enum result run_open_ports(struct run *run);
enum result run_describe(struct run *run);

/*
 * Does the policy allow it without any limit that only who asks each time can keep? Then the kernel
 * can be left to hold it.
 */
bool run_allows(const struct run *run, const struct hws_access *access);

/* For asking what the kernel uses; -errno. */
int run_open_machine(struct run *run);

/* The rules of a kind that allow: their numbers, one after another; false: no more. */
bool run_next_rule(const struct run *run, enum hws_kind kind, uint32_t *index,
		   struct hws_policy_rule *ret_rule);

#endif
