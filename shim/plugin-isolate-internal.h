/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plug-in in a process of its own. To the library it is another plug-in, isolate_table, whose
 * entries ask that process; there it is loaded as always. One request at a time, by messages;
 * bytes go through a window of memory that both have.
 *
 *	plugin-isolate.c   this side
 *	plugin-inmate.c    the other one
 *	plugin-confine.c   what the other one may ask of the kernel
 *	plugin-flat.c      named values as bytes
 */
#ifndef HWSAFE_SHIM_PLUGIN_ISOLATE_INTERNAL_H
#define HWSAFE_SHIM_PLUGIN_ISOLATE_INTERNAL_H

#include "shim/plugin-internal.h"

enum { ISOLATE_WINDOW = 1 << 20 };

enum isolate_verb {
	ISOLATE_START = 0, /* the first reply; there is no request */
	ISOLATE_ATTRIBUTES,
	ISOLATE_ALLOC,
	ISOLATE_FREE,
	ISOLATE_COPY_IN,
	ISOLATE_COPY_OUT,
	ISOLATE_RUN,
	ISOLATE_SAVE, /* what is saved is kept there … */
	ISOLATE_READ, /* … and read piece by piece */
	ISOLATE_END,
	ISOLATE_LOG, /* from there, without a reply */
	ISOLATE_VERBS
};

struct isolate_message {
	uint32_t verb;
	int32_t code; /* 0 or -errno; of a reply */
	uint64_t memory;
	uint64_t offset;
	uint64_t size; /* in the window, or of memory */
	uint32_t count;
	uint32_t zero;
	uint64_t memories[PLUGIN_RUN_MEMORIES];
	char text[PLUGIN_TROUBLE]; /* a name, a line, why */
};

/* How create() of isolate_table is told what to isolate. */
struct isolate_ext {
	struct hws_ext ext;
	struct plugin_library *library; /* borrowed */
	const char *name;
	uint64_t patience_ns; /* how long an answer may take */
};
extern const struct hws_plugin_table isolate_table;
/* False: it is not isolated. What the one in the other process brings: a back end 1, a device 2. */
bool isolate_brings(const struct hws_plugin *plugin, uint32_t *ret_brings);

struct inmate {
	struct plugin_library *library;
	const char *name;
	struct hws_values values;
	char *window;
};
/* The other process's life, from beginning to end; @inmate is a struct inmate. */
void inmate_live(int fd, void *inmate);

/* Lets go of the memory that a fork leaves shared, devices' registers among it, but for @kept. */
HWS_MUST int leave_shared(const void *kept);
/* 0 or -errno: it can't be confined. */
HWS_MUST int confine(void);

/* -E2BIG when they take more than @size. */
HWS_MUST int flat_pack(const struct hws_values *values, char *bytes, size_t size,
		       uint64_t *ret_size);
/* For plugin_free_values(). -EPROTO, -ENOMEM. */
HWS_MUST int flat_unpack(const char *bytes, size_t size, struct hws_values **ret_values);
/* The same out of the window, which the other side could change under our eyes. */
HWS_MUST int flat_take(const char *window, uint64_t size, struct hws_values **ret_values);

#endif
