/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe cpuid: what the processor says of itself, or one leaf.
 *
 * The document: vendor highest highest_extended (hex), features[], topology
 * (null when nothing tells): packages cores threads. Of a leaf: leaf subleaf
 * eax ebx ecx edx (hex).
 */
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/document.h"
#include "hw/hwprobe/verbs.h"

enum { EAX, EBX, ECX, EDX, REGS };
static const char *const reg_names[REGS] = { "eax", "ebx", "ecx", "edx" };

#define EXTENDED 0x80000000u

enum { FEATURES = 4096 };

struct identity {
	char vendor[13];
	uint32_t highest;
	uint32_t highest_extended; /* 0: none */
	struct hws_topology topology;
	bool has_topology;
	char features[FEATURES]; /* names with a space between two */
};

/* LEAF[:SUBLEAF] */
static bool take_leaf(const char *word, uint64_t *ret_leaf, uint64_t *ret_subleaf)
{
	const char *colon = strchr(word, ':');
	char leaf[32] = "";

	*ret_subleaf = 0;
	if (!colon)
		return args_number("leaf", word, UINT32_MAX, ret_leaf);
	if ((size_t)(colon - word) >= sizeof(leaf)) {
		args_refuse("leaf '%s': too long", word);
		return false;
	}
	memcpy(leaf, word, (size_t)(colon - word));
	return args_number("leaf", leaf, UINT32_MAX, ret_leaf) &&
	       args_number("subleaf", colon + 1, UINT32_MAX, ret_subleaf);
}

static enum result show_leaf(const struct call *call, struct hws_cpuid *cpuid, uint32_t leaf,
			     uint32_t subleaf)
{
	uint32_t regs[REGS];
	struct json_object *o;
	int r = hws_cpuid_read(cpuid, leaf, subleaf, regs);

	if (r < 0)
		return call_fail("cpuid", r);
	if (!call->settings.json) {
		for (int i = 0; i < REGS; i++)
			printf("%s 0x%08x\n", reg_names[i], regs[i]);
		return RESULT_OK;
	}
	o = document(&call->settings);
	put_hex(o, "leaf", 8, leaf);
	put_hex(o, "subleaf", 8, subleaf);
	for (int i = 0; i < REGS; i++)
		put_hex(o, reg_names[i], 8, regs[i]);
	return document_print(o) < 0 ? RESULT_FAILURE : RESULT_OK;
}

static void read_features(struct hws_cpuid *cpuid, struct identity *identity)
{
	const char *name;
	size_t n = 0;

	for (unsigned int i = 0; (name = hws_cpuid_feature_name(i)); i++)
		if (hws_cpuid_has(cpuid, name) == 1 && n + strlen(name) + 1 < FEATURES)
			n += (size_t)snprintf(identity->features + n, FEATURES - n, "%s%s",
					      n ? " " : "", name);
}

static int identify(struct hws *hw, struct hws_cpuid *cpuid, struct identity *identity)
{
	uint32_t regs[REGS];
	int r = hws_cpuid_read(cpuid, 0, 0, regs);

	if (r < 0)
		return r;
	identity->highest = regs[EAX];
	memcpy(identity->vendor, &regs[EBX], 4);
	memcpy(identity->vendor + 4, &regs[EDX], 4);
	memcpy(identity->vendor + 8, &regs[ECX], 4);
	r = hws_cpuid_read(cpuid, EXTENDED, 0, regs);
	if (r < 0)
		return r;
	/* a processor without them answers something else */
	if (regs[EAX] >= EXTENDED)
		identity->highest_extended = regs[EAX];
	read_features(cpuid, identity);
	identity->has_topology = hws_get_topology(hw, &identity->topology) == 0;
	return 0;
}

static void print_identity(const struct call *call, const struct identity *identity)
{
	const struct hws_topology *topology = &identity->topology;
	struct page page;
	char text[128];
	int n;

	page_init(&page, call->settings.color);
	page_row(&page, "vendor", TONE_PLAIN, "", identity->vendor);
	n = snprintf(text, sizeof(text), "0x0-0x%x", identity->highest);
	if (identity->highest_extended)
		snprintf(text + n, sizeof(text) - (size_t)n, ", 0x%x-0x%x", EXTENDED,
			 identity->highest_extended);
	page_row(&page, "leaves", TONE_PLAIN, "", text);
	snprintf(text, sizeof(text), "packages %u, cores %u, threads %u", topology->packages,
		 topology->cores, topology->threads);
	page_row(&page, "topology", TONE_PLAIN, "", identity->has_topology ? text : "not told");
	page_row(&page, "features", TONE_PLAIN, "", identity->features);
}

static int print_document(const struct call *call, struct identity *identity)
{
	struct json_object *o = document(&call->settings);
	struct json_object *features = json_object_new_array();
	struct json_object *topology = NULL;
	char *rest = NULL;

	for (char *name = strtok_r(identity->features, " ", &rest); name;
	     name = strtok_r(NULL, " ", &rest))
		json_object_array_add(features, json_object_new_string(name));
	if (identity->has_topology) {
		topology = json_object_new_object();
		put_number(topology, "packages", identity->topology.packages);
		put_number(topology, "cores", identity->topology.cores);
		put_number(topology, "threads", identity->topology.threads);
	}
	put_text(o, "vendor", identity->vendor);
	put_hex(o, "highest", 8, identity->highest);
	put_hex(o, "highest_extended", 8, identity->highest_extended);
	put(o, "features", features);
	put(o, "topology", topology);
	return document_print(o);
}

static enum result show_all(const struct call *call, struct hws *hw, struct hws_cpuid *cpuid)
{
	struct identity identity = { 0 };
	int r = identify(hw, cpuid, &identity);

	if (r == 0 && call->settings.json)
		return print_document(call, &identity) < 0 ? RESULT_FAILURE : RESULT_OK;
	if (r < 0)
		return call_fail("cpuid", r);
	print_identity(call, &identity);
	return RESULT_OK;
}

static enum result cpuid_run(const struct call *call)
{
	struct hws_cpuid *cpuid = NULL;
	struct hws *hw = NULL;
	uint64_t leaf = 0;
	uint64_t subleaf = 0;
	enum result result;
	int r;

	if (call->count && !take_leaf(call->words[0], &leaf, &subleaf))
		return RESULT_USAGE;
	if (call->settings.sysroot)
		return call_live_only("cpuid");
	result = call_open(call, &hw);
	if (result != RESULT_OK)
		return result;
	r = call->count ? hws_cpuid_open(hw, (uint32_t)leaf, (uint32_t)leaf, &cpuid)
			: hws_cpuid_open(hw, 0, UINT32_MAX, &cpuid);
	if (r < 0)
		result = call_fail("cpuid", r);
	else
		result = call->count ? show_leaf(call, cpuid, (uint32_t)leaf, (uint32_t)subleaf)
				     : show_all(call, hw, cpuid);
	hws_cpuid_close(cpuid);
	hws_close(hw);
	return result;
}

const struct verb verb_cpuid = {
	.area = "cpuid",
	.words = "[LEAF[:SUBLEAF]]",
	.help = "the processor's features and topology, or one leaf",
	.most = 1,
	.run = cpuid_run,
};
