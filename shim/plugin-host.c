/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a plug-in may ask of the library. It names its instance by a number: a slot and a
 * generation, so that one that is over is found to be, whoever asks and whenever.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/*
 * A slot's word: generation (24 bits), users (31), open (1). Whoever finds it open and of his
 * generation counts himself a user in the same exchange, so the instance stays until he goes.
 */
enum { SLOT_BITS = 8, GENERATION_BITS = 24, USER_BITS = 31 };
#define OPEN	    UINT64_C(1)
#define USER	    UINT64_C(2)
#define USERS(word) ((word) >> 1 & ((UINT64_C(1) << USER_BITS) - 1))
#define AGE(word)   ((uint32_t)((word) >> (1 + USER_BITS)))
_Static_assert((int)PLUGIN_INSTANCES <= 1 << SLOT_BITS, "a slot's number fits");

static struct {
	_Atomic uint64_t word;
	struct hws_plugin *_Atomic plugin; /* valid while it is open or has users */
} slots[PLUGIN_INSTANCES];
static _Atomic uint64_t stale_calls;

int plugin_register(struct hws_plugin *plugin)
{
	for (uint32_t slot = 0; slot < PLUGIN_INSTANCES; slot++) {
		uint64_t word = atomic_load_explicit(&slots[slot].word, memory_order_relaxed);
		uint32_t age = (AGE(word) + 1) & ((1u << GENERATION_BITS) - 1);
		uint64_t taken = (uint64_t)age << (1 + USER_BITS) | USER;

		/* not open and without users it is nobody's */
		if (word & OPEN || USERS(word) ||
		    !atomic_compare_exchange_strong(&slots[slot].word, &word, taken))
			continue;
		atomic_store(&slots[slot].plugin, plugin);
		plugin->number = age << SLOT_BITS | slot;
		/* release: who finds it open finds the pointer, too */
		atomic_store_explicit(&slots[slot].word, taken - USER + OPEN, memory_order_release);
		return 0;
	}
	return why(-EMFILE, "%d plug-ins are open, which is the most", PLUGIN_INSTANCES);
}

void plugin_unregister(struct hws_plugin *plugin)
{
	_Atomic uint64_t *word = &slots[plugin->number & (PLUGIN_INSTANCES - 1)].word;

	atomic_fetch_and(word, ~OPEN);
	/* what a plug-in asks is answered soon */
	while (USERS(atomic_load_explicit(word, memory_order_acquire)))
		sys_sleep(100000);
}

struct hws_plugin *plugin_get(uint64_t number)
{
	uint32_t slot = (uint32_t)number & ((1u << SLOT_BITS) - 1);
	uint64_t word;

	if (slot < PLUGIN_INSTANCES && number <= UINT32_MAX) {
		word = atomic_load_explicit(&slots[slot].word, memory_order_relaxed);
		while (word & OPEN && AGE(word) == number >> SLOT_BITS) {
			/* acquire: pairs with registering */
			if (atomic_compare_exchange_weak_explicit(&slots[slot].word, &word,
								  word + USER, memory_order_acquire,
								  memory_order_relaxed))
				return atomic_load(&slots[slot].plugin);
		}
	}
	atomic_fetch_add_explicit(&stale_calls, 1, memory_order_relaxed);
	return NULL;
}

void plugin_put(struct hws_plugin *plugin)
{
	/* release: what was done stands before the end that waits for it */
	atomic_fetch_sub_explicit(&slots[plugin->number & (PLUGIN_INSTANCES - 1)].word, USER,
				  memory_order_release);
}

uint64_t plugin_stale_calls(void)
{
	return atomic_load_explicit(&stale_calls, memory_order_relaxed);
}

static struct hws_error *host_error(uint64_t instance, enum hws_code code, const char *function,
				    const char *message)
{
	struct hws_plugin *plugin = plugin_get(instance);
	struct hws_error *error;

	if (!plugin)
		return plugin_error_none();
	error = plugin_error_make(plugin, code, function, message);
	plugin_put(plugin);
	return error;
}

static void host_log(uint64_t instance, const char *message)
{
	struct hws_plugin *plugin = plugin_get(instance);
	char line[256];

	if (!plugin)
		return;
	plugin_take_words("a line of the log", message, line, sizeof(line));
	if (plugin->store.log)
		plugin->store.log(plugin->store.context, line);
	plugin_put(plugin);
}

static int host_event_set(uint64_t instance, uint64_t event, struct hws_error *error)
{
	struct hws_plugin *plugin = plugin_get(instance);
	int r;

	if (!plugin)
		return -ESTALE;
	r = flight_end(plugin, event, error ? plugin_error_take(plugin, "event_set", error) : 0);
	plugin_put(plugin);
	return r;
}

/* What the program is asked: copies, for what the plug-in points to need not be there. */
struct question {
	struct hws_kv kv;
	void *own;    /* the value; NULL: it has no bytes */
	void *theirs; /* where it is, or its room */
	uint64_t room;
	char key[HWS_PLUGIN_KEY];
};

static int read_kv(const struct hws_kv *from, struct question *q)
{
	struct hws_kv *kv = &q->kv;
	int r = plugin_read_struct("a key and value", from, kv, sizeof(*kv), sizeof(*kv));

	if (r < 0)
		return r;
	if (!kv->key || !kv->key_size || kv->key_size > sizeof(q->key))
		return why(-EINVAL, "a key has 1 to %d bytes", HWS_PLUGIN_KEY);
	if (kv->value_size > HWS_PLUGIN_BLOB || (!kv->value && kv->value_size))
		return why(-EINVAL, "a value has %llu bytes at most",
			   (unsigned long long)HWS_PLUGIN_BLOB);
	r = plugin_read("a key", kv->key, q->key, (size_t)kv->key_size);
	if (r < 0)
		return r;
	kv->struct_size = sizeof(*kv);
	kv->key = q->key;
	q->theirs = kv->value;
	q->room = kv->value_size;
	q->own = q->room ? calloc(1, (size_t)q->room) : NULL;
	kv->value = q->own;
	return q->room && !q->own ? why(-ENOMEM, "no memory for a value") : 0;
}

/* The value goes where the plug-in has room for it. */
static int give_value(const struct question *q)
{
	uint64_t size = q->kv.value_size < q->room ? q->kv.value_size : q->room;

	return size && sys_own_memory_fill(q->theirs, q->own, (size_t)size) < 0
		       ? why(-EFAULT, "a value: its room is memory that isn't there")
		       : 0;
}

static int ask(uint64_t instance, struct hws_kv *theirs, size_t entry)
{
	struct hws_plugin *plugin = plugin_get(instance);
	int (*get)(void *context, struct hws_kv *kv);
	struct question q = { .room = 0 };
	int r;

	if (!plugin)
		return -ESTALE;
	memcpy(&get, (char *)&plugin->store + entry, sizeof(get));
	r = read_kv(theirs, &q);
	if (r == 0)
		r = get ? get(plugin->store.context, &q.kv)
			: why(-EOPNOTSUPP, "the program keeps nothing for plug-ins");
	if (r == 0)
		r = give_value(&q);
	/* the size is told also when the room was too small for it */
	if ((r == 0 || r == -ENOSPC) &&
	    sys_own_memory_fill(&theirs->value_size, &q.kv.value_size, sizeof(uint64_t)) < 0)
		r = why(-EFAULT, "a value: its size can't be written");
	free(q.own);
	plugin_put(plugin);
	return r;
}

static int host_get(uint64_t instance, struct hws_kv *kv)
{
	return ask(instance, kv, offsetof(struct plugin_store, get));
}

static int host_try_get(uint64_t instance, struct hws_kv *kv)
{
	return ask(instance, kv, offsetof(struct plugin_store, try_get));
}

static int host_put(uint64_t instance, const struct hws_kv *theirs)
{
	struct hws_plugin *plugin = plugin_get(instance);
	struct question q = { .room = 0 };
	int r;

	if (!plugin)
		return -ESTALE;
	r = read_kv(theirs, &q);
	if (r == 0 && q.room)
		r = plugin_read("a value", q.theirs, q.own, (size_t)q.room);
	if (r == 0)
		r = plugin->store.put ? plugin->store.put(plugin->store.context, &q.kv)
				      : why(-EOPNOTSUPP, "the program keeps nothing for plug-ins");
	free(q.own);
	plugin_put(plugin);
	return r;
}

static void host_why(uint64_t instance, const char *message)
{
	struct hws_plugin *plugin = plugin_get(instance);
	char words[256];

	if (!plugin)
		return;
	plugin_take_words("a reason", message, words, sizeof(words));
	why(0, "%s", words);
	plugin_put(plugin);
}

const struct hws_host plugin_host = {
	.struct_size = sizeof(plugin_host),
	.abi = HWS_PLUGIN_ABI,
	.error = host_error,
	.log = host_log,
	.event_set = host_event_set,
	.get = host_get,
	.try_get = host_try_get,
	.put = host_put,
	.why = host_why,
};
