/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fuzz target is one file with one function:
 *
 *	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *	{
 *		struct fuzz input = { data, size };
 *		…
 *		fuzz_must(what holds for every input);
 *		return 0;
 *	}
 *
 * libFuzzer calls it (./dev fuzz), and so does the plain program that is a unit
 * test (replay.c). Inputs of two parts, a text and what to do with it, have
 * the bytes FUZZ_SEPARATOR between them.
 */
#ifndef HWSAFE_TESTS_FUZZ_H
#define HWSAFE_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUZZ_SEPARATOR "\xff\xfe"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What of an input has not been used yet. */
struct fuzz {
	const uint8_t *at;
	size_t left;
};

/* Ends the run, and says which expectation was not met. */
#define fuzz_must(holds) ((holds) ? (void)0 : fuzz_failed(#holds, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *what, const char *file, int line);

/* The next number of so many bytes, at most 8; what the input lacks is 0. */
uint64_t fuzz_number(struct fuzz *input, size_t bytes);
/* A number that often lies at a limit. */
uint64_t fuzz_odd_number(struct fuzz *input);
/* Cuts the first part off: a copy with a NUL behind it, for free(). */
char *fuzz_text(struct fuzz *input, size_t *ret_length);
/* A directory for this process, removed when it ends. */
const char *fuzz_directory(void);
/* Makes the file of that directory hold these bytes. */
void fuzz_write(const char *name, const void *bytes, size_t size);

#endif
