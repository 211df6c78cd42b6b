/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/policy-relate-internal.h"

#include <string.h>

static bool spans_touch(const struct policy_spans *a, const struct policy_spans *b)
{
	size_t i = 0;
	size_t j = 0;

	while (i < a->count && j < b->count) {
		if (a->at[i].last < b->at[j].first)
			i++;
		else if (b->at[j].last < a->at[i].first)
			j++;
		else
			return true;
	}
	return false;
}

static bool spans_cover(const struct policy_spans *a, const struct policy_spans *b)
{
	for (size_t i = 0; i < b->count; i++) {
		if (!policy_spans_cover(a, b->at[i].first, b->at[i].last))
			return false;
	}
	return true;
}

static bool have_id(const struct policy_ids *ids, uint32_t id)
{
	for (size_t i = 0; i < ids->count; i++) {
		if (ids->at[i] == id)
			return true;
	}
	return false;
}

/* How many of @b's are among @a's. */
static size_t common_ids(const struct policy_ids *a, const struct policy_ids *b)
{
	size_t common = 0;

	for (size_t i = 0; i < b->count; i++)
		common += have_id(a, b->at[i]);
	return common;
}

static size_t common_exes(const struct policy_section *a, const struct policy_section *b)
{
	size_t common = 0;

	for (size_t i = 0; i < b->exe_count; i++) {
		bool found = false;

		for (size_t j = 0; j < a->exe_count; j++)
			found |= !strcmp(a->exes[j], b->exes[i]);
		common += found;
	}
	return common;
}

/* Somebody may be in any number of groups, but is one user in one program. */
static bool sections_touch(const struct policy_section *a, const struct policy_section *b)
{
	return (!a->users.count || !b->users.count || common_ids(&a->users, &b->users)) &&
	       (!a->exe_count || !b->exe_count || common_exes(a, b));
}

/* Of no names means anybody; else all of @b's must be among them. */
static bool names_cover(size_t a, size_t b, size_t common)
{
	return !a || (b && common == b);
}

static bool sections_cover(const struct policy_section *a, const struct policy_section *b)
{
	return a == b ||
	       (names_cover(a->users.count, b->users.count, common_ids(&a->users, &b->users)) &&
		names_cover(a->groups.count, b->groups.count, common_ids(&a->groups, &b->groups)) &&
		names_cover(a->exe_count, b->exe_count, common_exes(a, b)));
}

enum sort { SORT_ID, SORT_CLASS, SORT_BDF };

static enum sort sort_of(const struct policy_device *device)
{
	if (device->shape >= SHAPE_BDF)
		return SORT_BDF;
	return device->shape >= SHAPE_CLASS ? SORT_CLASS : SORT_ID;
}

static bool devices_touch(const struct policy_device *a, const struct policy_device *b)
{
	uint64_t mask = policy_shape_mask(a->shape) & policy_shape_mask(b->shape);

	return sort_of(a) != sort_of(b) || !((a->value ^ b->value) & mask);
}

static bool device_covers(const struct policy_device *a, const struct policy_device *b)
{
	uint64_t mask = policy_shape_mask(a->shape);

	if (a->shape == SHAPE_ANY)
		return true;
	return sort_of(a) == sort_of(b) && !(mask & ~policy_shape_mask(b->shape)) &&
	       !((a->value ^ b->value) & mask);
}

static bool paths_touch(const char *a, const char *b)
{
	return !a || !b || !strcmp(a, b);
}

bool policy_rules_touch(const struct hws_policy *policy, const struct policy_rule *a,
			const struct policy_rule *b)
{
	return a->kind == b->kind && a->bars.first <= b->bars.last &&
	       b->bars.first <= a->bars.last && spans_touch(&a->where, &b->where) &&
	       (!a->cpus.count || !b->cpus.count || spans_touch(&a->cpus, &b->cpus)) &&
	       paths_touch(a->path, b->path) && devices_touch(&a->device, &b->device) &&
	       sections_touch(&policy->sections[a->section], &policy->sections[b->section]);
}

bool policy_rule_covers(const struct hws_policy *policy, const struct policy_rule *a,
			const struct policy_rule *b)
{
	return a->kind == b->kind && a->bars.first <= b->bars.first &&
	       b->bars.last <= a->bars.last && spans_cover(&a->where, &b->where) &&
	       (!a->cpus.count || (b->cpus.count && spans_cover(&a->cpus, &b->cpus))) &&
	       (!a->path || (b->path && !strcmp(a->path, b->path))) &&
	       device_covers(&a->device, &b->device) &&
	       sections_cover(&policy->sections[a->section], &policy->sections[b->section]);
}

/* 0 is no limit. */
static bool limit_permits(uint64_t a, uint64_t b)
{
	return !a || (b && b <= a);
}

static bool pin_permits(const char *a, const char *b)
{
	return !a || (b && !strcmp(a, b));
}

/* A value is compared under the rule's own mask. */
static bool values_permit(const struct policy_rule *a, const struct policy_rule *b)
{
	return !a->values.count ||
	       (b->values.count && a->mask == b->mask && spans_cover(&a->values, &b->values));
}

bool policy_rule_permits(const struct policy_rule *a, const struct policy_rule *b)
{
	return (!a->widths || (b->widths && !(b->widths & ~a->widths))) && !(b->mask & ~a->mask) &&
	       values_permit(a, b) && limit_permits(a->max, b->max) &&
	       limit_permits(a->maps, b->maps) && limit_permits(a->buffers, b->buffers) &&
	       pin_permits(a->sha256, b->sha256) && pin_permits(a->key, b->key);
}

bool policy_limits_equal(const struct policy_rule *a, const struct policy_rule *b)
{
	return policy_rule_permits(a, b) && policy_rule_permits(b, a) && a->rate == b->rate &&
	       a->rate_ns == b->rate_ns && a->last_words == b->last_words;
}
