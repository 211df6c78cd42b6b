/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report in short: each kind of access by each way through, and what stands in the way. */
#ifndef HWPROBE_GLANCE_H
#define HWPROBE_GLANCE_H

#include "hw/hwprobe/hwprobe.h"

enum through { THROUGH_NATIVE, THROUGH_HELPER, THROUGH_VFIO, THROUGH_SIM, THROUGHS };

/* One way through to one kind. */
struct verdict {
	bool possible; /* false: there is no such thing, here or at all */
	enum hws_probe_status status;
};

/* Something that closes one or several ways. */
struct cause {
	const struct hws_probe_result *way; /* the first of them; its strings are the cause's */
	char closes[160];		    /* all of them, by name */
	char rest[256];			    /* what is left of any of them */
};

enum { CAUSES = 32 };
struct causes {
	struct cause at[CAUSES];
	size_t count;
};

/* The kinds, one by one: the word of the document, and people's. False past the last one. */
bool glance_kind(unsigned int index, const char **ret_kind, const char **ret_name);
/* Does the policy know the kind, and what rights does some rule give? */
bool glance_rights(const struct report *report, unsigned int index, uint32_t *ret_rights);
const char *through_name(enum through through);
struct verdict glance(const struct report *report, unsigned int index, enum through through);

/* All that keeps a cell from being "works", in the order of the page. */
void causes_find(const struct report *report, struct causes *ret_causes);
/* The numbers, from 1, of what stands in this cell's way: " 1 3"; "" for none. */
void causes_of(const struct report *report, const struct causes *causes, unsigned int index,
	       enum through through, char text[16]);

/* Each way by itself, what io_uring has, the devices. */
void report_print_ways(const struct page *page, const struct report *report);

#endif
