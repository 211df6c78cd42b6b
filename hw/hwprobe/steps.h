/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of steps, for batch and txn. A step stands on a line; # begins a
 * comment; words have spaces between them:
 *
 *	rd     KIND PLACE
 *	wr     KIND PLACE VALUE[:MASK]
 *	update KIND PLACE VALUE:MASK        a wr that must say which bits
 *	poll   KIND PLACE VALUE[:MASK] [TIME]   until it is so; 1s
 *	pause  TIME                         5ms; ns, us, ms or s
 *
 * KIND PLACE is io PORT, mem BDF:BAR+OFFSET, mem BDF:REGISTER,
 * msr REGISTER[@CPUS] or pci BDF NAME, as the verbs of these areas take them.
 */
#ifndef HWPROBE_STEPS_H
#define HWPROBE_STEPS_H

#include "hw/hwprobe/reach.h"

enum { STEP_WORDS = 7 }; /* one more than there can be: poll pci BDF NAME VALUE TIME */

/* A line that is a step, as far as its words tell. */
struct line {
	unsigned int number;
	uint32_t verb; /* enum hws_verb */
	const struct reach_kind *kind;
	struct target target;
	const char *value; /* NULL: none */
	uint64_t limit_ns;
	bool has_mask; /* it must say which bits */
};

/* A step with what it is about. */
struct stage {
	const struct line *line;
	struct change change; /* its spot, and what is written or waited for */
};

struct steps {
	const char *file;
	char *text; /* the lines' words lie in it */
	struct line *lines;
	size_t line_count;
	struct stage *stages;
	struct hws_step *steps; /* as many as stages */
	size_t count;
	size_t room;   /* that there is for them */
	size_t writes; /* how many of them write */
	uint32_t dangers;
};

/* Reads and takes apart the file, "-" being stdin. Else it was told what is wrong, and where. */
enum result steps_read(const char *file, struct steps *steps);
/* Opens what the lines name; @both: what is written can be read, too. */
enum result steps_open(struct steps *steps, struct reach *reach, bool both);
/* "FILE:LINE: " into say_place, until that is emptied. */
void steps_place(const struct steps *steps, const struct line *line);
void steps_free(struct steps *steps);

#endif
