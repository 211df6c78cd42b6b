/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A back end's table: taken exactly when it keeps the rules of shim.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shim/shim-internal.h"
#include "tests/fuzz/fuzz.h"

enum { EXTENSIONS = 80, CHAIN_MAX = 64, NAME_MAX_LENGTH = 32 };

/* A slot is for good: every input fills this table, whose slot is always the same. */
static struct hws_shim_ops table;

static int no_open(const struct hws_shim_options *options, void **ret_self)
{
	(void)options;
	*ret_self = NULL;
	return 0;
}

static void no_close(void *self)
{
	(void)self;
}

static bool name_ok(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-')
			return false;
	return length > 0 && length <= NAME_MAX_LENGTH;
}

/* A chain of up to EXTENSIONS; with the last bit of @how it ends in itself. */
static bool make_chain(struct hws_ext chain[EXTENSIONS], struct fuzz *input)
{
	size_t count = (size_t)fuzz_number(input, 1) % (EXTENSIONS + 1);
	bool cycle = count && fuzz_number(input, 1) % 8 == 1;
	bool ok = !cycle && count <= CHAIN_MAX;

	for (size_t i = 0; i < count; i++) {
		size_t how = (size_t)fuzz_number(input, 1);

		chain[i].struct_size = how == 0xff ? 8 : sizeof(chain[i]) + how;
		chain[i].next = i + 1 < count ? &chain[i + 1] : cycle ? &chain[0] : NULL;
		ok = ok && chain[i].struct_size >= sizeof(chain[i]);
	}
	table.next = count ? chain : NULL;
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	static struct hws_ext chain[EXTENSIONS];
	size_t length;
	char *name = fuzz_text(&input, &length);
	uint64_t absent = fuzz_number(&input, 1);
	bool ok;
	int slot;

	table.name = absent & 4 ? NULL : name;
	table.open = absent & 1 ? NULL : no_open;
	table.close = absent & 2 ? NULL : no_close;
	table.struct_size = absent & 8 ? (size_t)fuzz_odd_number(&input) : sizeof(table);
	table.abi = absent & 16 ? (uint32_t)fuzz_odd_number(&input) : HWS_SHIM_ABI;
	ok = make_chain(chain, &input) && name_ok(table.name) && table.open && table.close &&
	     table.struct_size >= offsetof(struct hws_shim_ops, identify) &&
	     table.struct_size <= 4096 &&
	     (table.struct_size - offsetof(struct hws_shim_ops, open)) % sizeof(table.open) == 0 &&
	     table.abi >> 16 == HWS_SHIM_ABI >> 16;
	slot = shim_install(&table);
	fuzz_must((slot >= 0) == ok);
	fuzz_must(slot >= 0 || slot == -22);
	fuzz_must(slot < SHIM_SLOTS);
	free(name);
	return 0;
}
