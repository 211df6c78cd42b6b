/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What lspci -x printed, or anybody wrote: shown in every form of pci ls and pci tree. What is
 * shown as a dump is one, of the same functions with the same bytes. (libpci reads the file; what
 * it refuses is contained by hwprobe.)
 */
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/dump.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/probe.h"

/* As lspci; with numbers, or with the names of a short list (probe-once.c). */
static const char *const forms[][4] = {
	{ "ls", NULL },
	{ "ls", "-vv" },
	{ "ls", "-vvv", "-D" },
	{ "ls", "-mm" },
	{ "ls", "-vmm" },
	{ "ls", "-k", "-xxxx" },
	{ "ls", "-PP", "-v" },
	{ "ls", "-P", "-D" },
	{ "tree", NULL },
	{ "tree", "-v" },
	{ "ls", "--json", "-x" },
	{ "tree", "--json" },
	{ "ls", "-s", ":01.0", "-v" },
	{ "ls", "-d", ":*:02" },
	{ "ls", "-xxx" },
};

static char *show(const char *name, const char *const form[4], bool numbers)
{
	struct probe probe = { .count = 0 };
	char *text;

	probe_add(&probe, "pci");
	for (int i = 0; i < 4 && form[i]; i++)
		probe_add(&probe, form[i]);
	if (numbers)
		probe_add(&probe, "-n");
	probe_add(&probe, "-F");
	probe_add(&probe, probe_file(name));
	probe_run(&probe, &text);
	for (const char *at = text; *at; at++)
		fuzz_must(*at == '\n' || *at == '\t' || (*at >= ' ' && *at < 0x7f));
	return text;
}

/* Each function's bytes can be read through a machine that has just that one. */
static void check_function(const struct dump_function *function)
{
	static const struct settings settings = { 0 };
	struct hws *hw = NULL;
	char bdf[HWS_BDF_TEXT];
	struct hws_pci *pci;
	uint8_t value;
	char *said;
	bool opened;

	fuzz_must(function->size <= CONFIG_SIZE);
	probe_begin();
	opened = dump_open(&settings, function, &hw) == RESULT_OK;
	said = probe_end();
	free(said);
	/* what is no address of a function is no machine either */
	fuzz_must(opened || function->bdf.device > 31 || function->bdf.function > 7);
	if (!opened)
		return;
	hws_bdf_format(function->bdf, bdf);
	if (function->size >= 64 && hws_pci_open(hw, bdf, 0, 64, HWS_R, &pci) == 0) {
		for (uint32_t at = 4; at < 64; at++)
			fuzz_must(hws_pci_read8(pci, at, &value) < 0 ||
				  value == function->bytes[at]);
		hws_pci_close(pci);
	}
	hws_close(hw);
}

static bool read_dump(const char *name, struct dump *dump)
{
	enum result result;

	probe_begin();
	result = dump_read(probe_file(name), dump);
	free(probe_end());
	return result == RESULT_OK;
}

static void check_same(const struct dump *a, const struct dump *b)
{
	fuzz_must(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct dump_function *x = &a->at[i];
		const struct dump_function *y = &b->at[i];

		fuzz_must(!memcmp(&x->bdf, &y->bdf, sizeof(x->bdf)));
		fuzz_must(y->size <= x->size && !memcmp(x->bytes, y->bytes, y->size));
	}
}

static bool all_differ(const struct dump *dump)
{
	for (size_t i = 1; i < dump->count; i++)
		if (!memcmp(&dump->at[i].bdf, &dump->at[i - 1].bdf, sizeof(dump->at[i].bdf)))
			return false;
	return true;
}

/* Shown with all its bytes it is a dump, of the same. */
static void round_trip(const struct dump *dump)
{
	static const char *const whole[4] = { "ls", "-D", "-xxxx" };
	struct dump again = { 0 };
	char *text = show("dump", whole, true);

	fuzz_write("again", text, strlen(text));
	fuzz_must(read_dump("again", &again) || !dump->count);
	if (all_differ(dump))
		check_same(dump, &again);
	dump_fini(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	struct dump dump = { 0 };

	fuzz_write("dump", input.at, input.left);
	free(show("dump", forms[how % (sizeof(forms) / sizeof(forms[0]))], how < 128));
	if (read_dump("dump", &dump)) {
		for (size_t i = 0; i < dump.count && i < 4; i++)
			check_function(&dump.at[i]);
		round_trip(&dump);
	}
	dump_fini(&dump);
	return 0;
}
