/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every verb: each is defined in its area's file, and listed once more in main.c. */
#ifndef HWPROBE_VERBS_H
#define HWPROBE_VERBS_H

#include "hw/hwprobe/args.h"

extern const struct verb verb_doctor;
extern const struct verb verb_backends;
extern const struct verb verb_sim_check;
extern const struct verb verb_sim_show;

extern const struct verb verb_policy_check;
extern const struct verb verb_policy_explain;
extern const struct verb verb_policy_lint;
extern const struct verb verb_policy_diff;
extern const struct verb verb_audit_tail;
extern const struct verb verb_audit_query;
extern const struct verb verb_audit_verify;
extern const struct verb verb_stat;
extern const struct verb verb_restore;
extern const struct verb verb_last_words;

#endif
