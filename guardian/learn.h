/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Learning: what a program touches is noted on a sheet, of which the least
 * policy that covers it can be made. "hwprobe learn" does all of this.
 *
 *	r = hws_learn_open(NULL, &learn);
 *	snprintf(number, sizeof(number), "%d", hws_learn_fd(learn));
 *	setenv(HWS_LEARN_NAME, number, 1);                     and start the program
 *	…
 *	r = hws_learn_each(learn, take, NULL, &lost);          what it touched, or wanted to
 *
 * Each context of a program that finds the sheet's descriptor in its
 * environment notes there what is asked of it, and what became of that. It
 * runs under its policy, as ever: noting something does not allow it. All that
 * the sheet may add are rules in line, which a program may give itself just as
 * well: a file's deny can't be lifted by them, and where a launcher or the
 * helper decides they count for nothing. Or it may put a simulated machine in
 * the place of the real one, which then is not touched at all; files are real
 * even there, so that rings on them and plug-ins are refused.
 *
 * Programs that have more rights than who runs them (set-user-ID, file
 * capabilities) don't look for a sheet.
 */
#ifndef HWSAFE_GUARDIAN_LEARN_H
#define HWSAFE_GUARDIAN_LEARN_H

#include "context.h"

HWS_BEGIN_DECLS

/** HWS_LEARN_NAME - the environment's variable that holds the number of a sheet's descriptor. */
#define HWS_LEARN_NAME "HWSAFE_LEARN"
/** HWS_LEARN_VALUES - so many values of a place are noted one by one. */
#define HWS_LEARN_VALUES 8

/** struct hws_learn_options - how a sheet is made; all zero but the size is the default. */
struct hws_learn_options {
	size_t size;	 /* sizeof(struct hws_learn_options) */
	bool simulate;	 /* contexts get a simulated machine, whatever they ask for */
	const char *sim; /* borrowed; its description; NULL: the built-in one */
	/*
	 * borrowed; a simulated machine's whole policy (NULL: it allows all there is to simulate),
	 * a real one's rules in line (NULL: none), behind those of the program
	 */
	const char *policy;
};

/** struct hws_learn - a sheet. */
struct hws_learn;

/**
 * hws_learn_open() - make an empty sheet.
 * @options: borrowed; NULL: the defaults
 * @ret_learn: out; for hws_learn_close(); untouched on failure
 *
 * Return: 0; -EINVAL for options of an unknown size; -E2BIG for texts that are too long; -ENOMEM;
 * or what the kernel gave.
 */
HWS_API HWS_MUST int hws_learn_open(const struct hws_learn_options *options,
				    struct hws_learn **ret_learn);

/**
 * hws_learn_close() - give up a sheet; who else holds its descriptor still notes on it.
 * @learn: taken; NULL does nothing
 */
HWS_API void hws_learn_close(struct hws_learn *learn);

/**
 * hws_learn_fd() - the sheet's descriptor, which is not closed by an exec.
 * @learn: borrowed
 *
 * Return: the descriptor; it stays the sheet's.
 */
HWS_API int hws_learn_fd(const struct hws_learn *learn);

/** enum hws_learned_what - what a note is about. */
enum hws_learned_what {
	HWS_LEARNED_CONTEXT = 0, /* a context was opened: uid, and the program's path */
	HWS_LEARNED_WINDOW,	 /* a handle was opened, or was to be */
	HWS_LEARNED_ACCESS,	 /* a single access */
	HWS_LEARNED_HELD, /* memory that a device holds: bytes (first 0), mappings (first 1) */
	HWS_LEARNEDS	  /* how many */
};

/** struct hws_learned - one note. */
struct hws_learned {
	enum hws_learned_what what;
	enum hws_reason reason; /* why it was refused; HWS_REASON_NONE: it was not */
	uint32_t uid;		/* of the process, when it opened its context */
	/* what was asked; without the values, and without the processor where it has none */
	struct hws_access access;
	uint64_t count; /* how often */
	/* of what was written, or held: the first values that differ, the least and the greatest */
	uint32_t value_count;
	bool more_values; /* there were others */
	uint64_t values[HWS_LEARN_VALUES];
	uint64_t least;
	uint64_t greatest;
};

/** hws_learned_fn - takes one note, which is borrowed and gone after the call. */
typedef void hws_learned_fn(const struct hws_learned *learned, void *context);

/**
 * hws_learn_each() - all notes, in no order; two may be about the same.
 * @learn: borrowed
 * @call: called for each
 * @context: borrowed; handed to @call
 * @ret_lost: out; how many found no room; may be NULL
 *
 * Context: programs may go on meanwhile.
 * Return: 0; -EINVAL.
 */
HWS_API int hws_learn_each(const struct hws_learn *learn, hws_learned_fn *call, void *context,
			   uint64_t *ret_lost);

HWS_END_DECLS

#endif
