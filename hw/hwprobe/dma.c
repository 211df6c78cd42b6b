/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe dma test: a buffer given to a device, and taken back.
 *
 * The document: address way page (bytes) iova (hex) gives can_reset.
 */
#include <inttypes.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/verbs.h"

enum { YES = WRITE_YES, TEST_SIZE, TEST_BITS };

static const struct args_option options[] = {
	[YES] = { "yes", 'y', NULL, "without asking: the device is reset and held" },
	[TEST_SIZE] = { "size", 's', "BYTES", "of the buffer; 4096" },
	[TEST_BITS] = { "bits", 'b', "BITS", "address lines the device has; 64" },
	{ 0 },
};

/* The device has it, and hasn't it any more. */
static int round_trip(struct hws_domain *domain, uint64_t size, uint64_t *ret_iova)
{
	struct hws_pool *pool = hws_dma_pool(domain);
	struct hws_buf buf;
	int given;
	int r = hws_buf_take(pool, (size_t)size, &buf);

	if (r < 0)
		return r;
	r = hws_dma_give(domain, buf, HWS_BOTH_WAYS, ret_iova);
	if (r == 0)
		r = hws_dma_take(domain, buf);
	given = hws_buf_give(pool, buf);
	return r < 0 ? r : given;
}

static enum result report(const struct call *call, const struct hws_domain *domain, uint64_t iova)
{
	struct hws_dma_info info = { .size = sizeof(info) };
	struct json_object *o;
	int r = hws_dma_get_info(domain, &info);

	if (r < 0)
		return call_fail(call->words[0], r);
	if (!call->settings.json) {
		printf("%s: given at 0x%" PRIx64 " and taken back\n", info.way, iova);
		return RESULT_OK;
	}
	o = document(&call->settings);
	put_text(o, "address", call->words[0]);
	put_text(o, "way", info.way);
	put_number(o, "page", info.page);
	put_hex(o, "iova", 1, iova);
	put_number(o, "gives", info.gives);
	put(o, "can_reset", json_object_new_boolean(info.can_reset != 0));
	return document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
}

static enum result run(const struct call *call, struct hws *hw, uint64_t size, uint64_t bits)
{
	struct hws_dma_options how = { .size = sizeof(how), .address_bits = (uint32_t)bits };
	struct hws_domain *domain;
	enum result result;
	uint64_t iova;
	int r = hws_dma_open(hw, call->words[0], &how, &domain);

	if (r < 0)
		return call_fail(call->words[0], r);
	r = round_trip(domain, size, &iova);
	result = r < 0 ? call_fail(call->words[0], r) : report(call, domain, iova);
	r = hws_dma_close(domain);
	return result == RESULT_OK && r < 0 ? call_fail(call->words[0], r) : result;
}

static enum result dma_test(const struct call *call)
{
	const char *size_text = call->given[TEST_SIZE].value;
	const char *bits_text = call->given[TEST_BITS].value;
	const char *word = call->words[0];
	char what[80];
	struct hws_bdf bdf;
	struct hws *hw = NULL;
	uint64_t size = 4096;
	uint64_t bits = 0;
	enum result result;

	if (hws_bdf_parse(word, &bdf) < 0)
		return args_refuse("'%s' is no PCI function: expected BDF, as in 00:03.0", word);
	if ((size_text && !args_number("size", size_text, 1 << 20, &size)) ||
	    (bits_text && !args_number("bits", bits_text, 64, &bits)))
		return RESULT_USAGE;
	if (call->settings.sysroot)
		return call_live_only("dma");
	snprintf(what, sizeof(what), "reset and hold %s", word);
	result = call_confirm(call, what);
	if (result == RESULT_OK)
		result = call_open(call, &hw);
	if (result == RESULT_OK)
		result = run(call, hw, size, bits);
	hws_close(hw);
	return result;
}

const struct verb verb_dma_test = {
	.area = "dma",
	.name = "test",
	.words = "BDF",
	.help = "give a buffer to a device, and take it back",
	.options = options,
	.least = 1,
	.most = 1,
	.run = dma_test,
};
