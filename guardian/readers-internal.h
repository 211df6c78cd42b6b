/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The built-in readers: what this process may have of a resource, and what is in use. */
#ifndef HWSAFE_GUARDIAN_READERS_INTERNAL_H
#define HWSAFE_GUARDIAN_READERS_INTERNAL_H

#include "guardian/caps.h"

/*
 * @root: as sys_root_open() gave it; all files are read below it.
 * 0; -EBADMSG: a file says what is no number; or what opening it said.
 */
HWS_MUST int readers_read(int root, enum hws_resource resource, struct hws_usage *ret_usage);

/*
 * Narrows @usage to a limit that holds besides it: the smaller capacity, and
 * the smaller rest, of which usage is what makes up the difference.
 */
void usage_narrow(struct hws_usage *usage, uint64_t limit, uint64_t used);

/* Each narrows @usage to what the cgroups allow that this process is in, of v1 or v2. */
HWS_MUST int cgroup_memory(int root, struct hws_usage *usage);
HWS_MUST int cgroup_swap(int root, struct hws_usage *usage);
HWS_MUST int cgroup_cpu(int root, struct hws_usage *usage);

/* The number after @key at the start of one of @text's lines; -EBADMSG: none there. */
HWS_MUST int text_number(const char *text, const char *key, uint64_t *ret_value);

#endif
