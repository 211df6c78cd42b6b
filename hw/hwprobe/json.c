/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The document for programs, as docs/schema/doctor.json describes it. Readers ignore keys they
 * don't know; a key that changes its meaning changes schema_version.
 */
#include <errno.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/glance.h"

static struct json_object *machine_of(const struct hws_probe_machine *m)
{
	struct json_object *o = json_object_new_object();

	put_text(o, "arch", m->arch);
	put_text(o, "kernel", m->kernel);
	put_text(o, "cpu_vendor", m->cpu_vendor);
	put_text(o, "cpu_model", m->cpu_model);
	put_number(o, "cpus", m->cpus);
	put_text(o, "lockdown", m->lockdown);
	put_text(o, "container", m->container);
	put_number(o, "pci_functions", m->pci_functions);
	put_number(o, "iommu_groups", m->iommu_groups);
	return o;
}

static struct json_object *process_of(const struct report *report)
{
	struct json_object *o = json_object_new_object();
	struct json_object *capabilities = json_object_new_array();

	put_number(o, "uid", report->machine.uid);
	put_number(o, "seccomp", report->machine.seccomp);
	for (char **name = report->capabilities; *name; name++)
		json_object_array_add(capabilities, json_object_new_string(*name));
	put(o, "capabilities", capabilities);
	return o;
}

static struct json_object *ways_of(const struct report *report)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < report->way_count; i++) {
		const struct hws_probe_result *way = &report->ways[i];
		struct json_object *o = json_object_new_object();

		put_text(o, "kind", way->kind);
		put_text(o, "way", way->way);
		put_text(o, "backend", way->backend);
		put_text(o, "through", *way->through ? way->through : NULL);
		put_text(o, "status", hws_probe_status_name(way->status));
		put_error(o, way->code);
		put_text(o, "why", way->why);
		put_text(o, "fix", way->fix);
		put_text(o, "rest", way->rest);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *uring_of(const struct hws_uring_report *uring)
{
	struct json_object *o = json_object_new_object();
	struct json_object *flags = json_object_new_array();
	const char *name;
	uint32_t flag;

	put_text(o, "status", uring->code < 0 ? "no" : "works");
	put_error(o, uring->code);
	put_text(o, "why", uring->why);
	put_text(o, "fix", uring->fix);
	put_hex(o, "features", 1, uring->features);
	put_number(o, "last_op", uring->last_op);
	for (unsigned int i = 0; (name = hws_uring_setup_flag(i, &flag)); i++)
		if (uring->setup_flags & flag)
			json_object_array_add(flags, json_object_new_string(name));
	put(o, "setup_flags", flags);
	put(o, "disabled", uring->disabled < 0 ? NULL : json_object_new_int(uring->disabled));
	return o;
}

/* Each kind of access, by each way through. */
static struct json_object *access_of(const struct report *report)
{
	static const char *const rights[] = { "none", "read", "write", "read-write" };
	struct json_object *array = json_object_new_array();
	const char *kind;
	const char *name;
	uint32_t has;

	for (unsigned int k = 0; glance_kind(k, &kind, &name); k++) {
		struct json_object *o = json_object_new_object();

		put_text(o, "kind", kind);
		for (int t = 0; t < THROUGHS; t++) {
			struct verdict verdict = glance(report, k, (enum through)t);

			put_text(o, through_name((enum through)t),
				 verdict.possible ? hws_probe_status_name(verdict.status) : NULL);
		}
		put_text(o, "policy", glance_rights(report, k, &has) ? rights[has & HWS_RW] : NULL);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *policy_of(const struct mine *mine)
{
	struct json_object *o = json_object_new_object();

	put_error(o, mine->code);
	put_text(o, "why", mine->why);
	put(o, "helper", json_object_new_boolean(mine->helper));
	put(o, "builtin", json_object_new_boolean(mine->builtin));
	put_number(o, "rules", mine->rules);
	return o;
}

static struct json_object *pci_of(const struct functions *functions)
{
	struct json_object *o = json_object_new_object();
	struct json_object *array = json_object_new_array();
	char bdf[HWS_BDF_TEXT];

	for (size_t i = 0; i < functions->count; i++) {
		const struct function *f = &functions->at[i];
		struct json_object *one = json_object_new_object();

		put_text(one, "address", hws_bdf_format(f->bdf, bdf));
		put_hex(one, "vendor", 4, f->vendor);
		put_hex(one, "device", 4, f->device);
		put_hex(one, "class", 4, f->class_code);
		put_text(one, "class_name", f->class_name);
		put_text(one, "name", f->name);
		json_object_array_add(array, one);
	}
	put(o, "functions", array);
	put_text(o, "error", functions->why[0] ? functions->why : NULL);
	return o;
}

int report_print_json(const struct report *report, const struct settings *settings)
{
	struct json_object *o = document(settings);

	put(o, "machine", machine_of(&report->machine));
	put(o, "process", process_of(report));
	put(o, "policy", policy_of(&report->policy));
	put(o, "access", access_of(report));
	put(o, "ways", ways_of(report));
	put(o, "io_uring", report->captured || report->simulated ? NULL : uring_of(&report->uring));
	put(o, "backends", backends_of(report));
	put(o, "pci", pci_of(&report->functions));
	return document_print(o);
}
