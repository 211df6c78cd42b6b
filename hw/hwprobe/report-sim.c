/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report of a simulated machine: asked of it as a program would. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/names.h"

/* Text that the processor keeps in registers (Intel SDM vol. 2, CPUID). */
static void read_text_of(struct hws_cpuid *cpuid, uint32_t leaf, const int *order, size_t count,
			 char *to)
{
	uint32_t regs[4];

	if (hws_cpuid_read(cpuid, leaf, 0, regs) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		memcpy(to + 4 * i, &regs[order[i]], 4);
}

static void read_processor(struct hws *hw, struct hws_probe_machine *m)
{
	static const int vendor[] = { 1, 3, 2 };
	static const int model[] = { 0, 1, 2, 3 };
	struct hws_topology topology;
	struct hws_cpuid *cpuid;

	if (hws_get_topology(hw, &topology) == 0)
		m->cpus = topology.threads;
	if (hws_cpuid_open(hw, 0, UINT32_MAX, &cpuid) < 0)
		return;
	read_text_of(cpuid, 0, vendor, 3, m->cpu_vendor);
	for (uint32_t i = 0; i < 3; i++)
		read_text_of(cpuid, 0x80000002 + i, model, 4, m->cpu_model + 16 * (size_t)i);
	hws_cpuid_close(cpuid);
}

static int add_function(struct hws *hw, struct hws_bdf bdf, struct names *names,
			struct functions *functions)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	char address[HWS_BDF_TEXT];
	char text[NAME_TEXT];
	struct function *more = reallocarray(functions->at, functions->count + 1, sizeof(*more));
	struct function *f;
	int r = more ? hws_pci_get_info(hw, hws_bdf_format(bdf, address), &info) : -ENOMEM;

	if (more)
		functions->at = more;
	if (r < 0)
		return r;
	f = &more[functions->count++];
	*f = (struct function) { .bdf = bdf,
				 .vendor = info.vendor,
				 .device = info.device,
				 .class_code = (uint16_t)(info.class_code >> 8) };
	if (names) {
		snprintf(f->class_name, sizeof(f->class_name), "%s",
			 name_of(names, NAME_CLASS, &info, text));
		snprintf(f->name, sizeof(f->name), "%s", name_of(names, NAME_BOTH, &info, text));
	}
	return 0;
}

static int read_functions(struct hws *hw, bool whole, struct report *report)
{
	struct names *names = whole ? names_open(NAMING_NAMES, NULL) : NULL;
	struct hws_bdf bdf;
	int r = hws_pci_next(hw, NULL, &bdf);

	while (r == 0) {
		r = add_function(hw, bdf, names, &report->functions);
		r = r < 0 ? r : hws_pci_next(hw, &bdf, &bdf);
	}
	names_close(names);
	report->machine.pci_functions = (uint32_t)report->functions.count;
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

struct gathering {
	struct report *report;
	int error;
};

static void keep_simulated(const struct hws_probe_result *result, void *context)
{
	struct gathering *gathering = context;

	if (gathering->error == 0 && !strcmp(result->through, "sim"))
		gathering->error = report_add(gathering->report, result);
}

int report_simulate(const struct settings *settings, bool whole, struct report *report)
{
	struct hws_probe_machine *m = &report->machine;
	struct call call = { .settings = *settings };
	struct gathering gathering = { .report = report };
	struct hws *hw;
	int r;

	report->opened = call_open(&call, &hw);
	if (report->opened != RESULT_OK)
		return -ECANCELED;
	snprintf(m->arch, sizeof(m->arch), "simulated");
	m->uid = geteuid();
	read_processor(hw, m);
	r = read_functions(hw, whole, report);
	r = r < 0 ? r : hws_probe(NULL, keep_simulated, &gathering);
	hws_close(hw);
	return r < 0 ? r : gathering.error;
}
