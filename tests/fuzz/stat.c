/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of a context that another program wrote, as hwprobe stat shows them: as lines, as a
 * document, and as the page of --watch, which has no more rows and columns than the screen.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/watch.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/probe.h"

/* What a screen would show of a row: columns, without what only colours it. */
static unsigned int columns_of(const char **at)
{
	unsigned int columns = 0;
	const char *c = *at;

	for (; *c && *c != '\n'; c++) {
		if (*c == '\033' && c[1] == '[') {
			c += 2 + strcspn(c + 2, "ABCDHJKmhl");
			fuzz_must(*c);
		} else if (*c == '\r') {
			continue;
		} else {
			/* a sign of more bytes is one column */
			fuzz_must((unsigned char)*c >= ' ' && *c != 0x7f);
			columns += ((unsigned char)*c & 0xc0) != 0x80;
		}
	}
	*at = *c ? c + 1 : c;
	return columns;
}

static void check_screen(const struct frame *frame, const char *text)
{
	unsigned int rows = 0;

	while (*text) {
		fuzz_must(columns_of(&text) <= frame->columns);
		rows++;
	}
	fuzz_must(rows <= frame->rows);
}

static void draw(const struct frame *frame, const char *head, const struct gauges *gauges)
{
	size_t length;
	char *text = frame_draw(frame, head, gauges, "q quits", &length);

	fuzz_must(text && strlen(text) == length && gauges->count <= GAUGES);
	check_screen(frame, text);
	free(text);
}

/* Two looks: rates are between them. */
static void show_page(const struct frame *frame, const char *const texts[2])
{
	struct watch watch = { 0 };
	struct gauges gauges;
	char head[160];

	for (int i = 0; i < 2; i++) {
		struct json_object *o = json_tokener_parse(texts[i]);

		if (!json_object_is_type(o, json_type_object)) {
			json_object_put(o);
			continue;
		}
		watch_head(o, head, sizeof(head));
		fuzz_must(probe_is_plain(head));
		watch_look(&watch, o, &gauges);
		draw(frame, head, &gauges);
	}
	watch_fini(&watch);
}

static void show_lines(const char *text, bool json)
{
	struct probe probe = { .count = 0 };
	char *shown;

	fuzz_write("snapshot", text, strlen(text));
	probe_add(&probe, "stat");
	if (json)
		probe_add(&probe, "--json");
	probe_add(&probe, "--from");
	probe_add(&probe, probe_file("snapshot"));
	probe_run(&probe, &shown);
	fuzz_must(probe_is_plain(shown));
	free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	struct frame frame = { .rows = 3 + (uint32_t)fuzz_number(&input, 1) % 60,
			       .columns = 20 + (uint32_t)fuzz_number(&input, 1) % 200,
			       .color = how & 1,
			       .unicode = how & 2 };
	size_t length;
	char *first = fuzz_text(&input, &length);
	char *second = fuzz_text(&input, &length);

	show_page(&frame, (const char *const[]) { first, second });
	show_lines(first, how & 4);
	free(first);
	free(second);
	return 0;
}
