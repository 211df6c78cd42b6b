/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hw/hwprobe/args.h"

/* A dump may have what is no address, such as a function 8: it is no other's, either. */
static uint64_t place_of(const struct hws_bdf *bdf)
{
	return (uint64_t)bdf->domain << 24 | (uint64_t)bdf->bus << 16 | (uint64_t)bdf->device << 8 |
	       bdf->function;
}

int address_order(const struct hws_bdf *left, const struct hws_bdf *right)
{
	uint64_t a = place_of(left);
	uint64_t b = place_of(right);

	return (a > b) - (a < b);
}

static int in_order(const void *left, const void *right)
{
	return address_order(&((const struct dump_function *)left)->bdf,
			     &((const struct dump_function *)right)->bdf);
}

enum result dump_read(const char *file, struct dump *dump)
{
	char why[160] = "";
	FILE *there = fopen(file, "r");
	int r = there ? 0 : errno;
	struct stat is;

	/* what can't be read is no dump without functions */
	if (there && fstat(fileno(there), &is) == 0 && S_ISDIR(is.st_mode))
		r = EISDIR;
	if (there)
		fclose(there);
	if (r) {
		args_refuse("%s: %s", file, strerror(r));
		return file_result(r);
	}
	r = dump_read_all(file, dump, why, sizeof(why));
	if (r < 0) {
		args_refuse("%s: %s", file, *why ? why : strerror(-r));
		return RESULT_FAILURE;
	}
	if (dump->count)
		qsort(dump->at, dump->count, sizeof(*dump->at), in_order);
	return RESULT_OK;
}

void dump_fini(struct dump *dump)
{
	for (size_t i = 0; i < dump->count; i++)
		free(dump->at[i].bytes);
	free(dump->at);
	*dump = (struct dump) { 0 };
}

const struct dump_function *dump_find(const struct dump *dump, struct hws_bdf bdf)
{
	struct dump_function wanted = { .bdf = bdf };

	return dump->count ? bsearch(&wanted, dump->at, dump->count, sizeof(*dump->at), in_order)
			   : NULL;
}

/* A machine with this function alone, as docs/sim.md has it; the caller's to free. */
static char *describe(const struct dump_function *function)
{
	enum { LINE = 32 };
	const struct hws_pci_info *info = &function->info;
	char bdf[HWS_BDF_TEXT];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "cpu count 1\npci %s %04x:%04x class 0x%06x",
		hws_bdf_format(function->bdf, bdf), info->vendor, info->device, info->class_code);
	for (uint32_t i = 0; i < function->size; i++) {
		if (i % LINE == 0)
			fprintf(out, "\nconfig %u", i);
		fprintf(out, " %u", function->bytes[i]);
	}
	fputc('\n', out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

enum result dump_open(const struct settings *settings, const struct dump_function *function,
		      struct hws **ret_hw)
{
	char *text = describe(function);
	struct hws_options options = {
		.size = sizeof(options),
		.sysroot = settings->sysroot,
		.backend = "sim",
		.sim = text,
		/* who may read the file may read what is in it */
		.policy_text = "pci = *, config r",
	};
	int r = text ? hws_open(&options, ret_hw) : -ENOMEM;

	free(text);
	return r < 0 ? call_fail("cannot begin", r) : RESULT_OK;
}
