/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs to ask the helper. The hardware is simulated: only the way there is measured. Who
 * asks and who answers stand on the same processor, or each on its own, but never on those that the
 * scheduler happens to choose: a message to another processor takes eight times as long.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "tests/bench/helper.h"

enum { STEPS = 64, PING = 64, TIMES = 1024 };

struct bench {
	struct bench_helper rings; /* gives its clients rings … */
	struct bench_helper bare;  /* … and this one none: all goes by messages */
	pid_t echo;
	int pair[2];
	cpu_set_t before; /* where we may run else */
	uint64_t times[TIMES];
	uint64_t half; /* of the last call's */
	struct hws_step steps[STEPS];
	struct hws_step bare_steps[STEPS];
};

/* Every message comes back. */
static _Noreturn void echo(int fd)
{
	char message[PING];

	for (ssize_t size; (size = recv(fd, message, sizeof(message), 0)) > 0;)
		if (send(fd, message, (size_t)size, MSG_NOSIGNAL) != size)
			break;
	_exit(0);
}

static int start_echo(struct bench *bench)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, bench->pair) < 0)
		return why(-errno, "no pair of sockets");
	bench->echo = fork();
	if (bench->echo == 0)
		echo(bench->pair[1]);
	return bench->echo < 0 ? -errno : 0;
}

/* The last ones that we may run on: the first has the machine's other work more often. */
static bool find_places(const cpu_set_t *allowed, int ret_places[2])
{
	int found = 0;

	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && found < 2; cpu--)
		if (CPU_ISSET((size_t)cpu, allowed))
			ret_places[found++] = cpu;
	return found == 2;
}

static int put(pid_t pid, int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	return sched_setaffinity(pid, sizeof(one), &one) < 0 ? -errno : 0;
}

/* Us on one processor, and all who answer on the same or on another one. */
static int place(const struct bench *bench, bool apart)
{
	const pid_t answer[] = { bench->echo, bench->rings.pid, bench->bare.pid };
	int places[2] = { 0, 0 };
	int r;

	if (!find_places(&bench->before, places) && apart)
		return why(-ENODEV, "there is but one processor");
	r = put(0, places[0]);
	for (int i = 0; r == 0 && i < 3; i++)
		r = put(answer[i], places[apart]);
	return r < 0 ? why(r, "no processor to be had for oneself") : 0;
}

static void teardown(void *context)
{
	struct bench *bench = context;

	(void)sched_setaffinity(0, sizeof(bench->before), &bench->before);
	bench_helper_stop(&bench->rings);
	bench_helper_stop(&bench->bare);
	if (bench->echo > 0) {
		kill(bench->echo, SIGKILL);
		waitpid(bench->echo, NULL, 0);
	}
	close(bench->pair[0]);
	close(bench->pair[1]);
	free(bench);
}

static int setup(const struct bench_case *of, void **ret_context)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int r;

	if (!bench)
		return why(-ENOMEM, "no memory");
	bench->pair[0] = bench->pair[1] = -1;
	r = sched_getaffinity(0, sizeof(bench->before), &bench->before) < 0 ? -errno : 0;
	r = r < 0 ? r : start_echo(bench);
	r = r < 0 ? r : bench_helper_start(&bench->rings, NULL, NULL);
	r = r < 0 ? r : bench_helper_start(&bench->bare, "--rings", "0");
	r = r < 0 ? r : place(bench, of->arg != NULL);
	for (int i = 0; r == 0 && i < STEPS; i++) {
		bench->steps[i] = hws_step_read(hws_in_msr(bench->rings.msr, 0, 0x199));
		bench->bare_steps[i] = hws_step_read(hws_in_msr(bench->bare.msr, 0, 0x199));
	}
	if (r < 0)
		teardown(bench);
	else
		*ret_context = bench;
	return r;
}

/*
 * Half of the times it took no longer than what took() says: who is put aside for another process
 * now and then, as happens where several are busy, waits a thousand times as long.
 */
static int repeat(struct bench *bench, uint64_t n, int (*once)(struct bench *bench))
{
	size_t count = 0;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		uint64_t begin;
		uint64_t end = 0;

		r = sys_clock(CLOCK_MONOTONIC, &begin);
		r = r < 0 ? r : once(bench);
		r = r < 0 ? r : sys_clock(CLOCK_MONOTONIC, &end);
		bench->times[count++ % TIMES] = end - begin;
	}
	count = count < TIMES ? count : TIMES;
	bench_sort_times(bench->times, count);
	bench->half = bench->times[count / 2];
	return r;
}

static uint64_t took(void *context)
{
	const struct bench *bench = context;

	return bench->half;
}

static int ask_one(struct bench *bench)
{
	return bench_helper_single(&bench->rings);
}

static int ask_one_bare(struct bench *bench)
{
	return bench_helper_single(&bench->bare);
}

static int ask_many(struct bench *bench)
{
	return hws_batch_run(bench->steps, STEPS, 0);
}

static int ask_many_bare(struct bench *bench)
{
	return hws_batch_run(bench->bare_steps, STEPS, 0);
}

static int ping_once(struct bench *bench)
{
	char message[PING] = { 0 };

	if (send(bench->pair[0], message, sizeof(message), MSG_NOSIGNAL) < 0 ||
	    recv(bench->pair[0], message, sizeof(message), 0) < 0)
		return -errno;
	return 0;
}

static int open_port_once(struct bench *bench)
{
	struct hws_port *port;
	int r = hws_port_open(bench->rings.hw, 0x70, 2, HWS_RW, &port);

	if (r == 0)
		hws_port_close(port);
	return r;
}

static int open_file_once(struct bench *bench)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	(void)bench;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int single(void *context, uint64_t n)
{
	return repeat(context, n, ask_one);
}

static int bare_single(void *context, uint64_t n)
{
	return repeat(context, n, ask_one_bare);
}

static int batch(void *context, uint64_t n)
{
	return repeat(context, n, ask_many);
}

static int bare_batch(void *context, uint64_t n)
{
	return repeat(context, n, ask_many_bare);
}

static int ping(void *context, uint64_t n)
{
	return repeat(context, n, ping_once);
}

static int open_ports(void *context, uint64_t n)
{
	return repeat(context, n, open_port_once);
}

static int open_file(void *context, uint64_t n)
{
	return repeat(context, n, open_file_once);
}

#define CASE .setup = setup, .teardown = teardown, .took = took, .flags = BENCH_NO_INSTRUCTIONS

static const bool apart = true;

const struct bench_case helper_ask_cases[] = {
	{ CASE, .name = "grant-latency", .baseline = "open() and close() of a file",
	  .what = "a handle for two ports, opened by the helper, and closed", .ours = open_ports,
	  .base = open_file },
	{ CASE, .name = "broker-single", .baseline = "bare SEQPACKET ping-pong",
	  .what = "one register, asked of the helper", .ours = single, .base = ping,
	  .limits = { { BENCH_RATIO, 1.5 } } },
	{ CASE, .name = "broker-single-message", .baseline = "bare SEQPACKET ping-pong",
	  .what = "one register, by a message where there is no ring", .ours = bare_single,
	  .base = ping, .limits = { { BENCH_RATIO, 1.5 } } },
	{ CASE, .name = "broker-single-apart", .baseline = "the same ping-pong",
	  .what = "one register, asked of the helper on another processor", .ours = single,
	  .base = ping, .arg = &apart },
	{ CASE, .name = "broker-message-apart", .baseline = "the same ping-pong",
	  .what = "one register, by a message to another processor", .ours = bare_single,
	  .base = ping, .arg = &apart },
	{ CASE, .name = "broker-batch64", .baseline = "broker-single",
	  .what = "64 registers in one request, each", .ours = batch, .base = single,
	  .ours_ops = STEPS, .base_ops = 1, .limits = { { BENCH_RATIO, 0.05 } } },
	{ CASE, .name = "broker-ring-batch", .baseline = "the same by messages",
	  .what = "64 registers in one request, by shared memory", .ours = batch,
	  .base = bare_batch, .ours_ops = STEPS, .limits = { { BENCH_RATIO, 1.0 } } },
	{ 0 },
};
