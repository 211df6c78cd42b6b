/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of registers share. */
#ifndef HWSAFE_TESTS_HW_REGISTERS_KIT_H
#define HWSAFE_TESTS_HW_REGISTERS_KIT_H

#include <stdio.h>

#include "tests/hw/hw-kit.h"

/* What the build made of hw/registers/. */
extern const char registers_cmos[];
extern const char registers_edu[];
extern const char registers_msr[];
extern const char registers_nvme[];
extern const char registers_pci[];
extern const char registers_pci_testdev[];

static inline const char *shipped_text(unsigned int which)
{
	const char *const texts[] = { registers_cmos, registers_edu, registers_msr,
				      registers_nvme, registers_pci, registers_pci_testdev };

	return texts[which];
}

static inline struct hws_registers *parsed(const char *text)
{
	struct hws_registers *made = NULL;

	ck_works(hws_registers_parse("t", text, NULL, NULL, &made));
	return made;
}

static inline struct hws_registers *loaded(struct hws *hw, const char *name)
{
	struct hws_registers *made = NULL;

	ck_works(hws_registers_load(hw, name, &made));
	return made;
}

static inline uint64_t value_of(struct hws_bank *bank, const char *name)
{
	uint64_t value = 0xbad;

	ck_works(hws_register_read(bank, name, &value));
	return value;
}

/* Makes a file in the folder; gives its path. */
static inline void write_file(const char *folder, const char *name, const char *text, size_t size,
			      char path[64])
{
	FILE *file;

	snprintf(path, 64, "%s/%s", folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

#endif
