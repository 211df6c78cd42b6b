/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, sizes, ranges of numbers, and paths. */
#include "guardian/policy-parse-internal.h"

#include <stdlib.h>
#include <string.h>

bool token_is_number(const struct token *token)
{
	return token->kind == TOKEN_WORD &&
	       ((token->at[0] >= '0' && token->at[0] <= '9') || token->at[0] == '*');
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Decimal, or hexadecimal after 0x. A leading 0 could mean octal, so it is none. */
static bool read_digits(const char *at, size_t length, uint64_t *ret_number)
{
	bool hex = length > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
	unsigned int base = hex ? 16 : 10;
	uint64_t number = 0;
	size_t i = hex ? 2 : 0;

	if (length == 0 || (!hex && length > 1 && at[0] == '0'))
		return false;
	for (; i < length; i++) {
		unsigned int digit = (unsigned int)digit_of(at[i]);

		if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	*ret_number = number;
	return true;
}

static bool expected_number(struct policy_parser *p, const char *what, uint64_t max)
{
	return parse_expected(p, "%s from 0 to 0x%llx", what, (unsigned long long)max);
}

bool parse_number(struct policy_parser *p, const char *what, uint64_t max, uint64_t *ret_number)
{
	uint64_t number;

	if (p->token.kind != TOKEN_WORD || !read_digits(p->token.at, p->token.length, &number) ||
	    number > max)
		return expected_number(p, what, max);
	*ret_number = number;
	return lex_next(p);
}

bool parse_size(struct policy_parser *p, const char *what, uint64_t *ret_bytes)
{
	static const char suffixes[] = "KMG";
	size_t length = p->token.length;
	const char *suffix = length ? strchr(suffixes, p->token.at[length - 1]) : NULL;
	unsigned int shift = suffix ? 10 * (unsigned int)(suffix - suffixes + 1) : 0;
	uint64_t number;

	if (p->token.kind != TOKEN_WORD ||
	    !read_digits(p->token.at, length - (suffix ? 1 : 0), &number) || number == 0 ||
	    number > UINT64_MAX >> shift)
		return parse_expected(p, "%s: bytes above 0, or with K, M or G behind the number",
				      what);
	*ret_bytes = number << shift;
	return lex_next(p);
}

bool parse_span(struct policy_parser *p, const char *what, uint64_t max,
		struct policy_span *ret_span)
{
	const struct token *t = &p->token;
	const char *dash = t->kind == TOKEN_WORD ? memchr(t->at, '-', t->length) : NULL;
	size_t first = dash ? (size_t)(dash - t->at) : t->length;
	struct policy_span span = { 0, max };

	if (!token_is_number(t))
		return expected_number(p, what, max);
	if (!token_is(t, "*")) {
		if (!read_digits(t->at, first, &span.first) || span.first > max)
			return expected_number(p, what, max);
		span.last = span.first;
		if (dash &&
		    (!read_digits(dash + 1, t->length - first - 1, &span.last) || span.last > max))
			return expected_number(p, what, max);
		if (span.last < span.first)
			return parse_expected(p, "a range that begins below its end");
	}
	*ret_span = span;
	return lex_next(p);
}

bool parse_spans(struct policy_parser *p, const char *what, uint64_t max,
		 struct policy_spans *ret_spans)
{
	struct policy_spans spans = { NULL, 0 };
	bool good;

	do {
		if (!policy_grow(&spans.at, spans.count, sizeof(*spans.at)))
			good = parse_no_memory(p);
		else
			good = parse_span(p, what, max, &spans.at[spans.count++]);
	} while (good && token_is_number(&p->token));
	if (good) {
		policy_spans_tidy(&spans);
		ret_spans->count = spans.count;
		ret_spans->at = (struct policy_span *)(void *)policy_copy(
			p->policy, (const char *)spans.at, spans.count * sizeof(*spans.at));
		good = ret_spans->at || parse_no_memory(p);
	}
	free(spans.at);
	return good;
}

/* Absolute, and the same file for whoever reads it: nothing to be resolved. */
static bool path_is_plain(const char *path, size_t length)
{
	if (length < 2 || path[0] != '/')
		return false;
	for (size_t i = 0; i < length;) {
		const char *name = path + i + 1;
		const char *slash = memchr(name, '/', length - i - 1);
		size_t n = slash ? (size_t)(slash - name) : length - i - 1;

		if (n == 0 || (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'))))
			return false;
		i += n + 1;
	}
	return true;
}

bool parse_path(struct policy_parser *p, const char *what, const char **ret_path)
{
	if ((p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_QUOTED) ||
	    !path_is_plain(p->token.at, p->token.length))
		return parse_expected(p, "%s: an absolute path without '.', '..' or '//'", what);
	*ret_path = policy_copy(p->policy, p->token.at, p->token.length);
	return *ret_path ? lex_next(p) : parse_no_memory(p);
}
