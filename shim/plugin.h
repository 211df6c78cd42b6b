/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plug-ins: what a shared object and the library say to each other. This header is all that one
 * who writes a plug-in needs; docs/plugins.md is the guide.
 *
 *	static const struct hws_plugin_table table = {
 *		.struct_size = sizeof(table),
 *		.abi = HWS_PLUGIN_ABI,
 *		.create = create,
 *		.destroy = destroy,
 *		.next = &device.ext,        a back end, a device, or both
 *	};
 *	HWS_PLUGIN("hello", "1.0", &table)
 *
 * Each side takes the other for a stranger. Every struct begins with its size: what lies behind
 * it is not there, so that older and newer ones understand each other as far as both go. What
 * belongs to the library is named by a number, never by a pointer: one that is over, or was never
 * given out, is refused. What a plug-in says is checked before it is believed; one that lies is
 * put into quarantine: nothing of it is called again.
 */
#ifndef HWSAFE_SHIM_PLUGIN_H
#define HWSAFE_SHIM_PLUGIN_H

#include "shim.h"
#include "value.h"

HWS_BEGIN_DECLS

/** HWS_PLUGIN_ABI - the version spoken here; the upper half must match, the lower may differ. */
#define HWS_PLUGIN_ABI 0x00010000u

/** HWS_PLUGIN_KEY - the longest key, HWS_PLUGIN_BLOB the largest value, of the program's store. */
#define HWS_PLUGIN_KEY	1024
#define HWS_PLUGIN_BLOB (UINT64_C(1) << 20)
/** HWS_PLUGIN_SAVED - the most bytes that save() may give. */
#define HWS_PLUGIN_SAVED (UINT64_C(1) << 30)

/**
 * enum hws_code - what an error is about.
 * @HWS_CODE_OK: it is none
 */
enum hws_code {
	HWS_CODE_OK = 0,
	HWS_CODE_CANCELLED,
	HWS_CODE_UNKNOWN,
	HWS_CODE_INVALID_ARGUMENT,
	HWS_CODE_DEADLINE_EXCEEDED,
	HWS_CODE_NOT_FOUND,
	HWS_CODE_ALREADY_EXISTS,
	HWS_CODE_PERMISSION_DENIED,
	HWS_CODE_RESOURCE_EXHAUSTED,
	HWS_CODE_FAILED_PRECONDITION,
	HWS_CODE_ABORTED,
	HWS_CODE_OUT_OF_RANGE,
	HWS_CODE_UNIMPLEMENTED,
	HWS_CODE_INTERNAL,
	HWS_CODE_UNAVAILABLE,
	HWS_CODE_DATA_LOSS,
	HWS_CODE_UNAUTHENTICATED,
	HWS_CODES /* how many */
};

/**
 * struct hws_error - an error: its code, the function it is from, a message.
 *
 * Made by hws_host.error() and returned by an entry, which makes it the library's. NULL is success.
 */
struct hws_error;

/**
 * struct hws_chunk - memory that comes with its end.
 *
 * Who is given one calls @done exactly once when he needs it no more, whatever happened.
 */
struct hws_chunk {
	size_t struct_size;
	void *data;
	uint64_t size;
	void (*done)(uint64_t context, void *data, uint64_t size); /* NULL: nothing to do */
	uint64_t context;
};

/** struct hws_kv - a key and its value, asked of the program. */
struct hws_kv {
	size_t struct_size;
	const char *key; /* key_size bytes */
	uint64_t key_size;
	void *value;	      /* get: room; put: the value */
	uint64_t value_size;  /* get: of the room, then of the value; put: of the value */
	uint64_t deadline_ns; /* get: CLOCK_MONOTONIC; until then it waits for the key */
};

/**
 * struct hws_host - what a plug-in may ask of the library. Good until the plug-in's last
 * instance is destroyed; from any thread; @instance is the number that create() was told.
 */
struct hws_host {
	size_t struct_size;
	uint32_t abi;
	uint32_t zero;
	const struct hws_ext *next;

	/* never NULL: without memory it is a constant that says so. Both strings are copied */
	struct hws_error *(*error)(uint64_t instance, enum hws_code code, const char *function,
				   const char *message);
	/* a line for the program's log; copied, made printable */
	void (*log)(uint64_t instance, const char *message);

	/* 0; -ESTALE: it was set already. @error: taken; NULL: success. From any thread */
	int (*event_set)(uint64_t instance, uint64_t event, struct hws_error *error);

	/* 0 or -errno: -ENOENT, -ENOSPC with value_size set, -ETIMEDOUT, -ESTALE */
	int (*get)(uint64_t instance, struct hws_kv *kv);
	int (*try_get)(uint64_t instance, struct hws_kv *kv);
	int (*put)(uint64_t instance, const struct hws_kv *kv);

	/* for entries of a back end: the words that go with the errno it is about to return */
	void (*why)(uint64_t instance, const char *message);
};

/** struct hws_call_create - create(). */
struct hws_call_create {
	size_t struct_size;
	const struct hws_ext *next;
	const struct hws_host *host;
	uint64_t instance;
	struct hws_values options; /* borrowed for the call */
	void *ret_self;		   /* not NULL */
};

/** enum hws_plugin_flags - what a plug-in promises. */
enum hws_plugin_flags {
	HWS_PLUGIN_THREAD_SAFE = 1, /* without it calls come one at a time */
};

/**
 * struct hws_plugin_table - what the entry returns: constant for as long as it is loaded.
 *
 * Entries return NULL for success, or an error made by hws_host.error(): nothing else is an error.
 */
struct hws_plugin_table {
	size_t struct_size;
	uint32_t abi;
	uint32_t flags;		    /* enum hws_plugin_flags */
	const struct hws_ext *next; /* what it brings */

	struct hws_error *(*create)(struct hws_call_create *call);
	/* never called with NULL or twice; when it returns, nothing of @self runs any more */
	void (*destroy)(void *self);
};

/** enum hws_plugin_ext - extensions; unknown ones are passed over. */
enum hws_plugin_ext {
	HWS_EXT_BACKEND = 1, /* struct hws_ext_backend */
	HWS_EXT_DEVICE = 2,  /* struct hws_ext_device */
};

/** HWS_EXT_NODES - the most nodes of one chain. */
#define HWS_EXT_NODES 64

/**
 * struct hws_ext_backend - how accesses happen: shim.h's table.
 *
 * Its open() is called after create(), its close() before destroy(), each once. Where shim.h says
 * that an entry says why by hws_why(), a plug-in's says it by hws_host.why(). Calls come one at a
 * time unless both tables promise HWS_PLUGIN_THREAD_SAFE and HWS_SHIM_THREAD_SAFE.
 */
struct hws_ext_backend {
	struct hws_ext ext;
	const struct hws_shim_ops *ops;
};

/**
 * enum hws_share - until when a device may look at the program's memory.
 * @HWS_SHARE_CALL: until the call returns
 * @HWS_SHARE_TRANSFER: until the call's event is set; nobody changes it until then
 * @HWS_SHARE_ZERO_COPY: until the device's memory is freed; nobody changes it
 * @HWS_SHARE_MUTABLE: until the device's memory is freed; the device changes it
 */
enum hws_share {
	HWS_SHARE_CALL = 0,
	HWS_SHARE_TRANSFER,
	HWS_SHARE_ZERO_COPY,
	HWS_SHARE_MUTABLE,
	HWS_SHARES /* how many */
};

/** struct hws_call_attributes - attributes(): what the device says of itself. */
struct hws_call_attributes {
	size_t struct_size;
	const struct hws_ext *next;
	struct hws_values ret_values; /* the plug-in's, good until destroy() */
};

/** struct hws_call_alloc - alloc(). */
struct hws_call_alloc {
	size_t struct_size;
	const struct hws_ext *next;
	uint64_t size;
	/* for HWS_SHARE_ZERO_COPY and _MUTABLE: whose bytes it is made of; else NULL */
	void *host;
	uint32_t share; /* enum hws_share */
	uint32_t zero;
	uint64_t ret_memory; /* the plug-in's name for it; not 0 */
};

/** struct hws_call_copy - copy_in() (to the device) and copy_out(). */
struct hws_call_copy {
	size_t struct_size;
	const struct hws_ext *next;
	uint64_t memory;
	uint64_t offset;
	void *host;
	uint64_t size;
	uint32_t share; /* HWS_SHARE_CALL or HWS_SHARE_TRANSFER */
	uint32_t zero;
	uint64_t event; /* to be set once when it is done; 0 with HWS_SHARE_CALL */
};

/** struct hws_call_chunk - chunk_in(): a piece that the plug-in is done with by its done(). */
struct hws_call_chunk {
	size_t struct_size;
	const struct hws_ext *next;
	uint64_t memory;
	uint64_t offset;
	struct hws_chunk chunk; /* the plug-in's from now on, also when it fails */
	uint64_t event;		/* to be set once when it is copied */
};

/** struct hws_call_save - save(): what is in memory, in a form that the plug-in chooses. */
struct hws_call_save {
	size_t struct_size;
	const struct hws_ext *next;
	uint64_t memory;
	struct hws_chunk ret_chunk; /* the library's, which calls its done() once */
};

/** struct hws_call_run - run(): an operation by name. */
struct hws_call_run {
	size_t struct_size;
	const struct hws_ext *next;
	const char *name;
	struct hws_values values;
	const uint64_t *memories;
	uint64_t memory_count;
	uint64_t event; /* to be set once when it is done */
};

/** struct hws_call_map - dma_map() and dma_unmap(). */
struct hws_call_map {
	size_t struct_size;
	const struct hws_ext *next;
	void *host;
	uint64_t size;
	uint32_t rights; /* enum hws_rights, of the device */
	uint32_t zero;
	uint64_t address; /* as the device sees it: map fills it, unmap is told */
};

/** struct hws_ext_device - something with memory of its own. From @run on entries may be NULL. */
struct hws_ext_device {
	struct hws_ext ext;

	struct hws_error *(*attributes)(void *self, struct hws_call_attributes *call);
	struct hws_error *(*alloc)(void *self, struct hws_call_alloc *call);
	/* once for each alloc(); nothing may be in flight */
	void (*free)(void *self, uint64_t memory);
	struct hws_error *(*copy_in)(void *self, struct hws_call_copy *call);
	struct hws_error *(*copy_out)(void *self, struct hws_call_copy *call);

	struct hws_error *(*run)(void *self, struct hws_call_run *call);
	struct hws_error *(*chunk_in)(void *self, struct hws_call_chunk *call);
	struct hws_error *(*save)(void *self, struct hws_call_save *call);
	struct hws_error *(*dma_map)(void *self, struct hws_call_map *call);
	struct hws_error *(*dma_unmap)(void *self, struct hws_call_map *call);
};

/** HWS_PLUGIN_ENTRY - the one symbol that a plug-in exports: struct hws_plugin_table *(void). */
#define HWS_PLUGIN_ENTRY "hws_plugin_entry"
/** HWS_PLUGIN_NOTE - the owner of the ELF note that is read before anything is run; type 1. */
#define HWS_PLUGIN_NOTE "hwsafe"

/** struct hws_plugin_note - the note's content: who it is, before it is believed. */
struct hws_plugin_note {
	uint32_t struct_size;
	uint32_t abi;
	char name[32];	  /* ends with a NUL: letters, digits, '-', '_', '.' */
	char version[16]; /* the same */
};

/** struct hws_plugin_elf_note - the note as it lies in the file. */
struct hws_plugin_elf_note {
	uint32_t name_size;
	uint32_t content_size;
	uint32_t type;
	char owner[8];
	struct hws_plugin_note content;
};

/** HWS_PLUGIN() - at the end of a plug-in's main file: its note and its entry. */
#define HWS_PLUGIN(plugin_name, plugin_version, table)                                          \
	__attribute__((section(".note.hwsafe"), used, aligned(4)))                              \
	const struct hws_plugin_elf_note hws_plugin_elf_note = {                                \
		sizeof(HWS_PLUGIN_NOTE),                                                        \
		sizeof(struct hws_plugin_note),                                                 \
		1,                                                                              \
		HWS_PLUGIN_NOTE,                                                                \
		{ sizeof(struct hws_plugin_note), HWS_PLUGIN_ABI, plugin_name, plugin_version } \
	};                                                                                      \
	HWS_API const struct hws_plugin_table *hws_plugin_entry(void);                          \
	const struct hws_plugin_table *hws_plugin_entry(void)                                   \
	{                                                                                       \
		return table;                                                                   \
	}

HWS_END_DECLS

#endif
