/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As if a program's weakness had let somebody in: system calls made by another process. */
#ifndef HWSAFE_TESTS_HELPER_INTRUDE_H
#define HWSAFE_TESTS_HELPER_INTRUDE_H

#include <stdbool.h>
#include <sys/types.h>

/* Is there a way in on this architecture? */
extern const bool intrude_known;

/*
 * Stops @pid, which sleeps in a system call; at the end it goes on as if nothing had been. Only
 * root may.
 */
void intrude_begin(pid_t pid);
void intrude_end(pid_t pid);
/* What the call gives there: a value or -errno. */
long intrude(pid_t pid, long number, const long arguments[6]);
/* openat() of that path there; what is opened is closed again. 0 or -errno. */
int intrude_open(pid_t pid, const char *path, int flags);

#endif
