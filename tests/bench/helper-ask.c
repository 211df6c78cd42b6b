/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What it costs to ask the helper. The hardware is simulated: only the way there is measured. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/why-internal.h"
#include "tests/bench/helper.h"

enum { STEPS = 64, PING = 64 };

struct bench {
	struct bench_helper rings; /* gives its clients rings … */
	struct bench_helper bare;  /* … and this one none: all goes by messages */
	pid_t echo;
	int pair[2];
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

static void teardown(void *context)
{
	struct bench *bench = context;

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

	(void)of;
	if (!bench)
		return why(-ENOMEM, "no memory");
	bench->pair[0] = bench->pair[1] = -1;
	r = start_echo(bench);
	r = r < 0 ? r : bench_helper_start(&bench->rings, NULL, NULL);
	r = r < 0 ? r : bench_helper_start(&bench->bare, "--rings", "0");
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

static int single(void *context, uint64_t n)
{
	const struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = bench_helper_single(&bench->rings);
	return r;
}

static int bare_single(void *context, uint64_t n)
{
	const struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = bench_helper_single(&bench->bare);
	return r;
}

static int batch(void *context, uint64_t n)
{
	struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = hws_batch_run(bench->steps, STEPS, 0);
	return r;
}

static int bare_batch(void *context, uint64_t n)
{
	struct bench *bench = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = hws_batch_run(bench->bare_steps, STEPS, 0);
	return r;
}

static int ping(void *context, uint64_t n)
{
	const struct bench *bench = context;
	char message[PING] = { 0 };

	for (; n; n = bench_next(n))
		if (send(bench->pair[0], message, sizeof(message), MSG_NOSIGNAL) < 0 ||
		    recv(bench->pair[0], message, sizeof(message), 0) < 0)
			return -errno;
	return 0;
}

static int open_ports(void *context, uint64_t n)
{
	const struct bench *bench = context;
	struct hws_port *port;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		r = hws_port_open(bench->rings.hw, 0x70, 2, HWS_RW, &port);
		if (r == 0)
			hws_port_close(port);
	}
	return r;
}

static int open_file(void *context, uint64_t n)
{
	(void)context;
	for (; n; n = bench_next(n)) {
		int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		close(fd);
	}
	return 0;
}

#define CASE .setup = setup, .teardown = teardown, .flags = BENCH_NO_INSTRUCTIONS

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
	{ CASE, .name = "broker-batch64", .baseline = "broker-single",
	  .what = "64 registers in one request, each", .ours = batch, .base = single,
	  .ours_ops = STEPS, .base_ops = 1, .limits = { { BENCH_RATIO, 0.05 } } },
	{ CASE, .name = "broker-ring-batch", .baseline = "the same by messages",
	  .what = "64 registers in one request, by shared memory", .ours = batch,
	  .base = bare_batch, .ours_ops = STEPS, .limits = { { BENCH_RATIO, 1.0 } } },
	{ 0 },
};
