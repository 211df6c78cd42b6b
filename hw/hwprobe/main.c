/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe: what this machine allows and why, and every kind of access from the shell. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/verbs.h"

/* The first is what runs without arguments. */
/* clang-format off */
static const struct verb *const verbs[] = {
	&verb_doctor,
	&verb_backends,
	&verb_pci_ls,
	&verb_pci_get,
	&verb_pci_set,
	&verb_pci_show,
	&verb_pci_dump,
	&verb_pci_tree,
	&verb_msr_ls,
	&verb_msr_rd,
	&verb_msr_wr,
	&verb_io_in,
	&verb_io_out,
	&verb_mem_rd,
	&verb_mem_wr,
	&verb_mem_dump,
	&verb_mem_wait,
	&verb_cpuid,
	&verb_ring_info,
	&verb_ring_test,
	&verb_dma_test,
	&verb_irq_wait,
	&verb_plugin_check,
	&verb_policy_check,
	&verb_policy_explain,
	&verb_policy_lint,
	&verb_policy_diff,
	&verb_policy_import,
	&verb_policy_export,
	&verb_learn,
	&verb_audit_tail,
	&verb_audit_query,
	&verb_audit_verify,
	&verb_stat,
	&verb_batch,
	&verb_txn,
	&verb_snapshot_save,
	&verb_snapshot_diff,
	&verb_snapshot_restore,
	&verb_restore,
	&verb_record,
	&verb_bench,
	&verb_last_words,
	&verb_sim_check,
	&verb_sim_show,
	&verb_completion,
	&verb_complete,
	NULL,
};
/* clang-format on */

/* A file opened later must not become a standard stream. False when stdout is closed. */
static bool keep_streams(void)
{
	bool has_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return false;
	return has_output;
}

/* What stdio kept back may fail only here: a full disk is a failure, a gone reader a quiet one. */
static int finish(int result)
{
	bool failed = ferror(stdout);

	if (fclose(stdout) == 0 && !failed)
		return result;
	if (errno != EPIPE)
		say("cannot write: %s", strerror(errno));
	return RESULT_FAILURE;
}

int main(int argc, char **argv)
{
	if (!keep_streams()) {
		say("standard output is closed");
		return RESULT_FAILURE;
	}
	return finish(args_run(argc, argv, verbs));
}
