/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/rules-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/policy-view-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { GROUPS = 1024, EXE = 4096 };

/* Who this process is. @groups and @exe are the caller's room, which the principal then borrows. */
static int principal_of_self(gid_t groups[GROUPS], char exe[EXE], struct hws_principal *ret)
{
	int count = sys_groups(GROUPS, groups);

	if (count < 0)
		return why(count, "this process's groups can't be told");
	*ret = (struct hws_principal) {
		.uid = sys_uid(),
		.gid = sys_gid(),
		.groups = groups,
		.group_count = (size_t)count,
		.exe = sys_readlink(SYS_REAL_ROOT, "/proc/self/exe", exe, EXE) > 0 ? exe : NULL,
	};
	return 0;
}

static int view_for_self(struct hws_policy *policy, struct hws_policy_view **ret_view)
{
	HWS_CLEANUP_FREE gid_t *groups = calloc(GROUPS, sizeof(*groups));
	HWS_CLEANUP_FREE char *exe = malloc(EXE);
	struct hws_principal principal;
	int r;

	if (!groups || !exe)
		return why(-ENOMEM, "no memory for the policy");
	r = principal_of_self(groups, exe, &principal);
	return r < 0 ? r : hws_policy_view_open(policy, &principal, ret_view);
}

/* Takes the policy, whatever comes of it. */
static int rules_of(struct hws_policy *policy, struct rules **ret_rules)
{
	struct hws_policy_view *view = NULL;
	uint32_t count = hws_policy_rules(policy);
	struct rules *rules = calloc(1, sizeof(*rules) + count * sizeof(rules->counts[0]));
	int r = rules ? view_for_self(policy, &view) : why(-ENOMEM, "no memory for the policy");

	if (r == 0) {
		rules->refs = 1;
		rules->view = view;
		rules->generation = hws_policy_generation(policy);
		rules->count = count;
		*ret_rules = HWS_TAKE_PTR(rules);
	}
	free(rules);
	hws_policy_unref(policy);
	return r;
}

int rules_load(const struct hws_policy_options *options, struct rules **ret_rules)
{
	struct hws_policy *policy;
	int r = hws_policy_load(options, &policy);

	return r < 0 ? r : rules_of(policy, ret_rules);
}

int rules_parse(const char *file, const char *text, struct rules **ret_rules)
{
	struct hws_policy *policy;
	int r = hws_policy_parse(NULL, file, text, strlen(text), &policy);

	return r < 0 ? r : rules_of(policy, ret_rules);
}

uint64_t rules_size(const struct rules *rules)
{
	uint64_t size = sizeof(*rules) + rules->count * sizeof(rules->counts[0]);

	for (uint32_t i = 0; i < rules->count; i++)
		/* relaxed: it is only counted */
		if (atomic_load_explicit(&rules->counts[i].rate, memory_order_relaxed))
			size += sizeof(struct surge);
	return size + policy_view_size(rules->view);
}

struct rules *rules_ref(struct rules *rules)
{
	/* relaxed: whoever asks holds a reference already */
	atomic_fetch_add_explicit(&rules->refs, 1, memory_order_relaxed);
	return rules;
}

void rules_unref(struct rules *rules)
{
	/* acq_rel: what other holders did with it comes before its end */
	if (!rules || atomic_fetch_sub_explicit(&rules->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (uint32_t i = 0; i < rules->count; i++)
		free(rules->counts[i].rate);
	hws_policy_view_unref(rules->view);
	free(rules);
}

/* The rule's window of grants, made when it is needed first; NULL: no memory. */
static struct surge *rate_of(struct rules *rules, const struct hws_decision *decision)
{
	struct surge *none = NULL;
	struct surge *made;
	struct surge *_Atomic *at = &rules->counts[decision->rule].rate;

	/* acquire: pairs with the exchange below; the limiter is whole */
	if (atomic_load_explicit(at, memory_order_acquire))
		return *at;
	made = calloc(1, sizeof(*made));
	if (!made ||
	    surge_init(made, decision->rate, decision->rate_ns, &(struct clock_source) { 0 }) < 0) {
		free(made);
		return NULL;
	}
	if (atomic_compare_exchange_strong(at, &none, made))
		return made;
	free(made); /* another thread was faster */
	return none;
}

static bool has_rate(const struct rules *rules, const struct hws_decision *decision)
{
	return decision->rate && decision->rule < rules->count;
}

enum hws_reason rules_take_rate(struct rules *rules, const struct hws_decision *decision,
				struct surge_grant *ret_grant)
{
	enum hws_reason reason;
	struct surge *rate;

	*ret_grant = (struct surge_grant) { 0 };
	if (!has_rate(rules, decision))
		return HWS_REASON_NONE;
	rate = rate_of(rules, decision);
	if (!rate)
		return HWS_REASON_RATE;
	reason = surge_take(rate, 1, ret_grant);
	return reason == HWS_REASON_SURGE ? HWS_REASON_RATE : reason;
}

void rules_undo_rate(struct rules *rules, const struct hws_decision *decision,
		     const struct surge_grant *grant)
{
	if (has_rate(rules, decision) && rules->counts[decision->rule].rate)
		surge_undo(rules->counts[decision->rule].rate, grant);
}

/* relaxed throughout: the counts order nothing */
static bool add_below(_Atomic uint64_t *count, uint64_t amount, uint64_t limit)
{
	uint64_t now = atomic_load_explicit(count, memory_order_relaxed);

	do {
		if (limit && !hws_range_ok(now, amount, limit))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		count, &now, now + amount, memory_order_relaxed, memory_order_relaxed));
	return true;
}

enum hws_reason rules_hold(struct rules *rules, const struct hws_decision *decision, uint64_t bytes)
{
	struct rule_count *count;

	if (decision->rule >= rules->count)
		return HWS_REASON_NONE;
	count = &rules->counts[decision->rule];
	if (!add_below(&count->bytes, bytes, decision->max))
		return HWS_REASON_LIMIT;
	if (add_below(&count->maps, 1, decision->maps))
		return HWS_REASON_NONE;
	atomic_fetch_sub_explicit(&count->bytes, bytes, memory_order_relaxed);
	return HWS_REASON_LIMIT;
}

void rules_move_held(struct rules *rules, uint32_t rule, int64_t bytes, int64_t maps)
{
	if (rule >= rules->count)
		return;
	atomic_fetch_add_explicit(&rules->counts[rule].bytes, (uint64_t)bytes,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&rules->counts[rule].maps, (uint64_t)maps, memory_order_relaxed);
}
