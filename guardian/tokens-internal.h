/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table behind the tokens. A slot's word is its generation and its state
 * in one, and only counts up: FREE -> CLAIMED -> LIVE -> the next FREE. So a
 * token fits one reservation, once, and every transition has one winner.
 */
#ifndef HWSAFE_GUARDIAN_TOKENS_INTERNAL_H
#define HWSAFE_GUARDIAN_TOKENS_INTERNAL_H

#include <stdatomic.h>

#include "guardian/caps.h"

struct token_slot {
	_Atomic uint64_t word;
	_Atomic uint64_t amount;
	_Atomic uint64_t kind;
	uint64_t apart;
};

struct tokens {
	struct token_slot *slots; /* owned */
	uint32_t count;
	uint32_t owner; /* differs between tables, so that foreign tokens are known */
};

HWS_MUST int tokens_init(struct tokens *tokens, uint32_t count);
void tokens_fini(struct tokens *tokens);
/* A slot for this thread to publish or to drop; NULL: all are taken. */
HWS_MUST struct token_slot *tokens_claim(struct tokens *tokens);
struct hws_token tokens_publish(struct tokens *tokens, struct token_slot *slot, uint64_t kind,
				uint64_t amount);
void tokens_drop(struct token_slot *slot);
/* Ends the token and tells what it stood for, once; -ESTALE for any other. */
HWS_MUST int tokens_end(struct tokens *tokens, struct hws_token token, uint64_t *ret_kind,
			uint64_t *ret_amount);

#endif
