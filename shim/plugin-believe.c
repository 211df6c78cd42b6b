/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A back end's answers: what can't be so is a lie, and the plug-in goes into quarantine. */
#include <errno.h>
#include <string.h>

#include "shim/plugin-backend-internal.h"
#include "shim/shim-internal.h"

enum { ERRNO_MOST = 4095, VECTORS_MOST = 2048 };

int believe_status(const struct plugin_backend *backend, const char *entry, int status)
{
	if (status <= 0 && status >= -ERRNO_MOST)
		return 0;
	return plugin_quarantine(backend->plugin, "%s gave %d, which is neither 0 nor an errno",
				 entry, status);
}

int believe_value(const struct plugin_backend *backend, const char *entry, uint64_t value,
		  uint32_t width)
{
	if (value <= shim_ones(width))
		return 0;
	return plugin_quarantine(backend->plugin, "%s gave 0x%llx, which has more than %u bytes",
				 entry, (unsigned long long)value, width);
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

int believe_cpu(const struct plugin_backend *backend, const struct hws_cpu *cpu)
{
	if ((unsigned int)cpu->arch <= HWS_ARCH_AARCH64 && ends(cpu->vendor, sizeof(cpu->vendor)) &&
	    ends(cpu->model, sizeof(cpu->model)))
		return 0;
	return plugin_quarantine(backend->plugin, "identify gave a processor that can't be");
}

/* Plain loads will go there: never into the first page, never around the end. */
static bool direct_ok(const struct hws_window *window)
{
	const uint64_t address = (uintptr_t)window->direct;

	return !address || (address >= 4096 && address % sizeof(uint64_t) == 0 &&
			    hws_range_ok(address, window->size, UINTPTR_MAX));
}

int believe_window(const struct plugin_backend *backend, const char *entry, uint64_t first,
		   uint64_t size, struct hws_window *window)
{
	if (window->first != first || !window->size || (size && window->size != size) ||
	    !hws_range_ok(first, window->size, INT64_MAX))
		return plugin_quarantine(
			backend->plugin,
			"%s gave a window of 0x%llx at 0x%llx, asked for 0x%llx at 0x%llx", entry,
			(unsigned long long)window->size, (unsigned long long)window->first,
			(unsigned long long)size, (unsigned long long)first);
	if (!direct_ok(window))
		return plugin_quarantine(backend->plugin, "%s gave a window at %p", entry,
					 window->direct);
	window->way = backend->name;
	return 0;
}

static uint64_t order(struct hws_bdf bdf)
{
	return (uint64_t)bdf.domain << 32 | (uint64_t)bdf.bus << 16 | (uint64_t)bdf.device << 8 |
	       bdf.function;
}

int believe_next(const struct plugin_backend *backend, const struct hws_bdf *after,
		 const struct hws_bdf *next)
{
	if (next->device >= 32 || next->function >= 8)
		return plugin_quarantine(backend->plugin, "pci_next gave %u.%u, which is no device",
					 next->device, next->function);
	if (after && order(*next) <= order(*after))
		return plugin_quarantine(backend->plugin, "pci_next doesn't go on: it would never "
							  "come to an end");
	return 0;
}

static bool spans_ok(const struct hws_hold *hold)
{
	if (hold->span_count > HWS_HOLD_SPANS)
		return false;
	for (uint32_t i = 0; i < hold->span_count; i++)
		if (hold->spans[i].first > hold->spans[i].last)
			return false;
	return true;
}

static bool irqs_ok(const struct hws_hold *hold)
{
	for (int i = 0; i < HWS_IRQ_MODES; i++)
		if (hold->irqs[i] > VECTORS_MOST)
			return false;
	return true;
}

int believe_hold(const struct plugin_backend *backend, struct hws_bdf bdf, struct hws_hold *hold)
{
	if (order(hold->bdf) != order(bdf) || !hold->page || hold->page & (hold->page - 1) ||
	    !spans_ok(hold) || !irqs_ok(hold))
		return plugin_quarantine(backend->plugin, "hold_open gave a hold that can't be");
	hold->way = backend->name;
	return 0;
}

int believe_info(const struct plugin_backend *backend, const struct hws_pci_info *info)
{
	if (ends(info->driver, sizeof(info->driver)) && ends(info->power, sizeof(info->power)))
		return 0;
	return plugin_quarantine(backend->plugin, "pci_info gave a name that doesn't end");
}
