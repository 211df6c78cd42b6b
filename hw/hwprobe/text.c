/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page for people: the machine, a table, and what stands in the way. */
#include <stdio.h>
#include <string.h>

#include "hw/hwprobe/glance.h"

enum {
	LINE = 256,
	FEW = 8, /* what is listed by name on the page */
};

/* "none", "all 41", "cap_a cap_b", "39 of 41, not cap_x". */
static void words_of_capabilities(const struct report *report, char text[LINE])
{
	size_t n = 0;

	if (report->capability_count == 0)
		snprintf(text, LINE, "no capabilities");
	else if (report->capability_count > FEW)
		snprintf(text, LINE, "%u of %u capabilities", report->capability_count,
			 report->capabilities_known);
	else
		for (char **name = report->capabilities; *name && n < LINE; name++)
			n += (size_t)snprintf(text + n, LINE - n, "%s%s", n ? " " : "", *name);
}

static const char *heading_of(const struct report *report)
{
	return report->simulated  ? "Machine (simulated)"
	       : report->captured ? "Machine (a captured tree)"
				  : "Machine";
}

static void print_kernel(const struct page *page, const struct hws_probe_machine *m)
{
	char text[LINE];

	snprintf(text, sizeof(text), "Linux %s, %s%s%s", m->kernel[0] ? m->kernel : "unknown",
		 m->arch[0] ? m->arch : "unknown architecture",
		 m->lockdown[0] && strcmp(m->lockdown, "none") != 0 ? ", locked down: " : "",
		 strcmp(m->lockdown, "none") ? m->lockdown : "");
	page_row(page, "kernel", TONE_PLAIN, "", text);
}

static void print_policy(const struct page *page, const struct mine *mine)
{
	char text[2 * LINE];

	if (mine->code < 0)
		snprintf(text, sizeof(text), "%s%s", mine->why,
			 mine->helper ? "" : ": everything is denied");
	else if (mine->helper)
		snprintf(text, sizeof(text), "the helper's: %u rule%s", mine->rules,
			 mine->rules == 1 ? "" : "s");
	else if (mine->builtin)
		snprintf(text, sizeof(text), "built in: root may read what has no side effects");
	else
		snprintf(text, sizeof(text), "%u rule%s in " HWS_POLICY_DIRECTORY, mine->rules,
			 mine->rules == 1 ? "" : "s");
	page_row(page, "policy", TONE_PLAIN, "", text);
}

static void print_machine(const struct page *page, const struct report *report)
{
	const struct hws_probe_machine *m = &report->machine;
	char capabilities[LINE];
	char text[2 * LINE];

	page_heading(page, heading_of(report));
	snprintf(text, sizeof(text), "%s%s%s, %u online",
		 m->cpu_model[0] ? m->cpu_model : "unknown", m->cpu_vendor[0] ? ", " : "",
		 m->cpu_vendor, m->cpus);
	page_row(page, "processor", TONE_PLAIN, "", text);
	if (!report->simulated) {
		print_kernel(page, m);
		words_of_capabilities(report, capabilities);
		snprintf(text, sizeof(text), "uid %u, %s%s", m->uid, capabilities,
			 m->seccomp ? ", under a seccomp filter" : "");
		page_row(page, "runs as", TONE_PLAIN, "", text);
	}
	if (m->container[0])
		page_row(page, "container", TONE_PLAIN, "", m->container);
	snprintf(text, sizeof(text), "%u PCI functions, %u IOMMU groups", m->pci_functions,
		 m->iommu_groups);
	page_row(page, "devices", TONE_PLAIN, "", text);
	print_policy(page, &report->policy);
}

/* The table at the top. */
static const char *word_of(const struct page *page, struct verdict verdict)
{
	static const char *const words[][2] = {
		[HWS_PROBE_NO] = { "no", "\xe2\x9c\x97 no" },
		[HWS_PROBE_PARTIAL] = { "part", "\xe2\x97\x90 part" },
		[HWS_PROBE_WORKS] = { "works", "\xe2\x9c\x93 works" },
	};

	if (!verdict.possible)
		return page->unicode ? "\xe2\x80\x93" : "-";
	return words[verdict.status][page->unicode];
}

static struct cell cell_of(const struct page *page, const struct report *report,
			   const struct causes *causes, unsigned int kind, enum through through)
{
	struct verdict verdict = glance(report, kind, through);
	struct cell cell = { .tone = verdict.possible ? page_tone(verdict.status) : TONE_DIM };
	char numbers[16];

	causes_of(report, causes, kind, through, numbers);
	snprintf(cell.text, sizeof(cell.text), "%.15s%s", word_of(page, verdict), numbers);
	return cell;
}

/* The policy's number comes behind those of the causes. */
static struct cell policy_cell(const struct page *page, const struct report *report,
			       const struct causes *causes, unsigned int kind)
{
	static const char *const names[] = { "none", "read", "write", "read/write" };
	struct cell cell = { .tone = TONE_DIM };
	uint32_t rights;

	if (!glance_rights(report, kind, &rights)) {
		snprintf(cell.text, sizeof(cell.text), "%s", word_of(page, (struct verdict) { 0 }));
		return cell;
	}
	cell.tone = rights ? TONE_PLAIN : TONE_HALF;
	snprintf(cell.text, sizeof(cell.text), "%s", names[rights & HWS_RW]);
	if (!rights)
		snprintf(cell.text, sizeof(cell.text), "none %zu", causes->count + 1);
	return cell;
}

static void print_glance(const struct page *page, const struct report *report,
			 const struct causes *causes)
{
	struct cell cells[THROUGHS + 1] = { { TONE_BOLD, "native" },
					    { TONE_BOLD, "helper" },
					    { TONE_BOLD, "VFIO" },
					    { TONE_BOLD, "sim" },
					    { TONE_BOLD, "policy" } };
	const char *kind;
	const char *name;
	char legend[LINE];

	fputc('\n', page->out);
	page_cells(page, "", cells, THROUGHS + 1);
	for (unsigned int k = 0; glance_kind(k, &kind, &name); k++) {
		for (int t = 0; t < THROUGHS; t++)
			cells[t] = cell_of(page, report, causes, k, (enum through)t);
		cells[THROUGHS] = policy_cell(page, report, causes, k);
		page_cells(page, name, cells, THROUGHS + 1);
	}
	snprintf(legend, sizeof(legend),
		 "numbers: see below; %s: no such way; policy: what it gives to uid %u",
		 word_of(page, (struct verdict) { 0 }), report->machine.uid);
	page_item(page, TONE_PLAIN, "", "", legend);
}

static void print_cause(const struct page *page, size_t number, const char *why, const char *closes,
			const char *fix, const char *rest)
{
	char mark[16];

	snprintf(mark, sizeof(mark), "%zu", number);
	page_item(page, TONE_BOLD, mark, "", why);
	if (*closes)
		page_item(page, TONE_PLAIN, "", "closes", closes);
	if (*fix)
		page_item(page, TONE_PLAIN, "", "fix", fix);
	if (*rest)
		page_item(page, TONE_PLAIN, "", "meanwhile", rest);
}

/* The kinds that the policy has nothing for, and a rule that would be. */
static bool without_rule(const struct report *report, char names[LINE], const char **ret_rule)
{
	static const char *const rules[] = {
		"port = 0x70-0x71 r",	"msr = 0x10 r",
		"pci = 0000:00:03.0 r", "bar = 0000:00:03.0 0 r",
		"irq = 0000:00:03.0",	"dma = 0000:00:03.0 max 16M",
		"cpuid = * r",
	};
	const char *kind;
	const char *name;
	uint32_t rights;
	size_t n = 0;

	for (unsigned int k = 0; glance_kind(k, &kind, &name) && n < LINE; k++) {
		if (!glance_rights(report, k, &rights) || rights)
			continue;
		if (!n)
			*ret_rule = rules[k];
		n += (size_t)snprintf(names + n, LINE - n, "%s%s", n ? ", " : "", name);
	}
	return n;
}

/* The helper looks at its files when it is told to. */
static void print_rule_for_good(const struct page *page, const struct report *report,
				const char *rule, const char *name)
{
	char fix[2 * LINE];

	snprintf(
		fix, sizeof(fix),
		"printf '[mine]\\nuser = %u\\n%s\\n' | sudo install -Dm644 /dev/stdin " HWS_POLICY_DIRECTORY
		"/mine.conf%s",
		report->machine.uid, rule,
		report->policy.helper ? "; sudo systemctl reload hwsafe-helper" : "");
	page_item(page, TONE_PLAIN, "", name, fix);
	page_item(page, TONE_PLAIN, "", "meanwhile",
		  report->policy.builtin ? "what the built-in policy has; a file takes its place"
					 : "what the policy does have");
}

static void print_no_rule(const struct page *page, const struct report *report, size_t number)
{
	const struct mine *policy = &report->policy;
	char names[LINE];
	const char *rule = "";
	char why[LINE];
	char fix[LINE];

	if (policy->code < 0 && policy->helper)
		return; /* what is with the helper is told of the way through it */
	if (policy->code < 0) {
		print_cause(page, number, policy->why, "everything but sim", "hwprobe policy check",
			    "hwprobe --sim, with --grant");
		return;
	}
	if (!without_rule(report, names, &rule))
		return;
	snprintf(why, sizeof(why), "no rule of the %spolicy is for uid %u",
		 policy->helper ? "helper's " : "", report->machine.uid);
	snprintf(fix, sizeof(fix), "hwprobe --grant '%s' ...", rule);
	/* it takes no rules from programs */
	print_cause(page, number, why, names, policy->helper ? "" : fix, "");
	print_rule_for_good(page, report, rule, policy->helper ? "fix" : "for good");
}

static void print_causes(const struct page *page, const struct report *report,
			 const struct causes *causes)
{
	fputc('\n', page->out);
	page_heading(page, "What stands in the way");
	for (size_t i = 0; i < causes->count; i++) {
		const struct hws_probe_result *way = causes->at[i].way;

		print_cause(page, i + 1, way->why, causes->at[i].closes, way->fix,
			    causes->at[i].rest);
	}
	print_no_rule(page, report, causes->count + 1);
}

int report_print(const struct report *report, const struct settings *settings, bool whole)
{
	struct causes causes;
	struct page page;

	page_init(&page, settings->color);
	page_unicode(&page);
	causes_find(report, &causes);
	print_machine(&page, report);
	print_glance(&page, report, &causes);
	print_causes(&page, report, &causes);
	if (whole)
		report_print_ways(&page, report);
	else
		fputs("\nEach way by itself, and the devices: hwprobe doctor --long\n", page.out);
	return 0;
}
