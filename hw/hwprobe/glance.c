/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/glance.h"

#include <errno.h>
#include <string.h>

/* What has no way through it, and yet limits what goes through. */
#define MEMORY "locked memory"

/* @whole: its ways are parts of one thing, not one as good as another. */
static const struct {
	const char *kind;
	const char *name;
	bool whole;
	int policy;	      /* enum hws_kind; -1: no policy is asked */
	const char *limit;    /* the way that limits it; NULL: none does */
	enum through limited; /* where */
} kinds[] = {
	{ "port", "I/O ports", false, HWS_KIND_PORT },
	{ "msr", "MSRs", false, HWS_KIND_MSR },
	{ "pci", "PCI config", true, HWS_KIND_PCI },
	{ "bar", "PCI BARs", false, HWS_KIND_BAR },
	{ "irq", "interrupts", false, HWS_KIND_IRQ },
	{ "dma", "DMA", false, HWS_KIND_DMA, MEMORY, THROUGH_VFIO },
	{ "cpuid", "CPUID", false, HWS_KIND_CPUID },
	{ "ring", "rings", false, -1, MEMORY, THROUGH_NATIVE },
};

static const char *const throughs[] = {
	[THROUGH_NATIVE] = "native",
	[THROUGH_HELPER] = "helper",
	[THROUGH_VFIO] = "vfio",
	[THROUGH_SIM] = "sim",
};

bool glance_kind(unsigned int index, const char **ret_kind, const char **ret_name)
{
	if (index >= sizeof(kinds) / sizeof(kinds[0]))
		return false;
	*ret_kind = kinds[index].kind;
	*ret_name = kinds[index].name;
	return true;
}

bool glance_rights(const struct report *report, unsigned int index, uint32_t *ret_rights)
{
	if (kinds[index].policy < 0 || report->policy.code < 0)
		return false;
	*ret_rights = report->policy.rights[kinds[index].policy];
	return true;
}

const char *through_name(enum through through)
{
	return throughs[through];
}

static bool is_in(const struct hws_probe_result *way, unsigned int index, enum through through)
{
	return !strcmp(way->kind, kinds[index].kind) && !strcmp(way->through, throughs[through]) &&
	       way->code != -EOPNOTSUPP;
}

static struct verdict best_of(const struct report *report, unsigned int index, enum through through)
{
	enum hws_probe_status best = HWS_PROBE_NO;
	enum hws_probe_status worst = HWS_PROBE_WORKS;
	bool possible = false;

	for (size_t i = 0; i < report->way_count; i++) {
		const struct hws_probe_result *way = &report->ways[i];

		if (!is_in(way, index, through))
			continue;
		possible = true;
		best = way->status > best ? way->status : best;
		worst = way->status < worst ? way->status : worst;
	}
	if (kinds[index].whole && best != worst)
		best = HWS_PROBE_PARTIAL;
	return (struct verdict) { possible, best };
}

/* Only where there is something to limit. */
static bool limits(const struct report *report, const struct hws_probe_result *way,
		   unsigned int index, enum through through)
{
	struct verdict best = best_of(report, index, through);

	return kinds[index].limit && kinds[index].limited == through &&
	       !strcmp(way->way, kinds[index].limit) && way->status != HWS_PROBE_WORKS &&
	       best.possible && best.status == HWS_PROBE_WORKS;
}

struct verdict glance(const struct report *report, unsigned int index, enum through through)
{
	struct verdict best = best_of(report, index, through);

	for (size_t i = 0; i < report->way_count; i++)
		if (limits(report, &report->ways[i], index, through))
			best.status = HWS_PROBE_PARTIAL;
	return best;
}

static bool same(const struct hws_probe_result *a, const struct hws_probe_result *b)
{
	return !strcmp(a->why, b->why) && !strcmp(a->fix, b->fix);
}

/* Where a cell has a cure for one of its ways, its ways without a cure are of no interest. */
static bool matters(const struct report *report, const struct hws_probe_result *way,
		    unsigned int index, enum through through)
{
	if (limits(report, way, index, through))
		return true;
	if (!is_in(way, index, through) || way->status == HWS_PROBE_WORKS)
		return false;
	for (size_t i = 0; !*way->fix && i < report->way_count; i++) {
		const struct hws_probe_result *other = &report->ways[i];

		if (is_in(other, index, through) && other->status != HWS_PROBE_WORKS && *other->fix)
			return false;
	}
	return true;
}

/* Once each. */
static void add_name(char *list, size_t size, const char *name)
{
	size_t length = strlen(list);

	if (*name && !strstr(list, name))
		snprintf(list + length, size - length, "%s%s", length ? "; " : "", name);
}

/* The parts of "a; b" one by one. */
static void add_names(char *list, size_t size, const char *names)
{
	char part[128];

	while (*names) {
		size_t length = strcspn(names, ";");

		snprintf(part, sizeof(part), "%.*s", (int)length, names);
		add_name(list, size, part);
		names += length;
		names += strspn(names, "; ");
	}
}

static void add(struct causes *causes, const struct hws_probe_result *way)
{
	size_t i = 0;

	while (i < causes->count && !same(causes->at[i].way, way))
		i++;
	if (i == CAUSES)
		return;
	if (i == causes->count)
		causes->at[causes->count++] = (struct cause) { .way = way };
	add_name(causes->at[i].closes, sizeof(causes->at[i].closes), way->way);
	add_names(causes->at[i].rest, sizeof(causes->at[i].rest), way->rest);
}

static void add_cell(const struct report *report, struct causes *causes, unsigned int index,
		     enum through through)
{
	if (glance(report, index, through).status == HWS_PROBE_WORKS)
		return;
	for (size_t i = 0; i < report->way_count; i++)
		if (matters(report, &report->ways[i], index, through))
			add(causes, &report->ways[i]);
}

void causes_find(const struct report *report, struct causes *ret_causes)
{
	*ret_causes = (struct causes) { .count = 0 };
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (int t = 0; t < THROUGHS; t++)
			add_cell(report, ret_causes, k, (enum through)t);
}

void causes_of(const struct report *report, const struct causes *causes, unsigned int index,
	       enum through through, char text[16])
{
	size_t n = 0;

	text[0] = '\0';
	if (glance(report, index, through).status == HWS_PROBE_WORKS)
		return;
	for (size_t c = 0; c < causes->count; c++)
		for (size_t i = 0; i < report->way_count && n < 12; i++)
			if (matters(report, &report->ways[i], index, through) &&
			    same(&report->ways[i], causes->at[c].way)) {
				n += (size_t)snprintf(text + n, 16 - n, " %zu", c + 1);
				break;
			}
}
