/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Buffers: every call with any handle, answered as a plain model of the pool says. The model knows
 * of each place which handle is good, whose it is, and how often it is viewed.
 */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "uring/pool-internal.h"

enum { SMALL = 3, LARGE = 2, PLACES = SMALL + LARGE, HANDLES = 16, CALLS = 128, OPS = 4 };

/* A place of the pool, as the model has it. */
struct place {
	uint32_t name;
	uint32_t generation; /* 0: it was never taken */
	enum hws_owner owner;
	uint32_t by;
	uint32_t views;
	bool kept;   /* a device has it mapped still */
	bool parked; /* and it was given back: nobody gets it */
};

struct model {
	struct hws_pool *pool;
	enum hws_pool_guard guard;
	struct place places[PLACES];
	struct hws_buf handles[HANDLES]; /* that were good once */
	uint32_t next;
};

static struct model models[] = {
	{ .guard = HWS_POOL_GUARD_NONE },
	{ .guard = HWS_POOL_GUARD_PAGES },
};

static uint64_t size_of(const struct model *model, const struct place *place)
{
	return place - model->places < SMALL ? 4096 : 8192;
}

static void open_pool(struct model *model)
{
	struct hws_pool_options options = { .size = sizeof(options),
					    .classes = { { 4096, SMALL }, { 8192, LARGE } },
					    .guard = model->guard };

	fuzz_must(hws_pool_open(NULL, &options, &model->pool) == 0);
	for (uint32_t i = 0; i < PLACES; i++)
		model->places[i].name = i;
}

/* The place that the handle is good for; NULL: it is stale, or never was one. */
static struct place *good(struct model *model, struct hws_buf buf)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *place = &model->places[i];

		if (place->name == buf.slot && place->generation == buf.generation &&
		    place->owner != HWS_OWNER_FREE)
			return place;
	}
	return NULL;
}

/* Mostly one that was good once; now and then a number away from it, or anything. */
static struct hws_buf some_handle(const struct model *model, struct fuzz *input)
{
	uint64_t how = fuzz_number(input, 1);
	struct hws_buf buf = model->handles[how % HANDLES];

	if (how >> 4 == 15)
		buf.slot ^= (uint32_t)fuzz_odd_number(input);
	if (how >> 4 == 14)
		buf.generation += (uint32_t)fuzz_number(input, 1) - 128;
	return buf;
}

static bool is_free(const struct place *place)
{
	return place->owner == HWS_OWNER_FREE && !place->parked;
}

static void took(struct model *model, uint64_t size, struct hws_buf buf)
{
	struct place *place = NULL;

	for (int i = 0; i < PLACES; i++)
		if (model->places[i].name == buf.slot)
			place = &model->places[i];
	fuzz_must(place && is_free(place) && size_of(model, place) >= size);
	fuzz_must(size > 4096 || size_of(model, place) == 4096);
	fuzz_must(buf.generation == (place->generation ? place->generation : 1));
	place->generation = buf.generation;
	place->owner = HWS_OWNER_USER;
	model->handles[model->next++ % HANDLES] = buf;
}

static void call_take(struct model *model, struct fuzz *input)
{
	size_t size = (size_t)(fuzz_odd_number(input) % 10000);
	int first = size > 4096 ? SMALL : 0;
	int end = size > 4096 ? PLACES : SMALL;
	bool there = false;
	struct hws_buf buf;
	int r = hws_buf_take(model->pool, size, &buf);

	for (int i = first; i < end; i++)
		there |= is_free(&model->places[i]);
	fuzz_must(r == (size > 8192 ? -EINVAL : there ? 0 : -ENOBUFS));
	if (r == 0)
		took(model, size, buf);
}

/* With its last generation a place gets another name. */
static void gave(struct model *model, struct place *place)
{
	place->owner = HWS_OWNER_FREE;
	place->parked = place->kept;
	if (place->generation++ == UINT32_MAX) {
		place->name += ((const struct pool_head *)model->pool)->mask + 1;
		place->generation = 1;
	}
}

/* What anything but the owner's own call is told. */
static int refused(const struct place *place)
{
	return place ? -EBUSY : -ESTALE;
}

static bool is_idle(const struct place *place)
{
	return place && place->owner == HWS_OWNER_USER && !place->views;
}

static void call_give(struct model *model, struct fuzz *input)
{
	struct hws_buf buf = some_handle(model, input);
	struct place *place = good(model, buf);
	int r = hws_buf_give(model->pool, buf);

	fuzz_must(r == (is_idle(place) ? 0 : refused(place)));
	if (r == 0)
		gave(model, place);
}

/* Its bytes can be touched as far as was said, and hold what its last user left there. */
static void touch(volatile uint8_t *bytes, size_t size, bool write)
{
	if (write)
		bytes[0] = bytes[size - 1] = (uint8_t)size;
	else
		(void)(bytes[0] + bytes[size - 1]);
}

static void call_view(struct model *model, struct fuzz *input)
{
	struct hws_buf buf = some_handle(model, input);
	uint32_t rights = (uint32_t)fuzz_number(input, 1) % 6;
	struct place *place = good(model, buf);
	bool mine = place && place->owner == HWS_OWNER_USER && place->views < BUF_VIEWS;
	size_t size = 0;
	void *bytes;
	int r = hws_buf_view(model->pool, buf, (enum hws_rights)rights, &bytes, &size);

	fuzz_must(r == (rights < HWS_R || rights > HWS_RW ? -EINVAL : mine ? 0 : refused(place)));
	if (r < 0)
		return;
	fuzz_must(size == size_of(model, place));
	touch(bytes, size, rights & HWS_W);
	place->views++;
}

static void call_unview(struct model *model, struct fuzz *input)
{
	struct hws_buf buf = some_handle(model, input);
	struct place *place = good(model, buf);
	bool user = place && place->owner == HWS_OWNER_USER;
	int r = hws_buf_unview(model->pool, buf);

	fuzz_must(r == (!user ? refused(place) : place->views ? 0 : -EINVAL));
	if (r == 0)
		place->views--;
}

static uint32_t some_number(struct fuzz *input)
{
	uint64_t how = fuzz_number(input, 1);

	return how < 250 ? (uint32_t)how % OPS : BUF_BY_MAX - 1 + (uint32_t)how % 3;
}

static void lend(struct model *model, struct fuzz *input, enum hws_owner to)
{
	struct hws_buf buf = some_handle(model, input);
	uint32_t by = some_number(input);
	struct place *place = good(model, buf);
	struct buf_memory memory;
	int r = to == HWS_OWNER_KERNEL ? buf_to_kernel(model->pool, buf, by, &memory)
				       : buf_to_device(model->pool, buf, by, &memory);

	fuzz_must(r == (by > BUF_BY_MAX ? -EINVAL : is_idle(place) ? 0 : refused(place)));
	if (r < 0)
		return;
	fuzz_must(memory.address && memory.size == size_of(model, place));
	place->owner = to;
	place->by = by;
}

static void call_to_kernel(struct model *model, struct fuzz *input)
{
	lend(model, input, HWS_OWNER_KERNEL);
}

static void call_to_device(struct model *model, struct fuzz *input)
{
	lend(model, input, HWS_OWNER_DEVICE);
}

/* The ways back: from which owners, to which, and by what call. */
static const struct back {
	uint32_t from; /* a bit for each owner */
	enum hws_owner to;
	int (*call)(struct hws_pool *, struct hws_buf, uint32_t);
} backs[] = {
	{ 1 << HWS_OWNER_KERNEL | 1 << HWS_OWNER_RETURNING, HWS_OWNER_USER, buf_to_user },
	{ 1 << HWS_OWNER_KERNEL | 1 << HWS_OWNER_RETURNING, HWS_OWNER_FREE, buf_reclaim },
	{ 1 << HWS_OWNER_KERNEL, HWS_OWNER_RETURNING, buf_returning },
	{ 1 << HWS_OWNER_DEVICE, HWS_OWNER_USER, buf_from_device },
};

static void call_back(struct model *model, struct fuzz *input)
{
	const struct back *back = &backs[fuzz_number(input, 1) % 4];
	struct hws_buf buf = some_handle(model, input);
	uint32_t by = some_number(input);
	struct place *place = good(model, buf);
	bool lent = place && place->by == by && back->from >> place->owner & 1;
	int r = back->call(model->pool, buf, by);

	if (lent)
		fuzz_must(r == 0);
	else
		fuzz_must(r ==
			  (place && place->owner == HWS_OWNER_USER ? -EINVAL : refused(place)));
	if (r < 0)
		return;
	place->owner = back->to;
	if (back->to == HWS_OWNER_FREE)
		gave(model, place);
}

/* A device's buffer stays mapped: given back, it is nobody's until the device lets go. */
static void call_keep(struct model *model, struct fuzz *input)
{
	struct hws_buf buf = some_handle(model, input);
	struct place *place = good(model, buf);

	if (!place || place->owner != HWS_OWNER_DEVICE)
		return;
	fuzz_must(buf_keep(model->pool, buf) == !place->kept);
	place->kept = true;
}

static void let_go(struct model *model, struct place *place)
{
	if (place->kept)
		buf_let_go(model->pool, (struct hws_buf) { place->name, 0 });
	place->kept = place->parked = false;
}

static void call_let_go(struct model *model, struct fuzz *input)
{
	let_go(model, &model->places[fuzz_number(input, 1) % PLACES]);
}

static void call_owner(struct model *model, struct fuzz *input)
{
	struct hws_buf buf = some_handle(model, input);
	const struct place *place = good(model, buf);

	fuzz_must(hws_buf_owner(model->pool, buf) == (place ? (int)place->owner : -ESTALE));
	fuzz_must(hws_buf_size(model->pool, buf) == (place ? size_of(model, place) : 0));
}

/* As after four thousand million uses. */
static void call_age(struct model *model, struct fuzz *input)
{
	struct place *place = &model->places[fuzz_number(input, 1) % PLACES];
	struct hws_buf buf = { place->name, 0 };

	if (!is_free(place) || !place->generation || place->generation > UINT32_MAX - 4)
		return;
	place->generation = UINT32_MAX - (uint32_t)fuzz_number(input, 1) % 4;
	atomic_store(&buf_slot(model->pool, buf)->state,
		     buf_word(place->generation, HWS_OWNER_FREE, 0));
}

static void check_stats(const struct model *model)
{
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	uint64_t owned[HWS_OWNERS] = { 0 };
	uint64_t viewed = 0;

	fuzz_must(hws_pool_read_stats(model->pool, &stats) == 0);
	for (int i = 0; i < PLACES; i++) {
		owned[model->places[i].owner]++;
		viewed += model->places[i].views > 0;
	}
	fuzz_must(stats.capacity == PLACES && stats.viewed == viewed);
	fuzz_must(!memcmp(stats.owned, owned, sizeof(owned)));
}

/* All is free again. */
static void end(struct model *model)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *place = &model->places[i];
		struct hws_buf buf = { place->name, place->generation };

		for (; place->views; place->views--)
			fuzz_must(hws_buf_unview(model->pool, buf) == 0);
		if (place->owner == HWS_OWNER_DEVICE)
			fuzz_must(buf_from_device(model->pool, buf, place->by) == 0);
		else if (place->owner != HWS_OWNER_USER && place->owner != HWS_OWNER_FREE)
			fuzz_must(buf_to_user(model->pool, buf, place->by) == 0);
		if (place->owner != HWS_OWNER_FREE) {
			fuzz_must(hws_buf_give(model->pool, buf) == 0);
			gave(model, place);
		}
		let_go(model, place);
	}
	check_stats(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const calls[])(struct model *, struct fuzz *) = {
		call_take,   call_take,	 call_take,	 call_give,	 call_view,
		call_unview, call_back,	 call_to_kernel, call_to_device, call_keep,
		call_age,    call_owner, call_back,	 call_let_go,
	};
	struct fuzz input = { data, size };
	struct model *model = &models[fuzz_number(&input, 1) & 1];

	if (!model->pool)
		open_pool(model);
	for (int i = 0; i < CALLS && input.left; i++)
		calls[fuzz_number(&input, 1) % (sizeof(calls) / sizeof(calls[0]))](model, &input);
	check_stats(model);
	end(model);
	return 0;
}
