/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random hand-overs, mappings and transfers against a model, on the simulated machine: a transfer
 * arrives where the model says that the device reaches memory, and nowhere else.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "guardian/context-internal.h"
#include "shim/sim-internal.h"
#include "tests/hw/edu-kit.h"

enum { STEPS = 100000 };
enum { BUFFERS = 6, PAGE = 4096, MOST_MAPS = 5 };

/* What is known of a buffer: its one page is filled with one byte. */
struct model {
	struct hws_buf buf;
	uint64_t iova;
	uint32_t mapped; /* enum hws_dma_direction; 0: not mapped */
	bool kept;
	bool given;
	uint8_t bytes[PAGE];
};

struct fuzz {
	uint64_t state;
	struct hws *hw;
	struct hws_domain *domain;
	struct hws_mmio *edu;
	struct model models[BUFFERS];
	uint8_t engine[PAGE]; /* the device's own memory */
	uint64_t gives;
	uint64_t blocked;
	uint64_t moved;
};

static uint64_t next(struct fuzz *fuzz)
{
	fuzz->state ^= fuzz->state << 13;
	fuzz->state ^= fuzz->state >> 7;
	fuzz->state ^= fuzz->state << 17;
	return fuzz->state;
}

static uint32_t random_direction(struct fuzz *fuzz)
{
	return (uint32_t)(next(fuzz) % 16 ? 1 + next(fuzz) % 3 : next(fuzz));
}

static bool is_direction(uint32_t direction)
{
	return direction >= HWS_TO_DEVICE && direction <= HWS_BOTH_WAYS;
}

static uint32_t maps_of(const struct fuzz *fuzz)
{
	uint32_t count = 0;

	for (int i = 0; i < BUFFERS; i++)
		count += fuzz->models[i].mapped != 0;
	return count;
}

/* It was mapped: nothing else lies there, nor on the page behind. */
static void note_mapped(struct fuzz *fuzz, struct model *model, uint64_t iova, uint32_t direction)
{
	for (int i = 0; i < BUFFERS; i++) {
		const struct model *other = &fuzz->models[i];

		ck_assert_msg(!other->mapped || other->iova + PAGE < iova ||
				      iova + PAGE < other->iova,
			      "0x%" PRIx64 " beside 0x%" PRIx64, iova, other->iova);
	}
	ck_assert_uint_ne(iova, 0);
	ck_assert_uint_eq(iova % PAGE, 0);
	ck_assert_uint_lt(iova, UINT64_C(1) << EDU_BITS);
	model->iova = iova;
	model->mapped = direction;
}

/* What a call for a new mapping of the user's buffer must give. */
static int expected(const struct fuzz *fuzz, const struct model *model, uint32_t direction)
{
	if (!is_direction(direction))
		return -EINVAL;
	if (model->given)
		return -EBUSY;
	return model->mapped || maps_of(fuzz) < MOST_MAPS ? 0 : -EDQUOT;
}

static void give(struct fuzz *fuzz, struct model *model)
{
	uint32_t direction = random_direction(fuzz);
	int wanted = expected(fuzz, model, direction);
	uint64_t iova = 1;
	int r;

	if (wanted == 0 && model->mapped && model->mapped != direction)
		wanted = -EINVAL;
	r = hws_dma_give(fuzz->domain, model->buf, (enum hws_dma_direction)direction, &iova);
	ck_assert_msg(r == wanted, "give: %d, not %d: %s", r, wanted, hws_why());
	if (r < 0) {
		ck_assert_uint_eq(iova, 1);
		return;
	}
	if (model->mapped)
		ck_assert_uint_eq(iova, model->iova);
	else
		note_mapped(fuzz, model, iova, direction);
	model->given = true;
	fuzz->gives++;
}

static void take(struct fuzz *fuzz, struct model *model)
{
	int r = hws_dma_take(fuzz->domain, model->buf);

	ck_assert_int_eq(r, model->given ? 0 : -EINVAL);
	model->given = false;
	if (!model->kept)
		model->mapped = 0;
}

static void map(struct fuzz *fuzz, struct model *model)
{
	uint32_t direction = random_direction(fuzz);
	int wanted = expected(fuzz, model, direction);
	uint64_t iova = 1;
	int r;

	if (wanted == 0 && model->mapped)
		wanted = -EALREADY;
	r = hws_dma_map(fuzz->domain, model->buf, (enum hws_dma_direction)direction, &iova);
	ck_assert_msg(r == wanted, "map: %d, not %d: %s", r, wanted, hws_why());
	if (r < 0) {
		ck_assert_uint_eq(iova, 1);
		return;
	}
	note_mapped(fuzz, model, iova, direction);
	model->kept = true;
}

static void unmap(struct fuzz *fuzz, struct model *model)
{
	int wanted = !model->kept ? -EINVAL : model->given ? -EBUSY : 0;

	ck_assert_int_eq(hws_dma_unmap(fuzz->domain, model->buf), wanted);
	if (wanted == 0) {
		model->kept = false;
		model->mapped = 0;
	}
}

/* Mostly near something that is or was mapped, else anywhere that the device can say. */
static uint64_t random_address(struct fuzz *fuzz)
{
	uint64_t address = fuzz->models[next(fuzz) % BUFFERS].iova + next(fuzz) % (3 * PAGE) - PAGE;

	return (next(fuzz) % 4 ? address : next(fuzz)) & ((UINT64_C(1) << EDU_BITS) - 1);
}

/* The buffer that the device reaches at an address, if it may do that; NULL: none. */
static struct model *model_at(struct fuzz *fuzz, uint64_t address, uint32_t direction)
{
	for (int i = 0; i < BUFFERS; i++) {
		struct model *model = &fuzz->models[i];

		if (model->mapped & direction && address >= model->iova &&
		    address - model->iova < PAGE)
			return model;
	}
	return NULL;
}

/* The same in the model: up to where the buffer, and so the mapping, ends. */
static void model_transfer(struct fuzz *fuzz, uint64_t address, uint32_t at, uint32_t size,
			   bool to_memory)
{
	struct model *model = model_at(fuzz, address, to_memory ? HWS_FROM_DEVICE : HWS_TO_DEVICE);
	uint64_t offset = model ? address - model->iova : 0;
	size_t piece = !model ? 0 : size > PAGE - offset ? (size_t)(PAGE - offset) : size;

	if (piece && to_memory)
		memcpy(model->bytes + offset, fuzz->engine + at, piece);
	else if (piece)
		memcpy(fuzz->engine + at, model->bytes + offset, piece);
	fuzz->moved += piece == size;
	fuzz->blocked += piece < size;
}

static void transfer(struct fuzz *fuzz)
{
	uint64_t address = random_address(fuzz);
	uint32_t size = 1 + (uint32_t)next(fuzz) % 300;
	uint32_t at = (uint32_t)next(fuzz) % (PAGE - size);
	bool to_memory = next(fuzz) & 1;
	uint64_t here = EDU_BUFFER + at;
	uint32_t now;

	ck_works(hws_mmio_write64(fuzz->edu, EDU_SOURCE, to_memory ? here : address));
	ck_works(hws_mmio_write64(fuzz->edu, EDU_TARGET, to_memory ? address : here));
	ck_works(hws_mmio_write64(fuzz->edu, EDU_COUNT, size));
	ck_works(hws_mmio_write32(fuzz->edu, EDU_COMMAND,
				  EDU_RUN | (to_memory ? EDU_TO_MEMORY : 0)));
	/* the first read sees it running, and ends it */
	ck_works(hws_mmio_read32(fuzz->edu, EDU_COMMAND, &now));
	model_transfer(fuzz, address, at, size, to_memory);
}

/* The program's own hand: as the model says, the bytes are there; others take their place. */
static void look(struct fuzz *fuzz, struct model *model)
{
	HWS_VIEW(view);
	int r = hws_view_open(hws_dma_pool(fuzz->domain), model->buf, HWS_RW, &view);

	ck_assert_int_eq(r, model->given ? -EBUSY : 0);
	if (r < 0)
		return;
	ck_assert_int_eq(memcmp(view.bytes, model->bytes, PAGE), 0);
	memset(model->bytes, (int)next(fuzz), PAGE);
	memcpy(view.bytes, model->bytes, PAGE);
}

static void check_info(struct fuzz *fuzz)
{
	struct hws_dma_info info = { .size = sizeof(info) };
	uint64_t given = 0;

	for (int i = 0; i < BUFFERS; i++)
		given += fuzz->models[i].given;
	ck_works(hws_dma_get_info(fuzz->domain, &info));
	ck_assert_uint_eq(info.maps, maps_of(fuzz));
	ck_assert_uint_eq(info.mapped, info.maps * PAGE);
	ck_assert_uint_eq(info.given, given);
	ck_assert_uint_eq(info.gives, fuzz->gives);
	ck_assert_uint_eq(info.quarantined, 0);
}

/* What the machine itself counted. */
static void check_machine(struct fuzz *fuzz)
{
	struct sim_stats stats;

	sim_get_stats(fuzz->hw->shim.self, &stats);
	ck_assert_uint_eq(stats.dma_faults, fuzz->blocked);
}

static void step(struct fuzz *fuzz)
{
	static void (*const calls[])(struct fuzz *, struct model *) = { give, take, map, unmap,
									look };
	uint64_t which = next(fuzz) % (COUNT(calls) + 2);

	if (which < COUNT(calls))
		calls[which](fuzz, &fuzz->models[next(fuzz) % BUFFERS]);
	else
		transfer(fuzz);
	check_info(fuzz);
}

static void begin(struct fuzz *fuzz)
{
	struct hws_options options = sim_with(EDU_POLICY "dma = 1234:11e8 maps 5");
	struct hws_pool_options pool = { .size = sizeof(pool), .classes = { { PAGE, BUFFERS } } };
	struct hws_dma_options dma = { .address_bits = EDU_BITS, .pool_options = &pool };
	const char *given = getenv("HWS_SEED");

	for (int i = 0; i < HWS_GUARDS; i++)
		options.guards[i] =
			(struct hws_guard_limit) { .handle = UINT32_MAX, .context = UINT32_MAX };
	fuzz->state = given ? strtoull(given, NULL, 0) | 1 : 4711;
	ck_works(hws_open(&options, &fuzz->hw));
	ck_works(hws_dma_open(fuzz->hw, EDU, &dma, &fuzz->domain));
	fuzz->edu = edu_registers(fuzz->hw);
	for (int i = 0; i < BUFFERS; i++)
		fuzz->models[i].buf = edu_take(fuzz->domain, "");
}

START_TEST(device_reaches_what_is_mapped_and_nothing_else)
{
	static struct fuzz fuzz;
	const uint64_t steps = (uint64_t)suite_rounds(STEPS);

	begin(&fuzz);
	for (uint64_t i = 0; i < steps; i++) {
		step(&fuzz);
		if (i % 64 == 0)
			check_machine(&fuzz);
	}
	ck_assert_uint_gt(fuzz.moved, steps / 100);
	ck_assert_uint_gt(fuzz.blocked, steps / 100);
	for (int i = 0; i < BUFFERS; i++) {
		struct model *model = &fuzz.models[i];

		if (model->given)
			take(&fuzz, model);
		look(&fuzz, model);
	}
	hws_mmio_unmap(fuzz.edu);
	ck_assert_int_eq(hws_dma_close(fuzz.domain), 0);
	hws_close(fuzz.hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/fuzz-dma", (const TTest *[]) {
						device_reaches_what_is_mapped_and_nothing_else,
						NULL,
					});
}
