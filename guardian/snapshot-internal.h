/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a snapshot is made of, as data: all texts are written by these tables. */
#ifndef HWSAFE_GUARDIAN_SNAPSHOT_INTERNAL_H
#define HWSAFE_GUARDIAN_SNAPSHOT_INTERNAL_H

#include "guardian/snapshot.h"

/* How a field is stored, and with that its unit. */
enum snapshot_form {
	SNAPSHOT_U64,
	SNAPSHOT_I32,
	SNAPSHOT_NS,	     /* "_ns" in JSON, "_seconds" in metrics */
	SNAPSHOT_BYTES,	     /* "_bytes" */
	SNAPSHOT_HUNDREDTHS, /* of a percent, 32 bits: "_percent" in JSON, "_ratio" in metrics */
};

enum snapshot_use {
	SNAPSHOT_PLAIN,	  /* no metric */
	SNAPSHOT_GAUGE,	  /* goes up and down */
	SNAPSHOT_COUNTER, /* only up */
};

struct snapshot_field {
	const char *key; /* NULL: the group's elements are numbers themselves */
	const char *help;
	enum snapshot_use use;
	enum snapshot_form form;
	size_t offset; /* in the element */
};

/* Elements that have the same fields. */
struct snapshot_group {
	const char *json;   /* the object's name; NULL: the outermost */
	const char *metric; /* what its metrics' names begin with */
	const char *label;  /* what tells its elements apart; NULL: there is but one */
	const char *(*name)(unsigned int element);
	unsigned int first;
	unsigned int end;
	size_t offset; /* of element 0 */
	size_t stride;
	const struct snapshot_field *fields; /* the last has no help */
};

/* The last has no fields. */
extern const struct snapshot_group snapshot_groups[];

/* Its unit in metrics; "": none. */
const char *snapshot_unit(enum snapshot_form form);
/* The number of SNAPSHOT_I32 as it is, of all others as unsigned. */
uint64_t snapshot_number(const struct snapshot_field *field, const void *element);
/* Can this library read it? 0 or -EINVAL. */
HWS_MUST int snapshot_known(const struct hws_snapshot *snapshot);

static inline const void *snapshot_element(const struct snapshot_group *group,
					   const struct hws_snapshot *snapshot,
					   unsigned int element)
{
	return (const char *)snapshot + group->offset + element * group->stride;
}

#endif
