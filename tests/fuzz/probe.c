/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/probe.h"

#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/verbs.h"
#include "tests/fuzz/fuzz.h"

/* Those that read files. The first one runs without words, which never happens. */
static const struct verb *const verbs[] = {
	&verb_sim_check,
	&verb_policy_import,
	&verb_policy_export,
	&verb_pci_ls,
	&verb_pci_tree,
	&verb_stat,
	&verb_batch,
	&verb_txn,
	&verb_snapshot_diff,
	&verb_snapshot_save,
	&verb_snapshot_restore,
	NULL,
};

static struct {
	FILE *out; /* as they were */
	FILE *err;
	FILE *kept;
	FILE *thrown;
	char *text;
	size_t size;
} streams;

void probe_begin(void)
{
	if (!streams.thrown)
		streams.thrown = fopen("/dev/null", "we");
	streams.text = NULL;
	streams.kept = open_memstream(&streams.text, &streams.size);
	fuzz_must(streams.thrown && streams.kept);
	streams.out = stdout;
	streams.err = stderr;
	stdout = streams.kept;
	stderr = streams.thrown;
}

char *probe_end(void)
{
	stdout = streams.out;
	stderr = streams.err;
	fuzz_must(fclose(streams.kept) == 0);
	return streams.text;
}

void probe_add(struct probe *probe, const char *word)
{
	fuzz_must(probe->count < PROBE_WORDS);
	probe->words[probe->count++] = word;
}

enum result probe_run(const struct probe *probe, char **ret_text)
{
	char *words[PROBE_WORDS + 2] = { strdup("hwprobe") };
	int count = 1;
	int result;

	for (const char *const *word = probe->words; *word; word++)
		words[count++] = strdup(*word);
	probe_begin();
	result = args_run(count, words, verbs);
	*ret_text = probe_end();
	while (count > 0)
		free(words[--count]);
	fuzz_must(result >= RESULT_OK && result <= RESULT_PARTIAL);
	return (enum result)result;
}

const char *probe_file(const char *name)
{
	static char paths[4][128];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", fuzz_directory(), name);
	return path;
}

bool probe_is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' && *text != '\n')
			return false;
	return true;
}
