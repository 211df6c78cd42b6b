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
static void keep(const struct hws_probe_result *result, void *context)
{
	struct gathering *gathering = context;
	struct report *report = gathering->report;
	struct hws_probe_result *ways =
		realloc(report->ways, (report->way_count + 1) * sizeof(*ways));
	struct hws_probe_result *own;

	if (!ways) {
		gathering->error = -ENOMEM;
		return;
	}
	report->ways = ways;
	own = &ways[report->way_count++];
	*own = *result;
	own->kind = strdup(result->kind);
	own->way = strdup(result->way);
	own->backend = strdup(result->backend);
	own->why = strdup(result->why);
	own->fix = strdup(result->fix);
	own->rest = strdup(result->rest);
	if (!own->kind || !own->way || !own->backend || !own->why || !own->fix || !own->rest)
		gathering->error = -ENOMEM;
}

static void way_fini(struct hws_probe_result *own)
{
	free((char *)(uintptr_t)own->kind);
	free((char *)(uintptr_t)own->way);
	free((char *)(uintptr_t)own->backend);
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

int report_init(const struct settings *settings, struct report *report)
{
	struct hws_shim_options options = { .size = sizeof(options), .sysroot = settings->sysroot };
	struct gathering gathering = { .report = report };
	int r;

	*report = (struct report) { .captured = settings->sysroot != NULL };
	r = hws_probe_machine(&options, &report->machine);
	if (r == 0)
		r = hws_probe(&options, keep, &gathering);
	if (r == 0)
		r = gathering.error;
	if (r == 0 && !report->captured)
		r = hws_uring_probe(&report->uring);
	if (r == 0)
		r = read_capabilities(report);
	if (r == 0 && report->machine.pci_functions)
		functions_read(settings->sysroot, &report->functions);
	return r;
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

bool backend_state(const struct report *report, unsigned int index, struct backend_state *ret_state)
{
	struct backend_state state = { .backend = hws_probe_backend(index) };

	if (!state.backend)
		return false;
	for (size_t i = 0; i < report->way_count; i++) {
		const struct hws_probe_result *way = &report->ways[i];

		if (strcmp(way->backend, state.backend->name) != 0 || !strcmp(way->kind, "kernel"))
			continue;
		state.ways++;
		state.works += way->status == HWS_PROBE_WORKS;
		state.partial += way->status == HWS_PROBE_PARTIAL;
	}
	if (state.works == state.ways)
		state.status = HWS_PROBE_WORKS;
	else if (state.works + state.partial)
		state.status = HWS_PROBE_PARTIAL;
	*ret_state = state;
	return true;
}
