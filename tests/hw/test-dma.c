/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <unistd.h>

#include "shim/fault-internal.h"
#include "tests/hw/edu-kit.h"

struct bench {
	struct hws *hw;
	struct hws_domain *domain;
	struct hws_mmio *edu;
};

static struct bench set_up(void)
{
	struct bench b = { .hw = edu_open() };

	b.domain = edu_domain(b.hw, NULL);
	b.edu = edu_registers(b.hw);
	return b;
}

static void tear_down(struct bench *b)
{
	struct hws_dma_info info = { .size = sizeof(info) };

	ck_works(hws_dma_get_info(b->domain, &info));
	ck_assert_uint_eq(info.given | info.maps | info.mapped, 0);
	ck_assert_uint_eq(info.quarantined, 0);
	hws_mmio_unmap(b->edu);
	ck_assert_int_eq(hws_dma_close(b->domain), 0);
	hws_close(b->hw);
}

/* Is a stop in that page told? A kernel's log may take a moment. */
static bool is_told(struct hws_domain *domain, uint64_t page, struct hws_dma_stop *ret_stop)
{
	for (int i = 0; i < 100; i++) {
		int r = hws_dma_stopped(domain, ret_stop);

		if (r == 0 && (ret_stop->iova & ~UINT64_C(0xfff)) == page)
			return true;
		ck_assert_msg(r == 0 || r == -ENOENT, "%s", hws_why());
		if (r == -ENOENT)
			usleep(10000);
	}
	return false;
}

/*
 * Has edu write where it may not, until that is told: a kernel that told of a few is silent for
 * five seconds.
 */
static struct hws_dma_stop stray(const struct bench *b, uint64_t iova, uint32_t command)
{
	struct hws_dma_stop stop;
	bool told = false;

	for (int i = 0; i < 12 && !told; i++) {
		edu_move(b->edu, iova, 64, command);
		told = is_told(b->domain, iova, &stop);
	}
	ck_assert_msg(told, "nothing was stopped");
	return stop;
}

START_TEST(device_reads_and_writes_what_it_is_given)
{
	struct bench b = set_up();
	struct hws_buf out = edu_take(b.domain, "from here to there");
	struct hws_buf in = edu_take(b.domain, "");
	uint64_t iova;

	ck_works(hws_dma_give(b.domain, out, HWS_TO_DEVICE, &iova));
	edu_move(b.edu, iova, EDU_MOST, 0);
	ck_works(hws_dma_take(b.domain, out));
	ck_works(hws_dma_give(b.domain, in, HWS_FROM_DEVICE, &iova));
	edu_move(b.edu, iova, EDU_MOST, EDU_TO_MEMORY);
	ck_works(hws_dma_take(b.domain, in));
	edu_check(b.domain, in, "from here to there");
	tear_down(&b);
}
END_TEST

START_TEST(given_buffer_is_not_the_programs)
{
	struct bench b = set_up();
	struct hws_pool *pool = hws_dma_pool(b.domain);
	struct hws_buf buf = edu_take(b.domain, "x");
	uint64_t iova;
	uint64_t same = 4711;
	void *bytes;
	size_t size;

	ck_works(hws_dma_give(b.domain, buf, HWS_BOTH_WAYS, &iova));
	ck_assert_int_eq(hws_buf_owner(pool, buf), HWS_OWNER_DEVICE);
	ck_assert_int_eq(hws_buf_view(pool, buf, HWS_R, &bytes, &size), -EBUSY);
	ck_assert_int_eq(hws_buf_give(pool, buf), -EBUSY);
	ck_assert_int_eq(hws_dma_give(b.domain, buf, HWS_BOTH_WAYS, &same), -EBUSY);
	ck_assert_int_eq(hws_dma_map(b.domain, buf, HWS_BOTH_WAYS, &same), -EBUSY);
	ck_assert_uint_eq(same, 4711);
	ck_works(hws_dma_take(b.domain, buf));
	ck_assert_int_eq(hws_dma_take(b.domain, buf), -EINVAL);
	ck_works(hws_buf_give(pool, buf));
	ck_assert_int_eq(hws_dma_take(b.domain, buf), -ESTALE);
	ck_assert_int_eq(hws_dma_give(b.domain, buf, HWS_BOTH_WAYS, &same), -ESTALE);
	tear_down(&b);
}
END_TEST

START_TEST(viewed_buffer_is_not_the_devices)
{
	struct bench b = set_up();
	struct hws_buf buf = edu_take(b.domain, "x");
	HWS_VIEW(view);
	uint64_t iova;

	ck_works(hws_view_open(hws_dma_pool(b.domain), buf, HWS_R, &view));
	ck_assert_int_eq(hws_dma_give(b.domain, buf, HWS_TO_DEVICE, &iova), -EBUSY);
	hws_view_close(&view);
	tear_down(&b);
}
END_TEST

static int caught[2];

static void on_stray(void *arg, const struct hws_stray *stray)
{
	(void)arg;
	if (write(caught[1], stray, sizeof(*stray)) < 0)
		_exit(3);
}

static void touch_given(void *arg)
{
	struct hws_pool_options guarded = { .size = sizeof(guarded),
					    .classes = { { 4096, 8 } },
					    .guard = HWS_POOL_GUARD_PAGES,
					    .on_stray = on_stray };
	struct hws_dma_options options = { .address_bits = EDU_BITS, .pool_options = &guarded };
	struct hws *hw = edu_open();
	struct hws_domain *domain;
	struct hws_buf buf;
	uint64_t iova;
	void *bytes;
	size_t size;

	(void)arg;
	ck_works(hws_dma_open(hw, EDU, &options, &domain));
	buf = edu_take(domain, "x");
	ck_works(hws_buf_view(hws_dma_pool(domain), buf, HWS_RW, &bytes, &size));
	ck_works(hws_buf_unview(hws_dma_pool(domain), buf));
	ck_works(hws_dma_give(domain, buf, HWS_FROM_DEVICE, &iova));
	((volatile char *)bytes)[100] = 1;
	_exit(0);
}

START_TEST(touch_of_a_given_buffer_faults_and_is_told)
{
	struct hws_stray stray;

	need("faults", fault_arm() == 0, "on this architecture they can't be told");
	ck_ok(pipe(caught));
	ck_assert(suite_died(suite_child(touch_given, NULL), SIGSEGV));
	ck_assert_int_eq(read(caught[0], &stray, sizeof(stray)), sizeof(stray));
	ck_assert_int_eq(stray.owner, HWS_OWNER_DEVICE);
	ck_assert_uint_ne(stray.by, 0);
	ck_assert_uint_eq(stray.offset, 100);
	ck_assert_uint_ne(stray.buf.generation, 0);
}
END_TEST

START_TEST(write_after_take_does_not_land_and_is_told)
{
	struct bench b = set_up();
	struct hws_buf buf = edu_take(b.domain, "mine");
	struct hws_dma_stop stop;
	uint64_t iova;

	ck_works(hws_dma_give(b.domain, buf, HWS_FROM_DEVICE, &iova));
	ck_works(hws_dma_take(b.domain, buf));
	stop = stray(&b, iova, EDU_TO_MEMORY);
	edu_check(b.domain, buf, "mine");
	ck_assert_uint_eq(stop.iova & ~UINT64_C(0xfff), iova);
	ck_assert(stop.write);
	ck_assert_int_eq(stop.place, HWS_DMA_GONE);
	ck_assert_uint_eq(stop.buf.slot, buf.slot);
	ck_assert_uint_eq(stop.buf.generation, buf.generation);
	ck_assert_ptr_nonnull(strstr(stop.text, EDU));
	tear_down(&b);
}
END_TEST

START_TEST(transfer_outside_is_stopped_and_told)
{
	struct bench b = set_up();
	struct hws_buf buf = edu_take(b.domain, "x");
	struct hws_dma_stop stop;
	uint64_t iova;

	ck_works(hws_dma_give(b.domain, buf, HWS_FROM_DEVICE, &iova));
	stop = stray(&b, iova + 4096, EDU_TO_MEMORY);
	ck_assert_uint_eq(stop.iova & ~UINT64_C(0xfff), iova + 4096);
	ck_assert_int_eq(stop.place, HWS_DMA_BEHIND);
	ck_assert_uint_eq(stop.buf.slot, buf.slot);
	ck_assert(stop.offset >= 4096 && stop.offset < 8192);
	stop = stray(&b, iova + 0x100000, 0);
	ck_assert(!stop.write);
	ck_assert_int_eq(stop.place, HWS_DMA_NOTHING);
	ck_assert_uint_eq(stop.buf.slot, 0);
	ck_works(hws_dma_take(b.domain, buf));
	tear_down(&b);
}
END_TEST

START_TEST(transfer_in_the_other_direction_is_stopped_and_told)
{
	struct bench b = set_up();
	struct hws_buf buf = edu_take(b.domain, "mine");
	struct hws_dma_stop stop;
	uint64_t iova;

	ck_works(hws_dma_give(b.domain, buf, HWS_TO_DEVICE, &iova));
	edu_move(b.edu, iova, 64, EDU_TO_MEMORY);
	ck_works(hws_dma_take(b.domain, buf));
	edu_check(b.domain, buf, "mine");
	stop = stray(&b, iova, EDU_TO_MEMORY);
	/* it was taken back by the time that we look */
	ck_assert_int_eq(stop.place, HWS_DMA_GONE);
	ck_works(hws_dma_give(b.domain, buf, HWS_TO_DEVICE, &iova));
	stop = stray(&b, iova, EDU_TO_MEMORY);
	ck_assert_int_eq(stop.place, HWS_DMA_DIRECTION);
	ck_assert_uint_eq(stop.buf.generation, buf.generation);
	ck_works(hws_dma_take(b.domain, buf));
	tear_down(&b);
}
END_TEST

START_TEST(kept_mapping_stays_through_hand_overs)
{
	struct bench b = set_up();
	struct hws_buf buf = edu_take(b.domain, "there");
	uint64_t always;
	uint64_t iova;

	ck_works(hws_dma_map(b.domain, buf, HWS_BOTH_WAYS, &always));
	ck_assert_int_eq(hws_buf_owner(hws_dma_pool(b.domain), buf), HWS_OWNER_USER);
	ck_assert_int_eq(hws_dma_map(b.domain, buf, HWS_BOTH_WAYS, &iova), -EALREADY);
	ck_assert_int_eq(hws_dma_give(b.domain, buf, HWS_TO_DEVICE, &iova), -EINVAL);
	ck_works(hws_dma_give(b.domain, buf, HWS_BOTH_WAYS, &iova));
	ck_assert_uint_eq(iova, always);
	ck_assert_int_eq(hws_dma_unmap(b.domain, buf), -EBUSY);
	edu_move(b.edu, iova, 64, 0);
	ck_works(hws_dma_take(b.domain, buf));
	for (int i = 0; i < 100; i++) {
		ck_works(hws_dma_give(b.domain, buf, HWS_BOTH_WAYS, &iova));
		ck_works(hws_dma_take(b.domain, buf));
	}
	edu_move(b.edu, iova + 1024, 64, EDU_TO_MEMORY);
	{
		HWS_VIEW(view);

		ck_works(hws_view_open(hws_dma_pool(b.domain), buf, HWS_R, &view));
		ck_assert_str_eq((const char *)view.bytes + 1024, "there");
	}
	ck_works(hws_dma_unmap(b.domain, buf));
	ck_assert_int_eq(hws_dma_unmap(b.domain, buf), -EINVAL);
	tear_down(&b);
}
END_TEST

START_TEST(kept_mapping_shows_what_is_written_later)
{
	struct bench b = set_up();
	struct hws_pool *pool = hws_dma_pool(b.domain);
	struct hws_buf in = edu_take(b.domain, "");
	struct hws_buf out;
	uint64_t iova;
	HWS_VIEW(view);

	/* nobody ever touched it */
	ck_works(hws_buf_take(pool, 4096, &out));
	ck_works(hws_dma_map(b.domain, out, HWS_TO_DEVICE, &iova));
	ck_works(hws_view_open(pool, out, HWS_RW, &view));
	strcpy(view.bytes, "written after it was mapped");
	hws_view_close(&view);
	edu_move(b.edu, iova, 64, 0);
	ck_works(hws_dma_unmap(b.domain, out));
	ck_works(hws_dma_give(b.domain, in, HWS_FROM_DEVICE, &iova));
	edu_move(b.edu, iova, 64, EDU_TO_MEMORY);
	ck_works(hws_dma_take(b.domain, in));
	edu_check(b.domain, in, "written after it was mapped");
	tear_down(&b);
}
END_TEST

START_TEST(kept_buffer_that_is_given_back_waits_to_be_unmapped)
{
	struct hws_pool_options small = { .size = sizeof(small), .classes = { { 4096, 2 } } };
	struct hws *hw = edu_open();
	struct hws_dma_options options = { .address_bits = EDU_BITS, .pool_options = &small };
	struct hws_domain *domain;
	struct hws_pool *pool;
	struct hws_buf kept;
	struct hws_buf other;
	struct hws_buf third;
	uint64_t iova;

	ck_works(hws_dma_open(hw, EDU, &options, &domain));
	pool = hws_dma_pool(domain);
	ck_works(hws_buf_take(pool, 1, &kept));
	ck_works(hws_buf_take(pool, 1, &other));
	ck_works(hws_dma_map(domain, kept, HWS_BOTH_WAYS, &iova));
	ck_works(hws_buf_give(pool, kept));
	ck_assert_int_eq(hws_buf_give(pool, kept), -ESTALE);
	ck_assert_int_eq(hws_buf_take(pool, 1, &third), -ENOBUFS);
	ck_works(hws_dma_unmap(domain, kept));
	ck_works(hws_buf_take(pool, 1, &third));
	ck_assert_uint_eq(third.slot, kept.slot);
	/* and what is still kept when the domain closes comes free then */
	ck_works(hws_dma_map(domain, other, HWS_BOTH_WAYS, &iova));
	ck_assert_int_eq(hws_dma_close(domain), 0);
	hws_close(hw);
}
END_TEST

START_TEST(close_gives_buffers_of_a_shared_pool_back_to_the_program)
{
	struct hws *hw = edu_open();
	struct hws_pool *pool;
	struct hws_domain *domain;
	struct hws_buf given;
	struct hws_buf kept;
	uint64_t iova;

	ck_works(hws_pool_open(hw, NULL, &pool));
	domain = edu_domain(hw, pool);
	ck_assert_int_eq(hws_pool_close(pool, NULL), -EBUSY);
	given = edu_take(domain, "x");
	kept = edu_take(domain, "y");
	ck_works(hws_dma_give(domain, given, HWS_BOTH_WAYS, &iova));
	ck_works(hws_dma_map(domain, kept, HWS_BOTH_WAYS, &iova));
	ck_works(hws_dma_give(domain, kept, HWS_BOTH_WAYS, &iova));
	ck_assert_int_eq(hws_dma_close(domain), 0);
	ck_assert_int_eq(hws_buf_owner(pool, given), HWS_OWNER_USER);
	ck_works(hws_buf_give(pool, given));
	ck_works(hws_buf_give(pool, kept));
	ck_works(hws_pool_close(pool, NULL));
	hws_close(hw);
}
END_TEST

START_TEST(second_holder_is_refused)
{
	struct bench b = set_up();
	struct hws_domain *second = NULL;

	ck_assert_int_eq(hws_dma_open(b.hw, EDU, NULL, &second), -EBUSY);
	ck_assert_str_ne(hws_why(), "");
	ck_assert_ptr_null(second);
	tear_down(&b);
}
END_TEST

START_TEST(addresses_fit_the_devices_lines)
{
	struct bench b = set_up();
	struct hws_buf buf = edu_take(b.domain, "x");

	for (int i = 0; i < 200; i++) {
		uint64_t iova;

		ck_works(hws_dma_give(b.domain, buf, HWS_BOTH_WAYS, &iova));
		ck_assert_uint_lt(iova + 4096, UINT64_C(1) << EDU_BITS);
		ck_assert_uint_ne(iova, 0);
		ck_works(hws_dma_take(b.domain, buf));
	}
	tear_down(&b);
}
END_TEST

int main(void)
{
	return suite_run("hw/dma", (const TTest *[]) {
					   device_reads_and_writes_what_it_is_given,
					   given_buffer_is_not_the_programs,
					   viewed_buffer_is_not_the_devices,
					   touch_of_a_given_buffer_faults_and_is_told,
					   write_after_take_does_not_land_and_is_told,
					   transfer_outside_is_stopped_and_told,
					   transfer_in_the_other_direction_is_stopped_and_told,
					   kept_mapping_stays_through_hand_overs,
					   kept_mapping_shows_what_is_written_later,
					   kept_buffer_that_is_given_back_waits_to_be_unmapped,
					   close_gives_buffers_of_a_shared_pool_back_to_the_program,
					   second_holder_is_refused,
					   addresses_fit_the_devices_lines,
					   NULL,
				   });
}
