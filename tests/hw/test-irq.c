/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interrupts of edu: the lab's where it can be held, else the simulated one. */
#include <poll.h>
#include <sys/resource.h>

#include "hw/domain-internal.h"
#include "hw/irq.h"
#include "tests/hw/edu-kit.h"

enum { RAISE = 0x60, ACKNOWLEDGE = 0x64, STATUS = 0x24, SECONDS = 20 };

struct bench {
	struct hws *hw;
	struct hws_domain *domain;
	struct hws_mmio *edu;
};

static struct bench set_up_with(const char *policy)
{
	struct bench b = { .hw = edu_open_with(policy) };
	uint32_t pending;

	b.domain = edu_domain(b.hw, NULL);
	b.edu = edu_registers(b.hw);
	/* QEMU's edu knows no reset */
	ck_works(hws_mmio_read32(b.edu, STATUS, &pending));
	ck_works(hws_mmio_write32(b.edu, ACKNOWLEDGE, pending));
	return b;
}

static struct bench set_up(void)
{
	return set_up_with(EDU_POLICY "dma = 1234:11e8\nirq = 1234:11e8 0-3");
}

static void tear_down(struct bench *b)
{
	hws_mmio_unmap(b->edu);
	hws_dma_close(b->domain);
	hws_close(b->hw);
}

static uint64_t in(uint64_t ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + ms * 1000000u;
}

static uint64_t rings(struct hws_irq *irq)
{
	uint64_t count = 0;

	ck_works(hws_irq_wait(irq, 0, in(SECONDS * 1000), &count));
	return count;
}

static void is_quiet(struct hws_irq *irq)
{
	uint64_t count = 4711;

	ck_assert_int_eq(hws_irq_wait(irq, 0, in(50), &count), -ETIME);
	ck_assert_int_eq(hws_irq_wait(irq, 0, 0, &count), -ETIME);
	ck_assert_uint_eq(count, 4711);
}

static uint64_t reserved(struct hws *hw)
{
	struct hws_cap_state states[HWS_RESOURCES];

	caps_read(&hw->caps, states);
	return states[HWS_IRQ].used;
}

START_TEST(messages_are_waited_for)
{
	struct bench b = set_up();
	struct hws_irq *irq;
	struct pollfd one = { .events = POLLIN };

	need_copies();
	ck_works(hws_irq_open(b.domain, HWS_IRQ_BEST, 1, &irq));
	ck_assert_int_eq(hws_irq_get_mode(irq), HWS_IRQ_MSI);
	ck_assert_uint_eq(reserved(b.hw), 1);
	is_quiet(irq);
	ck_works(hws_mmio_write32(b.edu, RAISE, 1));
	one.fd = hws_irq_fd(irq, 0);
	ck_assert_int_eq(poll(&one, 1, SECONDS * 1000), 1);
	ck_assert_uint_eq(rings(irq), 1);
	ck_works(hws_mmio_write32(b.edu, ACKNOWLEDGE, 1));
	ck_works(hws_irq_unmask(irq)); /* nothing to do */
	is_quiet(irq);
	hws_irq_close(irq);
	ck_assert_uint_eq(reserved(b.hw), 0);
	ck_works(hws_irq_open(b.domain, HWS_IRQ_MSI, 1, &irq));
	ck_works(hws_mmio_write32(b.edu, RAISE, 1));
	ck_assert_uint_eq(rings(irq), 1);
	ck_works(hws_mmio_write32(b.edu, ACKNOWLEDGE, 1));
	hws_irq_close(irq);
	hws_irq_close(NULL);
	tear_down(&b);
}
END_TEST

START_TEST(factorial_and_dma_ring)
{
	struct bench b = set_up();
	struct hws_irq *irq;
	struct hws_buf buf = edu_take(b.domain, "x");
	uint64_t iova;

	need_copies();
	ck_works(hws_irq_open(b.domain, HWS_IRQ_BEST, 1, &irq));
	ck_works(hws_mmio_write32(b.edu, 0x20, 0x80));
	ck_works(hws_mmio_write32(b.edu, 0x08, 10));
	while (hws_mmio_get32(b.edu, 0x20) & 1)
		usleep(1000);
	ck_assert_uint_eq(rings(irq), 1);
	ck_assert_uint_eq(hws_mmio_get32(b.edu, 0x08), 3628800);
	ck_works(hws_mmio_write32(b.edu, ACKNOWLEDGE, 1));
	ck_works(hws_dma_give(b.domain, buf, HWS_TO_DEVICE, &iova));
	edu_move(b.edu, iova, EDU_MOST, EDU_INTERRUPT);
	ck_assert_uint_eq(rings(irq), 1);
	ck_works(hws_mmio_write32(b.edu, ACKNOWLEDGE, 0x100));
	ck_works(hws_dma_take(b.domain, buf));
	hws_irq_close(irq);
	tear_down(&b);
}
END_TEST

START_TEST(line_waits_to_be_unmasked)
{
	struct bench b = set_up();
	struct hws_irq *irq;

	need_copies();
	ck_works(hws_irq_open(b.domain, HWS_IRQ_INTX, 1, &irq));
	ck_assert_int_eq(hws_irq_get_mode(irq), HWS_IRQ_INTX);
	ck_works(hws_mmio_write32(b.edu, RAISE, 3));
	ck_assert_uint_eq(rings(irq), 1);
	is_quiet(irq);
	ck_works(hws_mmio_write32(b.edu, ACKNOWLEDGE, 1));
	ck_works(hws_irq_unmask(irq));
	ck_assert_uint_eq(rings(irq), 1); /* not all was acknowledged */
	ck_works(hws_mmio_write32(b.edu, ACKNOWLEDGE, 2));
	ck_works(hws_irq_unmask(irq));
	is_quiet(irq);
	hws_irq_close(irq);
	tear_down(&b);
}
END_TEST

START_TEST(open_refuses_what_is_not_there)
{
	struct bench b = set_up();
	struct hws_irq *irq = (struct hws_irq *)&b;
	struct hws_irq *open;

	ck_assert_int_eq(hws_irq_open(b.domain, HWS_IRQ_BEST, 0, &irq), -EINVAL);
	ck_assert_int_eq(hws_irq_open(b.domain, HWS_IRQ_BEST, 257, &irq), -EINVAL);
	ck_assert_int_eq(hws_irq_open(b.domain, (enum hws_irq_mode)7, 1, &irq), -EINVAL);
	ck_denied(hws_irq_open(b.domain, HWS_IRQ_MSI, 2, &irq), HWS_REASON_RANGE);
	ck_denied(hws_irq_open(b.domain, HWS_IRQ_MSIX, 1, &irq), HWS_REASON_RANGE);
	ck_denied(hws_irq_open(b.domain, HWS_IRQ_BEST, 2, &irq), HWS_REASON_RANGE);
	ck_denied(hws_irq_open(b.domain, HWS_IRQ_MSI, 5, &irq), HWS_REASON_NO_RULE);
	ck_assert_uint_eq(reserved(b.hw), 0);
	ck_works(hws_irq_open(b.domain, HWS_IRQ_MSI, 1, &open));
	ck_assert_int_eq(hws_irq_open(b.domain, HWS_IRQ_MSI, 1, &irq), -EBUSY);
	ck_assert_int_eq(hws_irq_fd(open, 1), -ERANGE);
	ck_assert_int_eq(hws_irq_wait(open, 1, 0, &(uint64_t) { 0 }), -ERANGE);
	hws_irq_close(open);
	ck_assert_ptr_eq(irq, &b);
	tear_down(&b);
}
END_TEST

START_TEST(policy_and_guardian_are_asked)
{
	struct hws_options options = sim_with(EDU_POLICY "dma = 1234:11e8\nirq = 1234:11e8");
	struct bench b = set_up_with(EDU_POLICY "dma = 1234:11e8");
	struct hws_irq *irq = NULL;

	ck_denied(hws_irq_open(b.domain, HWS_IRQ_BEST, 1, &irq), HWS_REASON_NO_RULE);
	tear_down(&b);
	b = set_up_with(EDU_POLICY "dma = 1234:11e8\nirq = 1234:11e8 r");
	ck_assert_int_eq(hws_irq_open(b.domain, HWS_IRQ_BEST, 1, &irq), -EACCES);
	tear_down(&b);
	options.caps[HWS_IRQ].absolute = 1;
	ck_works(hws_open(&options, &b.hw));
	b.domain = edu_domain(b.hw, NULL);
	ck_assert_int_eq(hws_irq_open(b.domain, HWS_IRQ_BEST, 2, &irq), -EDQUOT);
	ck_assert_uint_eq(reserved(b.hw), 0);
	ck_works(hws_irq_open(b.domain, HWS_IRQ_BEST, 1, &irq));
	hws_irq_close(irq);
	hws_dma_close(b.domain);
	hws_close(b.hw);
}
END_TEST

START_TEST(no_descriptors_left_leaves_nothing)
{
	struct bench b = set_up();
	struct rlimit old;
	struct rlimit none;
	struct hws_irq *irq = NULL;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	ck_assert_int_eq(hws_irq_open(b.domain, HWS_IRQ_BEST, 1, &irq), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	ck_assert_uint_eq(reserved(b.hw), 0);
	ck_works(hws_irq_open(b.domain, HWS_IRQ_BEST, 1, &irq));
	hws_irq_close(irq);
	tear_down(&b);
}
END_TEST

START_TEST(interrupts_end_with_their_domain)
{
	struct bench b = set_up();
	struct hws_irq *irq;
	uint64_t count;

	ck_works(hws_irq_open(b.domain, HWS_IRQ_BEST, 1, &irq));
	tear_down(&b);
	ck_assert_int_eq(hws_irq_wait(irq, 0, HWS_FOREVER, &count), -ENODEV);
	ck_assert_int_eq(hws_irq_unmask(irq), -ENODEV);
	hws_irq_close(irq);
}
END_TEST

int main(void)
{
	return suite_run("hw/irq", (const TTest *[]) {
					   messages_are_waited_for,
					   factorial_and_dma_ring,
					   line_waits_to_be_unmasked,
					   open_refuses_what_is_not_there,
					   policy_and_guardian_are_asked,
					   no_descriptors_left_leaves_nothing,
					   interrupts_end_with_their_domain,
					   NULL,
				   });
}
