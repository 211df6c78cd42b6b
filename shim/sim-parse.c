/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a machine of a description, by the tables of sim-describe.c. */
#include <errno.h>

#include "shim/sim-parse-internal.h"
#include "shim/sim.h"
#include "shim/sys-internal.h"

static const struct text_statement *const statements[] = {
	&sim_says_cpu,	  &sim_says_cpuid, &sim_says_clock, &sim_says_msr,
	&sim_says_ports,  &sim_says_pci,   &sim_says_cap,   &sim_says_bytes,
	&sim_says_config, &sim_says_bar,   &sim_says_reg,
};

int sim_parse(const char *text, const char *name, text_report_fn *report, void *context,
	      struct sim **ret_sim)
{
	__attribute__((cleanup(sim_free_p))) struct sim *sim = NULL;
	struct sim_parser parser = { .text = { .name = name,
					       .statements = statements,
					       .statement_count = TEXT_COUNT(statements),
					       .report = report,
					       .context = context } };
	int r = sim_new(&sim);

	if (r < 0)
		return r;
	parser.sim = sim;
	r = text_parse(&parser.text, text);
	if (r == 0)
		*ret_sim = HWS_TAKE_PTR(sim);
	return r;
}

int hws_sim_check(const char *text, const char *name,
		  void (*report)(const char *message, void *context), void *context)
{
	struct sim *sim = NULL;
	int r;

	if (!text)
		return -EINVAL;
	r = sim_parse(text, name ? name : "sim", report, context, &sim);
	sim_free(sim);
	return r;
}

const char *hws_sim_default(void)
{
	return sim_default_text;
}
