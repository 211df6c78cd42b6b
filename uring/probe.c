/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/probe.h"

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shim/sys-internal.h"

enum {
	CHILD_SECONDS = 2,
	ENTRIES = 4,
	OPS = 256,
};

/* Written by the child, read when it has ended. */
struct trial {
	int code;
	uint32_t features;
	uint32_t last_op;
	uint32_t setup_flags;
};

/* A flag is tried together with those it can't be without. */
static const struct {
	const char *name;
	uint32_t flag;
	uint32_t with;
} setup_flags[] = {
	{ "R_DISABLED", IORING_SETUP_R_DISABLED, 0 },
	{ "SUBMIT_ALL", IORING_SETUP_SUBMIT_ALL, 0 },
	{ "COOP_TASKRUN", IORING_SETUP_COOP_TASKRUN, 0 },
	{ "SINGLE_ISSUER", IORING_SETUP_SINGLE_ISSUER, 0 },
	{ "DEFER_TASKRUN", IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SINGLE_ISSUER },
};
enum { SETUP_FLAGS = sizeof(setup_flags) / sizeof(setup_flags[0]) };

static int run_one(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int r;

	io_uring_prep_nop(io_uring_get_sqe(ring));
	r = io_uring_submit_and_wait(ring, 1);
	if (r < 0)
		return r;
	r = io_uring_peek_cqe(ring, &cqe);
	return r < 0 ? r : cqe->res;
}

static uint32_t last_op_of(struct io_uring *ring)
{
	union {
		struct io_uring_probe probe;
		char room[sizeof(struct io_uring_probe) + OPS * sizeof(struct io_uring_probe_op)];
	} all = { 0 };

	return io_uring_register_probe(ring, &all.probe, OPS) < 0 ? 0 : all.probe.last_op;
}

static bool takes(uint32_t flags)
{
	struct io_uring ring;

	if (io_uring_queue_init(ENTRIES, &ring, flags) < 0)
		return false;
	io_uring_queue_exit(&ring);
	return true;
}

static void try_it(void *context)
{
	struct trial *trial = context;
	struct io_uring_params params = { 0 };
	struct io_uring ring;

	int r = io_uring_queue_init_params(ENTRIES, &ring, &params);

	if (r == 0) {
		r = run_one(&ring);
		trial->features = params.features;
		trial->last_op = last_op_of(&ring);
		io_uring_queue_exit(&ring);
	}
	for (size_t i = 0; i < SETUP_FLAGS && r == 0; i++)
		if (takes(setup_flags[i].flag | setup_flags[i].with))
			trial->setup_flags |= setup_flags[i].flag;
	trial->code = r;
}

/* The surroundings that tell one EPERM from another. */
struct around {
	int disabled;
	bool filtered;
};

static bool off_for_all(const struct around *around)
{
	return around->disabled == 2;
}

static bool off_for_most(const struct around *around)
{
	return around->disabled == 1;
}

static bool filtered(const struct around *around)
{
	return around->filtered;
}

static const struct {
	int code;
	bool (*when)(const struct around *around); /* NULL: always */
	const char *why;
	const char *fix;
} causes[] = {
	{ -ECANCELED, NULL, "a seccomp filter kills for io_uring",
	  "a seccomp profile that allows io_uring_setup, _enter and _register: docs/cloud.md" },
	{ -EPERM, off_for_all, "sysctl kernel.io_uring_disabled = 2: nobody may use it",
	  "sudo sysctl kernel.io_uring_disabled=0" },
	{ -EPERM, off_for_most,
	  "sysctl kernel.io_uring_disabled = 1: only CAP_SYS_ADMIN and one group may",
	  "sudo sysctl kernel.io_uring_group=GROUP, or kernel.io_uring_disabled=0" },
	{ -EPERM, filtered, "a seccomp filter refuses it, as containers do",
	  "docker run --security-opt seccomp=PROFILE, see docs/cloud.md" },
	{ -EACCES, filtered, "a seccomp filter refuses it, as containers do",
	  "docker run --security-opt seccomp=PROFILE, see docs/cloud.md" },
	{ -EPERM, NULL, "the kernel refuses it: a security module", "" },
	{ -ENOSYS, filtered, "a seccomp filter hides it, or the kernel has none",
	  "docker run --security-opt seccomp=PROFILE, see docs/cloud.md" },
	{ -ENOSYS, NULL, "the kernel is built without it", "boot a kernel with CONFIG_IO_URING=y" },
	{ -EINVAL, NULL, "the kernel is too old for it", "boot Linux 5.10 or later" },
	{ -ENOMEM, NULL, "no memory for a ring: the limit on locked memory",
	  "ulimit -l unlimited" },
	{ -EMFILE, NULL, "too many open files", "ulimit -n 4096" },
	{ -ETIMEDOUT, NULL, "the ring gave no answer", "" },
};

static void explain(struct hws_uring_report *report, const struct around *around)
{
	const char *words = strerror(-report->code);
	const char *fix = "";

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].code == report->code && (!causes[i].when || causes[i].when(around))) {
			words = causes[i].why;
			fix = causes[i].fix;
			break;
		}
	snprintf(report->why, sizeof(report->why), "%s", words);
	snprintf(report->fix, sizeof(report->fix), "%s", fix);
}

static void look_around(struct around *around)
{
	uint64_t value;
	char text[4096];
	const char *line = NULL;

	around->disabled = -1;
	if (sys_read_u64(SYS_REAL_ROOT, "/proc/sys/kernel/io_uring_disabled", &value) == 0)
		around->disabled = (int)value;
	if (sys_read_file(SYS_REAL_ROOT, "/proc/self/status", text, sizeof(text)) > 0)
		line = strstr(text, "\nSeccomp:");
	around->filtered = line && strtoul(line + strlen("\nSeccomp:"), NULL, 10) != 0;
}

int hws_uring_probe(struct hws_uring_report *ret_report)
{
	struct hws_uring_report report = { 0 };
	struct around around;
	struct trial *trial;
	void *shared;
	int signal;
	int r = sys_mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0, &shared);

	if (r < 0)
		return r;
	trial = shared;
	trial->code = -ECANCELED; /* until the child says otherwise */
	r = sys_child(try_it, trial, CHILD_SECONDS, &signal);
	report.code = r < 0 ? r : trial->code;
	report.features = trial->features;
	report.last_op = trial->last_op;
	report.setup_flags = trial->setup_flags;
	sys_munmap(shared, sizeof(*trial));
	if (r < 0 && r != -ECANCELED && r != -ETIMEDOUT)
		return r; /* there was no child */
	look_around(&around);
	report.disabled = around.disabled;
	if (report.code < 0)
		explain(&report, &around);
	*ret_report = report;
	return 0;
}

const char *hws_uring_setup_flag(unsigned int index, uint32_t *ret_flag)
{
	if (index >= SETUP_FLAGS)
		return NULL;
	*ret_flag = setup_flags[index].flag;
	return setup_flags[index].name;
}
