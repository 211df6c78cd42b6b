/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aligned columns, colour where it helps. */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/hwprobe.h"

enum {
	WIDTH = 80,
	NAME_AT = 2,
	WORD_AT = 21,
	TEXT_AT = 30,
	MARK_AT = 2,
	ITEM_AT = 6,
	BODY_AT = 17,
	CELLS_AT = 18,
	CELL = 12,
};

static const char *const tones[] = {
	[TONE_PLAIN] = "",	 [TONE_GOOD] = "\033[32m", [TONE_HALF] = "\033[33m",
	[TONE_BAD] = "\033[31m", [TONE_DIM] = "\033[2m",   [TONE_BOLD] = "\033[1m",
};

void page_init(struct page *page, enum color color)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	bool automatic = isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
			 strcmp(term, "dumb") != 0;

	page->out = stdout;
	page->unicode = false;
	page->color = color == COLOR_ALWAYS || (color == COLOR_AUTO && automatic);
}

static void toned(const struct page *page, enum tone tone, const char *text)
{
	bool color = page->color && tone != TONE_PLAIN;

	fprintf(page->out, "%s%s%s", color ? tones[tone] : "", text, color ? "\033[0m" : "");
}

/* Goes to a column, at least one space on. */
static int go_to(const struct page *page, int at, int column)
{
	int spaces = column > at ? column - at : 1;

	fprintf(page->out, "%*s", spaces, "");
	return at + spaces;
}

/* How long a word is; quotes keep blanks in it. */
static int word_length(const char *text)
{
	int length = 0;
	bool quoted = false;

	for (; text[length] && (quoted || text[length] != ' '); length++)
		quoted = quoted != (text[length] == '\'');
	return quoted ? (int)strcspn(text, " ") : length;
}

/* Words from column @from on; lines that follow start there too. A command goes on behind a \. */
static void wrapped_as(const struct page *page, int at, int from, const char *text, bool command)
{
	int width = command ? WIDTH - 2 : WIDTH;

	while (*text) {
		int length = command ? word_length(text) : (int)strcspn(text, " ");

		if (at > from && at + 1 + length > width) {
			fputs(command ? " \\\n" : "\n", page->out);
			at = go_to(page, 0, from);
		} else if (at > from) {
			at = go_to(page, at, at + 1);
		}
		fprintf(page->out, "%.*s", length, text);
		at += length;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', page->out);
}

static void wrapped(const struct page *page, int at, int from, const char *text)
{
	wrapped_as(page, at, from, text, false);
}

void page_heading(const struct page *page, const char *text)
{
	toned(page, TONE_BOLD, text);
	fputc('\n', page->out);
}

void page_row(const struct page *page, const char *name, enum tone tone, const char *word,
	      const char *text)
{
	int at = go_to(page, 0, NAME_AT);
	int from = *word ? TEXT_AT : WORD_AT;

	fputs(name, page->out);
	at += (int)strlen(name);
	if (*word) {
		at = go_to(page, at, WORD_AT);
		toned(page, tone, word);
		at += (int)strlen(word);
	}
	if (*text)
		at = go_to(page, at, from);
	wrapped(page, at > from ? at : from, from, text);
}

/* Such cures are typed, others are done. */
static bool is_command(const char *text)
{
	static const char *const first[] = { "sudo ",	 "docker ", "printf ",
					     "hwprobe ", "ulimit ", "echo " };

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (!strncmp(text, first[i], strlen(first[i])) && !strchr(text, ';'))
			return true;
	return false;
}

void page_item(const struct page *page, enum tone tone, const char *mark, const char *name,
	       const char *text)
{
	int at = go_to(page, 0, MARK_AT);

	toned(page, tone, mark);
	at = go_to(page, at + (int)strlen(mark), ITEM_AT);
	if (!*name) {
		wrapped(page, at, ITEM_AT, text);
		return;
	}
	toned(page, TONE_DIM, name);
	at = go_to(page, at + (int)strlen(name), BODY_AT);
	wrapped_as(page, at, BODY_AT, text, is_command(text));
}

/* Of UTF-8: what begins no character takes no column. */
static int columns_of(const char *text)
{
	int columns = 0;

	for (; *text; text++)
		columns += (*text & 0xc0) != 0x80;
	return columns;
}

void page_cells(const struct page *page, const char *name, const struct cell *cells, size_t count)
{
	int at = go_to(page, 0, NAME_AT);

	fputs(name, page->out);
	at += columns_of(name);
	for (size_t i = 0; i < count; i++) {
		if (!cells[i].text[0])
			continue;
		at = go_to(page, at, CELLS_AT + (int)i * CELL);
		toned(page, cells[i].tone, cells[i].text);
		at += columns_of(cells[i].text);
	}
	fputc('\n', page->out);
}

void page_unicode(struct page *page)
{
	setlocale(LC_CTYPE, "");
	page->unicode = !strcmp(nl_langinfo(CODESET), "UTF-8");
}

enum tone page_tone(enum hws_probe_status status)
{
	static const enum tone of[] = {
		[HWS_PROBE_NO] = TONE_BAD,
		[HWS_PROBE_PARTIAL] = TONE_HALF,
		[HWS_PROBE_WORKS] = TONE_GOOD,
	};

	return of[status];
}
