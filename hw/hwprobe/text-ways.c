/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The long page: each way by itself, what io_uring has, the devices. */
#include <stdio.h>
#include <string.h>

#include "hw/hwprobe/glance.h"

enum {
	LINE = 256,
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
	{ "irq", "Interrupts" },
	{ "dma", "DMA" },
	{ "cpuid", "Processor identity" },
	{ "kernel", "What the machine adds" },
	{ "ring", "Rings" },
	{ "generic", "Without hardware" },
};

static const char *heading_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		if (!strcmp(headings[i].kind, kind))
			return headings[i].heading;
	return kind;
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

	if (report->captured || report->simulated || uring->code < 0)
		return;
	snprintf(text, sizeof(text), "operations up to %u, features 0x%x", uring->last_op,
		 uring->features);
	page_row(page, "", TONE_DIM, "has", text);
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

void report_print_ways(const struct page *page, const struct report *report)
{
	print_ways(page, report);
	print_uring(page, report);
	print_functions(page, report);
	print_summary(page, report);
}
