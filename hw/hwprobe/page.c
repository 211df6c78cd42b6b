/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aligned columns, colour where it helps. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/hwprobe.h"

enum {
	WIDTH = 80,
	NAME_AT = 2,
	WORD_AT = 21,
	TEXT_AT = 30,
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

/* Words from column @from on; lines that follow start there too. */
static void wrapped(const struct page *page, int at, int from, const char *text)
{
	while (*text) {
		int length = (int)strcspn(text, " ");

		if (at > from && at + 1 + length > WIDTH) {
			fputc('\n', page->out);
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

enum tone page_tone(enum hws_probe_status status)
{
	static const enum tone of[] = {
		[HWS_PROBE_NO] = TONE_BAD,
		[HWS_PROBE_PARTIAL] = TONE_HALF,
		[HWS_PROBE_WORKS] = TONE_GOOD,
	};

	return of[status];
}
