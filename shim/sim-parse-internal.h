/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a description is read: a line is words; its first word names a
 * statement; the statement's table of fields says what may follow.
 */
#ifndef HWSAFE_SHIM_SIM_PARSE_INTERNAL_H
#define HWSAFE_SHIM_SIM_PARSE_INTERNAL_H

#include "shim/sim-machine-internal.h"

struct sim_word {
	const char *text; /* not terminated */
	size_t length;
	uint32_t column; /* from 1 */
	bool end;	 /* there is none: the line ended */
	bool unclosed;	 /* it lacks its closing quote */
};

struct sim_value {
	const struct sim_word *word; /* NULL: not given */
	uint64_t number;	     /* what the field's type makes of it */
	uint64_t second;
};

struct sim_field;
typedef bool sim_type(const struct sim_field *field, const struct sim_word *word,
		      struct sim_value *ret_value);

/* One thing that a statement may say: first those that stand by their place, then named ones. */
struct sim_field {
	const char *name;     /* the word before it; NULL: it stands by its place */
	sim_type *type;	      /* NULL: the name alone says it */
	const char *expected; /* "a width: 1, 2, 4 or 8" */
	uint64_t min;
	uint64_t max;
	const char *const *choices; /* sim_choice(): the words, in the order of their numbers */
	bool must;
	bool rest; /* it takes all words that are left: number is how many */
};

/* sim-words.c: the types. Each gives false for a word that is none. */
sim_type sim_number;   /* 12, 0x1f */
sim_type sim_size;     /* the same, K, M or G may follow */
sim_type sim_duration; /* 100ns, 5us, 1ms */
sim_type sim_string;   /* any; its length between min and max */
sim_type sim_choice;   /* the number of the word among the choices */
sim_type sim_subleaf;  /* a number, or "any": UINT64_MAX */
sim_type sim_bdf;      /* the number is sim_bdf_order()'s */
sim_type sim_id;       /* 1234:11e8: number and second */
sim_type sim_cpus;     /* 0-3,5 as bits; second 1 for "all" */
sim_type sim_time;     /* 2024-02-29T12:34:56, in seconds since 1970; second 1 for "real" */

enum sim_scope {
	SIM_IN_PCI = 1,
	SIM_IN_SPACE = 2, /* a BAR or a range of ports */
};

enum { SIM_WORDS = 64 };

struct sim_parser {
	struct sim *sim;
	const char *name;
	sim_report_fn *report;
	void *context;
	int errors;
	int failure; /* -ENOMEM ends it all */
	uint32_t line;
	bool line_failed;
	struct sim_word words[SIM_WORDS + 1]; /* the last one is the line's end */
	const struct sim_word *next;
	uint32_t scopes;	       /* what was opened and not closed yet */
	struct sim_function *function; /* NULL in a scope: its opening line had an error */
	struct sim_space *space;
	bool cpu_given;
	bool clock_given;
};

struct sim_statement {
	const char *word;
	uint32_t under;	   /* needs this scope; 0: stands alone and ends all scopes */
	uint32_t opens;	   /* begins these */
	const char *after; /* what opens the scope that it needs */
	const struct sim_field *fields;
	size_t count;
	void (*apply)(struct sim_parser *parser, const struct sim_value *values);
};

enum { SIM_FIELDS = 12 };

#define SIM_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* sim-describe.c: the processors; sim-describe-spaces.c: what has registers. */
extern const struct sim_statement sim_says_cpu;
extern const struct sim_statement sim_says_cpuid;
extern const struct sim_statement sim_says_clock;
extern const struct sim_statement sim_says_msr;
extern const struct sim_statement sim_says_ports;
extern const struct sim_statement sim_says_pci;
extern const struct sim_statement sim_says_cap;
extern const struct sim_statement sim_says_bytes;
extern const struct sim_statement sim_says_bar;
extern const struct sim_statement sim_says_reg;

/* The first fields of whatever makes a register; places follow anywhere behind. */
enum { SIM_REG_AT, SIM_REG_VALUE, SIM_REG_MASK, SIM_REG_STEP, SIM_REG_FIELDS };
#define SIM_REGISTER_FIELDS                                                   \
	[SIM_REG_VALUE] = { "value", sim_number, "a number", 0, UINT64_MAX }, \
	[SIM_REG_MASK] = { "mask", sim_number, "a number", 0, UINT64_MAX },   \
	[SIM_REG_STEP] = { "step", sim_number, "a number", 0, UINT64_MAX }

/* Makes one from them; NULL with an error reported. */
struct sim_register *sim_make_register(struct sim_parser *parser, const struct sim_value *values,
				       enum sim_attribute attribute, uint32_t width);
void sim_add_register(struct sim_space *space, struct sim_register *reg);

#define SIM_EXPECT_NO_OVERLAP "what no other line covers"

/* Reports an error of this line: only the first one counts. */
void sim_error(struct sim_parser *parser, const struct sim_word *word, const char *expected, ...)
	HWS_PRINTF(3, 4);
/* The field's text into zeroed memory that has room for it; nothing when it was not given. */
void sim_copy(char *target, const struct sim_value *value);
/* calloc() that notes its failure. */
void *sim_allocate(struct sim_parser *parser, size_t size);

#endif
