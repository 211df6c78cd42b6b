/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sheet on which contexts note what they are asked for: a memfd that can
 * neither shrink nor grow, mapped by who made it and by every process that
 * inherits it. Notes are found by hash; nobody waits, and who dies leaves at
 * most one slot half written, which nobody looks at again.
 */
#ifndef HWSAFE_GUARDIAN_LEARN_INTERNAL_H
#define HWSAFE_GUARDIAN_LEARN_INTERNAL_H

#include <stdatomic.h>

#include "guardian/learn.h"

#define LEARN_MAGIC UINT64_C(0x314e52414c535748) /* "HWSLARN1" */
enum {
	LEARN_SLOTS = 32768, /* a power of two */
	LEARN_PATH = 256,
	LEARN_TEXT = 1 << 20, /* of the policy, and of the machine */
};

/* What tells notes apart; without padding, for it is hashed and compared as bytes. */
struct learn_key {
	uint32_t what;
	uint32_t reason;
	uint32_t uid;
	uint32_t kind;
	uint32_t rights;
	uint32_t bar;
	uint32_t cpu;
	uint32_t width;
	uint64_t first;
	uint64_t last;
	uint32_t domain;
	uint8_t bus;
	uint8_t slot;
	uint8_t function;
	uint8_t zero;
	uint16_t vendor;
	uint16_t device;
	uint32_t class_code;
	char path[LEARN_PATH];
};

enum learn_state { LEARN_EMPTY = 0, LEARN_WRITING, LEARN_READY };

struct learn_slot {
	_Atomic uint32_t state;
	uint32_t hash;
	_Atomic uint64_t count;
	_Atomic uint32_t taken; /* of values[] */
	_Atomic uint32_t valid; /* a bit for each that is written */
	_Atomic uint64_t greatest;
	_Atomic uint64_t below; /* all ones less the least: zero is none yet */
	_Atomic uint64_t values[HWS_LEARN_VALUES];
	struct learn_key key;
};

struct learn_sheet {
	uint64_t magic;
	uint32_t simulate;
	uint32_t has_sim;
	uint32_t has_policy;
	uint32_t zero;
	_Atomic uint64_t lost;
	char policy[LEARN_TEXT];
	char sim[LEARN_TEXT];
	struct learn_slot slots[LEARN_SLOTS];
};

/* What a context has of it. */
struct learn {
	struct learn_sheet *sheet;
	uint32_t uid;
	bool simulate;
	char *policy; /* NULL: none */
	char *sim;
};

/*
 * The sheet that the environment names: 0 and NULL when it names none; -EACCES what it names is
 * none; -ENOMEM.
 */
HWS_MUST int learn_find(struct learn **ret_learn);
void learn_free(struct learn *learn); /* NULL does nothing */

/*
 * Puts what the sheet says in the place of the caller's options. *ret_policy, where it is set, is
 * the text that they then have, for the caller to free: a simulated machine's is the whole policy.
 */
HWS_MUST int learn_options(const struct learn *learn, struct hws_options *options,
			   char **ret_policy);
/* Notes it. Of NULL nothing is noted. */
void learn_note(struct learn *learn, enum hws_learned_what what, const struct hws_access *access,
		enum hws_reason reason);
/* A refusal, if it is one that a rule could have prevented. */
void learn_refusal(struct learn *learn, enum hws_learned_what what, const struct hws_access *access,
		   enum hws_reason reason);
/* What a device holds now by a rule. */
void learn_held(struct learn *learn, const struct hws_access *window, uint64_t bytes, uint64_t maps,
		enum hws_reason reason);

#endif
