/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that show the report. */
#include <errno.h>
#include <string.h>

#include "hw/hwprobe/verbs.h"

typedef int print_fn(const struct report *report, const struct settings *settings);

static enum result show(const struct call *call, print_fn *text, print_fn *json)
{
	const struct settings *settings = &call->settings;
	struct report report;
	int r = report_init(settings, &report);

	if (r < 0)
		fprintf(stderr, "hwprobe: %s: %s\n",
			settings->sysroot ? settings->sysroot : "cannot look at this machine",
			strerror(-r));
	else
		r = (settings->json ? json : text)(&report, settings);
	report_fini(&report);
	if (r == -ENOENT || r == -ENOTDIR)
		return RESULT_NOT_FOUND;
	return r < 0 ? RESULT_FAILURE : RESULT_OK;
}

static enum result doctor(const struct call *call)
{
	return show(call, report_print, report_print_json);
}

static enum result backends(const struct call *call)
{
	return show(call, backends_print, backends_print_json);
}

const struct verb verb_doctor = {
	.area = "doctor",
	.words = "",
	.help = "what works, and what to do about the rest (the default)",
	.run = doctor,
};

const struct verb verb_backends = {
	.area = "backends",
	.words = "",
	.help = "the back ends, and why each is usable or not",
	.run = backends,
};
