/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What it costs to ask the helper. The hardware is simulated: only the way there is measured. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "shim/wire-internal.h"
#include "shim/why-internal.h"
#include "tests/bench/helper.h"

enum { STEPS = 64, TRIES = 500, PING = 64 };

struct bench {
	char folder[64];
	pid_t helper;
	pid_t echo;
	int pair[2];
	struct hws *hw;
	struct hws_msr *msr;
	struct hws_step steps[STEPS];
};

static const char policy[] = "[bench]\nuser = 0\nmsr = 0x199 rw\n";

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

static int start_helper(struct bench *bench)
{
	char directory[96];
	char file[128];
	char socket[96];
	FILE *out;

	snprintf(bench->folder, sizeof(bench->folder), "/tmp/hwsafe-bench-XXXXXX");
	if (!mkdtemp(bench->folder))
		return why(-errno, "no folder for the helper");
	snprintf(directory, sizeof(directory), "%s/policy.d", bench->folder);
	snprintf(file, sizeof(file), "%s/bench.conf", directory);
	snprintf(socket, sizeof(socket), "%s/socket", bench->folder);
	if (mkdir(directory, 0755) < 0 || !(out = fopen(file, "w")))
		return why(-errno, "no policy for the helper");
	fputs(policy, out);
	fclose(out);
	chmod(file, 0644);
	bench->helper = fork();
	if (bench->helper == 0) {
		execl(HELPER, HELPER, "serve", "--backend", "sim", "--socket", socket, "--policy",
		      directory, "--rate", "0", NULL);
		_exit(127);
	}
	return bench->helper < 0 ? -errno : 0;
}

static int ask_helper(struct bench *bench)
{
	struct hws_options options = { .size = sizeof(options) };
	char socket[96];
	int r = -ENODEV;

	snprintf(socket, sizeof(socket), "%s/socket", bench->folder);
	options.socket = socket;
	for (int guard = 0; guard < HWS_GUARDS; guard++)
		options.guards[guard] = (struct hws_guard_limit) { .handle = UINT64_C(1) << 60,
								   .context = UINT64_C(1) << 60 };
	for (int tries = 0; r < 0 && tries < TRIES; tries++) {
		r = hws_open(&options, &bench->hw);
		if (r < 0)
			usleep(10000);
	}
	if (r == 0)
		r = hws_msr_open(bench->hw, "0", 0x199, 0x199, HWS_RW, &bench->msr);
	for (int i = 0; r == 0 && i < STEPS; i++)
		bench->steps[i] = hws_step_read(hws_in_msr(bench->msr, 0, 0x199));
	return r;
}

static void end(pid_t pid, int signal)
{
	if (pid <= 0)
		return;
	kill(pid, signal);
	waitpid(pid, NULL, 0);
}

static void teardown(void *context)
{
	struct bench *bench = context;
	char command[96];

	hws_msr_close(bench->msr);
	hws_close(bench->hw);
	end(bench->helper, SIGTERM);
	end(bench->echo, SIGKILL);
	close(bench->pair[0]);
	close(bench->pair[1]);
	snprintf(command, sizeof(command), "rm -rf '%s'", bench->folder);
	if (bench->folder[0] && system(command) != 0)
		fprintf(stderr, "bench: %s stays\n", bench->folder);
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
	r = geteuid() == 0 ? start_echo(bench) : why(-EPERM, "the helper is to be started by root");
	r = r < 0 ? r : start_helper(bench);
	r = r < 0 ? r : ask_helper(bench);
	if (r < 0)
		teardown(bench);
	else
		*ret_context = bench;
	return r;
}

static int single(void *context, uint64_t n)
{
	struct bench *bench = context;
	uint64_t value;
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = hws_msr_read(bench->msr, 0, 0x199, &value);
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

static const struct bench_case cases[] = {
	{ .name = "broker-single",
	  .baseline = "bare SEQPACKET ping-pong",
	  .what = "one register, asked of the helper",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = single,
	  .base = ping,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  .limits = { { BENCH_RATIO, 1.5 } } },
	{ .name = "broker-batch64",
	  .baseline = "broker-single",
	  .what = "64 registers in one request, each",
	  .setup = setup,
	  .teardown = teardown,
	  .ours = batch,
	  .base = single,
	  .ours_ops = STEPS,
	  .base_ops = 1,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  .limits = { { BENCH_RATIO, 0.05 } } },
	{ 0 },
};

int main(int argc, char **argv)
{
	static const struct bench_case *const parts[] = { cases, helper_run_cases, NULL };

	return bench_main_parts("helper", parts, argc, argv);
}
