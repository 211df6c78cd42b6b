/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A helper on the simulated machine; its clients come, ask, and go, some in the middle of it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/soak/soak.h"

enum { READS = 200, KILLED_EACH = 8, RELOADED_EACH = 16, PATIENCE_MS = 10000 };

static char socket_path[96];

static _Noreturn void become_helper(const struct soak *soak)
{
	char policy[96];
	char journals[96];
	char audit[96];
	const char *words[] = { HELPER,	      "serve",	  "--socket",
				socket_path,  "--policy", policy,
				"--audit",    audit,	  "--backend",
				"sim",	      "--rate",	  "0",
				"--journals", journals,	  geteuid() ? "--soft" : NULL,
				NULL };

	snprintf(policy, sizeof(policy), "%s/helper.d", soak->folder);
	snprintf(journals, sizeof(journals), "%s/journals", soak->folder);
	snprintf(audit, sizeof(audit), "%s/helper-audit", soak->folder);
	execv(HELPER, (char *const *)words);
	_exit(127);
}

static bool listens(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool does;

	strcpy(address.sun_path, socket_path);
	does = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return does;
}

int soak_clients_begin(struct soak *soak)
{
	int r = soak_write(soak, "helper.d/soak.conf", "[soak]\nbar = 1234:11e8 0 rw, width 4\n");
	pid_t pid;

	if (r < 0)
		return r;
	snprintf(socket_path, sizeof(socket_path), "%s/socket", soak->folder);
	pid = fork();
	if (pid == 0)
		become_helper(soak);
	soak->helper = pid;
	for (int waited = 0; waited < PATIENCE_MS / 10; waited++) {
		if (listens())
			return 0;
		usleep(10000);
	}
	return -ETIMEDOUT;
}

void soak_clients_end(struct soak *soak)
{
	if (soak->helper <= 0)
		return;
	kill(soak->helper, SIGTERM);
	waitpid(soak->helper, NULL, 0);
}

static _Noreturn void be_client(struct soak_counts *counts)
{
	struct hws_options options = { .size = sizeof(options), .socket = socket_path };
	struct hws_mmio *edu;
	struct hws *hw;
	uint32_t value;

	if (!soak_good(counts, "client: hws_open", hws_open(&options, &hw)))
		_exit(1);
	if (!soak_good(counts, "client: hws_mmio_map",
		       hws_mmio_map(hw, "0000:00:03.0", 0, 0, 0x100, HWS_RW, &edu)))
		_exit(1);
	for (int i = 0; i < READS; i++)
		if (soak_good(counts, "client: hws_mmio_read32", hws_mmio_read32(edu, 0, &value)))
			counts->done++;
	hws_mmio_unmap(edu);
	hws_close(hw);
	_exit(0);
}

/* Runs in a process of its own, without threads: it forks. */
void soak_client(struct soak *soak, struct soak_counts *counts, uint64_t *seed)
{
	bool killed = soak_dice(seed) % KILLED_EACH == 0;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		be_client(counts);
	if (pid < 0) {
		soak_good(counts, "fork", -errno);
		return;
	}
	if (killed) {
		usleep(soak_dice(seed) % 20000);
		kill(pid, SIGKILL);
	}
	if (soak_dice(seed) % RELOADED_EACH == 0)
		kill(soak->helper, SIGHUP);
	waitpid(pid, &status, 0);
	if (status && !(killed && WIFSIGNALED(status)))
		soak_good(counts, "a client's end", -ECHILD);
	else if (status)
		counts->refused++;
}
