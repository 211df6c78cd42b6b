/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathers what the page and the document show. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#include "hw/hwprobe/hwprobe.h"

struct gathering {
	struct report *report;
	int error;
};

/* The strings of a result end with its callback; ours are kept. */
int report_add(struct report *report, const struct hws_probe_result *way)
{
	struct hws_probe_result *ways =
		realloc(report->ways, (report->way_count + 1) * sizeof(*ways));
	struct hws_probe_result *own;

	if (!ways)
		return -ENOMEM;
	report->ways = ways;
	own = &ways[report->way_count++];
	*own = *way;
	own->kind = strdup(way->kind);
	own->way = strdup(way->way);
	own->backend = strdup(way->backend);
	own->through = strdup(way->through);
	own->why = strdup(way->why);
	own->fix = strdup(way->fix);
	own->rest = strdup(way->rest);
	return own->kind && own->way && own->backend && own->through && own->why && own->fix &&
			       own->rest
		       ? 0
		       : -ENOMEM;
}

static void keep(const struct hws_probe_result *result, void *context)
{
	struct gathering *gathering = context;
	int r = report_add(gathering->report, result);

	if (r < 0)
		gathering->error = r;
}

static void way_fini(struct hws_probe_result *own)
{
	free((char *)(uintptr_t)own->kind);
	free((char *)(uintptr_t)own->way);
	free((char *)(uintptr_t)own->backend);
	free((char *)(uintptr_t)own->through);
	free((char *)(uintptr_t)own->why);
	free((char *)(uintptr_t)own->fix);
	free((char *)(uintptr_t)own->rest);
}

static bool has(const struct report *report, unsigned int capability)
{
	return report->machine.effective >> capability & 1;
}

static int read_capabilities(struct report *report)
{
	unsigned int known = (unsigned int)cap_max_bits();

	report->capabilities_known = known;
	report->capabilities = calloc(known + 1, sizeof(*report->capabilities));
	if (!report->capabilities)
		return -ENOMEM;
	for (unsigned int i = 0; i < known; i++) {
		char *name = has(report, i) ? cap_to_name((cap_value_t)i) : NULL;

		if (name)
			report->capabilities[report->capability_count++] = name;
	}
	return 0;
}

/* Without io_uring the same calls work all the same, by other means. */
static int add_rings(struct report *report)
{
	const struct hws_uring_report *uring = &report->uring;
	struct hws_probe_result way = {
		.kind = "ring",
		.way = "io_uring",
		.backend = "native",
		.through = "native",
		.status = HWS_PROBE_WORKS,
		.why = "rings of the kernel's own",
		.fix = uring->fix,
		.rest = "",
	};
	int r = hws_uring_probe(&report->uring);

	if (r < 0)
		return r;
	if (uring->code < 0) {
		way.status = HWS_PROBE_PARTIAL;
		way.code = uring->code;
		way.why = uring->why;
		way.rest = "the same calls, by epoll and threads";
	}
	return report_add(report, &way);
}

static int probe(const struct settings *settings, bool whole, struct report *report)
{
	struct hws_shim_options options = { .size = sizeof(options),
					    .sysroot = settings->sysroot,
					    .socket = report->captured
							      ? NULL
							      : secure_getenv("HWSAFE_SOCKET") };
	struct gathering gathering = { .report = report };
	int r = hws_probe_machine(&options, &report->machine);

	r = r < 0 ? r : hws_probe(&options, keep, &gathering);
	r = r < 0 ? r : gathering.error;
	if (r == 0 && !report->captured)
		r = add_rings(report);
	if (r == 0 && whole && report->machine.pci_functions)
		functions_read(settings->sysroot, &report->functions);
	return r;
}

int report_init(const struct settings *settings, bool whole, struct report *report)
{
	int r;

	*report = (struct report) { .captured = settings->sysroot != NULL,
				    .simulated = settings->sim };
	r = settings->sim ? report_simulate(settings, whole, report)
			  : probe(settings, whole, report);
	if (r == 0)
		mine_read(settings, &report->machine, &report->policy);
	return r < 0 ? r : read_capabilities(report);
}

void report_fini(struct report *report)
{
	for (size_t i = 0; i < report->way_count; i++)
		way_fini(&report->ways[i]);
	free(report->ways);
	for (char **name = report->capabilities; name && *name; name++)
		cap_free(*name);
	free(report->capabilities);
	free(report->functions.at);
	*report = (struct report) { 0 };
}
