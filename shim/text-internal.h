/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How descriptions are read, of simulated machines and of registers: a line
 * is words; its first word names a statement; the statement's table of fields
 * says what may follow; '#' begins a comment; quotes hold words together.
 *
 * Errors are told as "file:line:column: found 'x', expected …", one of a line.
 */
#ifndef HWSAFE_SHIM_TEXT_INTERNAL_H
#define HWSAFE_SHIM_TEXT_INTERNAL_H

#include "shim/base.h"

struct text_word {
	const char *text; /* not terminated */
	size_t length;
	uint32_t column; /* from 1 */
	bool end;	 /* there is none: the line ended */
	bool unclosed;	 /* it lacks its closing quote */
};

struct text_value {
	const struct text_word *word; /* NULL: not given */
	uint64_t number;	      /* what the field's type makes of it */
	uint64_t second;
};

struct text_field;
typedef bool text_type(const struct text_field *field, const struct text_word *word,
		       struct text_value *ret_value);

/* One thing that a statement may say: first those that stand by their place, then named ones. */
struct text_field {
	const char *name;     /* the word before it; NULL: it stands by its place */
	text_type *type;      /* NULL: the name alone says it */
	const char *expected; /* "a width: 1, 2, 4 or 8" */
	uint64_t min;
	uint64_t max;
	const char *const *choices; /* word_choice(): the words, in the order of their numbers */
	bool must;
	bool rest; /* it takes all words that are left: number is how many */
};

/* text-words.c: the types. Each gives false for a word that is none. */
text_type word_number;	 /* 12, 0x1f */
text_type word_size;	 /* the same, K, M or G may follow */
text_type word_duration; /* 100ns, 5us, 1ms */
text_type word_string;	 /* any; its length between min and max */
text_type word_choice;	 /* the number of the word among the choices */
text_type word_id;	 /* 1234:11e8: number and second */

/* What types are made of. */
bool text_is(const struct text_word *word, const char *text);
/* The value of one digit; @base or more for anything else. */
unsigned int text_digit(char character, unsigned int base);
/* Digits from *at on; moves *at behind them. False: none, or too large. */
bool text_digits(const char **at, const char *end, unsigned int base, uint64_t *ret_number);

enum { TEXT_WORDS = 64, TEXT_FIELDS = 12 };

typedef void text_report_fn(const char *message, void *context);
struct text_statement;

/* The first thing in the parser of each format. */
struct text_parser {
	const char *name; /* of the text */
	const struct text_statement *const *statements;
	size_t statement_count;
	text_report_fn *report;
	void *context;

	int errors;
	int failure; /* -ENOMEM ends it all */
	uint32_t line;
	bool line_failed;
	struct text_word words[TEXT_WORDS + 1]; /* the last one is the line's end */
	const struct text_word *next;
	uint32_t scopes; /* what was opened and not closed yet */
	uint32_t good;	 /* of these: their opening lines had no error */
};

/* Scopes are bits; the smaller one holds the larger one. */
struct text_statement {
	const char *word;
	uint32_t under;	   /* needs this scope; 0: stands alone and ends all scopes */
	uint32_t opens;	   /* begins these */
	const char *after; /* what opens the scope that it needs */
	const struct text_field *fields;
	size_t count;
	void (*apply)(struct text_parser *parser, const struct text_value *values);
};

#define TEXT_COUNT(table)      (sizeof(table) / sizeof((table)[0]))
#define TEXT_EXPECT_NO_OVERLAP "what no other line covers"

/*
 * How many errors the text has, all told; or -ENOMEM. The text is not looked at again where words
 * stood: who owns it may end them there with a NUL.
 */
HWS_MUST int text_parse(struct text_parser *parser, const char *text);
/* Reports an error of this line: only the first one counts. */
void text_error(struct text_parser *parser, const struct text_word *word, const char *expected, ...)
	HWS_PRINTF(3, 4);
/* calloc() that notes its failure. */
void *text_allocate(struct text_parser *parser, size_t size);

#endif
