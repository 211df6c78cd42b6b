/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain refuses, and what it does when the system below fails. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/domain-internal.h"
#include "hw/irq.h"
#include "tests/hw/edu-kit.h"

START_TEST(open_says_what_is_wrong)
{
	struct hws *hw = edu_open();
	struct hws_domain *domain;
	struct hws_dma_options rights = { .rights = HWS_RW | HWS_DANGER };
	struct hws_dma_options later = { .size = sizeof(later) + 8 };

	ck_assert_int_eq(hws_dma_open(hw, "nonsense", NULL, &domain), -EINVAL);
	ck_assert_int_eq(hws_dma_open(hw, EDU, &rights, &domain), -EINVAL);
	ck_assert_int_eq(hws_dma_open(hw, EDU, &later, &domain), -EINVAL);
	ck_assert_int_eq(hws_dma_open(hw, "0000:00:1e.7", NULL, &domain), -ENODEV);
	hws_close(hw);
	hw = edu_open_with("pci = * r");
	ck_denied(hws_dma_open(hw, EDU, NULL, &domain), HWS_REASON_NO_RULE);
	ck_assert_int_eq(hws_dma_close(NULL), 0);
	hws_close(hw);
}
END_TEST

START_TEST(direction_needs_its_right)
{
	struct hws *hw = edu_open_with(EDU_POLICY "dma = 1234:11e8 r");
	struct hws_dma_options options = { .rights = HWS_R, .address_bits = EDU_BITS };
	struct hws_domain *domain;
	struct hws_buf buf;
	uint64_t iova;

	ck_denied(hws_dma_open(hw, EDU, NULL, &domain), HWS_REASON_NO_RULE);
	ck_works(hws_dma_open(hw, EDU, &options, &domain));
	buf = edu_take(domain, "x");
	ck_denied(hws_dma_give(domain, buf, HWS_FROM_DEVICE, &iova), HWS_REASON_NO_RULE);
	ck_denied(hws_dma_give(domain, buf, HWS_BOTH_WAYS, &iova), HWS_REASON_NO_RULE);
	ck_assert_int_eq(hws_dma_give(domain, buf, (enum hws_dma_direction)4, &iova), -EINVAL);
	ck_works(hws_dma_give(domain, buf, HWS_TO_DEVICE, &iova));
	ck_works(hws_dma_take(domain, buf));
	ck_assert_int_eq(hws_dma_close(domain), 0);
	hws_close(hw);
}
END_TEST

START_TEST(limits_of_the_rule_hold)
{
	struct hws *hw = edu_open_with(EDU_POLICY "dma = 1234:11e8 max 12K, maps 2");
	struct hws_domain *domain = edu_domain(hw, NULL);
	struct hws_buf bufs[3];
	uint64_t iova;

	for (int i = 0; i < 3; i++)
		bufs[i] = edu_take(domain, "x");
	ck_works(hws_dma_give(domain, bufs[0], HWS_TO_DEVICE, &iova));
	ck_works(hws_dma_map(domain, bufs[1], HWS_TO_DEVICE, &iova));
	ck_denied(hws_dma_give(domain, bufs[2], HWS_TO_DEVICE, &iova), HWS_REASON_LIMIT);
	ck_assert_int_eq(hws_buf_owner(hws_dma_pool(domain), bufs[2]), HWS_OWNER_USER);
	ck_works(hws_dma_take(domain, bufs[0]));
	ck_works(hws_dma_give(domain, bufs[2], HWS_TO_DEVICE, &iova));
	ck_assert_int_eq(hws_dma_close(domain), 0);
	hws_close(hw);
}
END_TEST

START_TEST(ceiling_of_the_guardian_holds)
{
	struct hws_options options = sim_with(EDU_POLICY "dma = 1234:11e8");
	struct hws_domain *domain;
	struct hws_buf bufs[2];
	struct hws *hw;
	uint64_t iova;

	options.backend = edu_is_real() ? "native" : "sim";
	options.caps[HWS_DMA].absolute = 4096;
	ck_works(hws_open(&options, &hw));
	domain = edu_domain(hw, NULL);
	bufs[0] = edu_take(domain, "x");
	bufs[1] = edu_take(domain, "y");
	for (int i = 0; i < 10; i++) {
		ck_works(hws_dma_give(domain, bufs[0], HWS_TO_DEVICE, &iova));
		ck_assert_int_eq(hws_dma_give(domain, bufs[1], HWS_TO_DEVICE, &iova), -EDQUOT);
		ck_works(hws_dma_take(domain, bufs[0]));
	}
	ck_assert_int_eq(hws_dma_close(domain), 0);
	hws_close(hw);
}
END_TEST

static void write_policy(const char *directory, const char *rules)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/test.conf", directory);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "[all]\n%s\n", rules);
	fclose(file);
}

START_TEST(reload_takes_the_right_away_and_moves_what_is_held)
{
	char directory[] = "/tmp/test-dma-XXXXXX";
	struct hws_options options = sim_with("");
	struct hws_domain *domain;
	struct hws_buf bufs[2];
	struct hws *hw;
	uint64_t iova;
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	write_policy(directory, EDU_POLICY "dma = 1234:11e8");
	options.policy_directory = directory;
	options.policy_owner = getuid();
	options.backend = edu_is_real() ? "native" : "sim";
	ck_works(hws_open(&options, &hw));
	domain = edu_domain(hw, NULL);
	bufs[0] = edu_take(domain, "x");
	bufs[1] = edu_take(domain, "y");
	ck_works(hws_dma_give(domain, bufs[0], HWS_TO_DEVICE, &iova));
	write_policy(directory, EDU_POLICY "dma = 1234:11e8 maps 1");
	ck_works(hws_reload(hw));
	ck_denied(hws_dma_give(domain, bufs[1], HWS_TO_DEVICE, &iova), HWS_REASON_LIMIT);
	write_policy(directory, EDU_POLICY "deny dma = 1234:11e8");
	ck_works(hws_reload(hw));
	ck_denied(hws_dma_give(domain, bufs[1], HWS_TO_DEVICE, &iova), HWS_REASON_STALE);
	/* what the device has can be taken back all the same */
	ck_works(hws_dma_take(domain, bufs[0]));
	ck_assert_int_eq(hws_dma_close(domain), 0);
	hws_close(hw);
	snprintf(path, sizeof(path), "%s/test.conf", directory);
	unlink(path);
	rmdir(directory);
}
END_TEST

/* A back end that does all but take memory from a device. */
static int unmap_fails(void *self, const struct hws_hold *hold, uint64_t address, uint64_t size)
{
	(void)self, (void)hold, (void)address, (void)size;
	return -EIO;
}

START_TEST(what_cannot_be_unmapped_is_quarantined)
{
	struct hws *hw = open_with(EDU_POLICY "dma = 1234:11e8");
	struct hws_shim_ops broken = *shim_ops(&hw->shim);
	struct hws_domain *domain = edu_domain(hw, NULL);
	struct hws_buf given = edu_take(domain, "x");
	struct hws_buf kept = edu_take(domain, "y");
	struct hws_dma_info info = { .size = sizeof(info) };
	uint64_t iova;
	int slot;

	broken.name = "broken";
	broken.dma_unmap = unmap_fails;
	slot = shim_install(&broken);
	ck_ok(slot);
	hw->shim.slot = (uint32_t)slot;
	ck_works(hws_dma_give(domain, given, HWS_BOTH_WAYS, &iova));
	ck_works(hws_dma_map(domain, kept, HWS_BOTH_WAYS, &iova));
	ck_assert_int_eq(hws_dma_take(domain, given), -EIO);
	ck_assert_ptr_nonnull(strstr(hws_why(), "quarantined"));
	ck_assert_int_eq(hws_buf_owner(hws_dma_pool(domain), given), HWS_OWNER_QUARANTINED);
	ck_assert_int_eq(hws_dma_unmap(domain, kept), -EIO);
	ck_assert_int_eq(hws_dma_give(domain, kept, HWS_BOTH_WAYS, &iova), -EIO);
	ck_works(hws_buf_give(hws_dma_pool(domain), kept));
	ck_works(hws_dma_get_info(domain, &info));
	ck_assert_uint_eq(info.quarantined, 2);
	ck_assert_uint_eq(info.maps, 2);
	ck_assert_int_eq(hws_dma_close(domain), 2);
	hws_close(hw);
}
END_TEST

/* A child has the descriptors as well: what it did would be done to its parent's device. */
struct inherited {
	struct hws *hw;
	struct hws_domain *domain;
	struct hws_irq *irq;
	struct hws_buf given, kept, own;
};

static void use_inherited(void *context)
{
	struct inherited *of = context;
	struct hws_domain *another;
	struct hws_dma_stop stop;
	uint64_t iova;
	uint64_t count;

	ck_assert_int_eq(hws_dma_take(of->domain, of->given), -ECHILD);
	ck_assert_int_eq(hws_dma_unmap(of->domain, of->kept), -ECHILD);
	ck_assert_int_eq(hws_dma_give(of->domain, of->own, HWS_BOTH_WAYS, &iova), -ECHILD);
	ck_assert_int_eq(hws_dma_map(of->domain, of->own, HWS_BOTH_WAYS, &iova), -ECHILD);
	ck_assert_int_eq(hws_dma_reset(of->domain), -ECHILD);
	ck_assert_int_eq(hws_dma_stopped(of->domain, &stop), -ECHILD);
	ck_assert_int_eq(hws_irq_wait(of->irq, 0, 0, &count), -ECHILD);
	ck_assert_int_eq(hws_irq_unmask(of->irq), -ECHILD);
	ck_assert_int_eq(hws_dma_open(of->hw, EDU, NULL, &another), -ECHILD);
	hws_irq_close(of->irq);
	ck_assert_int_eq(hws_dma_close(of->domain), 0);
	_exit(7);
}

START_TEST(a_child_leaves_its_parents_device_alone)
{
	struct inherited of = { 0 };
	struct hws_mmio *edu;
	uint64_t iova;
	HWS_VIEW(view);

	need_kernel("MADV_WIPEONFORK");
	of.hw = edu_open();
	edu = edu_registers(of.hw);
	of.domain = edu_domain(of.hw, NULL);
	of.given = edu_take(of.domain, "hello");
	of.kept = edu_take(of.domain, "kept");
	of.own = edu_take(of.domain, "own");
	ck_works(hws_dma_map(of.domain, of.kept, HWS_BOTH_WAYS, &iova));
	ck_works(hws_irq_open(of.domain, HWS_IRQ_BEST, 1, &of.irq));
	ck_works(hws_dma_give(of.domain, of.given, HWS_BOTH_WAYS, &iova));
	ck_assert_int_eq(WEXITSTATUS(suite_child(use_inherited, &of)), 7);
	/* it masters the bus, and reaches what it was given */
	edu_move(edu, iova, 8, 0);
	edu_move(edu, iova + 8, 8, EDU_TO_MEMORY);
	ck_works(hws_dma_take(of.domain, of.given));
	ck_works(hws_view_open(hws_dma_pool(of.domain), of.given, HWS_R, &view));
	ck_assert_str_eq((const char *)view.bytes + 8, "hello");
	hws_view_close(&view);
	ck_works(hws_dma_unmap(of.domain, of.kept));
	hws_irq_close(of.irq);
	ck_assert_int_eq(hws_dma_close(of.domain), 0);
	hws_mmio_unmap(edu);
	hws_close(of.hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/dma-limits",
			 (const TTest *[]) {
				 open_says_what_is_wrong,
				 direction_needs_its_right,
				 limits_of_the_rule_hold,
				 ceiling_of_the_guardian_holds,
				 reload_takes_the_right_away_and_moves_what_is_held,
				 what_cannot_be_unmapped_is_quarantined,
				 a_child_leaves_its_parents_device_alone,
				 NULL,
			 });
}
