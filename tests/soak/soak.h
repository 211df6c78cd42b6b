/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything at once: parts that take turns, in threads of their own, and samples. */
#ifndef HWSAFE_TESTS_SOAK_SOAK_H
#define HWSAFE_TESTS_SOAK_SOAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hw/hwsafe.h"

/* What a part did, for all threads and processes to write: in memory that forks share. */
struct soak_counts {
	_Atomic uint64_t turns;
	_Atomic uint64_t done;	  /* accesses or operations */
	_Atomic uint64_t refused; /* as it should be: by the policy, or a full ring */
	_Atomic uint64_t errors;  /* anything else: none may be */
	_Atomic uint64_t orphans; /* now, of the last ring that looked */
	char first[160];	  /* the first error, in words */
	atomic_flag told;
};

struct soak {
	char folder[64]; /* of the run's files */
	_Atomic bool stop;
	_Atomic pid_t helper;
};

/* A turn takes milliseconds, and leaves nothing behind: that is what is tried. */
typedef void soak_turn(struct soak *soak, struct soak_counts *counts, uint64_t *seed);
soak_turn soak_ring, soak_reload, soak_access, soak_plugin, soak_client;

/* Before any thread: files, the helper. 0 or -errno. */
int soak_clients_begin(struct soak *soak);
void soak_clients_end(struct soak *soak);
int soak_context_begin(struct soak *soak);
void soak_context_end(void);
int soak_plugins_begin(struct soak *soak);
void soak_plugins_end(void);

/* True when @r is 0 or more; else counts an error, and keeps its words. */
bool soak_good(struct soak_counts *counts, const char *what, int r);
/* The same for what may be refused in these two ways. */
bool soak_may(struct soak_counts *counts, const char *what, int r, int refusal, int other);
uint32_t soak_dice(uint64_t *seed);
uint64_t soak_after_ms(uint64_t ms);
/* Writes a whole file, mode 0644. 0 or -errno. */
int soak_write(const struct soak *soak, const char *name, const char *text);

/* What a process holds. */
enum { SOAK_RSS, SOAK_FDS, SOAK_THREADS, SOAK_MAPS, SOAK_FIGURES };
/* 0, or -errno when it is gone. */
int soak_sample(pid_t pid, double ret_figures[SOAK_FIGURES]);

#endif
