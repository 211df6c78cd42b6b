/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in's table and what hangs on it: copied, and checked in the copy. */
#include <errno.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "shim/shim-internal.h"
#include "shim/why-internal.h"

/* Up to here each struct goes since its first version. */
#define UP_TO(type, last) (offsetof(type, last) + sizeof(((type *)NULL)->last))

typedef void (*entry)(void);

/* The first entry that must be there and isn't; -1: all are. */
static int missing(const void *table, size_t first, size_t end)
{
	for (size_t at = first; at < end; at += sizeof(entry)) {
		entry one;

		memcpy(&one, (const char *)table + at, sizeof(one));
		if (!one)
			return (int)((at - first) / sizeof(entry));
	}
	return -1;
}

static int read_backend(const struct hws_ext *node, struct plugin_face *face)
{
	struct hws_ext_backend backend;
	struct hws_shim_ops *ops = &face->ops;
	char name[33];
	int r = plugin_read_struct("the back end's extension", node, &backend, sizeof(backend),
				   UP_TO(struct hws_ext_backend, ops));

	r = r < 0 ? r
		  : plugin_read_struct("the back end's table", backend.ops, ops, sizeof(*ops),
				       UP_TO(struct hws_shim_ops, close));
	r = r < 0 ? r : plugin_read_string("the back end's name", ops->name, name, sizeof(name));
	if (r < 0)
		return r;
	if (ops->abi >> 16 != HWS_SHIM_ABI >> 16)
		return why(-EPROTO, "the back end was made for version %u of the table, not %u",
			   ops->abi >> 16, HWS_SHIM_ABI >> 16);
	if (!shim_whole(ops->struct_size))
		return why(-EPROTO,
			   "the back end's table ends in the middle of an entry: %zu bytes",
			   ops->struct_size);
	if (!ops->open || !ops->close)
		return why(-EPROTO, "the back end's table lacks open or close");
	return 0;
}

static int read_device(const struct hws_ext *node, struct plugin_face *face)
{
	static const char *const names[] = { "attributes", "alloc", "free", "copy_in", "copy_out" };
	const size_t first = offsetof(struct hws_ext_device, attributes);
	struct hws_ext_device *device = &face->device;
	int r = plugin_read_struct("the device's extension", node, device, sizeof(*device),
				   UP_TO(struct hws_ext_device, copy_out));

	if (r < 0)
		return r;
	r = missing(device, first, UP_TO(struct hws_ext_device, copy_out));
	return r >= 0 ? why(-EPROTO, "the device's table lacks %s", names[r]) : 0;
}

/* What we know of; each at most once. */
static const struct {
	uint32_t type;
	const char *name;
	int (*read)(const struct hws_ext *node, struct plugin_face *face);
} known[] = {
	{ HWS_EXT_BACKEND, "back end", read_backend },
	{ HWS_EXT_DEVICE, "device", read_device },
};
enum { KNOWN = sizeof(known) / sizeof(known[0]), VERSION = 1 };

static int take_node(const struct hws_ext *at, const struct hws_ext *node, uint32_t *seen,
		     struct plugin_face *face)
{
	for (uint32_t i = 0; i < KNOWN; i++) {
		if (known[i].type != node->type)
			continue;
		if (*seen & 1u << i)
			return why(-EPROTO, "the chain has two extensions for a %s", known[i].name);
		*seen |= 1u << i;
		if (node->version != VERSION)
			return why(-EPROTO, "the %s's extension is of version %u, not %d",
				   known[i].name, node->version, VERSION);
		return known[i].read(at, face);
	}
	return 0; /* of a later version of the library, perhaps */
}

static int read_chain(const struct hws_ext *first, struct plugin_face *face)
{
	const struct hws_ext *seen_nodes[HWS_EXT_NODES];
	const struct hws_ext *at = first;
	uint32_t seen = 0;

	for (uint32_t n = 0; at; n++) {
		struct hws_ext node;
		int r;

		for (uint32_t i = 0; i < n; i++)
			if (seen_nodes[i] == at)
				return why(-EPROTO, "the chain of extensions is a circle");
		if (n == HWS_EXT_NODES)
			return why(-EPROTO, "the chain of extensions has more than %d",
				   HWS_EXT_NODES);
		seen_nodes[n] = at;
		r = plugin_read_struct("an extension", at, &node, sizeof(node), sizeof(node));
		r = r < 0 ? r : take_node(at, &node, &seen, face);
		if (r < 0)
			return r;
		at = node.next;
	}
	return seen ? 0 : why(-EPROTO, "the plug-in brings nothing: no back end and no device");
}

int plugin_read_face(const struct hws_plugin_table *from, struct plugin_face *ret_face)
{
	struct plugin_face face = { 0 };
	const struct hws_plugin_table *table = &face.table;
	int r = plugin_read_struct("the plug-in's table", from, &face.table, sizeof(face.table),
				   UP_TO(struct hws_plugin_table, destroy));

	if (r < 0)
		return r;
	if (table->abi >> 16 != HWS_PLUGIN_ABI >> 16)
		return why(-EPROTO, "the plug-in speaks version %u of the boundary, not %u",
			   table->abi >> 16, HWS_PLUGIN_ABI >> 16);
	if (!table->create || !table->destroy)
		return why(-EPROTO, "the plug-in's table lacks %s",
			   table->create ? "destroy" : "create");
	r = read_chain(table->next, &face);
	if (r == 0)
		*ret_face = face;
	return r;
}
