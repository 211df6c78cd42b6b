/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a description line by line, by the tables of sim-describe.c. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sim-parse-internal.h"
#include "shim/sim.h"
#include "shim/sys-internal.h"

static const struct sim_statement *const statements[] = {
	&sim_says_cpu, &sim_says_cpuid, &sim_says_clock, &sim_says_msr, &sim_says_ports,
	&sim_says_pci, &sim_says_cap,	&sim_says_bytes, &sim_says_bar, &sim_says_reg,
};

enum {
	MESSAGE = 512,
	SHOWN = 40, /* of a word that is wrong */
};

/* The word as a message shows it: what can't be printed is '?'. */
static const char *show(const struct sim_word *word, char text[SHOWN + 1])
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

void sim_error(struct sim_parser *parser, const struct sim_word *word, const char *expected, ...)
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

void *sim_allocate(struct sim_parser *parser, size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		parser->failure = -ENOMEM;
	return memory;
}

/* The next word of a line, or its end. Quotes hold spaces and '#' together. */
static struct sim_word next_word(const char *line, size_t length, size_t *at)
{
	struct sim_word word = { 0 };
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
static bool cut(struct sim_parser *parser, const char *line, size_t length)
{
	size_t at = 0;

	for (size_t i = 0; i <= SIM_WORDS; i++) {
		struct sim_word *word = &parser->words[i];

		*word = next_word(line, length, &at);
		if (word->end)
			return true;
		if (word->unclosed) {
			sim_error(parser, word, "a closing '\"'");
			return false;
		}
	}
	sim_error(parser, &parser->words[SIM_WORDS], "at most %d words", SIM_WORDS);
	return false;
}

static bool word_is(const struct sim_word *word, const char *text)
{
	return !word->end && word->length == strlen(text) &&
	       !memcmp(word->text, text, word->length);
}

/* Adds a name to "one of a, b, c". */
static void list_name(char list[MESSAGE / 2], const char *name)
{
	size_t n = strlen(list);

	snprintf(list + n, MESSAGE / 2 - n, "%s%s", n ? ", " : "one of ", name);
}

/* Takes the value of @field from the next words. */
static void take(struct sim_parser *parser, const struct sim_field *field,
		 struct sim_value *ret_value)
{
	struct sim_value value = { .word = parser->next };

	do {
		if (parser->next->end || !field->type(field, parser->next, &value)) {
			sim_error(parser, parser->next, "%s", field->expected);
			return;
		}
		parser->next++;
	} while (field->rest && !parser->next->end);
	if (field->rest)
		value.number = (uint64_t)(parser->next - value.word);
	*ret_value = value;
}

static void expect_field(struct sim_parser *parser, const struct sim_statement *statement)
{
	char list[MESSAGE / 2] = "";

	for (size_t i = 0; i < statement->count; i++) {
		if (statement->fields[i].name)
			list_name(list, statement->fields[i].name);
	}
	sim_error(parser, parser->next, "%s", *list ? list : "nothing more");
}

/* One field with a name, which the next word must be. */
static void take_named(struct sim_parser *parser, const struct sim_statement *statement,
		       struct sim_value *values)
{
	size_t i = 0;

	while (i < statement->count &&
	       (!statement->fields[i].name || !word_is(parser->next, statement->fields[i].name)))
		i++;
	if (i == statement->count) {
		expect_field(parser, statement);
		return;
	}
	if (values[i].word) {
		sim_error(parser, parser->next, "it only once");
		return;
	}
	values[i].word = parser->next++;
	if (statement->fields[i].type)
		take(parser, &statement->fields[i], &values[i]);
}

static void take_fields(struct sim_parser *parser, const struct sim_statement *statement,
			struct sim_value *values)
{
	for (size_t i = 0; i < statement->count && !parser->line_failed; i++) {
		if (!statement->fields[i].name)
			take(parser, &statement->fields[i], &values[i]);
	}
	while (!parser->next->end && !parser->line_failed)
		take_named(parser, statement, values);
	for (size_t i = 0; i < statement->count; i++) {
		if (statement->fields[i].must && !values[i].word)
			sim_error(parser, parser->next, "'%s'", statement->fields[i].name);
	}
}

/* Closes and opens scopes; false when the one that the statement stands in is not open. */
static bool enter(struct sim_parser *parser, const struct sim_statement *statement)
{
	if (statement->under & ~parser->scopes) {
		sim_error(parser, &parser->words[0], "%s before it", statement->after);
		return false;
	}
	if (!statement->under)
		parser->scopes = 0;
	parser->scopes |= statement->opens;
	if (statement->opens & SIM_IN_PCI)
		parser->function = NULL;
	if (statement->opens)
		parser->space = NULL;
	return true;
}

/* What stands in a scope that failed to open is only read: one mistake, one message. */
static bool parent_failed(const struct sim_parser *parser, const struct sim_statement *statement)
{
	return (statement->under & SIM_IN_PCI && !parser->function) ||
	       (statement->under & SIM_IN_SPACE && !parser->space);
}

/* The statement that the line begins with; NULL with an error reported. */
static const struct sim_statement *find_statement(struct sim_parser *parser)
{
	char list[MESSAGE / 2] = "";

	for (size_t i = 0; i < SIM_COUNT(statements); i++) {
		if (word_is(parser->next, statements[i]->word))
			return statements[i];
		list_name(list, statements[i]->word);
	}
	sim_error(parser, parser->next, "%s", list);
	return NULL;
}

static void parse_line(struct sim_parser *parser, const char *line, size_t length)
{
	struct sim_value values[SIM_FIELDS] = { 0 };
	const struct sim_statement *statement;

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
	if (!parser->line_failed && !parent_failed(parser, statement))
		statement->apply(parser, values);
}

int sim_parse(const char *text, const char *name, sim_report_fn *report, void *context,
	      struct sim **ret_sim)
{
	__attribute__((cleanup(sim_free_p))) struct sim *sim = NULL;
	struct sim_parser parser = { .name = name, .report = report, .context = context };
	int r = sim_new(&sim);

	if (r < 0)
		return r;
	parser.sim = sim;
	while (*text && parser.failure == 0) {
		size_t length = strcspn(text, "\n");

		parse_line(&parser, text, length);
		text += length + (text[length] == '\n');
	}
	if (parser.failure < 0)
		return parser.failure;
	if (parser.errors > 0)
		return parser.errors;
	*ret_sim = HWS_TAKE_PTR(sim);
	return 0;
}

int hws_sim_check(const char *text, const char *name,
		  void (*report)(const char *message, void *context), void *context)
{
	struct sim *sim = NULL;
	int r;

	if (!text)
		return -EINVAL;
	r = sim_parse(text, name ? name : "sim", report, context, &sim);
	sim_free(sim);
	return r;
}

const char *hws_sim_default(void)
{
	return sim_default_text;
}
