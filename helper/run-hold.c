/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions held whole, by VFIO: opened here, with an IOMMU domain of their own in which nothing is
 * mapped. The program maps its own memory; the kernel counts that against RLIMIT_MEMLOCK, which
 * becomes what the rules allow.
 */
#include <errno.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "helper/group.h"
#include "helper/run.h"

static bool is_vfio(const char *driver)
{
	return !strncmp(driver, "vfio", 4); /* vfio-pci and its variants for some devices */
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
	return b && a <= UINT64_MAX - b ? a + b : UINT64_MAX; /* 0: any */
}

static enum result keep(struct run *run, const struct hws_hold *hold, uint64_t bytes)
{
	struct hws_shim *shim = &run->machine->shim;
	struct hws_grants_hold *grant = &run->holds[run->grants.holds];

	*grant = (struct hws_grants_hold) { .domain = hold->bdf.domain,
					    .bus = hold->bdf.bus,
					    .device = hold->bdf.device,
					    .function = hold->bdf.function,
					    .index = (uint8_t)run->grants.holds };
	if (shim_ops(shim)->hold_fds(shim->self, hold, grant->fds) < 0)
		return run_refuse(RESULT_SYSTEM, "run: %s", hws_why());
	run->grants.holds++;
	run->dma_bytes = add_up(run->dma_bytes, bytes);
	return RESULT_OK;
}

/* With the rest of its group; who is no driver's is for the program to complain about. */
static enum result hold(struct run *run, struct hws_bdf bdf)
{
	struct hws_shim *shim = &run->machine->shim;
	struct hws_decision decision;
	struct hws_access access;
	struct hws_hold held;
	char text[HWS_BDF_TEXT];
	int r = group_check(shim, run->view, bdf, &access, &decision);

	hws_bdf_format(bdf, text);
	if (r < 0)
		return run_refuse(r == -EACCES ? RESULT_DENIED : RESULT_SYSTEM,
				  "run: %s can't be granted: %s", text, hws_why());
	if (run->grants.holds == HWS_GRANTS_HOLDS)
		return run_refuse(RESULT_FAILURE,
				  "run: the profile has more than %d functions for "
				  "DMA: %s is one too many",
				  HWS_GRANTS_HOLDS, text);
	r = shim_ops(shim)->hold_open(shim->self, bdf, &held);
	if (r < 0)
		return run_refuse(run_result(r), "run: %s can't be granted: %s", text, hws_why());
	run_say(run, "%s: granted whole, for DMA", text);
	return keep(run, &held, decision.max);
}

static enum result consider(struct run *run, struct hws_bdf bdf)
{
	struct hws_shim *shim = &run->machine->shim;
	struct hws_pci_info info = { .size = sizeof(info) };
	char text[HWS_BDF_TEXT];
	struct hws_access access = { .kind = HWS_KIND_DMA, .rights = HWS_RW, .bdf = bdf };

	if (shim_ops(shim)->pci_info(shim->self, bdf, &info) < 0)
		return RESULT_OK; /* it was unplugged meanwhile */
	access.vendor = info.vendor;
	access.device = info.device;
	access.class_code = info.class_code;
	if (GROUP_IS_BRIDGE(info.class_code) || !run_allows(run, &access))
		return RESULT_OK;
	if (is_vfio(info.driver))
		return hold(run, bdf);
	run_say(run, "%s: not granted for DMA: its driver is %s, not vfio-pci",
		hws_bdf_format(bdf, text), info.driver[0] ? info.driver : "none");
	return RESULT_OK;
}

enum result run_open_holds(struct run *run)
{
	const struct hws_bdf *after = NULL;
	enum result result = RESULT_OK;
	struct hws_policy_rule rule;
	struct hws_shim *shim;
	struct hws_bdf bdf;
	uint32_t index = 0;

	if (!run_next_rule(run, HWS_KIND_DMA, &index, &rule))
		return RESULT_OK;
	if (run_open_machine(run) < 0)
		return run_refuse(RESULT_SYSTEM, "run: %s", hws_why());
	shim = &run->machine->shim;
	while (result == RESULT_OK && shim_ops(shim)->pci_next(shim->self, after, &bdf) == 0) {
		after = &bdf;
		result = consider(run, bdf);
	}
	return result;
}
