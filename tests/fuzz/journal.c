/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Journals that a dead process left, or whoever may write there. With an odd first byte the text
 * gets the head and the sums that it should have. What is taken can be written as a journal and
 * read again, and what is restored is what stands there then.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "hw/journal-internal.h"
#include "shim/sys-internal.h"
#include "tests/fuzz/fuzz.h"

static struct hws *hw;
static char path[128];

static const char machine[] = "cpu count 2\nports 0x300 16\n reg 0 1 rw value 0x11\n"
			      " reg 4 4 rw\nmsr 0x610 rw value 5\nmsr 0x611 ro value 6\n"
			      "pci 00:01.0 1234:0001 class 0x00ff00\n bar 0 mem 4K\n"
			      "  reg 0x00 4 rw value 1\n  reg 0x08 8 rw value 2\n";
static const char rules[] = "port = * rw\nmsr = * rw danger\n"
			    "pci = *, config rw danger claimed\nbar = * * rw danger claimed\n";

static void begin(void)
{
	struct hws_audit_options audit = { .size = sizeof(audit), .flags = HWS_AUDIT_NO_DETECTOR };
	struct hws_options options = { .size = sizeof(options),
				       .backend = "sim",
				       .sim = machine,
				       .policy_text = rules,
				       .audit = &audit };

	fuzz_must(hws_open(&options, &hw) == 0);
	snprintf(path, sizeof(path), "%s/journal", fuzz_directory());
}

static void put_line(FILE *out, uint64_t *sum, const char *line, size_t length)
{
	char *body = strndup(line, length);

	fuzz_must(body);
	*sum = journal_sum(*sum, body);
	fprintf(out, "%s #%016" PRIx64 "\n", body, *sum);
	free(body);
}

/* The text's lines as journal_add() writes them. */
static void write_with_sums(const char *text)
{
	uint64_t sum = JOURNAL_SUM;
	char boot[SYS_BOOT];
	char line[80];
	char *whole = NULL;
	size_t size;
	FILE *out = open_memstream(&whole, &size);

	fuzz_must(out);
	sys_boot(boot);
	put_line(out, &sum, line,
		 (size_t)snprintf(line, sizeof(line), "hwsafe-journal 2 %s", boot));
	for (; *text; text += text[0] == '\n') {
		size_t length = strcspn(text, "\n");

		if (length)
			put_line(out, &sum, text, length);
		text += length;
	}
	fclose(out);
	fuzz_write("journal", whole, size);
	free(whole);
}

static bool same(const struct hws_access *a, const struct hws_access *b)
{
	return a->kind == b->kind && a->first == b->first && a->last == b->last &&
	       a->width == b->width && a->cpu == b->cpu && a->bar == b->bar && a->old == b->old &&
	       a->value == b->value && a->bdf.domain == b->bdf.domain && a->bdf.bus == b->bdf.bus &&
	       a->bdf.device == b->bdf.device && a->bdf.function == b->bdf.function;
}

/* Registers of a journal written anew, and read. */
static void round_trip(const struct hws_access *registers, uint32_t count)
{
	struct journal journal;
	struct hws_access *again;
	uint32_t many;

	unlink(path);
	fuzz_must(journal_make(&journal, path) == 0);
	for (uint32_t i = 0; i < count; i++)
		fuzz_must(journal_add(&journal, &registers[i]) == 0);
	journal_close(&journal);
	fuzz_must(journal_open(&journal, path, &again, &many) == 0);
	fuzz_must(many == count);
	for (uint32_t i = 0; i < count; i++)
		fuzz_must(same(&registers[i], &again[i]));
	journal_close(&journal);
	free(again);
}

struct seen {
	uint32_t count;
	bool dry;
};

static void see(const struct hws_restore *one, void *context)
{
	struct seen *seen = context;

	seen->count++;
	fuzz_must(one->end < HWS_RESTORES);
	fuzz_must((one->end == HWS_RESTORE_FAILED) == (one->code < 0));
	fuzz_must(one->end != HWS_RESTORED_ALREADY || one->now == one->access.old);
	fuzz_must(!seen->dry || one->end != HWS_RESTORE_DIFFERS);
}

static void restore(uint32_t flags, uint32_t count)
{
	struct seen seen = { .dry = flags & HWS_RESTORE_DRY };
	int left = hws_txn_restore(hw, path, flags, see, &seen);

	fuzz_must(left >= 0 && (uint32_t)left <= count && seen.count == count);
	/* the file goes with the last of its registers, and not before */
	fuzz_must((access(path, F_OK) < 0) == (left == 0 && !seen.dry));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	struct hws_access *registers;
	struct journal journal;
	uint32_t count;
	size_t length;
	char *text;
	int r;

	if (!hw)
		begin();
	for (int i = 0; i < HWS_GUARDS; i++)
		fuzz_must(hws_guard_rearm(hw, (enum hws_guard_class)i) == 0);
	text = fuzz_text(&input, &length);
	if (how & 1)
		write_with_sums(text);
	else
		fuzz_write("journal", text, length);
	free(text);
	r = journal_open(&journal, path, &registers, &count);
	fuzz_must(r == 0 || r == -EBADMSG || r == -ESTALE);
	if (r < 0)
		return 0;
	journal_close(&journal);
	round_trip(registers, count);
	restore(how >> 1 & 7, count);
	free(registers);
	return 0;
}
