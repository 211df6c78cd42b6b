/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe doctor: what works, why not the rest, what to do about it. */
#include <errno.h>
#include <string.h>

#include "hw/hwprobe/verbs.h"

enum { LONG };
static const struct args_option options[] = {
	[LONG] = { "long", 'l', NULL, "each way by itself, and the devices" },
	{ 0 },
};

enum result report_open(const struct settings *settings, bool whole, struct report *report)
{
	int r = report_init(settings, whole, report);

	if (report->opened != RESULT_OK)
		return report->opened;
	if (r < 0)
		say("%s: %s", settings->sysroot ? settings->sysroot : "cannot look at this machine",
		    strerror(-r));
	return r < 0 ? file_result(-r) : RESULT_OK;
}

static enum result doctor(const struct call *call)
{
	const struct settings *settings = &call->settings;
	struct report report;
	bool whole = settings->json || call->given[LONG].count;
	enum result result = report_open(settings, whole, &report);
	int r = 0;

	if (result == RESULT_OK)
		r = settings->json ? report_print_json(&report, settings)
				   : report_print(&report, settings, whole);
	report_fini(&report);
	return r < 0 ? RESULT_FAILURE : result;
}

const struct verb verb_doctor = {
	.area = "doctor",
	.words = "",
	.help = "what works, and what to do about the rest (the default)",
	.options = options,
	.run = doctor,
};
