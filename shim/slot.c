/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

struct slot_page shim_slots[SHIM_SLOTS];

/* Entries are pointers to functions, side by side from open to the table's end. */
typedef void (*entry)(void);
enum {
	FIRST_ENTRY = offsetof(struct hws_shim_ops, open),
	MANDATORY = offsetof(struct hws_shim_ops, identify),
	MAX_TABLE = 4096, /* no honest table is larger, whatever versions come */
	MAX_EXTENSIONS = 64,
};
_Static_assert((sizeof(struct hws_shim_ops) - FIRST_ENTRY) % sizeof(entry) == 0,
	       "the table ends with entries only");

static int check_extensions(const struct hws_ext *ext)
{
	for (int n = 0; ext; ext = ext->next, n++) {
		if (n == MAX_EXTENSIONS)
			return why(-EINVAL, "the back end's extension chain is endless");
		if (ext->struct_size < sizeof(*ext))
			return why(-EINVAL, "the back end's extension %d says it has %zu bytes", n,
				   ext->struct_size);
	}
	return 0;
}

static int check_name(const char *name)
{
	size_t length = 0;

	for (; name && name[length]; length++) {
		if (length == 32 || !(isalnum((unsigned char)name[length]) || name[length] == '-'))
			return why(-EINVAL,
				   "a back end's name has 1 to 32 letters, digits and '-'");
	}
	return length ? 0 : why(-EINVAL, "the back end has no name");
}

static int check_table(const struct hws_shim_ops *ops)
{
	int r;

	if (!ops)
		return why(-EINVAL, "the back end has no table");
	if (ops->struct_size < MANDATORY || ops->struct_size > MAX_TABLE ||
	    !shim_whole(ops->struct_size))
		return why(-EINVAL, "the back end's table says it has %zu bytes", ops->struct_size);
	if (ops->abi >> 16 != HWS_SHIM_ABI >> 16)
		return why(-EINVAL, "the back end was made for version %u of the table, not %u",
			   ops->abi >> 16, HWS_SHIM_ABI >> 16);
	r = check_name(ops->name);
	if (r < 0)
		return r;
	if (!ops->open || !ops->close)
		return why(-EINVAL, "back end '%s' lacks open or close", ops->name);
	return check_extensions(ops->next);
}

void shim_complete(struct hws_shim_ops *ops)
{
	for (size_t at = FIRST_ENTRY; at < sizeof(*ops); at += sizeof(entry)) {
		entry *mine = (entry *)((char *)ops + at);

		if (!*mine)
			memcpy(mine, (const char *)&shim_defaults + at, sizeof(*mine));
	}
}

/* Copies what both sides know; what is absent becomes the safe default. */
static void complete(const struct hws_shim_ops *from, struct slot *ret_slot)
{
	size_t size = from->struct_size < sizeof(*from) ? from->struct_size : sizeof(*from);

	*ret_slot = (struct slot) { .source = from };
	memcpy(&ret_slot->ops, from, size);
	ret_slot->ops.struct_size = sizeof(ret_slot->ops);
	shim_complete(&ret_slot->ops);
}

/* A bit for each slot that is read-only; relaxed: only looked at and changed under the lock. */
static _Atomic uint32_t sealed;

/* Once; a slot that could not be is tried again before anybody gets it. */
static int seal(int slot)
{
	struct slot_page *page = &shim_slots[slot];
	int r;

	if (atomic_load_explicit(&sealed, memory_order_relaxed) >> slot & 1)
		return 0;
	r = sys_mprotect(page, sizeof(*page), PROT_READ);
	if (r < 0)
		return why(r, "can't make the back end's table read-only: %s", strerror(-r));
	/* before Linux 6.10 there is no such call; read-only it is all the same */
	sys_mseal(page, sizeof(*page));
	atomic_fetch_or_explicit(&sealed, UINT32_C(1) << slot, memory_order_relaxed); /* as above */
	return 0;
}

/* The slot that holds @wanted, or the free one that now does. */
static int place(const struct slot *wanted)
{
	for (int i = 0; i < SHIM_SLOTS; i++) {
		int r = hws_once_set(&shim_slots[i].cell, wanted);

		if (r == 0 || (r == -EALREADY && shim_slots[i].cell.value.source == wanted->source))
			r = seal(i);
		if (r != -EALREADY)
			return r < 0 ? r : i;
	}
	return why(-ENOSPC, "all %d slots hold back ends already", (int)SHIM_SLOTS);
}

static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;

int shim_install(const struct hws_shim_ops *ops)
{
	struct slot wanted;
	int r = check_table(ops);

	if (r < 0)
		return r;
	complete(ops, &wanted);
	/* one at a time: a slot is sealed right after it was set, not to be tried in between */
	pthread_mutex_lock(&installing);
	r = place(&wanted);
	pthread_mutex_unlock(&installing);
	return r;
}

int shim_open(const struct hws_shim_ops *ops, const struct hws_shim_options *options,
	      struct hws_shim *ret_shim)
{
	static const struct hws_shim_options none = { .size = sizeof(none) };
	struct hws_shim shim = { 0 };
	int slot = shim_install(ops);
	int r;

	if (slot < 0)
		return slot;
	shim.slot = (uint32_t)slot;
	r = shim_ops(&shim)->open(options ? options : &none, &shim.self);
	if (r < 0)
		return r;
	*ret_shim = shim;
	return 0;
}

void shim_close(struct hws_shim *shim)
{
	if (shim->self)
		shim_ops(shim)->close(shim->self);
	*shim = (struct hws_shim) { 0 };
}
