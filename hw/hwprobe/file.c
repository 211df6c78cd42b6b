/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a person names, and standard input, read whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/hwprobe.h"
#include "hw/hwprobe/say.h"

enum { BEGIN = 1 << 16, TEXT_MAX = 1 << 20 };

static char *read_stream(FILE *file, size_t most, size_t *ret_length)
{
	char *text = NULL;
	size_t length = 0;

	for (size_t room = BEGIN; room <= most; room *= 2) {
		char *more = realloc(text, room);

		if (!more)
			break;
		text = more;
		length += fread(text + length, 1, room - length, file);
		if (ferror(file))
			break;
		if (length < room) {
			text[length] = '\0';
			*ret_length = length;
			return text;
		}
		errno = EFBIG;
	}
	free(text);
	return NULL;
}

/* Who comes second would get the nothing that is left, and take it for all there is. */
static char *read_input(size_t most, size_t *ret_length)
{
	static bool done;

	errno = ENODATA;
	if (done)
		return NULL;
	done = true;
	return read_stream(stdin, most, ret_length);
}

char *read_whole(const char *name, size_t most, size_t *ret_length)
{
	FILE *file;
	char *text;
	int error;

	if (strcmp(name, "-") == 0)
		return read_input(most, ret_length);
	file = fopen(name, "re");
	if (!file)
		return NULL;
	text = read_stream(file, most, ret_length);
	error = errno;
	fclose(file);
	errno = error;
	return text;
}

enum result file_result(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return RESULT_NOT_FOUND;
	return error == EACCES || error == EPERM ? RESULT_REFUSED : RESULT_FAILURE;
}

char *read_text(const char *name, enum result *ret_result)
{
	size_t length = 0;
	char *text = read_whole(name, TEXT_MAX, &length);

	if (text && !memchr(text, '\0', length))
		return text;
	*ret_result = text ? RESULT_FAILURE : file_result(errno);
	say("%s: %s", name, text ? "no text: there is a NUL in it" : strerror(errno));
	free(text);
	return NULL;
}

char *machine_text(const struct settings *settings, enum result *ret_result)
{
	static char *input;

	if (strcmp(settings->sim_file, "-") != 0)
		return read_text(settings->sim_file, ret_result);
	if (!input)
		input = read_text("-", ret_result);
	return input ? strdup(input) : NULL;
}
