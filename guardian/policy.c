/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a policy is: its memory, its holders, its rules. */
#include "guardian/policy-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Memory is only added while the policy is made, and freed at once with it. */
struct policy_chunk {
	struct policy_chunk *next;
	size_t size;
	size_t used;
	max_align_t bytes[];
};

static _Atomic uint64_t generations;

struct hws_policy *policy_new(void)
{
	struct hws_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	atomic_init(&policy->holders, 1);
	/* relaxed: only the number counts; nothing is published by it */
	policy->generation = atomic_fetch_add_explicit(&generations, 1, memory_order_relaxed) + 1;
	return policy;
}

static void policy_free(struct hws_policy *policy)
{
	for (struct policy_chunk *chunk = policy->memory; chunk;) {
		struct policy_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	for (size_t i = 0; i < policy->section_count; i++) {
		free(policy->sections[i].users.at);
		free(policy->sections[i].groups.at);
		free(policy->sections[i].exes);
	}
	free(policy->sections);
	free(policy->rules);
	free(policy);
}

struct hws_policy *hws_policy_ref(struct hws_policy *policy)
{
	/* relaxed: whoever calls holds it already, so it can't vanish meanwhile */
	atomic_fetch_add_explicit(&policy->holders, 1, memory_order_relaxed);
	return policy;
}

void hws_policy_unref(struct hws_policy *policy)
{
	/* acquire-release: what other holders did with it comes before it is freed here */
	if (policy && atomic_fetch_sub_explicit(&policy->holders, 1, memory_order_acq_rel) == 1)
		policy_free(policy);
}

uint64_t hws_policy_generation(const struct hws_policy *policy)
{
	return policy->generation;
}

void *policy_memory(struct hws_policy *policy, size_t size)
{
	enum { CHUNK = 16384 };
	struct policy_chunk *chunk = policy->memory;
	size_t units = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t);
	size_t bytes = units * sizeof(max_align_t);
	void *memory;

	if (!chunk || bytes > chunk->size - chunk->used) {
		size_t room = bytes > CHUNK ? bytes : CHUNK;

		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct policy_chunk) { .next = policy->memory, .size = room };
		policy->memory = chunk;
	}
	memory = (char *)chunk->bytes + chunk->used;
	chunk->used += bytes;
	return memory;
}

uint64_t policy_size(const struct hws_policy *policy)
{
	uint64_t size = sizeof(*policy) + policy->rule_count * sizeof(*policy->rules) +
			policy->section_count * sizeof(*policy->sections);

	for (const struct policy_chunk *chunk = policy->memory; chunk; chunk = chunk->next)
		size += sizeof(*chunk) + chunk->size;
	return size;
}

char *policy_copy(struct hws_policy *policy, const char *text, size_t length)
{
	char *copy = policy_memory(policy, length + 1);

	return copy ? memcpy(copy, text, length) : NULL;
}

bool policy_grow(void *pointer_to_array, size_t count, size_t element)
{
	void **array = pointer_to_array;
	void *more;

	/* room is always for a power of two, so it is full when the count is one */
	if (count & (count - 1))
		return true;
	more = reallocarray(*array, count ? 2 * count : 1, element);
	if (more)
		*array = more;
	return more;
}

static int compare_spans(const void *a, const void *b)
{
	const struct policy_span *x = a;
	const struct policy_span *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

void policy_spans_tidy(struct policy_spans *spans)
{
	size_t kept = 0;

	qsort(spans->at, spans->count, sizeof(*spans->at), compare_spans);
	for (size_t i = 1; i < spans->count; i++) {
		struct policy_span *last = &spans->at[kept];
		struct policy_span next = spans->at[i];

		if (last->last != UINT64_MAX && next.first > last->last + 1)
			spans->at[++kept] = next;
		else if (next.last > last->last)
			last->last = next.last;
	}
	spans->count = kept + 1;
}

/*@ requires \valid_read(spans) && \valid_read(spans->at + (0 .. spans->count - 1));
  @ requires first <= last;
  @ requires \forall integer i; 0 <= i < spans->count ==> spans->at[i].first <= spans->at[i].last;
  @ requires \forall integer i, j; 0 <= i < j < spans->count ==>
  @	spans->at[i].last < spans->at[j].first;
  @ assigns \nothing;
  @ ensures \result <==> \exists integer i; 0 <= i < spans->count &&
  @	spans->at[i].first <= first && last <= spans->at[i].last; */
bool policy_spans_cover(const struct policy_spans *spans, uint64_t first, uint64_t last)
{
	size_t low = 0;
	size_t high = spans->count;

	/*@ loop invariant 0 <= low <= high <= spans->count;
	  @ loop invariant \forall integer i; 0 <= i < low ==> spans->at[i].last < first;
	  @ loop invariant \forall integer i;
	  @	high <= i < spans->count ==> first <= spans->at[i].last;
	  @ loop assigns low, high;
	  @ loop variant high - low; */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->at[middle].last < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < spans->count && spans->at[low].first <= first && last <= spans->at[low].last;
}

bool policy_spans_have(const struct policy_spans *spans, uint64_t number)
{
	return policy_spans_cover(spans, number, number);
}

uint32_t hws_policy_rules(const struct hws_policy *policy)
{
	return (uint32_t)policy->rule_count;
}

static uint64_t count_addresses(const struct policy_spans *spans)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < spans->count; i++) {
		uint64_t size = spans->at[i].last - spans->at[i].first;

		if (size == UINT64_MAX || __builtin_add_overflow(sum, size + 1, &sum))
			return UINT64_MAX;
	}
	return sum;
}

static uint32_t limits_of(const struct policy_rule *rule)
{
	return (rule->cpus.count ? HWS_LIMITS_CPUS : 0u) | (rule->widths ? HWS_LIMITS_WIDTH : 0u) |
	       (rule->mask != UINT64_MAX ? HWS_LIMITS_MASK : 0u) |
	       (rule->values.count ? HWS_LIMITS_VALUE : 0u) | (rule->rate ? HWS_LIMITS_RATE : 0u) |
	       (rule->last_words ? HWS_LIMITS_LAST_WORDS : 0u);
}

int hws_policy_rule_at(const struct hws_policy *policy, uint32_t index,
		       struct hws_policy_rule *ret_rule)
{
	const struct policy_rule *rule;
	const struct policy_section *section;

	if (index >= policy->rule_count)
		return -ERANGE;
	rule = &policy->rules[index];
	section = &policy->sections[rule->section];
	*ret_rule = (struct hws_policy_rule) {
		.kind = rule->kind,
		.rights = rule->rights,
		.deny = rule->deny,
		.inline_rule = rule->inline_rule,
		.file = section->file,
		.line = rule->line,
		.section = section->name,
		.text = rule->text,
		.addresses = count_addresses(&rule->where),
		.path = rule->path,
		.buffers = rule->buffers,
		.mask = rule->mask,
		.limits = limits_of(rule),
	};
	return 0;
}

int hws_policy_rule_span(const struct hws_policy *policy, uint32_t index, uint32_t span,
			 uint64_t *ret_first, uint64_t *ret_last)
{
	if (index >= policy->rule_count || span >= policy->rules[index].where.count)
		return -ERANGE;
	*ret_first = policy->rules[index].where.at[span].first;
	*ret_last = policy->rules[index].where.at[span].last;
	return 0;
}
