/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts hwsafe-helper run as these tests want it, and keeps what came of it. */
#ifndef HWSAFE_TESTS_HELPER_LAUNCH_H
#define HWSAFE_TESTS_HELPER_LAUNCH_H

#include <stdbool.h>

enum { LAUNCH_TEXT = 8192, LAUNCH_WORDS = 24 };

/* One that is allowed (alice, where there is one) and one that isn't (bob). */
extern const char *launch_alice;
extern const char *launch_bob;

struct launch {
	/* runs in the child, before the helper; may be NULL */
	void (*before)(void *context);
	void *context;
	const char *socket; /* a helper's; NULL: by the launcher */
	const char *user;

	int code; /* what it ended with; 128 + the signal that killed it */
	char out[LAUNCH_TEXT];
	char err[LAUNCH_TEXT];
};

/* A new directory, and in it policy.d/test.conf with this text; its path. */
const char *launch_policy(const char *text, ...) __attribute__((format(printf, 1, 2)));
/* run --policy DIRECTORY and these words; the last is NULL. */
void launch(struct launch *launch, const char *directory, ...);
/* The same by profile and user, with this program itself as the command: "client", these words. */
void launch_client(struct launch *launch, const char *directory, const char *profile,
		   const char *user, ...);
/* The same without another process: this one becomes the client. */
_Noreturn void launch_become_client(const char *directory, const char *profile, const char *user,
				    ...);
/* This program itself as that user, with a helper's socket instead of what a launcher grants. */
void launch_socket(struct launch *launch, const char *socket, const char *user, ...);
/* As that user, in a process group of its own, this process becomes this program anew. */
_Noreturn void launch_become(const char *user, const char *socket, ...);
/* A client that did all that it should. */
void launch_went_well(const struct launch *launch);
/* It was refused: this code, nothing started, one line that has the word. */
void launch_refused(const struct launch *launch, int code, const char *word);
/* May this process launch? Tests skip else. */
bool launch_can(void);

#endif
