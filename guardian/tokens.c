/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/tokens-internal.h"

#include <errno.h>
#include <stdlib.h>

/* A slot's state: the lowest two bits of its word. */
enum { FREE = 0, CLAIMED = 1, LIVE = 2, STATES = 4 };

/* Where this thread looks first: where it last found or freed a slot. */
static _Thread_local uint32_t hint;

int tokens_init(struct tokens *tokens, uint32_t count)
{
	static _Atomic uint32_t tables;

	if (count == 0)
		return -EINVAL;
	tokens->slots = calloc(count, sizeof(*tokens->slots));
	if (!tokens->slots)
		return -ENOMEM;
	tokens->count = count;
	/* relaxed: only its being another number counts */
	tokens->owner = atomic_fetch_add_explicit(&tables, 1, memory_order_relaxed) + 1;
	return 0;
}

void tokens_fini(struct tokens *tokens)
{
	free(tokens->slots);
	*tokens = (struct tokens) { 0 };
}

/* A thread's first look: spread by where its stack and thread-locals lie. */
static uint32_t first_hint(void)
{
	return (uint32_t)(((uint64_t)(uintptr_t)&hint >> 8) * 0x9e3779b97f4a7c15u >> 32);
}

struct token_slot *tokens_claim(struct tokens *tokens)
{
	uint32_t at = (hint ? hint : first_hint()) % tokens->count;

	for (uint32_t i = 0; i < tokens->count; i++, at = at + 1 == tokens->count ? 0 : at + 1) {
		struct token_slot *slot = &tokens->slots[at];
		uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

		/* acquire: pairs with the release that freed it; its amount is ours to write */
		if (word % STATES == FREE && atomic_compare_exchange_strong_explicit(
						     &slot->word, &word, word + CLAIMED,
						     memory_order_acquire, memory_order_relaxed)) {
			hint = at;
			return slot;
		}
	}
	return NULL;
}

struct hws_token tokens_publish(struct tokens *tokens, struct token_slot *slot, uint64_t kind,
				uint64_t amount)
{
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed) - CLAIMED + LIVE;
	uint64_t index = (uint64_t)(slot - tokens->slots);

	atomic_store_explicit(&slot->kind, kind, memory_order_relaxed);
	atomic_store_explicit(&slot->amount, amount, memory_order_relaxed);
	/* release: pairs with the acquire in tokens_end() */
	atomic_store_explicit(&slot->word, word, memory_order_release);
	return (struct hws_token) { (uint64_t)tokens->owner << 32 | index, word };
}

void tokens_drop(struct token_slot *slot)
{
	/* release: pairs with the acquire in tokens_claim() */
	atomic_fetch_sub_explicit(&slot->word, CLAIMED, memory_order_release);
}

int tokens_end(struct tokens *tokens, struct hws_token token, uint64_t *ret_kind,
	       uint64_t *ret_amount)
{
	uint32_t index = (uint32_t)token.id;
	uint64_t word = token.generation;
	struct token_slot *slot;
	uint64_t kind;
	uint64_t amount;

	if (token.id >> 32 != tokens->owner || index >= tokens->count || word % STATES != LIVE)
		return -ESTALE;
	slot = &tokens->slots[index];
	/* acquire: pairs with tokens_publish(); the swap below proves that these were its values */
	if (atomic_load_explicit(&slot->word, memory_order_acquire) != word)
		return -ESTALE;
	kind = atomic_load_explicit(&slot->kind, memory_order_relaxed);
	amount = atomic_load_explicit(&slot->amount, memory_order_relaxed);
	if (!atomic_compare_exchange_strong_explicit(&slot->word, &word, word - LIVE + STATES,
						     memory_order_acq_rel, memory_order_relaxed))
		return -ESTALE;
	hint = index;
	*ret_kind = kind;
	*ret_amount = amount;
	return 0;
}
