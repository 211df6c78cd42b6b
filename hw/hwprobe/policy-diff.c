/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe policy diff: what became possible, and what impossible. */
#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

struct changes {
	struct json_object *array; /* NULL: text */
	uint32_t count;
};

static const struct {
	uint32_t right;
	const char *word;
} words[] = {
	{ HWS_R, "r" },		  { HWS_W, "w" }, { HWS_SIDE, "side" }, { HWS_CLAIMED, "claimed" },
	{ HWS_DANGER, "danger" },
};

static const char *rights_text(uint32_t rights, char text[64])
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < COUNT(words); i++)
		if (rights & words[i].right)
			n += (size_t)snprintf(text + n, 64 - n, "%s%s", n ? "," : "",
					      words[i].word);
	return text;
}

static void print_who(const struct hws_policy_change *change)
{
	bool named = false;

	if (change->uid != HWS_POLICY_ANYBODY)
		named = printf(" uid %u", change->uid) > 0;
	if (change->gid != HWS_POLICY_ANYBODY)
		named = printf(" gid %u", change->gid) > 0;
	if (change->group != HWS_POLICY_ANYBODY)
		named = printf(" gid %u", change->group) > 0;
	if (change->exe)
		named = printf(" %s", change->exe) > 0;
	if (!named)
		printf(" anybody else");
}

static void print_device(const struct hws_access *a)
{
	char bdf[HWS_BDF_TEXT];

	if (a->bdf.domain != UINT32_MAX || a->bdf.bus != UINT8_MAX)
		printf(" %s", hws_bdf_format(a->bdf, bdf));
	if (a->vendor != HWS_POLICY_ANY && a->device != HWS_POLICY_ANY)
		printf(" %04x:%04x", a->vendor, a->device);
	else if (a->vendor != HWS_POLICY_ANY)
		printf(" %04x:*", a->vendor);
	else if (a->device != HWS_POLICY_ANY)
		printf(" *:%04x", a->device);
	if (a->class_code != 0xffffff)
		printf(" class 0x%06x", a->class_code);
	if (a->kind == HWS_KIND_BAR)
		printf(" BAR %u", a->bar);
}

static void print_change(const struct hws_policy_change *change)
{
	const struct hws_access *a = &change->access;
	char text[64];

	printf("%s:", hws_change_name(change->change));
	print_who(change);
	printf(": %s", hws_kind_name(a->kind));
	if (a->kind == HWS_KIND_PCI || a->kind == HWS_KIND_BAR || a->kind == HWS_KIND_DMA ||
	    a->kind == HWS_KIND_IRQ)
		print_device(a);
	if (a->kind == HWS_KIND_RING || a->kind == HWS_KIND_PLUGIN)
		printf(" %s", a->path);
	else if (a->kind != HWS_KIND_DMA)
		printf(" 0x%llx", (unsigned long long)a->first);
	if (a->last != a->first && a->kind != HWS_KIND_DMA && a->kind != HWS_KIND_RING)
		printf("-0x%llx", (unsigned long long)a->last);
	if (a->cpu != HWS_POLICY_ANY)
		printf(" CPU %u", a->cpu);
	printf(" %s", rights_text(a->rights, text));
	if (change->has_rule)
		printf(" (%s:%u: %s)", change->rule.file, change->rule.line, change->rule.text);
	putchar('\n');
}

/* What neither policy names is null. */
static void put_named(struct json_object *o, const char *key, uint32_t value, uint32_t any)
{
	put(o, key, value == any ? NULL : json_object_new_uint64(value));
}

static struct json_object *object_of(const struct hws_policy_change *change)
{
	struct json_object *o = json_object_new_object();
	const struct hws_access *a = &change->access;
	char bdf[HWS_BDF_TEXT];
	char text[64];

	put_text(o, "change", hws_change_name(change->change));
	put_named(o, "uid", change->uid, HWS_POLICY_ANYBODY);
	put_named(o, "gid", change->gid, HWS_POLICY_ANYBODY);
	put_named(o, "group", change->group, HWS_POLICY_ANYBODY);
	put_text(o, "exe", change->exe);
	put_text(o, "kind", hws_kind_name(a->kind));
	put_text(o, "rights", rights_text(a->rights, text));
	put_text(o, "address", a->bdf.domain == UINT32_MAX ? NULL : hws_bdf_format(a->bdf, bdf));
	put_named(o, "vendor", a->vendor, HWS_POLICY_ANY);
	put_named(o, "device", a->device, HWS_POLICY_ANY);
	put_named(o, "class", a->class_code, 0xffffff);
	put_number(o, "bar", a->bar);
	put_named(o, "cpu", a->cpu, HWS_POLICY_ANY);
	put_text(o, "path", a->path);
	put_hex(o, "first", 1, a->first);
	put_hex(o, "last", 1, a->last);
	put_text(o, "file", change->has_rule ? change->rule.file : NULL);
	put_number(o, "line", change->has_rule ? change->rule.line : 0);
	put_text(o, "text", change->has_rule ? change->rule.text : NULL);
	return o;
}

static void take_change(const struct hws_policy_change *change, void *context)
{
	struct changes *changes = context;

	changes->count++;
	if (changes->array)
		json_object_array_add(changes->array, object_of(change));
	else
		print_change(change);
}

static enum result compare(const struct call *call, struct hws_policy *before,
			   struct hws_policy *after)
{
	struct changes changes = { 0 };
	struct json_object *o;
	int r;

	if (call->settings.json)
		changes.array = json_object_new_array();
	r = hws_policy_diff(before, after, take_change, &changes);
	if (r < 0) {
		json_object_put(changes.array);
		return call_fail("policy diff", r);
	}
	if (changes.array) {
		o = document(&call->settings);
		put(o, "changes", changes.array);
		if (document_print(o) < 0)
			return RESULT_FAILURE;
	}
	return changes.count ? RESULT_FAILURE : RESULT_OK;
}

static enum result diff(const struct call *call)
{
	struct policy_errors errors = { NULL, 0 };
	struct hws_policy *before = NULL;
	struct hws_policy *after = NULL;
	enum result result;
	int r = policy_read(&call->settings, call->words[0], &errors, &before);

	if (r == 0)
		r = policy_read(&call->settings, call->words[1], &errors, &after);
	result = r < 0 ? policy_result(r) : compare(call, before, after);
	hws_policy_unref(before);
	hws_policy_unref(after);
	return result;
}

const struct verb verb_policy_diff = {
	.area = "policy",
	.name = "diff",
	.words = "OLD NEW",
	.help = "what became possible, what impossible; 1 if any",
	.least = 2,
	.most = 2,
	.run = diff,
};
