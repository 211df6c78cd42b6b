/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every verb: each is defined in its area's file, and listed once more in main.c. */
#ifndef HWPROBE_VERBS_H
#define HWPROBE_VERBS_H

#include "hw/hwprobe/args.h"

extern const struct verb verb_doctor;
extern const struct verb verb_backends;
extern const struct verb verb_pci_ls;
extern const struct verb verb_pci_get;
extern const struct verb verb_pci_set;
extern const struct verb verb_pci_show;
extern const struct verb verb_pci_dump;
extern const struct verb verb_msr_ls;
extern const struct verb verb_pci_tree;
extern const struct verb verb_msr_rd;
extern const struct verb verb_msr_wr;
extern const struct verb verb_io_in;
extern const struct verb verb_io_out;
extern const struct verb verb_mem_rd;
extern const struct verb verb_mem_wr;
extern const struct verb verb_mem_dump;
extern const struct verb verb_mem_wait;
extern const struct verb verb_batch;
extern const struct verb verb_bench;
extern const struct verb verb_txn;
extern const struct verb verb_cpuid;
extern const struct verb verb_ring_info;
extern const struct verb verb_ring_test;
extern const struct verb verb_dma_test;
extern const struct verb verb_irq_wait;
extern const struct verb verb_sim_check;
extern const struct verb verb_sim_show;

extern const struct verb verb_plugin_check;
extern const struct verb verb_policy_check;
extern const struct verb verb_policy_explain;
extern const struct verb verb_policy_lint;
extern const struct verb verb_policy_diff;
extern const struct verb verb_policy_import;
extern const struct verb verb_policy_export;
extern const struct verb verb_learn;
extern const struct verb verb_audit_tail;
extern const struct verb verb_audit_query;
extern const struct verb verb_audit_verify;
extern const struct verb verb_stat;
extern const struct verb verb_snapshot_save;
extern const struct verb verb_snapshot_diff;
extern const struct verb verb_snapshot_restore;
extern const struct verb verb_restore;
extern const struct verb verb_record;
extern const struct verb verb_last_words;
extern const struct verb verb_completion;
extern const struct verb verb_complete;

#endif
