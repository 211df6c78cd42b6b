/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe backends: what is compiled in and how far each works here; and which of them a program
 * would get, with these options.
 *
 * The document: backends[] as the doctor's; tried[], in order: name chosen error why.
 */
#include <errno.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/verbs.h"

enum { LINE = 256 };

bool backend_state(const struct report *report, unsigned int index, struct backend_state *ret_state)
{
	struct backend_state state = { .backend = hws_probe_backend(index) };

	if (!state.backend)
		return false;
	for (size_t i = 0; i < report->way_count; i++) {
		const struct hws_probe_result *way = &report->ways[i];

		if (strcmp(way->backend, state.backend->name) != 0 || !strcmp(way->kind, "kernel"))
			continue;
		state.ways++;
		state.works += way->status == HWS_PROBE_WORKS;
		state.partial += way->status == HWS_PROBE_PARTIAL;
	}
	if (state.ways && state.works == state.ways)
		state.status = HWS_PROBE_WORKS;
	else if (state.works + state.partial)
		state.status = HWS_PROBE_PARTIAL;
	*ret_state = state;
	return true;
}

struct json_object *backends_of(const struct report *report)
{
	struct json_object *array = json_object_new_array();
	struct backend_state state;

	for (unsigned int i = 0; backend_state(report, i, &state); i++) {
		struct json_object *o = json_object_new_object();

		put_text(o, "name", state.backend->name);
		put_text(o, "about", state.backend->about);
		put_text(o, "status", hws_probe_status_name(state.status));
		put_number(o, "ways", state.ways);
		put_number(o, "works", state.works);
		put_number(o, "partial", state.partial);
		json_object_array_add(array, o);
	}
	return array;
}

/* Each cause once for each way that it closes. */
static void print_causes(const struct page *page, const struct report *report, const char *backend)
{
	for (size_t i = 0; i < report->way_count; i++) {
		const struct hws_probe_result *way = &report->ways[i];

		if (strcmp(way->backend, backend) != 0 || !strcmp(way->kind, "kernel") ||
		    way->status == HWS_PROBE_WORKS)
			continue;
		page_row(page, way->way, page_tone(way->status), hws_probe_status_name(way->status),
			 way->why);
	}
}

static void print_backends(const struct page *page, const struct report *report)
{
	struct backend_state state;
	char text[LINE];

	for (unsigned int i = 0; backend_state(report, i, &state); i++) {
		page_heading(page, state.backend->name);
		page_row(page, "what it is", TONE_PLAIN, "", state.backend->about);
		snprintf(text, sizeof(text), "%u of %u ways, %u in part", state.works, state.ways,
			 state.partial);
		page_row(page, "usable", state.ways ? page_tone(state.status) : TONE_DIM,
			 state.ways ? hws_probe_status_name(state.status) : "-",
			 state.ways ? text : "not asked for");
		print_causes(page, report, state.backend->name);
	}
}

static void print_tried(const struct page *page, struct hws *hw)
{
	const struct hws_backend_try *try;

	page_heading(page, "What a program gets, tried in this order");
	for (unsigned int i = 0; (try = hws_backend_tried(hw, i)); i++)
		page_row(page, try->name, try->code ? TONE_DIM : TONE_GOOD,
			 try->code ? "passed" : "chosen", try->code ? try->why : "");
}

static struct json_object *tried_of(struct hws *hw)
{
	struct json_object *array = json_object_new_array();
	const struct hws_backend_try *try;

	for (unsigned int i = 0; (try = hws_backend_tried(hw, i)); i++) {
		struct json_object *o = json_object_new_object();

		put_text(o, "name", try->name);
		put(o, "chosen", json_object_new_boolean(try->code == 0));
		put_error(o, try->code);
		put_text(o, "why", try->why);
		json_object_array_add(array, o);
	}
	return array;
}

static enum result print(const struct call *call, const struct report *report, struct hws *hw)
{
	struct json_object *o;
	struct page page;

	if (call->settings.json) {
		o = document(&call->settings);
		put(o, "backends", backends_of(report));
		put(o, "tried", tried_of(hw));
		return document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
	}
	page_init(&page, call->settings.color);
	print_backends(&page, report);
	print_tried(&page, hw);
	return RESULT_OK;
}

static enum result backends(const struct call *call)
{
	struct report report;
	enum result result = report_open(&call->settings, false, &report);
	struct hws *hw;

	if (result == RESULT_OK)
		result = call_open(call, &hw);
	if (result == RESULT_OK) {
		result = print(call, &report, hw);
		hws_close(hw);
	}
	report_fini(&report);
	return result;
}

const struct verb verb_backends = {
	.area = "backends",
	.words = "",
	.help = "the back ends, and why each is usable or not",
	.run = backends,
};
