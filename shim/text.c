/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a description line by line, by its tables of statements. */
#include "shim/text-internal.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MESSAGE = 512,
	SHOWN = 40, /* of a word that is wrong */
};

/* The word as a message shows it: what can't be printed is '?'. */
static const char *show(const struct text_word *word, char text[SHOWN + 1])
{
	size_t length = word->length < SHOWN ? word->length : SHOWN;

	if (word->end)
		return "end of line";
	for (size_t i = 0; i < length; i++)
		text[i] =
			(char)(word->text[i] >= ' ' && word->text[i] <= '~' ? word->text[i] : '?');
	text[length] = '\0';
	return text;
}

void text_error(struct text_parser *parser, const struct text_word *word, const char *expected, ...)
{
	char message[MESSAGE];
	char shown[SHOWN + 1];
	va_list arguments;
	int n;

	if (parser->line_failed)
		return;
	parser->line_failed = true;
	parser->errors += parser->errors < INT_MAX;
	if (!parser->report)
		return;
	n = snprintf(message, sizeof(message), "%.128s:%u:%u: found '%s', expected ", parser->name,
		     parser->line, word->column, show(word, shown));
	va_start(arguments, expected);
	vsnprintf(message + n, sizeof(message) - (size_t)n, expected, arguments);
	va_end(arguments);
	parser->report(message, parser->context);
}

void *text_allocate(struct text_parser *parser, size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		parser->failure = -ENOMEM;
	return memory;
}

/* The next word of a line, or its end. Quotes hold spaces and '#' together. */
static struct text_word next_word(const char *line, size_t length, size_t *at)
{
	struct text_word word = { 0 };
	size_t begin;

	while (*at < length && strchr(" \t\r", line[*at]))
		++*at;
	begin = *at;
	word.column = (uint32_t)begin + 1;
	word.text = line + begin;
	word.end = begin == length || line[begin] == '#';
	if (word.end)
		return word;
	if (line[begin] == '"') {
		word.text++;
		do
			++*at;
		while (*at < length && line[*at] != '"');
		word.length = *at - begin - 1;
		word.unclosed = *at == length;
		*at += !word.unclosed;
		return word;
	}
	while (*at < length && !strchr(" \t\r#\"", line[*at]))
		++*at;
	word.length = *at - begin;
	return word;
}

/* Cuts the line into words; false with an error reported. */
static bool cut(struct text_parser *parser, const char *line, size_t length)
{
	size_t at = 0;

	for (size_t i = 0; i <= TEXT_WORDS; i++) {
		struct text_word *word = &parser->words[i];

		*word = next_word(line, length, &at);
		if (word->end)
			return true;
		if (word->unclosed) {
			text_error(parser, word, "a closing '\"'");
			return false;
		}
	}
	text_error(parser, &parser->words[TEXT_WORDS], "at most %d words", TEXT_WORDS);
	return false;
}

/* Adds a name to "one of a, b, c". */
static void list_name(char list[MESSAGE / 2], const char *name)
{
	size_t n = strlen(list);

	snprintf(list + n, MESSAGE / 2 - n, "%s%s", n ? ", " : "one of ", name);
}

/* Takes the value of @field from the next words. */
static void take(struct text_parser *parser, const struct text_field *field,
		 struct text_value *ret_value)
{
	struct text_value value = { .word = parser->next };

	do {
		if (parser->next->end || !field->type(field, parser->next, &value)) {
			text_error(parser, parser->next, "%s", field->expected);
			return;
		}
		parser->next++;
	} while (field->rest && !parser->next->end);
	if (field->rest)
		value.number = (uint64_t)(parser->next - value.word);
	*ret_value = value;
}

static void expect_field(struct text_parser *parser, const struct text_statement *statement)
{
	char list[MESSAGE / 2] = "";

	for (size_t i = 0; i < statement->count; i++) {
		if (statement->fields[i].name)
			list_name(list, statement->fields[i].name);
	}
	text_error(parser, parser->next, "%s", *list ? list : "nothing more");
}

/* One field with a name, which the next word must be. */
static void take_named(struct text_parser *parser, const struct text_statement *statement,
		       struct text_value *values)
{
	size_t i = 0;

	while (i < statement->count &&
	       (!statement->fields[i].name || !text_is(parser->next, statement->fields[i].name)))
		i++;
	if (i == statement->count) {
		expect_field(parser, statement);
		return;
	}
	if (values[i].word) {
		text_error(parser, parser->next, "it only once");
		return;
	}
	values[i].word = parser->next++;
	if (statement->fields[i].type)
		take(parser, &statement->fields[i], &values[i]);
}

static void take_fields(struct text_parser *parser, const struct text_statement *statement,
			struct text_value *values)
{
	for (size_t i = 0; i < statement->count && !parser->line_failed; i++) {
		if (!statement->fields[i].name)
			take(parser, &statement->fields[i], &values[i]);
	}
	while (!parser->next->end && !parser->line_failed)
		take_named(parser, statement, values);
	for (size_t i = 0; i < statement->count; i++) {
		if (statement->fields[i].must && !values[i].word)
			text_error(parser, parser->next, "'%s'", statement->fields[i].name);
	}
}

/* Closes and opens scopes; false when the one that the statement stands in is not open. */
static bool enter(struct text_parser *parser, const struct text_statement *statement)
{
	if (statement->under & ~parser->scopes) {
		text_error(parser, &parser->words[0], "%s before it", statement->after);
		return false;
	}
	if (!statement->under)
		parser->scopes = 0;
	if (statement->opens)
		parser->scopes = (parser->scopes & (statement->opens - 1)) | statement->opens;
	parser->good &= parser->scopes & ~statement->opens;
	return true;
}

/* The statement that the line begins with; NULL with an error reported. */
static const struct text_statement *find_statement(struct text_parser *parser)
{
	char list[MESSAGE / 2] = "";

	for (size_t i = 0; i < parser->statement_count; i++) {
		if (text_is(parser->next, parser->statements[i]->word))
			return parser->statements[i];
		list_name(list, parser->statements[i]->word);
	}
	text_error(parser, parser->next, "%s", list);
	return NULL;
}

static void parse_line(struct text_parser *parser, const char *line, size_t length)
{
	struct text_value values[TEXT_FIELDS] = { 0 };
	const struct text_statement *statement;

	parser->line++;
	parser->line_failed = false;
	parser->next = parser->words;
	if (!cut(parser, line, length) || parser->next->end)
		return;
	statement = find_statement(parser);
	if (!statement || !enter(parser, statement))
		return;
	parser->next++;
	take_fields(parser, statement, values);
	/* what stands in a scope that failed to open is only read: one mistake, one message */
	if (parser->line_failed || statement->under & ~parser->good)
		return;
	statement->apply(parser, values);
	if (!parser->line_failed)
		parser->good |= statement->opens;
}

int text_parse(struct text_parser *parser, const char *text)
{
	const char *next;

	for (; *text && parser->failure == 0; text = next) {
		size_t length = strcspn(text, "\n");

		next = text + length + (text[length] == '\n');
		parse_line(parser, text, length);
	}
	return parser->failure < 0 ? parser->failure : parser->errors;
}
