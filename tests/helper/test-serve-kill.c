/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill -9 of the helper, and of its client, at every step of a transaction. The machine outlives
 * both: plain files here, real registers in the lab.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw-internal.h"
#include "shim/sys-internal.h"
#include "tests/helper/serve-tree.h"

#define POLICY                                                                           \
	"[alice]\nuser = 41000\npci = 1234:11e8 rw danger claimed\nbar = 1234:11e8 0 rw" \
	" claimed danger\n"

enum { OLD, BETWEEN, NEW, VALUES };

/* A register and the values that it goes through. */
struct reg {
	uint8_t kind;
	uint8_t width;
	uint32_t at;
	uint32_t values[VALUES];
};

/* A machine: where its files are, which registers are written, how densely it is swept. */
struct machine {
	const char *root;
	const struct reg *regs;
	unsigned int count;
	unsigned int stride;
	unsigned int first; /* of the stops */
};

static const struct reg tree_regs[] = {
	{ HWS_KIND_PCI, 4, 0x40, { 0x11223344, 1, 2 } },
	{ HWS_KIND_BAR, 4, 0x20, { 0x55, 0x66, 0x77 } },
	{ HWS_KIND_PCI, 1, 0x3c, { 0xb, 5, 0xa } },
};
/* edu: "interrupt line", which is a byte of memory, and the only bit of its status that is one. */
static const struct reg edu_regs[] = {
	{ HWS_KIND_PCI, 1, 0x3c, { 0xb, 5, 0xa } },
	{ HWS_KIND_BAR, 4, 0x20, { 0, 0x80, 0x80 } },
};

/* How far the client came: what it saw decides what may stand there. */
enum phase { BEGUN, COMMITTING, COMMITTED };
static _Atomic int *phase;

static void share_phase(void)
{
	phase = mmap(NULL, sizeof(*phase), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ck_assert_ptr_ne((const void *)phase, MAP_FAILED);
}

static int open_space(const struct machine *machine, uint8_t kind)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s" TREE_FUNCTION "/%s", machine->root,
		 kind == HWS_KIND_PCI ? "config" : "resource0");
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

/* Behind the helper's back. */
static uint32_t exchange(const struct machine *machine, const struct reg *reg, const uint32_t *set)
{
	int fd = open_space(machine, reg->kind);
	volatile uint32_t *bar;
	uint32_t value = 0;

	if (reg->kind == HWS_KIND_PCI) {
		if (set)
			ck_assert_int_eq(pwrite(fd, set, reg->width, reg->at), reg->width);
		ck_assert_int_eq(pread(fd, &value, reg->width, reg->at), reg->width);
	} else {
		bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ck_assert_ptr_ne((const void *)bar, MAP_FAILED);
		if (set)
			bar[reg->at / 4] = *set;
		value = bar[reg->at / 4];
		munmap((void *)(uintptr_t)bar, 4096);
	}
	close(fd);
	return value;
}

static void reset(const struct machine *machine)
{
	for (unsigned int i = 0; i < machine->count; i++)
		exchange(machine, &machine->regs[i], &machine->regs[i].values[OLD]);
	atomic_store(phase, BEGUN);
}

/* Do all registers have the value? */
static bool all_are(const struct machine *machine, int which)
{
	bool same = true;

	for (unsigned int i = 0; i < machine->count; i++)
		same &= exchange(machine, &machine->regs[i], NULL) ==
			machine->regs[i].values[which];
	return same;
}

static bool is_right(const struct machine *machine)
{
	switch (atomic_load(phase)) {
	case BEGUN:
		return all_are(machine, OLD);
	case COMMITTED:
		return all_are(machine, NEW);
	default:
		return all_are(machine, OLD) || all_are(machine, NEW);
	}
}

static void tell(const struct machine *machine, const char *who, unsigned int stop)
{
	fprintf(stderr, "# %s killed at stop %u, phase %d:", who, stop, atomic_load(phase));
	for (unsigned int i = 0; i < machine->count; i++)
		fprintf(stderr, " 0x%x", exchange(machine, &machine->regs[i], NULL));
	fprintf(stderr, "\n");
}

static int ask_writes(int fd, const struct machine *machine, int which)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_run *run = (void *)(request.bytes + sizeof(request.head));
	struct hws_wire_step *steps = (void *)(run + 1);

	wire_begin(&request, HWS_WIRE_RUN, machine->count, 3);
	run->count = machine->count;
	for (unsigned int i = 0; i < machine->count; i++)
		steps[i] = (struct hws_wire_step) {
			.kind = machine->regs[i].kind,
			.verb = HWS_WIRE_WRITE,
			.width = machine->regs[i].width,
			.bdf = { .device = 3 },
			.at = machine->regs[i].at,
			.value = machine->regs[i].values[which],
		};
	return bare_ask(fd, &request, &reply);
}

/* By messages: what the helper does between them is all that there is to be killed in. */
static int transacts(const struct daemon *daemon, void *context)
{
	int fd = bare_hello(daemon);

	if (fd < 0 || bare_txn(fd, 1) < 0 || ask_writes(fd, context, BETWEEN) < 0 ||
	    ask_writes(fd, context, NEW) < 0)
		return 1;
	atomic_store(phase, COMMITTING);
	if (bare_txn(fd, 0) < 0)
		return 1;
	atomic_store(phase, COMMITTED);
	return 0;
}

static bool waits_for_events(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
#ifdef SYS_epoll_wait
	if (info.entry.nr == SYS_epoll_wait)
		return true;
#endif
	return info.entry.nr == SYS_epoll_pwait;
}

/* So many entries and ends of system calls; false: the client's end was dealt with before. */
static bool step(pid_t daemon, pid_t client, unsigned int stops, int *ret_end)
{
	bool ended = false;
	int idle = 0;
	int status;

	*ret_end = -1;
	ck_ok(ptrace(PTRACE_SEIZE, daemon, NULL, (void *)PTRACE_O_TRACESYSGOOD));
	ck_ok(ptrace(PTRACE_INTERRUPT, daemon, NULL, NULL));
	ck_assert_int_eq(waitpid(daemon, &status, 0), daemon);
	for (unsigned int i = 0; i < stops; i++) {
		ck_ok(ptrace(PTRACE_SYSCALL, daemon, NULL, NULL));
		ck_assert_int_eq(waitpid(daemon, &status, 0), daemon);
		ck_assert_msg(WIFSTOPPED(status), "the helper ended with 0x%x", status);
		if (!ended && waitpid(client, &status, WNOHANG) == client) {
			*ret_end = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
			ended = true;
		}
		/* it looks for events once more, and there are none */
		if (ended && waits_for_events(daemon) && ++idle == 2)
			return false;
	}
	return true;
}

/* One transaction whose helper is killed there, and what the next one makes of it. */
static bool survives(struct daemon *daemon, const struct machine *machine, unsigned int stop)
{
	struct machine copy = *machine;
	bool killed;
	pid_t client;
	int end;

	reset(machine);
	client = as_user_begin(ALICE, transacts, daemon, &copy);
	killed = step(daemon->pid, client, stop, &end);
	daemon_kill(daemon);
	/* what it was granted is over: it hears of it at its next request */
	if (end < 0)
		end = as_user_end(client);
	ck_assert_int_eq(end, atomic_load(phase) != COMMITTED);
	daemon_again(daemon);
	if (!is_right(machine) || !daemon_has_no_journal(daemon))
		tell(machine, "helper", stop);
	ck_assert(is_right(machine) && daemon_has_no_journal(daemon));
	return killed;
}

static void sweep_helper(const struct machine *machine)
{
	const char *const arguments[] = { "--backend", "native", "--sysroot", machine->root, NULL };
	struct daemon daemon = { 0 };
	unsigned int stop = machine->first;

	share_phase();
	daemon_start(&daemon, POLICY, arguments);
	while (survives(&daemon, machine, stop))
		stop += machine->stride;
	/* the last went through: it was all that there is */
	ck_assert_int_eq(atomic_load(phase), COMMITTED);
	printf("# the helper was killed at every %u. of %u stops\n", machine->stride, stop);
	ck_assert_uint_gt(stop, 40);
	daemon_stop(&daemon);
}

/* As any program does it: what it maps it writes by itself, but not in a transaction. */
static int transacts_traced(const struct daemon *daemon, void *context)
{
	const struct machine *machine = context;
	struct hws *hw = ask_helper(daemon);
	struct hws_step steps[VALUES];
	struct hws_mmio *mmio;
	struct hws_pci *pci;
	struct hws_txn *txn;

	must(hws_pci_open(hw, "00:03.0", 0, 0x80, HWS_RW, &pci) == 0);
	must(hws_mmio_map(hw, "00:03.0", 0, 0, 0, HWS_RW, &mmio) == 0);
	must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	raise(SIGSTOP);
	must(hws_txn_open(hw, NULL, &txn) == 0);
	for (int which = BETWEEN; which <= NEW; which++) {
		for (unsigned int i = 0; i < machine->count; i++) {
			const struct reg *reg = &machine->regs[i];

			steps[i] = hws_step_write(reg->kind == HWS_KIND_PCI
							  ? hws_in_pci(pci, reg->at, reg->width)
							  : hws_in_mmio(mmio, reg->at, reg->width),
						  reg->values[which]);
		}
		must(hws_txn_run(txn, steps, machine->count) == 0);
	}
	atomic_store(phase, COMMITTING);
	must(hws_txn_commit(txn) == 0);
	atomic_store(phase, COMMITTED);
	hws_txn_close(txn);
	hws_mmio_unmap(mmio);
	hws_pci_close(pci);
	hws_close(hw);
	return 0;
}

/* The helper hears of the death a little later. */
static bool becomes_right(const struct machine *machine, const struct daemon *daemon)
{
	for (int waited = 0; waited < 2000; waited++) {
		if (is_right(machine) && daemon_has_no_journal(daemon))
			return true;
		usleep(waited < 20 ? 500 : 10000);
	}
	return false;
}

/* False: it had ended before. */
static bool client_survives(struct daemon *daemon, const struct machine *machine, unsigned int stop)
{
	struct machine copy = *machine;
	pid_t client;
	int status;

	reset(machine);
	client = as_user_begin(ALICE, transacts_traced, daemon, &copy);
	ck_assert_int_eq(waitpid(client, &status, 0), client);
	for (unsigned int i = 0; WIFSTOPPED(status) && i < stop; i++) {
		ck_ok(ptrace(PTRACE_SYSCALL, client, NULL, NULL));
		ck_assert_int_eq(waitpid(client, &status, 0), client);
	}
	if (WIFSTOPPED(status)) {
		kill(client, SIGKILL);
		ck_assert_int_eq(waitpid(client, &status, 0), client);
		ck_assert(WIFSIGNALED(status));
	}
	if (!becomes_right(machine, daemon))
		tell(machine, "client", stop);
	ck_assert(is_right(machine) && daemon_has_no_journal(daemon));
	return WIFSIGNALED(status);
}

static void sweep_client(const struct machine *machine)
{
	const char *const arguments[] = { "--backend", "native", "--sysroot", machine->root, NULL };
	struct daemon daemon = { 0 };
	unsigned int stop = machine->first;
	int fds;

	share_phase();
	daemon_start(&daemon, POLICY, arguments);
	ck_assert(daemon_has_fds(&daemon, daemon_fds(&daemon)));
	fds = daemon_fds(&daemon);
	while (client_survives(&daemon, machine, stop))
		stop += machine->stride;
	ck_assert_int_eq(atomic_load(phase), COMMITTED);
	printf("# the client was killed at every %u. of %u stops\n", machine->stride, stop);
	ck_assert_uint_gt(stop, 20);
	/* the file of configuration space stays open */
	ck_assert(daemon_has_fds(&daemon, fds + 1));
	daemon_stop(&daemon);
}

static void on_files(void (*sweep)(const struct machine *machine))
{
	struct machine machine = { NULL, tree_regs, 3, SUITE_SANITIZED ? 9 : 1, 1 };
	char root[64];

	if (suite_in_lab()) /* the same with real registers comes below */
		machine.stride = 59;
	tree_make(root);
	machine.root = root;
	sweep(&machine);
	tree_remove(root);
}

START_TEST(helper_killed_at_every_system_call_leaves_old_values)
{
	need_root();
	on_files(sweep_helper);
}
END_TEST

START_TEST(client_killed_at_every_system_call_leaves_old_values)
{
	need_root();
	on_files(sweep_client);
}
END_TEST

START_TEST(real_registers_have_their_old_values_after_any_kill)
{
	/* no multiple of what a request takes; to start a helper takes long: two machines share */
	static const struct machine machine = { "/", edu_regs, 2, 38, RAW_HAS_PORTS ? 1 : 20 };

	need_lab("edu");
	need_lab("root");
	sweep_helper(&machine);
	sweep_client(&machine);
}
END_TEST

int main(void)
{
	return suite_run_for("helper/serve-kill",
			     (const TTest *[]) {
				     helper_killed_at_every_system_call_leaves_old_values,
				     client_killed_at_every_system_call_leaves_old_values,
				     real_registers_have_their_old_values_after_any_kill,
				     NULL,
			     },
			     400);
}
