/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void fuzz_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: this must hold: %s\n", file, line, what);
	abort();
}

uint64_t fuzz_number(struct fuzz *input, size_t bytes)
{
	size_t have = bytes < input->left ? bytes : input->left;
	uint64_t number = 0;

	for (size_t i = 0; i < have; i++)
		number |= (uint64_t)input->at[i] << 8 * i;
	input->at += have;
	input->left -= have;
	return number;
}

uint64_t fuzz_odd_number(struct fuzz *input)
{
	uint64_t how = fuzz_number(input, 1);

	switch (how & 3) {
	case 0:
		return (UINT64_C(1) << (how >> 2)) - fuzz_number(input, 1) % 4;
	case 1:
		return fuzz_number(input, 1);
	case 2:
		return fuzz_number(input, 2);
	default:
		return fuzz_number(input, how & 4 ? 8 : 4);
	}
}

char *fuzz_text(struct fuzz *input, size_t *ret_length)
{
	const uint8_t *end = memmem(input->at, input->left, FUZZ_SEPARATOR, 2);
	size_t length = end ? (size_t)(end - input->at) : input->left;
	/* of the exact size, so that a sanitizer sees a read beyond it */
	char *text = malloc(length + 1);

	fuzz_must(text);
	memcpy(text, input->at, length);
	text[length] = '\0';
	*ret_length = length;
	length += end ? 2 : 0;
	input->at += length;
	input->left -= length;
	return text;
}

static char directory[96];

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *walk)
{
	(void)is;
	(void)type;
	(void)walk;
	return remove(path);
}

static void remove_directory(void)
{
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_directory(void)
{
	const char *place = getenv("TMPDIR");

	if (!directory[0]) {
		fuzz_must(snprintf(directory, sizeof(directory), "%s/hwsafe-fuzz-XXXXXX",
				   place ? place : "/tmp") < (int)sizeof(directory));
		fuzz_must(mkdtemp(directory));
		atexit(remove_directory);
	}
	return directory;
}

void fuzz_write(const char *name, const void *bytes, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fuzz_directory(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fuzz_must(fd >= 0);
	fuzz_must(write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}
