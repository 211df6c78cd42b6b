/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page for people. */
#include <stdio.h>
#include <string.h>

#include "hw/hwprobe/hwprobe.h"

enum {
	LINE = 256,
	FEW = 8,	/* what is listed by name on the page */
	SHOWN = 16,	/* PCI functions on the page */
	NAME_ROOM = 49, /* for a function's name behind its numbers */
};

static const struct {
	const char *kind;
	const char *heading;
} headings[] = {
	{ "port", "I/O ports" },
	{ "msr", "Model-specific registers" },
	{ "pci", "PCI configuration" },
	{ "bar", "PCI BARs" },
	{ "cpuid", "Processor identity" },
	{ "dma", "DMA" },
	{ "kernel", "What the machine adds" },
	{ "sim", "Without hardware" },
	{ "generic", "Without hardware" },
};

static const char *heading_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		if (!strcmp(headings[i].kind, kind))
			return headings[i].heading;
	return kind;
}

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

static void print_machine(const struct page *page, const struct report *report)
{
	const struct hws_probe_machine *m = &report->machine;
	char capabilities[LINE];
	char text[2 * LINE];

	page_heading(page, report->captured ? "Machine (a captured tree)" : "Machine");
	snprintf(text, sizeof(text), "%s%s%s, %u online",
		 m->cpu_model[0] ? m->cpu_model : "unknown", m->cpu_vendor[0] ? ", " : "",
		 m->cpu_vendor, m->cpus);
	page_row(page, "processor", TONE_PLAIN, "", text);
	snprintf(text, sizeof(text), "Linux %s, %s", m->kernel[0] ? m->kernel : "unknown",
		 m->arch[0] ? m->arch : "unknown architecture");
	page_row(page, "kernel", TONE_PLAIN, "", text);
	words_of_capabilities(report, capabilities);
	snprintf(text, sizeof(text), "uid %u, %s%s", m->uid, capabilities,
		 m->seccomp ? ", under a seccomp filter" : "");
	page_row(page, "runs as", TONE_PLAIN, "", text);
	if (m->container[0])
		page_row(page, "container", TONE_PLAIN, "", m->container);
	snprintf(text, sizeof(text), "%u PCI functions, %u IOMMU groups", m->pci_functions,
		 m->iommu_groups);
	page_row(page, "devices", TONE_PLAIN, "", text);
}

static void print_cure(const struct page *page, const char *fix, const char *rest)
{
	if (*fix)
		page_row(page, "", TONE_DIM, "fix", fix);
	if (*rest)
		page_row(page, "", TONE_DIM, "remains", rest);
}

static void print_ways(const struct page *page, const struct report *report)
{
	const char *heading = "";

	for (size_t i = 0; i < report->way_count; i++) {
		const struct hws_probe_result *way = &report->ways[i];

		if (strcmp(heading, heading_of(way->kind)) != 0) {
			heading = heading_of(way->kind);
			fputc('\n', page->out);
			page_heading(page, heading);
		}
		page_row(page, way->way, page_tone(way->status), hws_probe_status_name(way->status),
			 way->why);
		print_cure(page, way->fix, way->rest);
	}
}

static void words_of_flags(const struct hws_uring_report *uring, char text[LINE])
{
	const char *name;
	uint32_t flag;
	size_t n = 0;

	for (unsigned int i = 0; (name = hws_uring_setup_flag(i, &flag)) && n < LINE; i++)
		if (uring->setup_flags & flag)
			n += (size_t)snprintf(text + n, LINE - n, "%s%s", n ? " " : "", name);
}

static void print_uring(const struct page *page, const struct report *report)
{
	const struct hws_uring_report *uring = &report->uring;
	char text[LINE] = "";

	fputc('\n', page->out);
	page_heading(page, "io_uring");
	if (report->captured) {
		page_row(page, "a ring", TONE_DIM, "-", "not tried: this is a captured tree");
		return;
	}
	if (uring->code < 0) {
		page_row(page, "a ring", TONE_BAD, "no", uring->why);
		print_cure(page, uring->fix, "epoll and threads");
		return;
	}
	snprintf(text, sizeof(text), "operations up to %u, features 0x%x", uring->last_op,
		 uring->features);
	page_row(page, "a ring", TONE_GOOD, "works", text);
	words_of_flags(uring, text);
	page_row(page, "", TONE_DIM, "flags", text);
}

static void print_functions(const struct page *page, const struct report *report)
{
	const struct functions *functions = &report->functions;
	char bdf[HWS_BDF_TEXT];
	char text[LINE];

	if (!functions->count && !functions->why[0])
		return;
	fputc('\n', page->out);
	page_heading(page, "PCI functions");
	for (size_t i = 0; i < functions->count && i < SHOWN; i++) {
		const struct function *f = &functions->at[i];
		const char *name = f->name[0] ? f->name : f->class_name;

		snprintf(text, sizeof(text), "%04x:%04x %.*s%s", f->vendor, f->device,
			 strlen(name) > NAME_ROOM ? NAME_ROOM - 3 : NAME_ROOM, name,
			 strlen(name) > NAME_ROOM ? "..." : "");
		page_row(page, hws_bdf_format(f->bdf, bdf), TONE_PLAIN, "", text);
	}
	if (functions->count > SHOWN) {
		snprintf(text, sizeof(text), "and %zu more: hwprobe --json has them all",
			 functions->count - SHOWN);
		page_row(page, "", TONE_PLAIN, "", text);
	}
	if (functions->why[0])
		page_row(page, "", TONE_BAD, "error", functions->why);
}

static void print_summary(const struct page *page, const struct report *report)
{
	unsigned int works = 0;
	unsigned int partial = 0;

	for (size_t i = 0; i < report->way_count; i++) {
		works += report->ways[i].status == HWS_PROBE_WORKS;
		partial += report->ways[i].status == HWS_PROBE_PARTIAL;
	}
	fprintf(page->out, "\n%u of %zu ways work, %u in part.\n", works, report->way_count,
		partial);
}

int report_print(const struct report *report, const struct settings *settings)
{
	struct page page;

	page_init(&page, settings->color);
	print_machine(&page, report);
	print_ways(&page, report);
	print_uring(&page, report);
	print_functions(&page, report);
	print_summary(&page, report);
	return 0;
}

/* Each cause once: several ways may be closed by the same. */
static void print_causes(const struct page *page, const struct report *report, const char *backend)
{
	for (size_t i = 0; i < report->way_count; i++) {
		const struct hws_probe_result *way = &report->ways[i];

		if (strcmp(way->backend, backend) != 0 || !strcmp(way->kind, "kernel") ||
		    way->status == HWS_PROBE_WORKS)
			continue;
		page_row(page, way->way, page_tone(way->status), hws_probe_status_name(way->status),
			 way->why);
	}
}

int backends_print(const struct report *report, const struct settings *settings)
{
	struct backend_state state;
	struct page page;
	char text[LINE];

	page_init(&page, settings->color);
	for (unsigned int i = 0; backend_state(report, i, &state); i++) {
		page_heading(&page, state.backend->name);
		page_row(&page, "what it is", TONE_PLAIN, "", state.backend->about);
		snprintf(text, sizeof(text), "%u of %u ways, %u in part", state.works, state.ways,
			 state.partial);
		page_row(&page, "usable", page_tone(state.status),
			 hws_probe_status_name(state.status), text);
		print_causes(&page, report, state.backend->name);
	}
	return 0;
}
