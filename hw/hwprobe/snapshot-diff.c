/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe snapshot diff: two snapshots, or one and what stands there now; by registers and fields.
 *
 * The document: changes[]: register old new (hex) fields[]: name old new (hex) old_word new_word
 * (or null); only_old[], only_new[]: registers; failed[]: register error why.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/snapshot.h"
#include "hw/hwprobe/verbs.h"

struct diff {
	struct json_object *changes; /* NULL: text */
	struct json_object *only_old;
	struct json_object *only_new;
	struct json_object *failed;
	uint64_t differ;
	uint64_t failures;
	enum result failure;
};

/* "7:5" of a register. False: it is no such thing. */
static bool take_range(struct json_object *field, uint32_t width, uint32_t *ret_low,
		       uint64_t *ret_ones)
{
	struct json_object *bits;
	unsigned int high;
	unsigned int low;

	if (!json_object_object_get_ex(field, "bits", &bits) ||
	    !json_object_is_type(bits, json_type_string) ||
	    sscanf(json_object_get_string(bits), "%2u:%2u", &high, &low) != 2 || high < low ||
	    high >= 8 * width)
		return false;
	*ret_low = low;
	*ret_ones = UINT64_MAX >> (63 - (high - low));
	return true;
}

/* The word of a value, where the side that wrote it down has one. */
static const char *word_of(const struct item *item, const char *name)
{
	struct json_object *field;
	struct json_object *word;

	if (!item->fields || !json_object_object_get_ex(item->fields, name, &field) ||
	    !json_object_object_get_ex(field, "word", &word))
		return NULL;
	return json_object_get_string(word);
}

static void print_side(uint64_t value, const char *word)
{
	printf("0x%" PRIx64, value);
	if (!word)
		return;
	fputs(" (", stdout);
	say_plain(stdout, word);
	putchar(')');
}

static void show_field(struct json_object *array, const char *name, const uint64_t values[2],
		       const char *const words[2])
{
	struct json_object *o;

	if (!array) {
		fputs("  ", stdout);
		say_plain(stdout, name);
		putchar(' ');
		print_side(values[0], words[0]);
		printf("->");
		print_side(values[1], words[1]);
		putchar('\n');
		return;
	}
	o = json_object_new_object();
	put_text(o, "name", name);
	put_hex(o, "old", 1, values[0]);
	put_hex(o, "new", 1, values[1]);
	put_text(o, "old_word", words[0]);
	put_text(o, "new_word", words[1]);
	json_object_array_add(array, o);
}

static void show_fields(const struct item *old, const struct item *new, struct json_object *array)
{
	if (!old->fields)
		return;
	json_object_object_foreach(old->fields, name, field)
	{
		const char *words[2] = { word_of(old, name), word_of(new, name) };
		uint64_t values[2];
		uint64_t ones;
		uint32_t low;

		if (!take_range(field, old->where.width, &low, &ones))
			continue;
		values[0] = old->value >> low & ones;
		values[1] = new->value >> low &ones;
		if (values[0] != values[1])
			show_field(array, name, values, words);
	}
}

static void show_change(struct diff *diff, const struct item *old, const struct item *new)
{
	unsigned int digits = 2 * old->where.width;
	struct json_object *fields;
	struct json_object *o;
	char label[ITEM_LABEL];

	diff->differ++;
	item_label(old, label);
	if (!diff->changes) {
		printf("%s 0x%0*" PRIx64 "->0x%0*" PRIx64 "\n", label, (int)digits, old->value,
		       (int)digits, new->value);
		show_fields(old, new, NULL);
		return;
	}
	o = json_object_new_object();
	fields = json_object_new_array();
	put_text(o, "register", label);
	put_hex(o, "old", digits, old->value);
	put_hex(o, "new", digits, new->value);
	show_fields(old, new, fields);
	put(o, "fields", fields);
	json_object_array_add(diff->changes, o);
}

static void show_only(struct diff *diff, struct json_object *array, char sign,
		      const struct item *item)
{
	char label[ITEM_LABEL];

	diff->differ++;
	if (array)
		json_object_array_add(array, json_object_new_string(item_label(item, label)));
	else
		printf("%c %s\n", sign, item_label(item, label));
}

/* Most stand at the same place in both. */
static const struct item *find(const struct items *items, const struct item *wanted, size_t *hint)
{
	for (size_t n = 0; n < items->count; n++) {
		size_t i = (*hint + n) % items->count;

		if (item_same_place(&items->at[i], wanted)) {
			*hint = i + 1;
			return &items->at[i];
		}
	}
	return NULL;
}

static void compare(struct diff *diff, const struct items *old, const struct items *new)
{
	size_t hint = 0;

	for (size_t i = 0; i < old->count; i++) {
		const struct item *other = find(new, &old->at[i], &hint);

		if (!other)
			show_only(diff, diff->only_old, '-', &old->at[i]);
		else if (other->value != old->at[i].value)
			show_change(diff, &old->at[i], other);
	}
	hint = 0;
	for (size_t i = 0; i < new->count; i++)
		if (!find(old, &new->at[i], &hint))
			show_only(diff, diff->only_new, '+', &new->at[i]);
}

static void failed(struct diff *diff, const struct item *item, int code)
{
	char label[ITEM_LABEL];
	struct json_object *o;

	diff->failures++;
	diff->failure = call_fail(item_label(item, label), code);
	if (!diff->failed)
		return;
	o = json_object_new_object();
	put_text(o, "register", label);
	put_error(o, code);
	put_text(o, "why", hws_why());
	json_object_array_add(diff->failed, o);
}

/* The words of values belong to the description; here only numbers are told of what is new. */
static void compare_now(struct diff *diff, const struct items *old, struct hws *hw)
{
	for (size_t i = 0; i < old->count; i++) {
		struct item now = old->at[i];
		int r = item_read(hw, &old->at[i], &now.value);

		now.fields = NULL;
		if (r < 0)
			failed(diff, &old->at[i], r);
		else if (now.value != old->at[i].value)
			show_change(diff, &old->at[i], &now);
	}
}

static enum result finish(const struct call *call, struct diff *diff)
{
	struct json_object *o;

	if (diff->changes) {
		o = document(&call->settings);
		put(o, "changes", diff->changes);
		put(o, "only_old", diff->only_old);
		put(o, "only_new", diff->only_new);
		put(o, "failed", diff->failed);
		if (document_print(o) < 0)
			return RESULT_FAILURE;
	}
	if (diff->failures)
		return diff->differ ? RESULT_PARTIAL : diff->failure;
	return diff->differ ? RESULT_MISMATCH : RESULT_OK;
}

static enum result run(const struct call *call, const struct items *old, const struct items *new)
{
	struct diff diff = { 0 };
	struct hws *hw = NULL;
	enum result result = call->count == 2 ? RESULT_OK : call_open(call, &hw);

	if (result == RESULT_OK && hw)
		result = items_same_devices(hw, old);
	if (result != RESULT_OK) {
		hws_close(hw);
		return result;
	}
	if (call->settings.json)
		diff = (struct diff) { .changes = json_object_new_array(),
				       .only_old = json_object_new_array(),
				       .only_new = json_object_new_array(),
				       .failed = json_object_new_array() };
	if (hw)
		compare_now(&diff, old, hw);
	else
		compare(&diff, old, new);
	hws_close(hw);
	return finish(call, &diff);
}

static enum result diff(const struct call *call)
{
	struct items sides[2] = { { 0 }, { 0 } };
	enum result result = RESULT_OK;

	for (int i = 0; i < call->count && result == RESULT_OK; i++)
		result = items_load(call->words[i], &sides[i]);
	if (result == RESULT_OK)
		result = run(call, &sides[0], &sides[1]);
	items_fini(&sides[0]);
	items_fini(&sides[1]);
	return result;
}

const struct verb verb_snapshot_diff = {
	.area = "snapshot",
	.name = "diff",
	.words = "FILE [FILE]",
	.help = "what differs, between two or to now; exits 8 then",
	.least = 1,
	.most = 2,
	.run = diff,
};
