/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fault injection: every call to the kernel and every allocation of a flow fails once.
 *
 * Programs are linked so that the library's calls come by calls.c and memory.c. A flow is run to
 * count them, and then in one child after another with the n-th of them failing, until it has no
 * n-th. In each child the flow must say by a documented code and a sentence what it could not do;
 * another run without faults must succeed; and what is left then, of memory, mappings, descriptors,
 * threads and children, must be what is left without any fault.
 */
#ifndef HWSAFE_TESTS_INJECT_INJECT_H
#define HWSAFE_TESTS_INJECT_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/suite.h"

/* calls.c asks: the errno that this call has to fail with; 0: it is to be done. */
int inject_code(const char *name, int first, int second);
/* Is it where all processes of a run note what they do? */
bool inject_owns(const void *address);
/* What is mapped, and what is allocated, changed by so much. */
void inject_mapped(long bytes);
long inject_allocated(void);
/* Where the dynamic linker's code lies. */
extern uintptr_t inject_linker, inject_linker_size;
/* Is this thread in dlopen()? */
bool inject_is_loading(void);
/* This thread's calls are the test's own, until it is said again with false; nests. */
void inject_mute(bool mute);
/* Has a call failed yet? */
bool inject_has_failed(void);
/* Does everything fail behind the call that does? Then what can't be cleaned up stays. */
bool inject_all_fails(void);
/* What this run leaves is kept on purpose. */
void inject_keeps(void);

/* One thing that people do, from nothing to nothing. */
struct inject_flow {
	const char *name;
	/* 0, or the code of the first step that failed; gives up all it has in either case */
	int (*run)(void);
	unsigned int least; /* so many calls it must have: else nothing was tried */
	bool once;  /* where what begins to fail and stays so has to leak: a ring's closing */
	bool apart; /* in a process of its own each time: it isn't run once more */
};
/* Runs them all; the test fails with the first complaint, the others are told on stderr. */
void inject_sweep(const struct inject_flow *flow);

/* A complaint about this run; it goes on. */
void inject_bad(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define inject_check(holds)                            \
	do {                                           \
		if (!(holds))                          \
			inject_bad("not: %s", #holds); \
	} while (0)

/*
 * A call of the library's: what it gives must be 0 (or more) or a code that its documentation
 * names, with a sentence in hws_why().
 */
unsigned int inject_begin_step(void);
int inject_end_step(unsigned int begun, const char *call, int r);
#define inject_step(call)                                    \
	__extension__({                                      \
		unsigned int begun_ = inject_begin_step();   \
		inject_end_step(begun_, #call, (int)(call)); \
	})

/* documented.c, made of the public headers: "EINVAL ENOMEM …"; NULL: no such function. */
const char *inject_documented(const char *function);

#endif
