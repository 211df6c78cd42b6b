/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HWSAFE_GUARDIAN_CONTEXT_INTERNAL_H
#define HWSAFE_GUARDIAN_CONTEXT_INTERNAL_H

#include <pthread.h>

#include "guardian/audit-internal.h"
#include "guardian/caps-internal.h"
#include "guardian/context.h"
#include "guardian/guard-internal.h"
#include "guardian/last-words-internal.h"
#include "guardian/meters-internal.h"
#include "guardian/rules-internal.h"
#include "guardian/stats-internal.h"
#include "shim/shim-internal.h"

enum { BACKENDS = 5 };

struct gate;
struct grants;
struct learn;

struct hws {
	_Atomic uint32_t refs; /* its owner's and each handle's */
	int pid;	       /* that opened it */
	int root;
	struct hws_shim shim;
	struct grants *grants;	   /* NULL: this program was handed nothing */
	struct hws_plugin *plugin; /* that brings the back end; NULL: it is built in */
	struct hws_backend_try tries[BACKENDS];
	unsigned int tried;
	hws_log_fn *log;
	void *log_context;
	_Atomic uint64_t ring_warned; /* CLOCK_MONOTONIC, ns: of the last warning; 0: none yet */

	struct learn *learn;	       /* NULL: nobody learns from this program */
	struct last_words *last_words; /* NULL: there is no file for them */
	bool last_words_always;

	struct caps caps;
	struct guard guards[HWS_GUARDS];
	struct hws_audit *audit;
	struct stats stats;
	struct meters meters;

	pthread_mutex_t reloading; /* from reading a policy to its being in force; before @lock */
	/* Changes whenever a handle must ask again: a reload, a re-arming. Written under @lock. */
	_Atomic uint64_t era;
	pthread_mutex_t lock; /* of what follows */
	struct rules *rules;
	struct gate *gates; /* every open one */
	/* for reloading */
	char *policy_directory;
	char *policy_text;
	char *sysroot;
	uint32_t policy_owner;
};

/* One more holder, and one less; the last releases it. */
struct hws *context_ref(struct hws *hw);
void context_unref(struct hws *hw);

void context_log(const struct hws *hw, enum hws_level level, const char *format, ...)
	HWS_PRINTF(3, 4);

/*
 * plugin.c: one that the context holds, for its back end; as hws_plugin_open() and _close(). Its
 * rules must be there already: they say whether it may be loaded.
 */
HWS_MUST int context_plugin_open(struct hws *hw, const char *path, struct hws_plugin **ret_plugin);
void context_plugin_close(struct hws *hw, struct hws_plugin *plugin);

/* The current rules, with a reference for the caller. */
struct rules *context_rules(struct hws *hw);

/* A refused charge: told and counted; the sentence is there already. Gives the reason's code. */
int context_refuse_charge(struct hws *hw, enum hws_resource resource, uint64_t amount,
			  enum hws_reason reason);

/* As hws_guardian_reserve(), for who keeps the account itself and ends it by caps_uncharge(). */
HWS_MUST static inline int context_charge(struct hws *hw, enum hws_resource resource,
					  uint64_t amount)
{
	enum hws_reason reason = caps_charge(&hw->caps, resource, amount);

	return reason == HWS_REASON_NONE ? 0 : context_refuse_charge(hw, resource, amount, reason);
}

/*
 * A refusal: counted, recorded, kept for hws_last_denial() and hws_why(). Gives the code that goes
 * with @reason. @decision: the rule that decided; NULL: none did. @said: a sentence of its own;
 * NULL: the reason's.
 */
int context_deny(struct hws *hw, enum hws_event_type type, const struct hws_access *access,
		 enum hws_reason reason, const struct hws_decision *decision, const char *said);

/* The same for what the back end refused with @code, whose words are in hws_why(). */
int context_fail(struct hws *hw, enum hws_event_type type, const struct hws_access *access,
		 int code);

#endif
