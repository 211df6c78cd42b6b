/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that sends the helper anything, by messages and by a ring, as fast as it can. */
#ifndef HWSAFE_TESTS_HELPER_HOSTILE_H
#define HWSAFE_TESTS_HELPER_HOSTILE_H

#include "shim/wire-internal.h"

/* The next number of a sequence that @seed, not 0, begins. */
uint64_t hostile_next(uint64_t *seed);
/* A request in good form, of any operation but HELLO, about places that may or may not be there. */
size_t hostile_request(union wire_request *request, uint64_t *seed);
/* Until the helper at @socket has answered so many; for others it was dropped. 0 or -errno. */
int hostile_run(const char *socket, uint64_t seed, uint64_t requests);

#endif
