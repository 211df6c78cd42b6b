/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * On aarch64 a command in memory and the doorbell that says so are in order by a barrier only. That
 * it lacks no emulated processor shows, so the machine code is looked at.
 */
#include <string.h>

#include "hw/hwsafe.h"
#include "tests/suite.h"

#define BEFORE_STORE UINT32_C(0xd50333bf) /* dmb osh */
#define AFTER_LOAD   UINT32_C(0xd50331bf) /* dmb oshld */
#define CODE	     128

/* Of any width, where a register points. */
static bool is_store(uint32_t instruction)
{
	return (instruction & 0x3fc00000) == 0x39000000;
}

static bool is_load(uint32_t instruction)
{
	return (instruction & 0x3fc00000) == 0x39400000;
}

static bool has_two(uintptr_t function, bool (*is)(uint32_t first, uint32_t second))
{
	uint32_t code[CODE];

	memcpy(code, (const void *)function, sizeof(code));
	for (int i = 0; i < CODE - 1; i++)
		if (is(code[i], code[i + 1]))
			return true;
	return false;
}

static bool is_ordered_store(uint32_t first, uint32_t second)
{
	return first == BEFORE_STORE && is_store(second);
}

static bool is_ordered_load(uint32_t first, uint32_t second)
{
	return is_load(first) && second == AFTER_LOAD;
}

START_TEST(write_comes_after_what_came_before)
{
	static const uintptr_t writes[] = {
		(uintptr_t)hws_mmio_write8,
		(uintptr_t)hws_mmio_write16,
		(uintptr_t)hws_mmio_write32,
		(uintptr_t)hws_mmio_write64,
	};

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		ck_assert_msg(has_two(writes[i], is_ordered_store), "of %d bits", 8 << i);
}
END_TEST

START_TEST(what_comes_after_a_read_comes_after_it)
{
	static const uintptr_t reads[] = {
		(uintptr_t)hws_mmio_read8,  (uintptr_t)hws_mmio_read16, (uintptr_t)hws_mmio_read32,
		(uintptr_t)hws_mmio_read64, (uintptr_t)hws_mmio_get8,	(uintptr_t)hws_mmio_get16,
		(uintptr_t)hws_mmio_get32,  (uintptr_t)hws_mmio_get64,
	};

	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		ck_assert_msg(has_two(reads[i], is_ordered_load), "of %d bits", 8 << i % 4);
}
END_TEST

int main(void)
{
	return suite_run("hw/order",
			 (const TTest *[]) { write_comes_after_what_came_before,
					     what_comes_after_a_read_comes_after_it, NULL });
}
