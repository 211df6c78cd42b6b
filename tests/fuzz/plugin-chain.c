/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in's table and chain that lie in any way: refused, or all is there that must be. */
#include <errno.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "tests/fuzz/fuzz.h"

enum { NODES = 70 };

/* Room for what any node may be taken to be. */
static union node {
	struct hws_ext ext;
	struct hws_ext_backend backend;
	struct hws_ext_device device;
	char room[512];
} nodes[NODES];
static struct hws_shim_ops ops;

static void nobody(void)
{
}

/* Entries, but those whose bit is set. */
static void put_entries(void *table, size_t first, size_t size, uint64_t absent)
{
	void (*entry)(void) = nobody;

	for (size_t at = first, i = 0; at + sizeof(entry) <= size; at += sizeof(entry), i++) {
		entry = i < 64 && absent >> i & 1 ? NULL : nobody;
		memcpy((char *)table + at, &entry, sizeof(entry));
	}
}

static const struct hws_ext *node_at(struct fuzz *input, size_t next, size_t count)
{
	uint64_t how = fuzz_number(input, 1);

	if (how == 0xff)
		return (const void *)(uintptr_t)16;
	if (how == 0xfe)
		return (const void *)(nodes[0].room + 1);
	if (how >= 0xf0)
		return &nodes[how % NODES].ext; /* a circle, mostly */
	return next < count ? &nodes[next].ext : NULL;
}

static void make_node(struct fuzz *input, union node *node)
{
	uint64_t how = fuzz_number(input, 1);

	memset(node, 0, sizeof(*node));
	node->ext.type = how & 4 ? (uint32_t)fuzz_odd_number(input) : (uint32_t)(how & 3);
	if (node->ext.type == HWS_EXT_BACKEND) {
		node->backend.ops = how & 8 ? (const void *)(uintptr_t)fuzz_number(input, 2) : &ops;
		node->ext.struct_size = sizeof(node->backend);
	} else {
		put_entries(node, offsetof(struct hws_ext_device, attributes), sizeof(node->device),
			    how & 8 ? fuzz_number(input, 2) : 0);
		node->ext.struct_size = sizeof(node->device);
	}
	if (how & 16)
		node->ext.struct_size = (size_t)fuzz_odd_number(input);
	node->ext.version = how & 32 ? (uint32_t)fuzz_odd_number(input) : 1;
}

static void make_ops(struct fuzz *input)
{
	uint64_t how = fuzz_number(input, 1);

	memset(&ops, 0, sizeof(ops));
	put_entries(&ops, offsetof(struct hws_shim_ops, open), sizeof(ops),
		    how & 1 ? fuzz_number(input, 8) : 0);
	ops.struct_size = how & 2 ? (size_t)fuzz_odd_number(input) : sizeof(ops);
	ops.abi = how & 4 ? (uint32_t)fuzz_odd_number(input) : HWS_SHIM_ABI;
	ops.name = how & 8 ? (const void *)(uintptr_t)fuzz_number(input, 2) : "fuzz";
}

static void look(const struct plugin_face *face)
{
	const struct hws_ext_device *device = &face->device;

	fuzz_must(face->table.create && face->table.destroy);
	fuzz_must(face->ops.struct_size || device->ext.struct_size);
	fuzz_must(!face->ops.struct_size || (face->ops.open && face->ops.close));
	fuzz_must(!device->ext.struct_size ||
		  (device->attributes && device->alloc && device->free && device->copy_in &&
		   device->copy_out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	size_t count = how & 0x40 ? NODES : how % 4;
	struct hws_plugin_table table = { .struct_size = sizeof(table), .abi = HWS_PLUGIN_ABI };
	struct plugin_face face = { .table = { .struct_size = 77 } };
	int r;

	put_entries(&table, offsetof(struct hws_plugin_table, create), sizeof(table),
		    how & 0x80 ? fuzz_number(&input, 1) : 0);
	if (how & 0x20)
		table.struct_size = (size_t)fuzz_odd_number(&input);
	if (how & 0x10)
		table.abi = (uint32_t)fuzz_odd_number(&input);
	make_ops(&input);
	for (size_t i = 0; i < count; i++)
		make_node(&input, &nodes[i]);
	table.next = node_at(&input, 0, count);
	for (size_t i = 0; i < count; i++)
		nodes[i].ext.next = node_at(&input, i + 1, count);
	r = plugin_read_face(&table, &face);
	fuzz_must(r == 0 || r == -EPROTO || r == -EFAULT || r == -ENAMETOOLONG);
	if (r == 0)
		look(&face);
	else
		fuzz_must(face.table.struct_size == 77);
	return 0;
}
