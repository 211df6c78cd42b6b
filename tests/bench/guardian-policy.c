/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a look-up costs as the rules grow in number. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/policy.h"
#include "shim/why-internal.h"
#include "tests/bench/guardian.h"

enum { FEW = 10, ASKED_MOST = 4096 };

/* So many rules, and so many of them asked for in turn. */
struct shape {
	uint32_t rules;
	uint32_t asked; /* a power of two */
};

/* A policy of MSR rules, and accesses that meet its first, last and those between. */
struct table {
	struct hws_policy_view *view;
	uint32_t count;
	struct hws_access asked[ASKED_MOST];
};

struct tables {
	struct table ours;
	struct table base;
};

static volatile int sum;

/* Each rule has a register of its own; every second one also says which values it allows. */
static char *rules_text(uint32_t rules)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fputs("[all]\n", file);
	for (uint32_t i = 0; i < rules; i++)
		fprintf(file, "msr = 0x%x rw%s\n", 0x1000 + 3 * i, i & 1 ? ", mask 0xff" : "");
	fclose(file);
	return text;
}

static int table_init(struct table *table, uint32_t rules, uint32_t asked)
{
	static const struct hws_principal somebody = { .uid = 1000, .gid = 1000 };
	struct hws_policy *policy = NULL;
	char *text = rules_text(rules);
	int r = text ? hws_policy_parse(NULL, "bench", text, strlen(text), &policy) : -ENOMEM;

	free(text);
	if (r < 0)
		return r;
	r = hws_policy_view_open(policy, &somebody, &table->view);
	hws_policy_unref(policy);
	table->count = asked;
	for (uint32_t i = 0; i < asked; i++) {
		uint64_t rule = (uint64_t)i * (rules - 1) / (asked - 1);

		table->asked[i] = (struct hws_access) {
			.kind = HWS_KIND_MSR,
			.rights = HWS_R,
			.first = 0x1000 + 3 * rule,
			.last = 0x1000 + 3 * rule,
			.width = 8,
		};
	}
	return r;
}

static int policy_setup(const struct bench_case *of, void **ret_context)
{
	struct tables *tables = calloc(1, sizeof(*tables));
	const struct shape *shape = of->arg;
	int r = tables ? table_init(&tables->ours, shape->rules, shape->asked) : -ENOMEM;

	r = r < 0 ? r : table_init(&tables->base, FEW, shape->asked);
	*ret_context = tables;
	return r;
}

static void policy_teardown(void *context)
{
	struct tables *tables = context;

	hws_policy_view_unref(tables->ours.view);
	hws_policy_view_unref(tables->base.view);
	free(tables);
}

static int look_up(const struct table *table, uint64_t n)
{
	struct hws_decision decision;
	int codes = 0;

	for (; n; n = bench_next(n)) {
		int r = hws_policy_check(table->view, &table->asked[n & (table->count - 1)],
					 &decision);

		if (r < 0)
			return r;
		codes += r;
	}
	sum = codes;
	return 0;
}

static int among_many(void *context, uint64_t n)
{
	return look_up(&((const struct tables *)context)->ours, n);
}

static int among_few(void *context, uint64_t n)
{
	return look_up(&((const struct tables *)context)->base, n);
}

/* Programs return to the registers they use; the scattered row shows what caches then hide. */
static const struct shape many = { 1000, 64 }, most = { 100000, 64 }, scattered = { 100000, 4096 };

#define LOOK_UP                                                                                    \
	.setup = policy_setup, .teardown = policy_teardown, .ours = among_many, .base = among_few, \
	.baseline = "the same look-up among 10 rules"

const struct bench_case guardian_policy_cases[] = {
	{ .name = "policy-1k",
	  .what = "64 look-ups in turn, among 1,000 rules",
	  .arg = &many,
	  .limits = { { BENCH_RATIO, 1.5 } },
	  LOOK_UP },
	{ .name = "policy-100k",
	  .what = "64 look-ups in turn, among 100,000 rules",
	  .arg = &most,
	  .limits = { { BENCH_RATIO, 1.5 } },
	  LOOK_UP },
	{ .name = "policy-100k-scattered",
	  .what = "4,096 look-ups in turn, among 100,000 rules: what memory costs",
	  .arg = &scattered,
	  LOOK_UP },
	{ 0 },
};
