/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hwprobe against the programs that it stands for, started anew for each operation. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

extern char **environ;

/* 0 when the program ended well, its output thrown away. */
static int run(const char *const *words)
{
	posix_spawn_file_actions_t actions;
	pid_t child;
	int status;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!r)
		r = posix_spawnp(&child, words[0], &actions, NULL, (char *const *)(uintptr_t)words,
				 environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return -r;
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int again(const char *const *words, uint64_t n)
{
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = run(words);
	return r;
}

static const char *const probe_words[] = { HWPROBE, "pci", "ls", "-n", NULL };
static const char *const doctor_words[] = { HWPROBE, "doctor", NULL };
static const char *const lspci_words[] = { "lspci", "-n", NULL };

static int probe(void *context, uint64_t n)
{
	(void)context;
	return again(probe_words, n);
}

static int doctor(void *context, uint64_t n)
{
	(void)context;
	return again(doctor_words, n);
}

static int lspci(void *context, uint64_t n)
{
	(void)context;
	return again(lspci_words, n);
}

/* Skipped where lspci isn't, or there is no PCI. */
static int setup(const struct bench_case *of, void **ret_context)
{
	(void)of;
	*ret_context = NULL;
	return run(lspci_words);
}

static void teardown(void *context)
{
	(void)context;
}

static const struct bench_case cases[] = {
	{ .name = "pci-ls",
	  .baseline = "lspci -n",
	  .what = "this machine's PCI functions by their numbers, from start to end",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = probe,
	  .base = lspci,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  .limits = { { BENCH_RATIO, 1.3 } } },
	{ .name = "doctor",
	  .baseline = "lspci -n",
	  .what = "what this machine allows and why not the rest, from start to end",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = doctor,
	  .base = lspci,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  .limits = { { BENCH_RATIO, 2.0 } } },
	{ 0 },
};

int main(int argc, char **argv)
{
	return bench_main("hwprobe", cases, argc, argv);
}
