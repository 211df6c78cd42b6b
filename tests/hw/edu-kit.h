/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's edu device as a DMA engine: the lab's where it can be held, else the simulated one. */
#ifndef HWSAFE_TESTS_HW_EDU_KIT_H
#define HWSAFE_TESTS_HW_EDU_KIT_H

#include <string.h>
#include <unistd.h>

#include "tests/hw/hw-kit.h"

#define EDU "0000:00:03.0"

enum {
	EDU_SOURCE = 0x80,
	EDU_TARGET = 0x88,
	EDU_COUNT = 0x90,
	EDU_COMMAND = 0x98,
	EDU_RUN = 1,
	EDU_TO_MEMORY = 2,
	EDU_INTERRUPT = 4,
	EDU_BUFFER = 0x40000,
	EDU_MOST = 2048, /* QEMU 7.2 aborts on 4,096 */
	EDU_BITS = 28,
};

#define EDU_POLICY "bar = 1234:11e8 * rw danger claimed\npci = *, config rw danger claimed\n"

static inline bool edu_is_real(void)
{
	return suite_lab_has("vfio");
}

static inline struct hws *edu_open_with(const char *policy)
{
	struct hws_options options = sim_with(policy);
	struct hws *hw;

	if (edu_is_real())
		options.backend = "native";
	ck_works(hws_open(&options, &hw));
	return hw;
}

static inline struct hws *edu_open(void)
{
	return edu_open_with(EDU_POLICY "dma = 1234:11e8\nirq = 1234:11e8");
}

static inline struct hws_domain *edu_domain(struct hws *hw, struct hws_pool *pool)
{
	struct hws_dma_options options = { .address_bits = EDU_BITS, .pool = pool };
	struct hws_domain *domain;

	ck_works(hws_dma_open(hw, EDU, &options, &domain));
	return domain;
}

static inline struct hws_mmio *edu_registers(struct hws *hw)
{
	struct hws_mmio *edu;

	ck_works(hws_mmio_map(hw, EDU, 0, 0, 0x1000, HWS_RW, &edu));
	return edu;
}

/* Has the engine move bytes, and waits until it is done; whether it got there it never says. */
static inline void edu_move(struct hws_mmio *edu, uint64_t iova, uint64_t size, uint32_t command)
{
	bool out = command & EDU_TO_MEMORY;
	uint32_t now = EDU_RUN;

	ck_works(hws_mmio_write32(edu, EDU_SOURCE, out ? EDU_BUFFER : (uint32_t)iova));
	ck_works(hws_mmio_write32(edu, EDU_TARGET, out ? (uint32_t)iova : EDU_BUFFER));
	ck_works(hws_mmio_write32(edu, EDU_COUNT, (uint32_t)size));
	ck_works(hws_mmio_write32(edu, EDU_COMMAND, command | EDU_RUN));
	/* QEMU's engine takes a tenth of a second; the guard ends a loop that only reads */
	for (int i = 0; i < 1000 && now & EDU_RUN; i++) {
		usleep(i < 2 ? 0 : 10000);
		ck_works(hws_mmio_read32(edu, EDU_COMMAND, &now));
	}
	ck_assert_msg(!(now & EDU_RUN), "the engine is still running");
}

static inline struct hws_buf edu_take(struct hws_domain *domain, const char *text)
{
	struct hws_buf buf;
	HWS_VIEW(view);

	ck_works(hws_buf_take(hws_dma_pool(domain), 4096, &buf));
	ck_works(hws_view_open(hws_dma_pool(domain), buf, HWS_RW, &view));
	memset(view.bytes, 0, view.size);
	strcpy(view.bytes, text);
	return buf;
}

static inline void edu_check(struct hws_domain *domain, struct hws_buf buf, const char *text)
{
	HWS_VIEW(view);

	ck_works(hws_view_open(hws_dma_pool(domain), buf, HWS_R, &view));
	ck_assert_str_eq((const char *)view.bytes, text);
}

#endif
