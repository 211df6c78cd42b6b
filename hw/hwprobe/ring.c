/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe ring info, ring test: the ring that a program would get here.
 *
 * The document: backend mode reduced (or null) depth files registered guarded,
 * setup_flags features (hex); of a test also submitted delivered.
 */
#include "hw/hwprobe/document.h"
#include "hw/hwprobe/verbs.h"

enum { BACKEND, TIMES };
enum { BATCH = 32, PATIENCE_MS = 10000 };

static const struct args_option options[] = {
	[BACKEND] = { "backend", 'b', "NAME", "uring, epoll or sync; the best when not given" },
	{ 0 },
};
static const struct args_option test_options[] = {
	[BACKEND] = { "backend", 'b', "NAME", "uring, epoll or sync; the best when not given" },
	[TIMES] = { "count", 'c', "COUNT", "how many operations; 1000" },
	{ 0 },
};

static enum result open_ring(const struct call *call, struct hws **ret_hw,
			     struct hws_ring **ret_ring)
{
	struct hws_ring_options how = { .size = sizeof(how),
					.backend = call->given[BACKEND].value };
	enum result result;
	int r;

	if (call->settings.sysroot)
		return call_live_only("ring");
	result = call_open(call, ret_hw);

	if (result != RESULT_OK)
		return result;
	r = hws_ring_open(*ret_hw, &how, ret_ring);
	return r < 0 ? call_fail("ring", r) : RESULT_OK;
}

static void close_ring(struct hws *hw, struct hws_ring *ring)
{
	hws_ring_close(ring, call_deadline(PATIENCE_MS));
	hws_close(hw);
}

static struct json_object *object_of(const struct call *call, const struct hws_ring_info *info)
{
	struct json_object *o = document(&call->settings);

	put_text(o, "backend", info->backend);
	put_text(o, "mode", info->mode);
	put_text(o, "reduced", info->reduced[0] ? info->reduced : NULL);
	put_number(o, "depth", info->depth);
	put_number(o, "files", info->files);
	put(o, "registered", json_object_new_boolean(info->registered));
	put(o, "guarded", json_object_new_boolean(info->guarded));
	put_hex(o, "setup_flags", 1, info->setup_flags);
	put_hex(o, "features", 1, info->features);
	return o;
}

static void print_info(const struct call *call, const struct hws_ring_info *info)
{
	struct page page;
	char text[32];

	page_init(&page, call->settings.color);
	page_row(&page, "back end", TONE_PLAIN, "", info->backend);
	page_row(&page, "mode", TONE_PLAIN, "", info->mode);
	if (info->reduced[0])
		page_row(&page, "does without", TONE_HALF, "", info->reduced);
	snprintf(text, sizeof(text), "%u", info->depth);
	page_row(&page, "depth", TONE_PLAIN, "", text);
	page_row(&page, "registered", TONE_PLAIN, "", info->registered ? "yes" : "no");
	page_row(&page, "guarded", TONE_PLAIN, "", info->guarded ? "yes" : "no");
}

static enum result ring_info(const struct call *call)
{
	struct hws_ring_info info;
	struct hws_ring *ring = NULL;
	struct hws *hw = NULL;
	enum result result = open_ring(call, &hw, &ring);

	if (result == RESULT_OK) {
		hws_ring_get_info(ring, &info);
		if (!call->settings.json)
			print_info(call, &info);
		else if (document_print(object_of(call, &info)) < 0)
			result = RESULT_FAILURE;
	}
	close_ring(hw, ring);
	return result;
}

/* In batches, so that no depth is too small. */
static int do_nops(struct hws_ring *ring, uint64_t count)
{
	struct hws_done done[BATCH];
	int r = 0;

	while (count && r >= 0) {
		uint32_t batch = count < BATCH ? (uint32_t)count : BATCH;
		uint32_t got = 0;

		for (uint32_t i = 0; i < batch && r >= 0; i++)
			r = hws_nop(ring, i);
		for (; got < batch && r >= 0; got += r > 0 ? (uint32_t)r : 0)
			r = hws_wait(ring, done, BATCH, call_deadline(PATIENCE_MS));
		count -= batch;
	}
	return r < 0 ? r : 0;
}

static enum result report(const struct call *call, struct hws_ring *ring, uint64_t count)
{
	struct hws_ring_stats stats;
	struct hws_ring_info info;
	struct json_object *o;

	hws_ring_get_stats(ring, &stats);
	hws_ring_get_info(ring, &info);
	if (call->settings.json) {
		o = object_of(call, &info);
		put_number(o, "submitted", stats.submitted);
		put_number(o, "delivered", stats.delivered);
		if (document_print(o) < 0)
			return RESULT_FAILURE;
	} else {
		printf("%s: %llu operations, %llu delivered\n", info.backend,
		       (unsigned long long)stats.submitted, (unsigned long long)stats.delivered);
	}
	return stats.delivered == count ? RESULT_OK : RESULT_FAILURE;
}

static enum result ring_test(const struct call *call)
{
	const char *times = call->given[TIMES].value;
	struct hws_ring *ring = NULL;
	struct hws *hw = NULL;
	enum result result;
	uint64_t count = 1000;
	int r;

	if (times && !args_number("count", times, 10000000, &count))
		return RESULT_USAGE;
	result = open_ring(call, &hw, &ring);
	if (result == RESULT_OK) {
		r = do_nops(ring, count);
		result = r < 0 ? call_fail("ring", r) : report(call, ring, count);
	}
	close_ring(hw, ring);
	return result;
}

const struct verb verb_ring_info = {
	.area = "ring",
	.name = "info",
	.words = "",
	.help = "the ring that a program gets here",
	.options = options,
	.run = ring_info,
};

const struct verb verb_ring_test = {
	.area = "ring",
	.name = "test",
	.words = "",
	.help = "operations that do nothing, there and back",
	.options = test_options,
	.run = ring_test,
};
