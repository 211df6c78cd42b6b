/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a shell's completion asks hwprobe: candidates for a word, one a line,
 * with a tab and a description behind some; or ":files", ":directories".
 */
#ifndef HWPROBE_COMPLETE_H
#define HWPROBE_COMPLETE_H

#include "hw/hwprobe/args.h"

/* The line as far as it goes. */
struct completing {
	const struct call *call; /* of "complete": its verbs and their shared options */
	struct settings settings;
	const struct verb *verb; /* NULL: not told yet */
	const char *area;	 /* of the words so far; NULL: none */
	char **words;		 /* behind the verb, options left out */
	int count;
	bool ended;	    /* a "--" was there: no options any more */
	const char *word;   /* that is being typed */
	const char *prefix; /* what of it stands before what is completed: "--policy=" */
	int prefix_length;
};

/* A candidate that begins as the word does; @help may be NULL. */
void complete_offer(const struct completing *c, const char *candidate, const char *help);
/* What may stand where the help says @place: "BDF", "FILE|DIR". */
void complete_place(const struct completing *c, const char *place);

#endif
