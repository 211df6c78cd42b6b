/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of hwprobe. */
#ifndef HWPROBE_H
#define HWPROBE_H

#include <stdio.h>

#include "hw/hwsafe.h"

/* What hwprobe ends with; also in --help. */
enum result {
	RESULT_OK = 0,
	RESULT_FAILURE = 1,
	RESULT_USAGE = 2,
	RESULT_NOT_FOUND = 3,
	RESULT_DENIED = 4,  /* by the policy or the guardian */
	RESULT_REFUSED = 5, /* by the system */
	RESULT_UNSUPPORTED = 6,
	RESULT_BUSY = 7,
	RESULT_MISMATCH = 8,
	RESULT_PARTIAL = 9,
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum { GRANTS = 32 };

struct settings {
	bool json;
	enum color color;
	const char *sysroot;
	bool sim;
	const char *sim_file;	    /* NULL: the built-in machine */
	const char *grants[GRANTS]; /* rules of a policy */
	unsigned int grant_count;
};

/* A PCI function as the report shows it. */
struct function {
	struct hws_bdf bdf;
	uint16_t vendor;
	uint16_t device;
	uint16_t class_code; /* base and sub class */
	char class_name[64];
	char name[128]; /* of vendor and device; "" when nobody knows */
};

struct functions {
	struct function *at;
	size_t count;
	char why[160]; /* not all could be read: the reason; "" when they could */
};

/* What the policy has for this user; in report-policy.c. */
struct mine {
	int code;		    /* 0, or why there is no policy to look at */
	char why[256];		    /* the same in words */
	bool helper;		    /* it is the helper's, who was asked */
	bool builtin;		    /* no file is there */
	uint32_t rules;		    /* of the policy, for whomever */
	uint32_t rights[HWS_KINDS]; /* that some rule gives this user: HWS_R, HWS_W */
};

/* Everything the page and the document show. */
struct report {
	bool simulated;
	enum result opened; /* what opening the simulated machine gave, which was told */
	struct mine policy;
	struct hws_probe_machine machine;
	struct hws_probe_result *ways; /* with strings of its own */
	size_t way_count;
	bool captured;
	struct hws_uring_report uring; /* not filled when captured */
	struct functions functions;
	char **capabilities; /* effective, by name; ends with NULL */
	unsigned int capability_count;
	unsigned int capabilities_known; /* to this kernel */
};

/* As report_init(), but what went wrong is told. */
enum result report_open(const struct settings *settings, bool whole, struct report *report);
/*
 * 0 or -errno; what was gathered is released by report_fini() in any case. @whole: the devices,
 * too, whose names take as long as all the rest.
 */
int report_init(const struct settings *settings, bool whole, struct report *report);
void report_fini(struct report *report);

/* Of the simulated machine instead: what it is, its functions, the ways into it. 0 or -errno. */
int report_simulate(const struct settings *settings, bool whole, struct report *report);
void mine_read(const struct settings *settings, const struct hws_probe_machine *machine,
	       struct mine *ret_mine);
/* A way that the report has besides those that were probed. 0 or -errno. */
int report_add(struct report *report, const struct hws_probe_result *way);

/* Appends the functions below @sysroot; what libpci can't read is told in ->why. */
void functions_read(const char *sysroot, struct functions *functions);

/* The page for people, perhaps with each way by itself; the document for programs. 0 or -errno. */
int report_print(const struct report *report, const struct settings *settings, bool whole);
int report_print_json(const struct report *report, const struct settings *settings);

/* The rules of --grant, a line each, the caller's to free; "" for none. NULL: no memory. */
char *grants_text(const struct settings *settings);
/* What to end with when a file that was named gave this errno. */
enum result file_result(int error);
/* The whole file with a NUL behind it, the caller's to free; NULL: errno says why. "-": stdin. */
char *read_whole(const char *name, size_t most, size_t *ret_length);
/* The same of a text; NULL: it was told why not. */
char *read_text(const char *name, enum result *ret_result);
/* The description of --sim's machine; what standard input had is kept for the next context. */
char *machine_text(const struct settings *settings, enum result *ret_result);

/* The best that any way of a back end does, and how many ways work in part or whole. */
struct backend_state {
	const struct hws_probe_backend *backend;
	enum hws_probe_status status;
	unsigned int ways;
	unsigned int works;
	unsigned int partial;
};
/* False past the last back end; in backends.c. */
bool backend_state(const struct report *report, unsigned int index,
		   struct backend_state *ret_state);

/* Lines of three columns: a name, a word, a text that wraps inside 80 columns. */
struct page {
	FILE *out;
	bool color;
	bool unicode; /* asked for by page_unicode(), and the locale has it */
};
enum tone { TONE_PLAIN, TONE_GOOD, TONE_HALF, TONE_BAD, TONE_DIM, TONE_BOLD };

void page_init(struct page *page, enum color color);
void page_heading(const struct page *page, const char *text);
/* A line with name, word and text; without a word the text starts in its place. */
void page_row(const struct page *page, const char *name, enum tone tone, const char *word,
	      const char *text);
/* Lines that wrap behind a mark and a name: "   fix        sudo modprobe msr". */
void page_item(const struct page *page, enum tone tone, const char *mark, const char *name,
	       const char *text);
/* A line of a table: a name, then words in columns. */
struct cell {
	enum tone tone;
	char text[32];
};
void page_cells(const struct page *page, const char *name, const struct cell *cells, size_t count);
/* From here on signs beyond ASCII may be used, if the locale has them. */
void page_unicode(struct page *page);
enum tone page_tone(enum hws_probe_status status);

#endif
