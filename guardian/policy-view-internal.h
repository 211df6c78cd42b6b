/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The form in which a look-up costs the same whatever the number of rules.
 *
 * Rules about the same object (a kind, a way to name devices, a BAR, a path)
 * are a group, found by a hash of its key: an access belongs to one group for
 * each shape in use. A group cuts its numbers, 0 to 2^64 - 1, into segments:
 * runs of numbers with the same rules. An index of nodes finds a number's
 * segment; see policy-index.c.
 */
#ifndef HWSAFE_GUARDIAN_POLICY_VIEW_INTERNAL_H
#define HWSAFE_GUARDIAN_POLICY_VIEW_INTERNAL_H

#include "guardian/policy-internal.h"

struct policy_segment {
	uint64_t first; /* the next segment's, less one, is its last */
	uint32_t list;	/* where its rules are in the lists: deny rules, then allow rules */
	uint32_t denies;
	uint32_t allows;
};

struct policy_group {
	uint64_t key;	   /* 0: none */
	uint32_t segments; /* its first */
	uint32_t count;	   /* of segments; at least 1 */
	uint32_t root;	   /* of its index: a slot */
};

/* Numbers from @base on, in slots of 2^shift numbers each. */
struct policy_node {
	uint64_t base;
	uint32_t first; /* the segment that begins at base */
	uint32_t slots; /* its first */
	uint32_t count; /* of slots */
	uint32_t shift;
};
/* A slot is the segment of its first number, or with this bit a node. */
#define POLICY_NODE 0x80000000u

struct hws_policy_view {
	_Atomic uint32_t holders;
	struct hws_policy *policy;
	bool *sections;		    /* which apply */
	uint32_t shapes[HWS_KINDS]; /* a bit for each in use */
	struct policy_group *groups;
	uint32_t group_count;
	struct policy_group *table; /* the groups by the hash of their keys; empty ones between */
	unsigned int table_shift;   /* 64 - log2 of its size */
	struct policy_segment *segments;
	size_t segment_count;
	uint32_t *lists;
	size_t list_count;
	struct policy_node *nodes;
	size_t node_count;
	uint32_t *slots;
	size_t slot_count;
	size_t slot_room;
};

/* How much memory it takes, its policy included. */
uint64_t policy_view_size(const struct hws_policy_view *view);

/* Fills a view whose sections are chosen. */
int policy_compile(struct hws_policy_view *view);

/* The key of the group to which an access belongs under a shape. */
uint64_t policy_key(enum hws_kind kind, uint32_t bar, uint32_t shape, uint64_t value);
uint64_t policy_path_value(const char *path);

static inline uint64_t policy_hash(uint64_t key, unsigned int shift)
{
	return key * 0x9e3779b97f4a7c15u >> shift;
}

/* Makes the group's index; false when there is no memory. */
bool policy_index_build(struct hws_policy_view *view, struct policy_group *group);
/* The group's segment that holds @number. */
const struct policy_segment *policy_index_find(const struct hws_policy_view *view,
					       const struct policy_group *group, uint64_t number);
/* The last number of a segment. */
static inline uint64_t policy_segment_last(const struct hws_policy_view *view,
					   const struct policy_group *group,
					   const struct policy_segment *segment)
{
	const struct policy_segment *end = view->segments + group->segments + group->count;

	return segment + 1 == end ? UINT64_MAX : segment[1].first - 1;
}

/* The numbers of an access that rules are about: none but 0 where only the amount counts. */
struct policy_span policy_access_span(const struct hws_access *access);

#endif
