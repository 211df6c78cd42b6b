/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library's side of the boundary: an instance of a plug-in, and the only ways to call it. What
 * it says is copied once, checked in the copy, and used from there.
 *
 *	plugin-library.c   the file: found, trusted, loaded
 *	plugin-read.c      its memory, read without believing that it is there
 *	plugin-table.c     its table and chain, copied and checked
 *	plugin-values.c    lists of named values
 *	plugin-error.c     error objects
 *	plugin-host.c      instances by number, and what a plug-in may ask
 *	plugin-instance.c  create, call, quarantine, destroy
 *	plugin-flight.c    what it still has to answer for
 *	plugin-device.c    a device: its attributes and memory
 *	plugin-operate.c   what is done with that
 *	plugin-backend.c   a back end: one for all plug-ins, that asks them
 *	plugin-believe.c   what is true of its answers, or it lied
 */
#ifndef HWSAFE_SHIM_PLUGIN_INTERNAL_H
#define HWSAFE_SHIM_PLUGIN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "shim/event.h"
#include "shim/plugin.h"

enum {
	PLUGIN_INSTANCES = 128, /* at once in a process */
	PLUGIN_ERRORS = 256,	/* of one instance that wait to be returned */
	PLUGIN_MEMORIES = 1024, /* of one instance */
	PLUGIN_FLIGHTS = 1024,	/* operations of one instance whose event is to come */
	PLUGIN_CHUNKS = 256,	/* of one instance that it is not done with */
	PLUGIN_RUN_MEMORIES = 16,
	PLUGIN_TROUBLE = 160,
	PLUGIN_STRUCT = 4096, /* no honest struct is larger, whatever versions come */
};

/* ---- plugin-read.c: 0, or -EFAULT with words that begin with @what ---- */
int plugin_read(const char *what, const void *from, void *to, size_t size);
/* A string with its NUL; -ENAMETOOLONG when it doesn't end within @size. */
int plugin_read_string(const char *what, const char *from, char *to, size_t size);
/* Somebody else's words: cut to fit, and what isn't printable ASCII becomes '?'. */
void plugin_take_words(const char *what, const char *from, char *to, size_t size);
/* Behind the part that both sides know of a struct, it is zero. @least: its first version. */
int plugin_read_struct(const char *what, const void *from, void *to, size_t size, size_t least);

/* ---- plugin-table.c ---- */
struct plugin_face {
	struct hws_plugin_table table;
	struct hws_shim_ops ops;      /* struct_size 0: it brings no back end */
	struct hws_ext_device device; /* ext.struct_size 0: no device */
};
/* 0; -EINVAL, -EFAULT, -EPROTO with words. */
int plugin_read_face(const struct hws_plugin_table *table, struct plugin_face *ret_face);

/* ---- plugin-values.c ---- */
/* A copy of all of it, for plugin_free_values(). -EPROTO, -EFAULT, -ENOMEM. */
int plugin_copy_values(const struct hws_values *from, struct hws_values **ret_values);
void plugin_free_values(struct hws_values *values);

/* ---- plugin-error.c ---- */
struct hws_error {
	struct hws_error *next;
	enum hws_code code;
	char function[48];
	char message[PLUGIN_TROUBLE];
};
int plugin_code_errno(enum hws_code code);
const char *plugin_code_name(enum hws_code code);

/* What a program lets a plug-in ask for. Entries that are NULL give -EOPNOTSUPP. */
struct plugin_store {
	int (*get)(void *context, struct hws_kv *kv);
	int (*try_get)(void *context, struct hws_kv *kv);
	int (*put)(void *context, const struct hws_kv *kv);
	void (*log)(void *context, const char *line);
	void (*release)(void *context); /* once, when nothing can ask any more */
	void *context;
};

struct plugin_library;

struct plugin_options {
	const char *name;		/* in words; copied */
	struct hws_values values;	/* borrowed */
	const struct hws_ext *next;	/* borrowed; for create() */
	struct plugin_store store;	/* taken: released in any case */
	struct plugin_library *library; /* a share of it, taken in any case; NULL: none */
};

/* ---- plugin-host.c ---- */
extern const struct hws_host plugin_host;

/* A piece of a device's memory. */
struct memory {
	bool used;
	uint32_t generation;
	uint32_t flights;
	uint64_t name; /* the plug-in's; 0: it hasn't said yet */
	uint64_t size;
};

/* What will be set once. */
struct flight {
	struct hws_event *event; /* NULL: not used */
	uint32_t generation;
	uint32_t memory_count;
	uint16_t memories[PLUGIN_RUN_MEMORIES]; /* slots */
};

struct lent_chunk {
	bool used;
	uint32_t generation;
	struct hws_chunk chunk; /* the program's */
};

struct hws_plugin {
	/* what a call looks at first */
	_Atomic uint32_t quarantined; /* release: @trouble stands before it */
	bool serial;		      /* calls come one at a time, under @turn */
	void *self;
	struct plugin_face face;
	pthread_mutex_t turn; /* knows its owner: who comes back in is told */
	uint32_t number;
	char name[64];
	char trouble[PLUGIN_TROUBLE];
	struct plugin_store store;
	struct plugin_library *library;
	pthread_mutex_t lock; /* of all below */
	struct hws_error *errors;
	uint32_t error_count;
	struct memory memories[PLUGIN_MEMORIES];
	struct flight flights[PLUGIN_FLIGHTS];
	struct lent_chunk chunks[PLUGIN_CHUNKS];
};

/* Gives it a number; -EMFILE when there are too many. */
int plugin_register(struct hws_plugin *plugin);
/* From now on nobody finds it; returns when nobody uses it. */
void plugin_unregister(struct hws_plugin *plugin);
/* By its number, to be put back; NULL: it is over or never was. */
struct hws_plugin *plugin_get(uint64_t number);
void plugin_put(struct hws_plugin *plugin);
/* How often a plug-in named an instance that was over. */
uint64_t plugin_stale_calls(void);

/* ---- plugin-error.c, of an instance ---- */
struct hws_error *plugin_error_make(struct hws_plugin *plugin, enum hws_code code,
				    const char *function, const char *message);
/* Takes it out of the instance's and frees it: -errno with words; -EPROTO: it is none. */
int plugin_error_take(struct hws_plugin *plugin, const char *function, struct hws_error *error);
/* The constant one, for who is nobody or has no memory. */
struct hws_error *plugin_error_none(void);
/* How many there were. */
uint32_t plugin_errors_free(struct hws_plugin *plugin);

/* ---- plugin-instance.c ---- */
/* 0, or -errno with words. */
int plugin_open(const struct hws_plugin_table *table, const struct plugin_options *options,
		struct hws_plugin **ret_plugin);

/* What a plug-in should not have left. */
struct plugin_leftovers {
	uint32_t errors;
	uint32_t events;
	uint32_t chunks;
	uint32_t memories;
};
/* NULL does nothing; @ret_left may be NULL. No call may be under way. */
void plugin_close(struct hws_plugin *plugin, struct plugin_leftovers *ret_left);

/* It lied: nothing of it is called again. -EPROTO, with the words. */
int plugin_quarantine(struct hws_plugin *plugin, const char *format, ...) HWS_PRINTF(2, 3);

/* -EPROTO, with why it is there. */
int plugin_refusal(const struct hws_plugin *plugin);

int plugin_enter_slowly(struct hws_plugin *plugin, const char *function);
int plugin_leave_slowly(struct hws_plugin *plugin, const char *function, struct hws_error *error);

/* Around each call of an entry: 0, or -errno: it may not be called. */
static inline int plugin_enter(struct hws_plugin *plugin, const char *function)
{
	/* pairs with plugin_quarantine(): the words are there when it is told */
	if (__builtin_expect(atomic_load_explicit(&plugin->quarantined, memory_order_acquire) ||
				     plugin->serial,
			     0))
		return plugin_enter_slowly(plugin, function);
	return 0;
}

/* What became of it: 0 or -errno. */
static inline int plugin_leave(struct hws_plugin *plugin, const char *function,
			       struct hws_error *error)
{
	if (__builtin_expect(error || plugin->serial, 0))
		return plugin_leave_slowly(plugin, function, error);
	return 0;
}

/* PLUGIN_CALL() - an entry of its device, between entering and leaving: 0 or -errno. */
#define PLUGIN_CALL(plugin, entry, call)                                                     \
	__extension__({                                                                      \
		struct hws_plugin *call_p_ = (plugin);                                       \
		int call_r_ = plugin_enter(call_p_, #entry);                                 \
		call_r_ < 0 ? call_r_                                                        \
			    : plugin_leave(call_p_, #entry,                                  \
					   call_p_->face.device.entry(call_p_->self, call)); \
	})

/* ---- plugin-device.c; memory is named by a number of the library's ---- */
/* -EOPNOTSUPP */
int plugin_lacks(const struct hws_plugin *plugin, const char *what);
int plugin_need_device(const struct hws_plugin *plugin);
int plugin_attributes(struct hws_plugin *plugin, struct hws_values **ret_values);
/* @host: only with HWS_SHARE_ZERO_COPY and _MUTABLE */
int plugin_alloc(struct hws_plugin *plugin, uint64_t size, void *host, enum hws_share share,
		 uint64_t *ret_memory);
/* -ESTALE; -EBUSY while something is in flight. */
int plugin_free(struct hws_plugin *plugin, uint64_t memory);

/* ---- plugin-operate.c ---- */
struct plugin_copy {
	uint64_t memory;
	uint64_t offset;
	void *host;
	uint64_t size;
};
/* Returns when it is done; @event NULL. Or later: @event is set then, in any case but -errno. */
int plugin_copy_in(struct hws_plugin *plugin, const struct plugin_copy *copy,
		   struct hws_event *event);
int plugin_copy_out(struct hws_plugin *plugin, const struct plugin_copy *copy,
		    struct hws_event *event);
/* @chunk is the plug-in's from now on, whatever comes of it: its done() is called once. */
int plugin_chunk_in(struct hws_plugin *plugin, uint64_t memory, uint64_t offset,
		    const struct hws_chunk *chunk, struct hws_event *event);
/* Copied into memory of the caller's, for free(). */
int plugin_save(struct hws_plugin *plugin, uint64_t memory, void **ret_bytes, uint64_t *ret_size);
int plugin_run(struct hws_plugin *plugin, const char *name, struct hws_values values,
	       const uint64_t *memories, uint32_t count, struct hws_event *event);
int plugin_map(struct hws_plugin *plugin, void *host, uint64_t size, enum hws_rights device,
	       uint64_t *ret_address);
int plugin_unmap(struct hws_plugin *plugin, void *host, uint64_t size, uint64_t address);

/* ---- plugin-flight.c: the books; those without "locked" lock them ---- */
/* Locked. NULL: -ESTALE with words. */
struct memory *memory_find(struct hws_plugin *plugin, uint64_t number);
/* Locked. A slot without a name; -EDQUOT. */
int memory_reserve(struct hws_plugin *plugin, struct memory **ret_memory);
/* Locked. */
void memory_release(struct memory *memory);
uint64_t memory_number(struct hws_plugin *plugin, const struct memory *memory);
/* Locked. -EDQUOT when there are too many. */
int flight_begin(struct hws_plugin *plugin, struct hws_event *event, struct memory *const *memories,
		 uint32_t count, uint64_t *ret_number);
/* Sets its event: 0 or -ESTALE. */
int flight_end(struct hws_plugin *plugin, uint64_t number, int code);
/* It never was: its event stays unset. 0, or -ESTALE: it was set already. */
int flight_cancel(struct hws_plugin *plugin, uint64_t number);
/* All that are left, as cancelled; how many. */
uint32_t flights_end(struct hws_plugin *plugin);
int chunk_lend(struct hws_plugin *plugin, const struct hws_chunk *chunk,
	       struct hws_chunk *ret_lent);
uint32_t chunks_end(struct hws_plugin *plugin);

#endif
