/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe sim: descriptions of simulated machines, checked and shown. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/hwprobe.h"

enum { DESCRIPTION_MAX = 1 << 20 };

static void report_error(const char *message, void *context)
{
	(void)context;
	fprintf(stderr, "%s\n", message);
}

/* The whole file as a string, the caller's to free; NULL: it was told why not. */
static char *read_text(const char *name, enum result *ret_result)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "r") : stdin;
	char *text = file ? malloc(DESCRIPTION_MAX) : NULL;
	size_t length = text ? fread(text, 1, DESCRIPTION_MAX, file) : 0;
	int error = !file || !text || ferror(file) ? errno : length == DESCRIPTION_MAX ? EFBIG : 0;

	if (file && file != stdin)
		fclose(file);
	if (!error && memchr(text, '\0', length))
		error = EILSEQ;
	if (error) {
		fprintf(stderr, "hwprobe: %s: %s\n", name, strerror(error));
		*ret_result = error == ENOENT ? RESULT_NOT_FOUND : RESULT_FAILURE;
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

static enum result check(const char *name)
{
	enum result result = RESULT_FAILURE;
	char *text = read_text(name, &result);
	int errors;

	if (!text)
		return result;
	errors = hws_sim_check(text, strcmp(name, "-") ? name : "standard input", report_error,
			       NULL);
	free(text);
	if (errors < 0)
		fprintf(stderr, "hwprobe: %s: %s\n", name, strerror(-errors));
	return errors ? RESULT_FAILURE : RESULT_OK;
}

enum result sim_command(int argc, char **argv)
{
	if (argc == 1 && !strcmp(argv[0], "show")) {
		fputs(hws_sim_default(), stdout);
		return RESULT_OK;
	}
	if (argc == 2 && !strcmp(argv[0], "check"))
		return check(argv[1]);
	if (argc == 0)
		fprintf(stderr, "hwprobe: sim needs one of: check FILE, show\n");
	else
		fprintf(stderr, "hwprobe: sim does not know '%s'; it knows: check FILE, show\n",
			argc == 1 && !strcmp(argv[0], "check") ? "check without FILE"
							       : argv[argc - 1]);
	return RESULT_USAGE;
}
