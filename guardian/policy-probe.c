/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The questions that a rule is about. */
#include "guardian/policy-probe-internal.h"

#include <string.h>

static const struct policy_probe stranger = {
	.uid = HWS_POLICY_ANYBODY,
	.gid = HWS_POLICY_ANYBODY,
	.group = HWS_POLICY_ANYBODY,
	.access = {
		.bdf = { UINT32_MAX, UINT8_MAX, 31, 7 },
		.vendor = HWS_POLICY_ANY,
		.device = HWS_POLICY_ANY,
		.class_code = 0xffffff,
		.cpu = HWS_POLICY_ANY,
		.path = "*",
	},
};

/* The index-th of @count, which is divided off the index; 0 stands for none of them. */
static size_t pick(size_t *index, size_t count)
{
	size_t n = count ? count : 1;
	size_t at = *index % n;

	*index /= n;
	return at;
}

/* The device of the rule; the parts that it doesn't name are all ones. */
static void put_device(const struct policy_device *device, struct hws_access *access)
{
	uint64_t value = device->value | ~policy_shape_mask(device->shape);

	if (device->shape >= SHAPE_BDF) {
		access->bdf = (struct hws_bdf) { (uint32_t)(value >> 16), (uint8_t)(value >> 8),
						 value >> 3 & 31, value & 7 };
	} else if (device->shape >= SHAPE_CLASS) {
		access->class_code = (uint32_t)device->value;
	} else if (device->shape != SHAPE_ANY) {
		access->vendor = (uint16_t)(value >> 16);
		access->device = (uint16_t)value;
	}
}

bool policy_probe_of(const struct hws_policy *policy, const struct policy_rule *rule, size_t index,
		     struct policy_probe *ret_probe)
{
	const struct policy_section *section = &policy->sections[rule->section];
	struct policy_probe probe = stranger;
	size_t user = pick(&index, section->users.count);
	size_t group = pick(&index, section->groups.count);
	size_t exe = pick(&index, section->exe_count);
	size_t cpu = pick(&index, rule->cpus.count);

	probe.access.kind = rule->kind;
	probe.access.bar =
		(uint32_t)(rule->bars.first +
			   pick(&index, (size_t)(rule->bars.last - rule->bars.first + 1)));
	if (section->users.count)
		probe.uid = section->users.at[user];
	if (section->groups.count)
		probe.gid = section->groups.at[group];
	if (section->exe_count)
		probe.exe = section->exes[exe];
	if (rule->cpus.count)
		probe.access.cpu = (uint32_t)rule->cpus.at[cpu].first;
	if (rule->path)
		probe.access.path = rule->path;
	put_device(&rule->device, &probe.access);
	*ret_probe = probe;
	return index == 0;
}

/* Takes @other's name where @name is any; false when they are two. */
#define JOIN(name, other, any) \
	((name) == (any) ? ((name) = (other), true) : (other) == (any) || (name) == (other))

bool policy_probe_join(struct policy_probe *probe, const struct policy_probe *with)
{
	struct hws_access *a = &probe->access;
	const struct hws_access *b = &with->access;

	if (probe->gid == HWS_POLICY_ANYBODY)
		probe->gid = with->gid;
	else if (probe->gid != with->gid)
		probe->group = with->gid;
	if (!JOIN(probe->uid, with->uid, HWS_POLICY_ANYBODY) || a->bar != b->bar ||
	    !JOIN(a->vendor, b->vendor, HWS_POLICY_ANY) ||
	    !JOIN(a->device, b->device, HWS_POLICY_ANY) ||
	    !JOIN(a->class_code, b->class_code, 0xffffffu) || !JOIN(a->cpu, b->cpu, HWS_POLICY_ANY))
		return false;
	if (a->bdf.domain == stranger.access.bdf.domain && a->bdf.bus == stranger.access.bdf.bus)
		a->bdf = b->bdf;
	if (!probe->exe)
		probe->exe = with->exe;
	if (!strcmp(a->path, "*"))
		a->path = b->path;
	return true;
}
