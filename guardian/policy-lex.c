/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/policy-parse-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Characters, not bytes: what does not continue a character begins one. */
static uint32_t column_of(const struct policy_parser *p, const char *at)
{
	uint32_t column = 1;

	for (const char *c = p->line; c < at; c++)
		column += ((unsigned char)*c & 0xc0) != 0x80;
	return column;
}

HWS_PRINTF(4, 0)
static bool vparse_error(struct policy_parser *p, const char *at, const char *prefix,
			 const char *format, va_list arguments) HWS_PRINTF(4, 0);
static bool vparse_error(struct policy_parser *p, const char *at, const char *prefix,
			 const char *format, va_list arguments)
{
	char message[512];
	int n = snprintf(message, sizeof(message), "%s", prefix);
	struct hws_policy_error error = {
		.file = p->from->file,
		.line = p->number,
		.column = column_of(p, at),
		.message = message,
	};

	vsnprintf(message + n, sizeof(message) - (size_t)n, format, arguments);
	policy_error(p->errors, -EBADMSG, &error);
	p->failed = true;
	return false;
}

bool parse_error(struct policy_parser *p, const char *at, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vparse_error(p, at, "", format, arguments);
	va_end(arguments);
	return false;
}

bool parse_expected(struct policy_parser *p, const char *format, ...)
{
	enum { SHOWN = 60 };
	const struct token *t = &p->token;
	char prefix[SHOWN + 40];
	va_list arguments;

	if (t->kind == TOKEN_END)
		snprintf(prefix, sizeof(prefix), "found the end of the line, expected ");
	else
		snprintf(prefix, sizeof(prefix), "found '%.*s%s', expected ",
			 t->length < SHOWN ? (int)t->length : SHOWN, t->at,
			 t->length > SHOWN ? "..." : "");
	va_start(arguments, format);
	vparse_error(p, t->kind == TOKEN_QUOTED ? t->at - 1 : t->at, prefix, format, arguments);
	va_end(arguments);
	return false;
}

bool parse_no_memory(struct policy_parser *p)
{
	struct hws_policy_error error = {
		.file = p->from->file,
		.line = p->number,
		.message = "not enough memory for the policy",
	};

	policy_error(p->errors, -ENOMEM, &error);
	p->failed = true;
	return false;
}

/* The length of the character at @at, 0 when it is none (RFC 3629 §4). */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	static const struct {
		unsigned char first, last, second_first, second_last, length;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < COUNT(forms); i++) {
		size_t n = forms[i].length;

		if (at[0] < forms[i].first || at[0] > forms[i].last)
			continue;
		if (n > left ||
		    (n > 1 && (at[1] < forms[i].second_first || at[1] > forms[i].second_last)))
			return 0;
		for (size_t k = 2; k < n; k++) {
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		}
		return n;
	}
	return 0;
}

bool lex_check_line(struct policy_parser *p)
{
	if (p->end - p->line > POLICY_LINE)
		return parse_error(p, p->line, "found a line of %zu bytes, expected at most %d",
				   (size_t)(p->end - p->line), POLICY_LINE);
	for (const char *at = p->line; at < p->end;) {
		unsigned char c = (unsigned char)*at;
		size_t n = utf8_length((const unsigned char *)at, (size_t)(p->end - at));

		if (c == '\r')
			return parse_error(p, at,
					   "found a carriage return, expected lines that "
					   "end with a line feed alone");
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return parse_error(p, at,
					   "found the control character 0x%02x, expected text", c);
		if (n == 0)
			return parse_error(p, at, "found the byte 0x%02x, expected UTF-8", c);
		at += n;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_sign(char c)
{
	return c == '=' || c == '[' || c == ']';
}

static void skip_blanks(struct policy_parser *p)
{
	while (p->at < p->end && is_blank(*p->at))
		p->at++;
	if (p->at < p->end && *p->at == '#')
		p->end = p->at; /* the rest is a comment */
}

static bool lex_quoted(struct policy_parser *p)
{
	const char *begin = p->at;
	const char *quote = memchr(begin + 1, '"', (size_t)(p->end - begin - 1));

	if (!quote)
		return parse_error(p, begin,
				   "found a quote that nothing ends, expected another '\"'");
	p->token = (struct token) { TOKEN_QUOTED, begin + 1, (size_t)(quote - begin - 1) };
	p->at = quote + 1;
	return true;
}

static bool lex_token(struct policy_parser *p)
{
	const char *begin;

	skip_blanks(p);
	begin = p->at;
	p->token = (struct token) { TOKEN_END, begin, 0 };
	if (begin == p->end)
		return true;
	if (*begin == '"')
		return lex_quoted(p);
	if (is_sign(*begin)) {
		p->at++;
		p->token = (struct token) { TOKEN_SIGN, begin, 1 };
		return true;
	}
	while (p->at < p->end && !is_blank(*p->at) && !is_sign(*p->at) && !strchr(",#\"", *p->at))
		p->at++;
	p->token = (struct token) { TOKEN_WORD, begin, (size_t)(p->at - begin) };
	return true;
}

bool lex_start(struct policy_parser *p)
{
	static const char mark[] = "\xef\xbb\xbf";

	p->at = p->line;
	p->in_value = false;
	if (p->number == 1 && p->end - p->line >= 3 && !memcmp(p->line, mark, 3))
		return parse_error(p, p->line,
				   "found a byte order mark, expected text without one");
	return lex_next(p);
}

bool lex_next(struct policy_parser *p)
{
	bool may_be_comma = p->in_value && p->token.kind != TOKEN_SIGN;
	const char *comma;

	skip_blanks(p);
	comma = p->at;
	if (comma == p->end || *comma != ',')
		return lex_token(p);
	p->token = (struct token) { TOKEN_SIGN, comma, 1 };
	p->at++;
	if (!may_be_comma)
		return parse_expected(p, "no comma here");
	skip_blanks(p);
	if (p->at == p->end || is_sign(*p->at) || *p->at == ',')
		return parse_expected(p, "a word after the comma");
	return lex_token(p);
}

void lex_recover(struct policy_parser *p)
{
	bool quoted = false;

	for (; p->at < p->end && (quoted || (*p->at != ',' && *p->at != '#')); p->at++)
		quoted ^= *p->at == '"';
	while (p->at < p->end && (is_blank(*p->at) || *p->at == ','))
		p->at++;
	if (!lex_token(p))
		p->token = (struct token) { TOKEN_END, p->end, 0 };
}

bool token_is(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && token->length == strlen(word) &&
	       !memcmp(token->at, word, token->length);
}

bool token_is_sign(const struct token *token, char sign)
{
	return token->kind == TOKEN_SIGN && *token->at == sign;
}
