/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that do their worst to the helper, each in its way, until they are killed. */
#ifndef HWSAFE_TESTS_HELPER_STORM_H
#define HWSAFE_TESTS_HELPER_STORM_H

#include <stdint.h>
#include <sys/types.h>

enum storm {
	STORM_NONE,	/* ends a list */
	STORM_ANYTHING, /* requests of all kinds, good and spoilt, by messages and a ring */
	STORM_COMES,	/* connects and goes, again and again */
	STORM_GARBAGE,	/* what it sends is no message of the protocol */
	STORM_RUNS,	/* the same, and gone before it can be read */
	STORM_HALF,	/* a request whose end never comes */
	STORM_HOLDS,	/* as many connections at a time as it gets, and more */
	STORM_ASKS,	/* one request after another */
	STORM_AHEAD,	/* as many requests as there is room for, then their answers */
	STORM_RING,	/* a full ring, again and again */
	STORM_DEAF,	/* requests whose answers it never reads */
	STORM_SPINS,	/* the same, but tries again where it should sleep */
	STORM_BURNS,	/* nothing of the helper: only the processor */
};

enum { STORM_MOST = 4 };

/* A child of that user that does it, stopped; or -errno. */
pid_t storm_begin(enum storm what, const char *socket, uid_t user, uint64_t seed);
/* To each, up to the first 0. */
void storm_tell(const pid_t pids[STORM_MOST], int signal);
/* Kills and waits for them. */
void storm_end(const pid_t pids[STORM_MOST]);

#endif
