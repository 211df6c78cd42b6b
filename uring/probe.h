/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does io_uring work here? Found out by doing, never inferred from a version.
 */
#ifndef HWSAFE_URING_PROBE_H
#define HWSAFE_URING_PROBE_H

#include "../shim/base.h"

HWS_BEGIN_DECLS

/** struct hws_uring_report - what io_uring can do for this process. */
struct hws_uring_report {
	int code;	      /* 0: it works; else the -errno that stands in the way */
	uint32_t features;    /* IORING_FEAT_* */
	uint32_t last_op;     /* the highest operation the kernel knows */
	uint32_t setup_flags; /* those of hws_uring_setup_flag() that it takes */
	int disabled;	      /* sysctl kernel.io_uring_disabled; -1: there is none */
	char why[160];	      /* the cause; "" when it works */
	char fix[160];	      /* a command or a setting; "" when there is none */
};

/**
 * hws_uring_probe() - set a ring up, run one operation on it, and tell what it can do.
 * @ret_report: out; filled when 0 is returned, untouched otherwise
 *
 * It is done in a child process with a time limit, so that a filter that kills
 * for io_uring doesn't kill the caller.
 *
 * Context: any thread.
 * Return: 0 when the report is filled, whether io_uring works or not (see @code in it);
 * -ENOMEM or -EAGAIN when there is no room for the child.
 */
HWS_API HWS_MUST int hws_uring_probe(struct hws_uring_report *ret_report);

/**
 * hws_uring_setup_flag() - the set-up flags that are tried, one by one.
 * @index: counts from 0
 * @ret_flag: out; the bit; untouched past the last one
 *
 * Return: its name, a constant; NULL past the last one.
 */
HWS_API const char *hws_uring_setup_flag(unsigned int index, uint32_t *ret_flag);

HWS_END_DECLS

#endif
