/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts hwsafe-helper serve in ways that it must refuse, and sees what it says. */
#ifndef HWSAFE_TESTS_HELPER_START_H
#define HWSAFE_TESTS_HELPER_START_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { START_TEXT = 4096, START_ANY = -1 };

struct start {
	/* runs in the child, before the helper; may be NULL */
	void (*before)(void *context);
	void *context;
	const char *program; /* NULL: the one that was built */

	int code; /* what it ended with; 128 + the signal that killed it */
	char err[START_TEXT];
};

/* Runs it with these words (NULL at the end) until it ends; one that goes on is a failure. */
void start(struct start *start, const char *const *words);
/* It ended so, with one line that has the word, and where its socket would be nobody listens. */
void start_refused(const struct start *start, int code, const char *word, const char *socket);

/* A system call that fails, perhaps only with such an argument. */
struct start_fault {
	const char *says; /* what the one line must name */
	int number;
	int which; /* argument, or START_ANY */
	uint32_t value;
	bool lies; /* also when it says 0 it is noticed */
	uint32_t result;
};
/* For struct start's before, with a struct start_fault: the call gives that errno, or 0. */
void start_break(void *fault);

/* Removes the folder and what is in it. */
void start_remove(const char *folder);
/* The process of a helper that looks what programs are. */
pid_t start_reader(pid_t helper);

#endif
