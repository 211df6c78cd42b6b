/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe sim: descriptions of simulated machines, checked and shown. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/verbs.h"

static void report_error(const char *message, void *context)
{
	(void)context;
	fprintf(stderr, "%s\n", message);
}

static enum result check(const struct call *call)
{
	const char *name = call->words[0];
	enum result result = RESULT_FAILURE;
	char *text = read_text(name, &result);
	int errors;

	if (!text)
		return result;
	errors = hws_sim_check(text, strcmp(name, "-") ? name : "standard input", report_error,
			       NULL);
	free(text);
	if (errors < 0)
		say("%s: %s", name, strerror(-errors));
	return errors ? RESULT_FAILURE : RESULT_OK;
}

static enum result show(const struct call *call)
{
	(void)call;
	fputs(hws_sim_default(), stdout);
	return RESULT_OK;
}

const struct verb verb_sim_check = {
	"sim", "check", "FILE", "check a machine's description; each error by its line",
	NULL,  1,	1,	check
};
const struct verb verb_sim_show = { "sim", "show", "", "the description of the built-in machine",
				    NULL,  0,	   0,  show };
