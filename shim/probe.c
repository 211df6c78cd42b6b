/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of ways, and the walk over it. */
#include <errno.h>
#include <string.h>

#include "shim/probe-internal.h"
#include "shim/shim-internal.h"

/* What is left when a way is closed. */
#define REST_PORT "the other ways to ports; sim"
#define REST_PCI  "the first 64 bytes, which everybody may read"
#define REST_VFIO "VFIO, where a device is bound to it; sim"
#define REST_DMA  "rings and buffers; a device's DMA in sim"

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

static const struct {
	const char *kind;
	const char *way;
	const char *backend;
	void (*probe)(const struct scene *scene, struct finding *f);
	const char *rest;
	bool (*applies)(const struct scene *scene); /* NULL: everywhere */
} ways[] = {
	{ "port", "ioperm", "native", probe_ioperm, REST_PORT },
	{ "port", "/dev/port", "native", probe_dev_port, REST_PORT },
	{ "port", "PCI resourceN", "native", probe_io_resource, REST_PORT },
	{ "msr", "/dev/cpu/N/msr", "native", probe_msr, "cpuid; sim" },
	{ "pci", "config, 64 bytes", "native", probe_config_head, "sim" },
	{ "pci", "config, full", "native", probe_config_full, REST_PCI },
	{ "pci", "config, write", "native", probe_config_write, "reads; " REST_VFIO },
	{ "bar", "resourceN mmap", "native", probe_bar, REST_VFIO },
	{ "cpuid", "instruction", "native", probe_cpuid, "/proc/cpuinfo", but_arm64 },
	{ "cpuid", "MIDR in sysfs", "native", probe_midr, "/proc/cpuinfo", arm64_only },
	{ "dma", "VFIO container", "native", probe_vfio, REST_DMA },
	{ "dma", "iommufd", "native", probe_iommufd, "the VFIO container, where it works" },
	{ "kernel", "IOMMU", "native", probe_iommu, "everything but DMA" },
	{ "kernel", "lockdown", "native", probe_lockdown,
	  "MSR reads, config reads; VFIO whole: config, BARs, DMA" },
	{ "kernel", "protection keys", "native", probe_pku,
	  "the same ownership rules, checked in software" },
	{ "sim", "simulated machine", "sim", probe_always, "" },
	{ "generic", "safe defaults", "generic", probe_defaults, "" },
};

static const struct hws_probe_backend backends[] = {
	{ "native", "this machine's hardware, by the kernel's own ways" },
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

int hws_probe(const struct hws_shim_options *options,
	      void (*each)(const struct hws_probe_result *result, void *context), void *context)
{
	struct scene scene;
	int r = scene_open(options, &scene);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct finding f = { .result = { .kind = ways[i].kind,
						 .way = ways[i].way,
						 .backend = ways[i].backend } };

		if (ways[i].applies && !ways[i].applies(&scene))
			continue;
		try_way(&scene, i, &f);
		f.result.why = f.why;
		f.result.fix = f.fix;
		f.result.rest = f.result.status == HWS_PROBE_WORKS ? "" : ways[i].rest;
		each(&f.result, context);
	}
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
