/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of what a launcher handed over. */
#ifndef HWSAFE_SHIM_GRANTS_INTERNAL_H
#define HWSAFE_SHIM_GRANTS_INTERNAL_H

#include "shim/grants.h"
#include "shim/shim.h"

/* A copy of it, checked. */
struct grants {
	const struct hws_grants *head;
	const struct hws_grants_bar *bars;
	const struct hws_grants_ring *rings;
	const struct hws_grants_hold *holds;
	const char *text; /* the policy */
};

/*
 * What this process was handed: -ENOENT nothing; -EACCES what the environment names can't be
 * trusted; -EBADMSG it is not what it should be; -ENOMEM. *ret_grants is the caller's.
 */
HWS_MUST int grants_find(struct grants **ret_grants);
/* The same from an open descriptor. */
HWS_MUST int grants_read(int fd, struct grants **ret_grants);
void grants_free(struct grants *grants);

/* NULL holds nothing, in each of these. */
bool grants_have_ports(const struct grants *grants, uint32_t first, uint32_t count);
/* A descriptor, which stays the grant's; -ENOENT: none with these rights. */
HWS_MUST int grants_bar(const struct grants *grants, struct hws_bdf bdf, uint32_t bar,
			uint32_t rights);
const struct hws_grants_ring *grants_ring(const struct grants *grants, const char *path);
const struct hws_grants_hold *grants_hold(const struct grants *grants, struct hws_bdf bdf);
/*
 * One holder in this process, whatever contexts it has; what it starts has none of it any more.
 * 0; -EBUSY; -EBADF: it is not here.
 */
HWS_MUST int grants_hold_take(const struct hws_grants_hold *hold);
void grants_hold_give(const struct hws_grants_hold *hold);

#endif
