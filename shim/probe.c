/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of ways, and the walk over it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shim/probe-internal.h"
#include "shim/shim-internal.h"

/* What is left when a way is closed. */
#define REST_PORT   "the other ways to ports; sim"
#define REST_PCI    "the first 64 bytes, which everybody may read"
#define REST_VFIO   "VFIO, where a device is bound to it; sim"
#define REST_DMA    "rings and buffers; a device's DMA in sim"
#define REST_HELPER "what this process may do by itself; sim"
#define REST_NATIVE "the native ways; the helper; sim"
#define REST_SECRET "all access; what this process keeps secret may leak"

static void probe_always(const struct scene *scene, struct finding *f)
{
	(void)scene;
	probe_says(f, HWS_PROBE_WORKS, 0, "a machine described in text, nothing real", "");
}

static void probe_defaults(const struct scene *scene, struct finding *f)
{
	(void)scene;
	probe_says(f, HWS_PROBE_WORKS, 0, "reads give all-ones, writes do nothing", "");
}

static bool arm64_only(const struct scene *scene)
{
	return scene->arm64;
}

static bool but_arm64(const struct scene *scene)
{
	return !scene->arm64;
}

/* The back ends, and how people call going through them. */
#define NATIVE "native", "native"
#define HELPER "hwsafe-helper", "broker", "helper"
#define VFIO   "VFIO device", "native", "vfio"
#define SIM    "simulated machine", "sim", "sim"
#define NOBODY "native", ""

static const struct {
	const char *kind;
	const char *way;
	const char *backend;
	const char *through;
	void (*probe)(const struct scene *scene, struct finding *f);
	const char *rest;
	bool (*applies)(const struct scene *scene); /* NULL: everywhere */
} ways[] = {
	{ "port", "ioperm", NATIVE, probe_ioperm, REST_PORT },
	{ "port", "/dev/port", NATIVE, probe_dev_port, REST_PORT },
	{ "port", "PCI resourceN", NATIVE, probe_io_resource, REST_PORT },
	{ "port", HELPER, probe_helper, REST_HELPER },
	{ "port", SIM, probe_always, "" },
	{ "msr", "/dev/cpu/N/msr", NATIVE, probe_msr, "cpuid; sim" },
	{ "msr", HELPER, probe_helper, REST_HELPER },
	{ "msr", SIM, probe_always, "" },
	{ "pci", "config, 64 bytes", NATIVE, probe_config_head, "sim" },
	{ "pci", "config, full", NATIVE, probe_config_full, REST_PCI },
	{ "pci", "config, write", NATIVE, probe_config_write, "reads; " REST_VFIO },
	{ "pci", HELPER, probe_helper, REST_HELPER },
	{ "pci", VFIO, probe_vfio, REST_NATIVE },
	{ "pci", SIM, probe_always, "" },
	{ "bar", "resourceN mmap", NATIVE, probe_bar, REST_VFIO },
	{ "bar", HELPER, probe_helper, REST_HELPER },
	{ "bar", VFIO, probe_vfio, REST_NATIVE },
	{ "bar", SIM, probe_always, "" },
	{ "irq", HELPER, probe_helper_vfio, REST_HELPER },
	{ "irq", VFIO, probe_vfio, "polling; sim" },
	{ "irq", SIM, probe_always, "" },
	{ "dma", HELPER, probe_helper_vfio, REST_HELPER },
	{ "dma", "VFIO container", "native", "vfio", probe_vfio, REST_DMA },
	{ "dma", SIM, probe_always, "" },
	{ "cpuid", "instruction", NATIVE, probe_cpuid, "/proc/cpuinfo", but_arm64 },
	{ "cpuid", "MIDR in sysfs", NATIVE, probe_midr, "/proc/cpuinfo", arm64_only },
	{ "cpuid", SIM, probe_always, "" },
	{ "kernel", "IOMMU", NOBODY, probe_iommu, "everything but DMA" },
	{ "kernel", "iommufd", NOBODY, probe_iommufd, "the VFIO container, where it works" },
	{ "kernel", "lockdown", NOBODY, probe_lockdown,
	  "MSR reads, config reads; VFIO whole: config, BARs, DMA" },
	{ "kernel", "protection keys", NOBODY, probe_pku,
	  "the same ownership rules, checked in software" },
	{ "kernel", "locked memory", NOBODY, probe_memlock, "less of it" },
	{ "kernel", "store bypass", NOBODY, probe_store_bypass, REST_SECRET },
	{ "kernel", "indirect branches", NOBODY, probe_indirect_branch, REST_SECRET },
	{ "kernel", "L1D flush", NOBODY, probe_l1d_flush, REST_SECRET },
	{ "kernel", "processor flaws", NOBODY, probe_flaws, REST_SECRET },
	{ "generic", "safe defaults", "generic", "", probe_defaults, "" },
};

static const struct hws_probe_backend backends[] = {
	{ "native", "this machine's hardware, by the kernel's own ways" },
	{ "broker", "hwsafe-helper, which does what its policy allows this user" },
	{ "sim", "a simulated machine, for trying things out and for tests" },
	{ "generic", "an unknown architecture: safe defaults everywhere" },
};

static const char *const status_names[] = {
	[HWS_PROBE_NO] = "no",
	[HWS_PROBE_PARTIAL] = "partial",
	[HWS_PROBE_WORKS] = "works",
};

/* This library's native back end may be that of an unknown architecture: then no way is in it. */
static bool built_in(size_t way)
{
	return native_ops.identify || strcmp(ways[way].backend, "native") != 0 ||
	       !strcmp(ways[way].kind, "kernel");
}

static void try_way(const struct scene *scene, size_t way, struct finding *f)
{
	if (scene->captured || built_in(way))
		ways[way].probe(scene, f);
	else
		probe_says(f, HWS_PROBE_NO, -EOPNOTSUPP, "built for an unknown architecture",
			   "build libhwsafe with -Darch=auto");
}

/* In a cloud's service nothing that can be done to the machine opens what is closed. */
static void send_elsewhere(const struct scene *scene, struct finding *f)
{
	struct hws_probe_result *result = &f->result;
	bool access = result->through[0];
	bool closed = f->fix[0] || (access && result->code != -EOPNOTSUPP);

	if (!scene->elsewhere || result->status == HWS_PROBE_WORKS || f->own || !closed)
		return;
	snprintf(f->fix, sizeof(f->fix), "not here: use sim, or %s", scene->elsewhere);
	if (result->status == HWS_PROBE_PARTIAL || !access)
		return;
	snprintf(f->why, sizeof(f->why), "%s gives no program its hardware",
		 scene->machine.container);
	result->rest = "sim";
}

static void report_way(const struct scene *scene, size_t way,
		       void (*each)(const struct hws_probe_result *result, void *context),
		       void *context)
{
	struct finding f = { .result = { .kind = ways[way].kind,
					 .way = ways[way].way,
					 .backend = ways[way].backend,
					 .through = ways[way].through } };

	if (ways[way].applies && !ways[way].applies(scene))
		return;
	try_way(scene, way, &f);
	f.result.rest = f.result.status == HWS_PROBE_WORKS ? "" : ways[way].rest;
	send_elsewhere(scene, &f);
	f.result.why = f.why;
	f.result.fix = f.fix;
	each(&f.result, context);
}

int hws_probe(const struct hws_shim_options *options,
	      void (*each)(const struct hws_probe_result *result, void *context), void *context)
{
	struct finding helper = { 0 };
	struct finding vfio = { 0 };
	struct scene scene;
	int r = scene_open(options, &scene);

	if (r < 0)
		return r;
	probe_greet_helper(&scene, &helper);
	probe_find_vfio(&scene, &vfio);
	scene.helper = &helper;
	scene.vfio = &vfio;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		report_way(&scene, i, each, context);
	sys_close(scene.root);
	return 0;
}

const char *hws_probe_status_name(enum hws_probe_status status)
{
	return (unsigned int)status <= HWS_PROBE_WORKS ? status_names[status] : "?";
}

const struct hws_probe_backend *hws_probe_backend(unsigned int index)
{
	return index < sizeof(backends) / sizeof(backends[0]) ? &backends[index] : NULL;
}
