/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/why-internal.h"
#include "tests/bench/helper.h"

enum { TRIES = 500 };

static const char policy[] = "[bench]\nuser = 0\nmsr = 0x199 rw\nport = 0x70-0x71 rw\n"
			     "[flood]\nuser = 41001\nmsr = 0x19c r\n";

static int write_policy(struct bench_helper *helper, char directory[96])
{
	char file[128];
	FILE *out;

	snprintf(helper->folder, sizeof(helper->folder), "/tmp/hwsafe-bench-XXXXXX");
	if (!mkdtemp(helper->folder))
		return why(-errno, "no folder for the helper");
	chmod(helper->folder, 0755);
	snprintf(directory, 96, "%s/policy.d", helper->folder);
	snprintf(file, sizeof(file), "%s/bench.conf", directory);
	snprintf(helper->socket, sizeof(helper->socket), "%s/socket", helper->folder);
	if (mkdir(directory, 0755) < 0 || !(out = fopen(file, "w")))
		return why(-errno, "no policy for the helper");
	fputs(policy, out);
	fclose(out);
	chmod(file, 0644);
	return 0;
}

static int ask(struct bench_helper *helper)
{
	struct hws_options options = { .size = sizeof(options), .socket = helper->socket };
	int r = -ENODEV;

	for (int guard = 0; guard < HWS_GUARDS; guard++)
		options.guards[guard] = (struct hws_guard_limit) { .handle = UINT64_C(1) << 60,
								   .context = UINT64_C(1) << 60 };
	for (int tries = 0; r < 0 && tries < TRIES; tries++) {
		r = hws_open(&options, &helper->hw);
		if (r < 0)
			usleep(10000);
	}
	if (r == 0)
		r = hws_msr_open(helper->hw, "0", 0x199, 0x199, HWS_RW, &helper->msr);
	/* the library has its ring, if it gets one, from the second on */
	for (int i = 0; r == 0 && i < 4; i++)
		r = bench_helper_single(helper);
	chmod(helper->socket, 0666);
	return r;
}

int bench_helper_start(struct bench_helper *helper, const char *option, const char *value)
{
	char directory[96];
	int r;

	if (geteuid() != 0)
		return why(-EPERM, "the helper is to be started by root");
	r = write_policy(helper, directory);
	if (r < 0)
		return r;
	helper->pid = fork();
	if (helper->pid == 0) {
		execl(HELPER, HELPER, "serve", "--backend", "sim", "--socket", helper->socket,
		      "--policy", directory, "--rate", "0", option, value, NULL);
		_exit(127);
	}
	return helper->pid < 0 ? -errno : ask(helper);
}

void bench_helper_stop(struct bench_helper *helper)
{
	char command[96];

	hws_msr_close(helper->msr);
	hws_close(helper->hw);
	if (helper->pid > 0) {
		kill(helper->pid, SIGTERM);
		waitpid(helper->pid, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", helper->folder);
	if (helper->folder[0] && system(command) != 0)
		fprintf(stderr, "bench: %s stays\n", helper->folder);
}

int bench_helper_single(const struct bench_helper *helper)
{
	uint64_t value;

	return hws_msr_read(helper->msr, 0, 0x199, &value);
}
