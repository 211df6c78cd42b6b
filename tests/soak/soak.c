/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* soak MINUTES [PART...]: a table on stderr, a verdict as TAP on stdout. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/soak/soak.h"

enum {
	SAMPLES = 1 << 16,
	WHO = 2,
	QUARTERS = 4,
	LONG = 300,   /* seconds; after a quarter of it what fills once is full: */
	TRAIL = 4096, /* KiB: the helper's trail in memory */
};

static const struct {
	const char *name;
	soak_turn *turn;
	int runners;
	bool process; /* else threads */
} parts[] = {
	{ "rings", soak_ring, 3, false },      { "reloads", soak_reload, 1, false },
	{ "accesses", soak_access, 2, false }, { "plug-ins", soak_plugin, 1, false },
	{ "clients", soak_client, 2, true },
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]), RUNNERS = 16 };

/* What may differ though nothing leaks: a part of the mean, and what moves by itself. */
static const struct {
	const char *name;
	double part, room;
} figures[SOAK_FIGURES] = {
	[SOAK_RSS] = { "memory, KiB", 0.03, 512 },
	[SOAK_FDS] = { "descriptors", 0.03, 4 },
	[SOAK_THREADS] = { "threads", 0.03, 3 },
	[SOAK_MAPS] = { "mappings", 0.03, 16 },
};

struct shared {
	struct soak soak;
	struct soak_counts counts[PARTS];
	bool left_out[PARTS];
};
static struct shared *shared;
static double samples[WHO][SAMPLES][SOAK_FIGURES];

struct runner {
	size_t part;
	uint64_t seed;
	pthread_t thread;
	pid_t pid;
};

bool soak_good(struct soak_counts *counts, const char *what, int r)
{
	if (r >= 0)
		return true;
	counts->errors++;
	if (!atomic_flag_test_and_set(&counts->told))
		snprintf(counts->first, sizeof(counts->first), "%s: %s; %s", what, strerror(-r),
			 hws_why());
	return false;
}

bool soak_may(struct soak_counts *counts, const char *what, int r, int refusal, int other)
{
	if (r != refusal && r != other)
		return soak_good(counts, what, r);
	counts->refused++;
	return false;
}

uint32_t soak_dice(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 32);
}

uint64_t soak_after_ms(uint64_t ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ms * 1000000;
}

int soak_write(const struct soak *soak, const char *name, const char *text)
{
	char path[160];
	char fresh[170];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", soak->folder, name);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	file = fopen(fresh, "we");
	if (!file)
		return -errno;
	fputs(text, file);
	if (fclose(file) != 0 || chmod(fresh, 0644) < 0 || rename(fresh, path) < 0)
		return -errno;
	return 0;
}

static void take_turns(struct runner *runner)
{
	struct soak_counts *counts = &shared->counts[runner->part];

	while (!shared->soak.stop) {
		parts[runner->part].turn(&shared->soak, counts, &runner->seed);
		counts->turns++;
	}
}

static void *run_thread(void *runner)
{
	take_turns(runner);
	return NULL;
}

/* Processes first: a fork takes no thread along. */
static int begin(struct runner *runners, bool processes)
{
	int count = 0;

	for (size_t part = 0; part < PARTS; part++) {
		for (int i = 0; i < parts[part].runners; i++, count++) {
			struct runner *runner = &runners[count];

			if (parts[part].process != processes || shared->left_out[part])
				continue;
			runner->part = part;
			runner->seed = (uint64_t)count + 1;
			runner->pid = processes ? fork() : 0;
			if (processes && runner->pid == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				take_turns(runner);
				_exit(0);
			}
			if (processes ? runner->pid < 0
				      : pthread_create(&runner->thread, NULL, run_thread, runner) !=
						0)
				return -EAGAIN;
		}
	}
	return count;
}

static void finish(struct runner *runners, int count)
{
	shared->soak.stop = true;
	for (int i = 0; i < count; i++) {
		if (runners[i].pid > 0)
			waitpid(runners[i].pid, NULL, 0);
		else if (runners[i].seed)
			pthread_join(runners[i].thread, NULL);
	}
}

/* Ended by hand, it still gives its figures. */
static void on_signal(int number)
{
	(void)number;
	shared->soak.stop = true;
}

/* A sample each second, or more often in a short run; how many. */
static size_t watch(double seconds)
{
	uint64_t end = soak_after_ms((uint64_t)(seconds * 1000));
	useconds_t pause = seconds < 60 ? (useconds_t)(seconds / 60 * 1000000) : 1000000;
	const pid_t who[WHO] = { getpid(), shared->soak.helper };
	size_t count = 0;

	for (; count < SAMPLES && !shared->soak.stop && soak_after_ms(0) < end; count++) {
		for (int i = 0; i < WHO; i++)
			if (soak_sample(who[i], samples[i][count]) < 0)
				soak_good(&shared->counts[PARTS - 1], "the helper is gone", -ESRCH);
		usleep(pause);
	}
	return count;
}

static double mean_of(int who, int figure, size_t count, int quarter)
{
	size_t from = count * (size_t)(quarter - 1) / QUARTERS;
	size_t to = count * (size_t)quarter / QUARTERS;
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += samples[who][i][figure];
	return to > from ? sum / (double)(to - from) : 0;
}

static bool print_figures(size_t count, bool is_short)
{
	static const char *const names[WHO] = { "this process", "helper" };
	bool flat = count >= QUARTERS;

	fprintf(stderr, "\n%-14s %-14s %12s %12s  %zu samples\n", "", "", "2nd quarter", "last",
		count);
	for (int who = 0; who < WHO; who++) {
		for (int i = 0; i < SOAK_FIGURES; i++) {
			double before = mean_of(who, i, count, 2);
			double after = mean_of(who, i, count, 4);
			double room = i == SOAK_RSS && is_short ? TRAIL : figures[i].room;
			bool good = after - before <= before * figures[i].part + room;

			fprintf(stderr, "%-14s %-14s %12.1f %12.1f  %s\n", names[who],
				figures[i].name, before, after, good ? "flat" : "GROWS");
			flat = flat && good;
		}
	}
	return flat;
}

static bool print_parts(void)
{
	bool good = true;

	fprintf(stderr, "\n%-18s %10s %14s %12s %8s %8s\n", "", "turns", "done", "refused",
		"errors", "orphans");
	for (size_t i = 0; i < PARTS; i++) {
		const struct soak_counts *is = &shared->counts[i];

		if (shared->left_out[i])
			continue;
		fprintf(stderr, "%-18s %10lu %14lu %12lu %8lu %8lu\n", parts[i].name,
			(unsigned long)is->turns, (unsigned long)is->done,
			(unsigned long)is->refused, (unsigned long)is->errors,
			(unsigned long)is->orphans);
		if (is->errors)
			fprintf(stderr, "    the first: %s\n", is->first);
		good = good && is->errors == 0 && is->turns > 0 && is->done > 0 && is->orphans == 0;
	}
	return good;
}

static int prepare(void)
{
	static const char *const folders[] = { "policy.d", "helper.d", "journals" };
	struct soak *soak = &shared->soak;
	char path[96];
	int r;

	snprintf(soak->folder, sizeof(soak->folder), "/tmp/hwsafe-soak-XXXXXX");
	if (!mkdtemp(soak->folder) || chmod(soak->folder, 0755) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", soak->folder, folders[i]);
		if (mkdir(path, 0755) < 0)
			return -errno;
	}
	r = soak_write(soak, "policy.d/soak.conf", "[soak]\nbar = 1234:11e8 0 rw\n");
	return r < 0 ? r : soak_clients_begin(soak);
}

static int run(double seconds)
{
	struct runner runners[RUNNERS] = { 0 };
	size_t count;
	bool good;
	bool flat;
	int n;

	/* processes before contexts, whose threads no fork would take along */
	n = begin(runners, true);
	n = n < 0 ? n : soak_context_begin(&shared->soak);
	n = n < 0 ? n : soak_plugins_begin(&shared->soak);
	n = n < 0 ? n : begin(runners, false);
	if (n < 0) {
		shared->soak.stop = true;
		return n;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	count = watch(seconds);
	finish(runners, n);
	soak_plugins_end();
	soak_context_end();
	good = print_parts();
	flat = print_figures(count, seconds < LONG);
	fprintf(stderr, "\nsoak: %s, %.1f minutes\n", good && flat ? "clean" : "NOT CLEAN",
		seconds / 60);
	printf("1..2\n%s 1 - soak: no error, nothing left behind\n%s 2 - soak: nothing grows\n",
	       good ? "ok" : "not ok", flat ? "ok" : "not ok");
	return good && flat ? 0 : -EUCLEAN;
}

/* Only these parts. False: one has no such name. */
static bool choose(int count, char **names)
{
	for (size_t i = 0; i < PARTS; i++)
		shared->left_out[i] = count > 0;
	for (int n = 0; n < count; n++) {
		bool known = false;

		for (size_t i = 0; i < PARTS; i++) {
			if (strcmp(names[n], parts[i].name) != 0)
				continue;
			shared->left_out[i] = false;
			known = true;
		}
		if (!known)
			return false;
	}
	return true;
}

static int usage(void)
{
	fprintf(stderr, "usage: soak MINUTES [PART...]; parts:");
	for (size_t i = 0; i < PARTS; i++)
		fprintf(stderr, " %s", parts[i].name);
	fputc('\n', stderr);
	return 2;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	double minutes = argc > 1 ? strtod(argv[1], &end) : 0;
	char command[96];
	int r;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	if (!end || *end || !(minutes > 0 && minutes <= 1000) || !choose(argc - 2, argv + 2))
		return usage();
	r = prepare();
	r = r < 0 ? r : run(minutes * 60);
	if (r < 0 && r != -EUCLEAN)
		fprintf(stderr, "soak: no start: %s; %s\n", strerror(-r), hws_why());
	soak_clients_end(&shared->soak);
	snprintf(command, sizeof(command), "rm -rf '%s'", shared->soak.folder);
	return system(command) != 0 || r < 0;
}
