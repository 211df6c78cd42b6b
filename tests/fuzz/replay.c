/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fuzz target without libFuzzer: each seed, then so many inputs made of the
 * seeds, the same ones in every run.
 *
 *	replay [-n COUNT] FILE-OR-DIRECTORY...    TAP
 *
 * What a target dies of is left in the file named by HWS_FUZZ_CRASH, or in
 * /tmp/hwsafe-fuzz-crash.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { SEEDS = 256, SEED_ROOM = 1 << 14 };

struct seed {
	uint8_t *bytes;
	size_t size;
};

static struct seed seeds[SEEDS];
static size_t seed_count;
static uint8_t current[SEED_ROOM];
static volatile size_t current_size;
static uint64_t state = 0x9e3779b97f4a7c15u;

/* From the sanitizers' run time, where there is one. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void leave_input(void)
{
	const char *name = getenv("HWS_FUZZ_CRASH");
	int fd;

	if (!name)
		name = "/tmp/hwsafe-fuzz-crash";
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, current, current_size) < 0)
		return;
	(void)!write(STDERR_FILENO, "the input is in ", 16);
	(void)!write(STDERR_FILENO, name, strlen(name));
	(void)!write(STDERR_FILENO, "\n", 1);
}

static void died(int number)
{
	leave_input();
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_death(void)
{
	static const int deadly[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM };

	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(leave_input);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], died);
}

static void die(const char *what, const char *name)
{
	fprintf(stderr, "replay: %s: %s\n", what, name);
	exit(2);
}

static size_t below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)((state >> 11) % limit);
}

static void add_file(const char *path)
{
	struct seed *seed = &seeds[seed_count];
	FILE *file = fopen(path, "re");

	if (!file || seed_count == SEEDS)
		die(file ? "too many seeds" : "can't be opened", path);
	seed->bytes = malloc(SEED_ROOM);
	if (!seed->bytes)
		die("no memory", path);
	seed->size = fread(seed->bytes, 1, SEED_ROOM, file);
	fclose(file);
	seed_count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void add(const char *path)
{
	struct dirent **names;
	int count = scandir(path, &names, is_visible, alphasort);
	char name[512];

	if (count < 0) {
		add_file(path);
		return;
	}
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names[i]->d_name);
		add_file(name);
		free(names[i]);
	}
	free(names);
}

static void feed(void)
{
	/* a piece of its own and of the exact size, so that a sanitizer sees a read beyond it */
	uint8_t *data = malloc(current_size ? current_size : 1);

	if (!data)
		die("no memory", "input");
	memcpy(data, current, current_size);
	LLVMFuzzerTestOneInput(data, current_size);
	free(data);
}

static void start_from(const struct seed *seed)
{
	memcpy(current, seed->bytes, seed->size);
	current_size = seed->size;
}

/* Puts @size bytes of @from in place of @gone bytes at @at, as far as there is room. */
static void put_piece(size_t at, size_t gone, const uint8_t *from, size_t size)
{
	size_t rest = current_size - at - gone;

	if (size > SEED_ROOM - at - rest)
		return;
	memmove(current + at + size, current + at + gone, rest);
	memcpy(current + at, from, size);
	current_size = at + size + rest;
}

static void mutate(void)
{
	static const uint8_t bytes[] = "\0\xff\n 0x9[]=-.,:#\"{}*";
	const struct seed *other = &seeds[below(seed_count)];
	size_t at = below(current_size + 1);
	size_t rest = current_size - at;
	size_t from = other->size ? below(other->size) : 0;
	size_t length = below(16) + 1;

	switch (below(5)) {
	case 0: /* another bit */
		if (rest)
			current[at] ^= (uint8_t)(1u << below(8));
		break;
	case 1: /* another byte */
		put_piece(at, rest != 0, bytes + below(sizeof(bytes)), 1);
		break;
	case 2: /* a piece less */
		put_piece(at, length < rest ? length : rest, current, 0);
		break;
	case 3: /* a piece of another more */
		length = below(64) + 1;
		length = length < other->size - from ? length : other->size - from;
		put_piece(at, 0, other->bytes + from, length);
		break;
	default: /* a piece of another instead */
		length = length < other->size - from ? length : other->size - from;
		put_piece(at, length < rest ? length : rest, other->bytes + from, length);
		break;
	}
}

int main(int argc, char **argv)
{
	unsigned long count = 0;
	int option;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option != 'n')
			return 2;
		count = strtoul(optarg, NULL, 10);
	}
	/* as suite_emulated() and suite_valgrind(): each takes longer there */
	count /= getenv("HWS_EMULATED") ? 5 : getenv("HWS_VALGRIND") ? 50 : 1;
	for (; optind < argc; optind++)
		add(argv[optind]);
	if (!seed_count)
		die("no seeds", "usage: replay [-n COUNT] FILE-OR-DIRECTORY...");
	catch_death();
	printf("1..2\n");
	for (size_t i = 0; i < seed_count; i++) {
		start_from(&seeds[i]);
		feed();
	}
	printf("ok 1 - %zu seeds\n", seed_count);
	for (unsigned long i = 0; i < count; i++) {
		start_from(&seeds[below(seed_count)]);
		for (size_t changes = below(6) + 1; changes; changes--)
			mutate();
		feed();
	}
	printf("ok 2 - %lu inputs made of them\n", count);
	for (size_t i = 0; i < seed_count; i++)
		free(seeds[i].bytes);
	return 0;
}
