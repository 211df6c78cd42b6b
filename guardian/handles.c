/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/handles-internal.h"

#include <errno.h>
#include <stdlib.h>

#include "shim/why-internal.h"

/* A slot's state: the lowest two bits of its word. */
enum { FREE = 0, CLAIMED = 1, LIVE = 2, RETIRED = 3, STATES = 4 };

/* Where this thread looks first: where it last found or freed a slot. */
static _Thread_local uint32_t hint;

int handles_init(struct handles *handles, uint32_t count)
{
	static _Atomic uint32_t tables;

	if (count == 0)
		return -EINVAL;
	*handles = (struct handles) { .slots = calloc(count, sizeof(*handles->slots)) };
	if (!handles->slots)
		return why(-ENOMEM, "no memory for handles");
	handles->count = count;
	/* relaxed: only its being another number counts */
	handles->owner = atomic_fetch_add_explicit(&tables, 1, memory_order_relaxed) + 1;
	return 0;
}

void handles_fini(struct handles *handles)
{
	free(handles->slots);
	*handles = (struct handles) { 0 };
}

/* A thread's first look: spread by where its stack and thread-locals lie. */
static uint32_t first_hint(void)
{
	return (uint32_t)(((uint64_t)(uintptr_t)&hint >> 8) * 0x9e3779b97f4a7c15u >> 32);
}

struct handle_slot *handles_claim(struct handles *handles)
{
	uint32_t at = (hint ? hint : first_hint()) % handles->count;

	for (uint32_t i = 0; i < handles->count; i++, at = at + 1 == handles->count ? 0 : at + 1) {
		struct handle_slot *slot = &handles->slots[at];
		uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

		/* acquire: pairs with the release that freed it; its values are ours to write */
		if (word % STATES == FREE && atomic_compare_exchange_strong_explicit(
						     &slot->word, &word, word + CLAIMED,
						     memory_order_acquire, memory_order_relaxed)) {
			hint = at;
			return slot;
		}
	}
	return NULL;
}

struct handle handles_publish(struct handles *handles, struct handle_slot *slot,
			      struct handle_value value)
{
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed) - CLAIMED + LIVE;
	uint64_t index = (uint64_t)(slot - handles->slots);

	/* release: who reads a value of this generation sees the word that began it */
	atomic_store_explicit(&slot->kind, value.kind, memory_order_release);
	atomic_store_explicit(&slot->value, value.value, memory_order_release);
	/* release: pairs with the acquire in read_slot() */
	atomic_store_explicit(&slot->word, word, memory_order_release);
	return (struct handle) { (uint64_t)handles->owner << 32 | index, word };
}

void handles_drop(struct handle_slot *slot)
{
	/* release: pairs with the acquire in handles_claim() */
	atomic_fetch_sub_explicit(&slot->word, CLAIMED, memory_order_release);
}

static int refuse(struct handles *handles)
{
	/* relaxed: a count orders nothing */
	atomic_fetch_add_explicit(&handles->stale, 1, memory_order_relaxed);
	return -ESTALE;
}

/* The handle's slot with what is in it, or NULL. Whether it still is the handle's is to be seen. */
static struct handle_slot *read_slot(const struct handles *handles, struct handle handle,
				     struct handle_value *ret_value)
{
	uint32_t index = (uint32_t)handle.id;
	struct handle_slot *slot;

	if (handle.id >> 32 != handles->owner || index >= handles->count ||
	    handle.generation % STATES != LIVE)
		return NULL;
	slot = &handles->slots[index];
	/* acquire: pairs with handles_publish() */
	if (atomic_load_explicit(&slot->word, memory_order_acquire) != handle.generation)
		return NULL;
	/* acquire: the word that is looked at next is no older than these */
	ret_value->kind = atomic_load_explicit(&slot->kind, memory_order_acquire);
	ret_value->value = atomic_load_explicit(&slot->value, memory_order_acquire);
	return slot;
}

int handles_find(struct handles *handles, struct handle handle, struct handle_value *ret_value)
{
	struct handle_value value;
	struct handle_slot *slot = read_slot(handles, handle, &value);

	/* relaxed: unchanged proves that the values were of this generation */
	if (!slot || atomic_load_explicit(&slot->word, memory_order_relaxed) != handle.generation)
		return refuse(handles);
	*ret_value = value;
	return 0;
}

/* The word with which a slot is free again; the last generation's is never free. */
static uint64_t next_word(uint64_t live)
{
	return live > UINT64_MAX - STATES ? live - LIVE + RETIRED : live - LIVE + STATES;
}

int handles_end(struct handles *handles, struct handle handle, struct handle_value *ret_value)
{
	struct handle_value value;
	struct handle_slot *slot = read_slot(handles, handle, &value);
	uint64_t word = handle.generation;

	/* acq_rel: its one winner; the next owner of the slot comes after what was read */
	if (!slot ||
	    !atomic_compare_exchange_strong_explicit(&slot->word, &word, next_word(word),
						     memory_order_acq_rel, memory_order_relaxed))
		return refuse(handles);
	hint = (uint32_t)handle.id;
	*ret_value = value;
	return 0;
}

uint64_t handles_stale(const struct handles *handles)
{
	return atomic_load_explicit(&handles->stale, memory_order_relaxed);
}
