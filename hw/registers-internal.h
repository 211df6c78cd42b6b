/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a description: its text, with words ended in place, and what points into it. */
#ifndef HWSAFE_HW_REGISTERS_INTERNAL_H
#define HWSAFE_HW_REGISTERS_INTERNAL_H

#include <stdatomic.h>

#include "hw/registers.h"
#include "shim/text-internal.h"

enum { REGISTERS_NAME = 31, REGISTERS_PORT_MAX = 0xffff };

struct field_word {
	uint64_t number;
	const char *name;
};

/* Of a register: those from @first_field on; of a field: the words from @first_word on. */
struct field {
	struct hws_field is;
	uint32_t first_word;
};

struct reg {
	struct hws_register is;
	uint32_t first_field;
	uint64_t given; /* bits that fields have */
};

struct hws_registers {
	_Atomic uint32_t holders;
	char *text;
	uint32_t id; /* vendor << 16 | device; 0: none */
	uint32_t class_code;
	bool has_class;
	struct reg *regs;
	struct field *fields;
	struct field_word *words;
	uint32_t reg_count;
	uint32_t field_count;
	uint32_t word_count;
};

/* registers-parse.c: fills what is zero but for its text. How many errors; or -ENOMEM. */
HWS_MUST int registers_read(struct hws_registers *registers, const char *name,
			    text_report_fn *report, void *context);

/* The bits of a field, where they stand. */
static inline uint64_t field_mask(const struct hws_field *field)
{
	return (UINT64_MAX >> (63 - (field->high - field->low))) << field->low;
}

/*
 * "CC" or "CC.EN": the register and, unless it is NULL, the field. -ENOENT with what there is in
 * hws_why().
 */
HWS_MUST int registers_resolve(const struct hws_registers *registers, const char *name,
			       const struct reg **ret_reg, const struct field **ret_field);

#endif
