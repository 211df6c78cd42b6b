/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the policy's parser share. Every bool says: no error was found. */
#ifndef HWSAFE_GUARDIAN_POLICY_PARSE_INTERNAL_H
#define HWSAFE_GUARDIAN_POLICY_PARSE_INTERNAL_H

#include "guardian/policy-internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum token_kind {
	TOKEN_END = 0,
	TOKEN_WORD,
	TOKEN_QUOTED, /* without its quotes */
	TOKEN_SIGN,   /* = [ ] */
};

struct token {
	enum token_kind kind;
	const char *at;
	size_t length;
};

struct policy_parser {
	struct hws_policy *policy;
	const struct policy_text *from;
	struct policy_names *names;
	struct policy_errors *errors;
	size_t first_section; /* of this text */
	bool in_section;
	bool bad_section; /* its header has an error */
	bool version;	  /* was told */
	bool in_value;	  /* behind the = */
	uint32_t number;  /* of the line */
	const char *line; /* its first byte */
	const char *end;  /* behind its last */
	const char *at;	  /* behind the token */
	struct token token;
	bool failed; /* this line has an error */
};

/* policy-lex.c */

/* An error at @at in the line; always false. */
bool parse_error(struct policy_parser *p, const char *at, const char *format, ...) HWS_PRINTF(3, 4);
/* "found 'x', expected …" at the token; always false. */
bool parse_expected(struct policy_parser *p, const char *format, ...) HWS_PRINTF(2, 3);
/* Control characters, bad UTF-8, too long? */
bool lex_check_line(struct policy_parser *p);
/* Begins the line. */
bool lex_start(struct policy_parser *p);
/* Moves to the next token; skips one comma before it. */
bool lex_next(struct policy_parser *p);
/* Goes on behind the next comma, to look for more errors. */
void lex_recover(struct policy_parser *p);
bool token_is(const struct token *token, const char *word);
bool token_is_sign(const struct token *token, char sign);
bool token_is_number(const struct token *token); /* or looks like one: a digit or * */
/* Numbers up to @max; @what: "a port". Each moves behind what it took. */
bool parse_number(struct policy_parser *p, const char *what, uint64_t max, uint64_t *ret_number);
bool parse_size(struct policy_parser *p, const char *what, uint64_t *ret_bytes);
bool parse_span(struct policy_parser *p, const char *what, uint64_t max,
		struct policy_span *ret_span);
/* One or more; * is all. */
bool parse_spans(struct policy_parser *p, const char *what, uint64_t max,
		 struct policy_spans *ret_spans);
/* /a/path, or "/a/path" where it has blanks. */
bool parse_path(struct policy_parser *p, const char *what, const char **ret_path);
bool parse_no_memory(struct policy_parser *p);

/* policy-rule.c: the rule behind the "=". */
bool parse_rule(struct policy_parser *p, enum hws_kind kind, bool deny);

/* policy-device.c: a bus address, vendor:device or class. */
bool parse_device(struct policy_parser *p, struct policy_device *ret_device);

/* policy-option.c */

enum policy_option {
	OPTION_CONFIG = 1 << 0,
	OPTION_CPUS = 1 << 1,
	OPTION_WIDTH = 1 << 2,
	OPTION_MASK = 1 << 3,
	OPTION_VALUE = 1 << 4,
	OPTION_RATE = 1 << 5,
	OPTION_MAX = 1 << 6,
	OPTION_MAPS = 1 << 7,
	OPTION_BUFFERS = 1 << 8,
	OPTION_SHA256 = 1 << 9,
	OPTION_KEY = 1 << 10,
	OPTION_LAST_WORDS = 1 << 11,
	OPTION_UNSIGNED = 1 << 12,
};
struct rule_parser {
	struct policy_parser *p;
	const struct policy_kind *kind;
	struct policy_rule rule;
	uint32_t given; /* options */
};
/* The option at the token, if it is one. */
bool parse_option(struct rule_parser *r, bool *ret_found);
/* What options ask of the whole rule. */
bool options_fit(struct rule_parser *r, const char *rule);
/* The words of the options that the rule may have, for messages: ", rate, width". */
const char *option_words(const struct rule_parser *r, char *text, size_t size);

#endif
