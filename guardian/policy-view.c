/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A view: the sections that apply to a principal, and who holds it. */
#include "guardian/policy-view-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/why-internal.h"

static bool ids_have(const struct policy_ids *ids, uint32_t id)
{
	/* the overflow id stands for many; it is nobody's */
	if (id == POLICY_OVERFLOW_ID)
		return false;
	for (size_t i = 0; i < ids->count; i++) {
		if (ids->at[i] == id)
			return true;
	}
	return false;
}

static bool in_groups(const struct policy_ids *ids, const struct hws_principal *principal)
{
	if (ids_have(ids, principal->gid))
		return true;
	for (size_t i = 0; i < principal->group_count; i++) {
		if (ids_have(ids, principal->groups[i]))
			return true;
	}
	return false;
}

static bool is_program(const struct policy_section *section, const char *exe)
{
	for (size_t i = 0; exe && i < section->exe_count; i++) {
		if (!strcmp(section->exes[i], exe))
			return true;
	}
	return false;
}

static bool is_user(const struct policy_section *section, const struct hws_principal *principal)
{
	return (!section->users.count || ids_have(&section->users, principal->uid)) &&
	       (!section->groups.count || in_groups(&section->groups, principal));
}

static bool applies(const struct policy_section *section, const struct hws_principal *principal)
{
	return is_user(section, principal) &&
	       (!section->exe_count || is_program(section, principal->exe));
}

bool policy_knows(const struct hws_policy *policy, const struct hws_principal *principal)
{
	for (size_t i = 0; i < policy->section_count; i++) {
		if (policy->sections[i].gives && is_user(&policy->sections[i], principal))
			return true;
	}
	return false;
}

static void view_free(struct hws_policy_view *view)
{
	hws_policy_unref(view->policy);
	free(view->sections);
	free(view->groups);
	free(view->table);
	free(view->segments);
	free(view->lists);
	free(view->nodes);
	free(view->slots);
	free(view);
}

/* A view that holds the policy and knows its sections, but no rules yet. */
static struct hws_policy_view *view_new(struct hws_policy *policy,
					const struct hws_principal *principal)
{
	struct hws_policy_view *view = calloc(1, sizeof(*view));
	size_t sections = policy->section_count;

	if (!view)
		return NULL;
	atomic_init(&view->holders, 1);
	view->policy = hws_policy_ref(policy);
	view->sections = calloc(sections ? sections : 1, sizeof(*view->sections));
	if (!view->sections) {
		view_free(view);
		return NULL;
	}
	for (size_t i = 0; i < sections; i++)
		view->sections[i] = applies(&policy->sections[i], principal);
	return view;
}

int hws_policy_view_open(struct hws_policy *policy, const struct hws_principal *principal,
			 struct hws_policy_view **ret_view)
{
	struct hws_policy_view *view;
	int r;

	if (principal->uid == POLICY_NO_ID || principal->gid == POLICY_NO_ID)
		return why(-EINVAL, "a principal has the uid or gid -1, which nobody has");
	view = view_new(policy, principal);
	if (!view)
		return why(-ENOMEM, "not enough memory for a view of the policy");
	r = policy_compile(view);
	if (r < 0) {
		view_free(view);
		return r;
	}
	*ret_view = view;
	return 0;
}

struct hws_policy_view *hws_policy_view_ref(struct hws_policy_view *view)
{
	/* relaxed: whoever calls holds it already, so it can't vanish meanwhile */
	atomic_fetch_add_explicit(&view->holders, 1, memory_order_relaxed);
	return view;
}

void hws_policy_view_unref(struct hws_policy_view *view)
{
	/* acquire-release: what other holders did with it comes before it is freed here */
	if (view && atomic_fetch_sub_explicit(&view->holders, 1, memory_order_acq_rel) == 1)
		view_free(view);
}

const struct hws_policy *hws_policy_view_policy(const struct hws_policy_view *view)
{
	return view->policy;
}

bool hws_policy_view_has(const struct hws_policy_view *view, uint32_t index)
{
	const struct hws_policy *policy = view->policy;

	return index < policy->rule_count && view->sections[policy->rules[index].section];
}

void hws_policy_view_rights(const struct hws_policy_view *view, uint32_t ret_rights[HWS_KINDS])
{
	struct hws_policy_rule rule;

	memset(ret_rights, 0, HWS_KINDS * sizeof(*ret_rights));
	for (uint32_t i = 0; i < view->policy->rule_count; i++)
		if (hws_policy_view_has(view, i) &&
		    hws_policy_rule_at(view->policy, i, &rule) == 0 && !rule.deny)
			ret_rights[rule.kind] |= rule.rights & HWS_RW;
}

uint64_t policy_view_size(const struct hws_policy_view *view)
{
	return sizeof(*view) + policy_size(view->policy) +
	       view->policy->section_count * sizeof(*view->sections) +
	       view->group_count * sizeof(*view->groups) +
	       (UINT64_C(1) << (64 - view->table_shift)) * sizeof(*view->table) +
	       view->segment_count * sizeof(*view->segments) +
	       view->list_count * sizeof(*view->lists) + view->node_count * sizeof(*view->nodes) +
	       view->slot_room * sizeof(*view->slots);
}
