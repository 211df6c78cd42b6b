/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in inside the test: it keeps the contract, or breaks it in one way. */
#ifndef HWSAFE_TESTS_PLUGIN_KIT_H
#define HWSAFE_TESTS_PLUGIN_KIT_H

#include <setjmp.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "tests/suite.h"

enum { BYTES = 4096 };

/* What the plug-in knows, and how it misbehaves. Each test is a process of its own. */
struct plug {
	const struct hws_host *host;
	uint64_t instance;
	uint64_t last_event;
	struct hws_chunk last_chunk;
	char memory[4][BYTES];
	uint64_t next;
	bool late;	 /* events are set by the test */
	bool twice;	 /* a chunk is done with twice */
	bool keep_chunk; /* and never */
	bool same_name;	 /* alloc() gives one name for all */
	struct hws_error *answer;
	struct hws_values attributes;
	int destroyed;
	int released;
	int done;
	int inside;
	int most_inside;
	jmp_buf *away;
	char line[256];
};
extern struct plug plug;
extern struct hws_ext_device device;
extern struct hws_plugin_table table;
/* What save() gives. */
extern struct hws_chunk to_save;

/* An error as the plug-in makes it. */
struct hws_error *mistake(enum hws_code code, const char *message);

/* An instance of it; with a store whose get() says "value". */
int try_open(struct hws_plugin **ret_plugin);
struct hws_plugin *opened(void);
/* It can't be opened, and that leaves nothing. */
void refused(int code, const char *words);
/* The last call put it there; it is closed. */
void in_quarantine(struct hws_plugin *plugin, const char *words);

struct hws_event *event(void);
/* Of one that has happened. */
int result_of(struct hws_event *happened);
uint64_t memory_of(struct hws_plugin *plugin);

#endif
