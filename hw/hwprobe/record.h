/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a machine, or of a captured tree, put where --sysroot will read them. */
#ifndef HWPROBE_RECORD_H
#define HWPROBE_RECORD_H

#include "hw/hwprobe/document.h"

/* How a thing is recorded. */
enum record_how {
	RECORD_TEXT,   /* what is in the file */
	RECORD_CONFIG, /* a function's configuration space */
	RECORD_LINK,   /* where it leads, and that a folder is there; what is no link: as below */
	RECORD_THERE,  /* that it is there: an empty file stands for whatever file it is */
};

struct record_place {
	enum record_how how;
	bool personal;	    /* tells whose machine it is: not with --sanitize */
	const char *folder; /* "": the root */
	const char *names;  /* in it, with spaces between; '*' stands for any, in both */
};

struct recording {
	struct hws *hw;	  /* which reads configuration spaces, as far as the policy lets it */
	bool captured;	  /* a tree is recorded anew */
	const char *root; /* its path without links; "": this machine's */
	int from;
	int to;
	bool sanitize;
	bool verbose;		     /* each that is left out is told */
	struct json_object *skipped; /* each: path error */
	struct json_object *partial; /* configuration spaces of which not all could be read */
	unsigned int files;
	unsigned int links;
	int failed; /* -errno: what ended it; 0: nothing did */
};

/* What can't be read is told in ->skipped; what can't be written ends it, in ->failed. */
void record_take(struct recording *recording, const struct record_place *place);

#endif
