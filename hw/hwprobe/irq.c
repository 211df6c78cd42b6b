/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe irq wait: holds a device, and counts its interrupts.
 *
 * The document: address mode vector count.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/reach.h"
#include "hw/hwprobe/verbs.h"

enum { YES = WRITE_YES, COUNT_OPTION, TIMEOUT, MODE, BITS, POKE };
enum { COUNT_MAX = 1000000, TIMEOUT_MAX = 86400000 };

static const struct args_option options[] = {
	[YES] = { "yes", 'y', NULL, "without asking: the device is reset and held" },
	[COUNT_OPTION] = { "count", 'c', "COUNT", "until there were so many; 1" },
	[TIMEOUT] = { "timeout", 't', "MS", "give up after so many milliseconds; 10000" },
	[MODE] = { "mode", 'm', "MODE", "intx, msi or msix; the best when not given" },
	[BITS] = { "bits", 'b', "BITS", "address lines the device has; 64" },
	[POKE] = { "write", 0, "BAR+OFFSET=VALUE", "written first, so that it interrupts" },
	{ 0 },
};

static const char *const modes[HWS_IRQ_MODES] = {
	[HWS_IRQ_INTX] = "intx",
	[HWS_IRQ_MSI] = "msi",
	[HWS_IRQ_MSIX] = "msix",
};

/* What was asked for. */
struct wish {
	const char *bdf;
	uint64_t count;
	uint64_t timeout_ms;
	enum hws_irq_mode mode;
	uint64_t bits;
	struct target poked;
	const char *value; /* NULL: nothing is written */
};

static bool take_mode(const char *text, enum hws_irq_mode *ret_mode)
{
	for (unsigned int i = 0; i < HWS_IRQ_MODES; i++)
		if (!strcmp(modes[i], text)) {
			*ret_mode = (enum hws_irq_mode)i;
			return true;
		}
	args_refuse("mode '%s': expected intx, msi or msix", text);
	return false;
}

/* BAR+OFFSET=VALUE of the device itself. */
static bool take_poke(const char *text, struct wish *wish)
{
	char place[SPOT_NAME];
	char *words[] = { place };
	size_t length = strcspn(text, "=");
	struct change change;

	if (!text[length] || length + strlen(wish->bdf) + 2 > sizeof(place)) {
		args_refuse("write '%s': expected BAR+OFFSET=VALUE", text);
		return false;
	}
	wish->value = text + length + 1;
	snprintf(place, sizeof(place), "%s:%.*s", wish->bdf, (int)length, text);
	return reach_mem.parse(&(struct reach) { 0 }, words, &wish->poked) &&
	       (wish->poked.name[0] ||
		reach_change(&(struct spot) { .place.width = wish->poked.where.width,
					      .mask = wish->poked.where.mask,
					      .low = wish->poked.where.low },
			     wish->value, &change));
}

static bool take(const struct call *call, struct wish *wish)
{
	const struct args_given *given = call->given;
	struct hws_bdf bdf;

	*wish = (struct wish) {
		.bdf = call->words[0], .count = 1, .timeout_ms = 10000, .mode = HWS_IRQ_BEST
	};
	if (hws_bdf_parse(wish->bdf, &bdf) < 0) {
		args_refuse("'%s' is no PCI function: expected BDF, as in 00:03.0", wish->bdf);
		return false;
	}
	return (!given[COUNT_OPTION].count ||
		args_number("count", given[COUNT_OPTION].value, COUNT_MAX, &wish->count)) &&
	       (!given[TIMEOUT].count ||
		args_number("timeout", given[TIMEOUT].value, TIMEOUT_MAX, &wish->timeout_ms)) &&
	       (!given[MODE].count || take_mode(given[MODE].value, &wish->mode)) &&
	       (!given[BITS].count || args_number("bits", given[BITS].value, 64, &wish->bits)) &&
	       (!given[POKE].count || take_poke(given[POKE].value, wish));
}

static int wait_for(const struct wish *wish, struct hws_irq *irq, uint64_t *ret_count)
{
	uint64_t deadline = call_deadline(wish->timeout_ms);
	int r = 0;

	while (r == 0 && *ret_count < wish->count) {
		uint64_t rings = 0;

		r = hws_irq_wait(irq, 0, deadline, &rings);
		*ret_count += rings;
		if (r == 0 && *ret_count < wish->count)
			r = hws_irq_unmask(irq);
	}
	return r;
}

static enum result poke(struct reach *reach, const struct wish *wish)
{
	static const struct call plain; /* none of its options are those of a write */
	uint32_t rights = reach_masked(&wish->poked, wish->value) ? HWS_RW : HWS_W;
	enum result result = reach_mem.open(reach, &wish->poked, rights);
	struct change change;

	for (size_t i = 0; i < reach->spots.count && result == RESULT_OK; i++)
		result = reach_change(&reach->spots.at[i], wish->value, &change)
				 ? spot_write(&plain, &change, NULL)
				 : RESULT_USAGE;
	return result;
}

static enum result report(const struct call *call, const struct hws_irq *irq, uint64_t count)
{
	const char *mode = modes[hws_irq_get_mode(irq)];
	struct json_object *o;

	if (!call->settings.json) {
		printf("%s vector 0: %" PRIu64 "\n", mode, count);
		return RESULT_OK;
	}
	o = document(&call->settings);
	put_text(o, "address", call->words[0]);
	put_text(o, "mode", mode);
	put_number(o, "vector", 0);
	put_number(o, "count", count);
	return document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
}

static enum result run(struct reach *reach, struct hws_domain *domain, const struct wish *wish)
{
	enum result result = RESULT_OK;
	struct hws_irq *irq;
	uint64_t count = 0;
	int r = hws_irq_open(domain, wish->mode, 1, &irq);

	if (r < 0)
		return call_fail(wish->bdf, r);
	if (wish->value)
		result = poke(reach, wish);
	if (result == RESULT_OK) {
		r = wait_for(wish, irq, &count);
		result = report(reach->call, irq, count);
	}
	if (r == -ETIME) {
		say("%s: %" PRIu64 " of %" PRIu64 " came in time", wish->bdf, count, wish->count);
		result = RESULT_FAILURE;
	} else if (r < 0) {
		result = call_fail(wish->bdf, r);
	}
	hws_irq_close(irq);
	return result;
}

static enum result hold_and_run(const struct call *call, const struct wish *wish)
{
	struct hws_dma_options how = { .size = sizeof(how), .address_bits = (uint32_t)wish->bits };
	struct reach reach = { .call = call };
	struct hws_domain *domain = NULL;
	enum result result = call_open(call, &reach.hw);
	int r;

	if (result == RESULT_OK) {
		r = hws_dma_open(reach.hw, wish->bdf, &how, &domain);
		result = r < 0 ? call_fail(wish->bdf, r) : run(&reach, domain, wish);
	}
	if (domain) {
		r = hws_dma_close(domain);
		if (result == RESULT_OK && r < 0)
			result = call_fail(wish->bdf, r);
	}
	reach_end(&reach);
	return result;
}

static enum result irq_wait(const struct call *call)
{
	char what[80];
	struct wish wish;
	enum result result;

	if (!take(call, &wish))
		return RESULT_USAGE;
	if (call->settings.sysroot)
		return call_live_only("irq");
	snprintf(what, sizeof(what), "reset and hold %.40s", wish.bdf);
	result = call_confirm(call, what);
	return result == RESULT_OK ? hold_and_run(call, &wish) : result;
}

const struct verb verb_irq_wait = {
	.area = "irq",
	.name = "wait",
	.words = "BDF",
	.help = "hold a device, and wait for its interrupts",
	.options = options,
	.least = 1,
	.most = 1,
	.run = irq_wait,
};
