/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the description of a machine has beyond text-internal.h. */
#ifndef HWSAFE_SHIM_SIM_PARSE_INTERNAL_H
#define HWSAFE_SHIM_SIM_PARSE_INTERNAL_H

#include "shim/sim-machine-internal.h"
#include "shim/text-internal.h"

/* sim-words.c: what only machines have. */
text_type sim_subleaf; /* a number, or "any": UINT64_MAX */
text_type sim_bdf;     /* the number is sim_bdf_order()'s */
text_type sim_cpus;    /* 0-3,5 as bits; second 1 for "all" */
text_type sim_time;    /* 2024-02-29T12:34:56, in seconds since 1970; second 1 for "real" */

enum sim_scope {
	SIM_IN_PCI = 1,
	SIM_IN_SPACE = 2, /* a BAR or a range of ports */
};

struct sim_parser {
	struct text_parser text;
	struct sim *sim;
	struct sim_function *function;
	struct sim_space *space;
	bool cpu_given;
	bool clock_given;
};

/* sim-describe.c: the processors; -spaces.c: what has registers; -bytes.c: bytes as they are. */
extern const struct text_statement sim_says_cpu;
extern const struct text_statement sim_says_cpuid;
extern const struct text_statement sim_says_clock;
extern const struct text_statement sim_says_msr;
extern const struct text_statement sim_says_ports;
extern const struct text_statement sim_says_pci;
extern const struct text_statement sim_says_cap;
extern const struct text_statement sim_says_bytes;
extern const struct text_statement sim_says_config;
extern const struct text_statement sim_says_bar;
extern const struct text_statement sim_says_reg;

/* The first fields of whatever makes a register; places follow anywhere behind. */
enum { SIM_REG_AT, SIM_REG_VALUE, SIM_REG_MASK, SIM_REG_STEP, SIM_REG_FIELDS };
#define SIM_REGISTER_FIELDS                                                    \
	[SIM_REG_VALUE] = { "value", word_number, "a number", 0, UINT64_MAX }, \
	[SIM_REG_MASK] = { "mask", word_number, "a number", 0, UINT64_MAX },   \
	[SIM_REG_STEP] = { "step", word_number, "a number", 0, UINT64_MAX }

/* Makes one from them; NULL with an error reported. */
struct sim_register *sim_make_register(struct sim_parser *parser, const struct text_value *values,
				       enum sim_attribute attribute, uint32_t width);
void sim_add_register(struct sim_space *space, struct sim_register *reg);

/* The field's text into zeroed memory that has room for it; nothing when it was not given. */
void sim_copy(char *target, const struct text_value *value);

#endif
