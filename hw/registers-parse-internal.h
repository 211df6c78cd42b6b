/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How descriptions of registers are read: one table of fields for each statement. */
#ifndef HWSAFE_HW_REGISTERS_PARSE_INTERNAL_H
#define HWSAFE_HW_REGISTERS_PARSE_INTERNAL_H

#include "hw/registers-internal.h"

enum scope { IN_SPACE = 1, IN_REGISTER = 2, IN_FIELD = 4 };

struct parser {
	struct text_parser text;
	struct hws_registers *made;
	bool device_given;
	enum hws_register_space space;
	uint32_t which;
};

#define REGISTERS_SAYS(word, under, opens, after)                                                  \
	const struct text_statement registers_says_##word = {                                      \
		#word, under, opens, after, word##_fields, TEXT_COUNT(word##_fields), apply_##word \
	}

/* registers-spaces.c: what registers lie in. */
extern const struct text_statement registers_says_device;
extern const struct text_statement registers_says_bar;
extern const struct text_statement registers_says_ports;
extern const struct text_statement registers_says_msr;
extern const struct text_statement registers_says_config;
extern const struct text_statement registers_says_cap;
extern const struct text_statement registers_says_extcap;

/* registers-parse.c */
extern const struct text_statement registers_says_reg;
extern const struct text_statement registers_says_field;
extern const struct text_statement registers_says_value;

#endif
