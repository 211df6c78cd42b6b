/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/frame.h"

#include <stdlib.h>
#include <string.h>

enum { NAME = 11, PERCENT = 5, DETAIL = 12, LEAST_BAR = 4, CELL = 40 };

/* From this share on a bar has this tone. */
static const struct {
	double from;
	const char *tone;
} tones[] = { { 0.9, "\033[31m" }, { 0.7, "\033[33m" }, { 0.0, "\033[32m" } };

void frame_plain(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; from && *from && n < size - 1; from++)
		to[n++] = *from >= ' ' && *from < 0x7f ? *from : '?';
	to[n] = '\0';
}

struct gauge *gauge_add(struct gauges *gauges, const char *section, const char *name)
{
	struct gauge *gauge;

	if (gauges->count < GAUGES)
		gauges->count++;
	gauge = &gauges->at[gauges->count - 1];
	*gauge = (struct gauge) { .section = section, .share = -1 };
	frame_plain(gauge->name, sizeof(gauge->name), name);
	return gauge;
}

static const char *tone_of(const struct frame *frame, double share)
{
	size_t i = 0;

	while (share < tones[i].from)
		i++;
	return frame->color ? tones[i].tone : "";
}

static void put_bar(FILE *out, const struct frame *frame, double share, int width)
{
	int full = (int)(share * width + 0.5);

	/* what is not nothing is seen */
	full = full == 0 && share > 0 ? 1 : full;
	fprintf(out, "[%s", tone_of(frame, share));
	for (int i = 0; i < width; i++)
		fputs(i < full ? (frame->unicode ? "\xe2\x96\x88" : "#")
			       : (frame->unicode ? "\xc2\xb7" : "."),
		      out);
	fprintf(out, "%s]", frame->color ? "\033[0m" : "");
}

/* @width columns, no more and no less. */
static void put_gauge(FILE *out, const struct frame *frame, const struct gauge *gauge, int width)
{
	int bar = width - NAME - 2 - PERCENT - DETAIL - 1;
	double share = gauge->share > 1 ? 1 : gauge->share;

	if (share < 0 || bar < LEAST_BAR) {
		fprintf(out, "%-*.*s %-*.*s", NAME - 1, NAME - 1, gauge->name, width - NAME,
			width - NAME, gauge->detail);
		return;
	}
	fprintf(out, "%-*.*s ", NAME - 1, NAME - 1, gauge->name);
	put_bar(out, frame, share, bar);
	fprintf(out, "%*d%% %-*.*s", PERCENT - 1, (int)(share * 100 + 0.5), DETAIL, DETAIL,
		gauge->detail);
}

/* Gauges side by side, a heading where a section begins; lines that it would take, and draws. */
struct layout {
	const struct frame *frame;
	const struct gauges *gauges;
	bool busy_only;
	FILE *out; /* NULL: only count */
	unsigned int lines;
	unsigned int most;
	bool any_busy;
};

static bool begin_line(struct layout *layout)
{
	if (layout->lines == layout->most)
		return false;
	layout->lines++;
	if (layout->out)
		fputs("\033[K\r\n", layout->out);
	return true;
}

static bool shows(const struct layout *layout, const struct gauge *gauge)
{
	return !layout->busy_only || !gauge->idle;
}

static void put_heading(struct layout *layout, const char *section)
{
	if (layout->out)
		fprintf(layout->out, "%s%.*s%s", layout->frame->color ? "\033[1m" : "",
			(int)layout->frame->columns - 1, section,
			layout->frame->color ? "\033[0m" : "");
}

static void lay_out(struct layout *layout)
{
	unsigned int across = layout->frame->columns / CELL ? layout->frame->columns / CELL : 1;
	int width = (int)(layout->frame->columns / across) - 1;
	const char *section = NULL;
	unsigned int in_line = 0;

	layout->lines = 0;
	for (size_t i = 0; i < layout->gauges->count; i++) {
		const struct gauge *gauge = &layout->gauges->at[i];

		if (!shows(layout, gauge))
			continue;
		layout->any_busy = layout->any_busy || !gauge->idle;
		if (gauge->section != section) {
			section = gauge->section;
			in_line = 0;
			if (!begin_line(layout))
				return;
			put_heading(layout, section);
		}
		if (in_line == 0 && !begin_line(layout))
			return;
		if (layout->out) {
			fputs(in_line ? " " : "", layout->out);
			put_gauge(layout->out, layout->frame, gauge, width);
		}
		in_line = (in_line + 1) % across;
	}
}

/* One line fewer than the screen has stays for the foot, and the head's own. */
char *frame_draw(const struct frame *frame, const char *head, const struct gauges *gauges,
		 const char *foot, size_t *ret_length)
{
	struct layout layout = { .frame = frame, .gauges = gauges, .most = UINT32_MAX };
	unsigned int room = frame->rows > 2 ? frame->rows - 2 : 0;
	int width = (int)frame->columns - 1; /* the last column may wrap */
	char line[256];
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_length);

	if (!out)
		return NULL;
	lay_out(&layout);
	layout.busy_only = layout.lines > room && layout.any_busy;
	layout.most = room;
	layout.out = out;
	fprintf(out, "\033[H%.*s", width, head);
	lay_out(&layout);
	for (unsigned int i = layout.lines; i < room; i++)
		fputs("\033[K\r\n", out);
	snprintf(line, sizeof(line), "%s%s", foot, layout.busy_only ? "  (idle ones hidden)" : "");
	if (frame->rows > 1)
		fprintf(out, "\033[K\r\n%.*s", width, line);
	fputs("\033[K\033[J", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
