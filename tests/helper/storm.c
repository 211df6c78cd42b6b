/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/storm.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/hostile.h"
#include "tests/helper/ring-kit.h"

enum { MANY = 64, ROOM = 16, SECONDS = 20 };

struct enemy {
	struct daemon daemon; /* its socket */
	uint64_t seed;
};

static int comes(const struct enemy *enemy)
{
	return sys_close(bare_connect(&enemy->daemon));
}

/* @size bytes, and a look at the answer, which is the end. */
static int sends(const struct enemy *enemy, const void *bytes, size_t size, bool waits)
{
	HWS_CLEANUP_FD int fd = bare_connect(&enemy->daemon);
	unsigned char answer[256];
	int none;

	if (fd >= 0 && sys_send_message(fd, bytes, size) > 0 && waits &&
	    sys_receive_message(fd, answer, sizeof(answer), &none) > 0)
		sys_close(none);
	return 0;
}

static int sends_garbage(const struct enemy *enemy)
{
	unsigned char bytes[64];

	memset(bytes, 0xa5, sizeof(bytes));
	return sends(enemy, bytes, sizeof(bytes), true);
}

static int sends_and_runs(const struct enemy *enemy)
{
	unsigned char bytes[64];

	memset(bytes, 0x5a, sizeof(bytes));
	return sends(enemy, bytes, sizeof(bytes), false);
}

static int sends_half(const struct enemy *enemy)
{
	union wire_request request;

	return sends(enemy, &request, make_good(&request, 1) / 2, true);
}

static int holds(const struct enemy *enemy)
{
	int fds[MANY];

	for (int i = 0; i < MANY; i++)
		fds[i] = bare_connect(&enemy->daemon);
	for (int i = 0; i < MANY; i++)
		sys_close(fds[i]);
	return 0;
}

static int asks(const struct enemy *enemy)
{
	HWS_CLEANUP_FD int fd = bare_hello(&enemy->daemon);
	union wire_request request;
	union wire_reply reply;

	make_good(&request, 1);
	while (fd >= 0 && bare_ask(fd, &request, &reply) != -EIO)
		;
	return 0;
}

/* So many answers; false: it was dropped. */
static bool read_answers(int fd, int count)
{
	union wire_reply reply;
	int none;

	while (count > 0 && sys_receive_message(fd, &reply, sizeof(reply), &none) > 0)
		count--;
	return count == 0;
}

static int asks_ahead(const struct enemy *enemy)
{
	HWS_CLEANUP_FD int fd = bare_hello(&enemy->daemon);
	union wire_request request;
	size_t size = make_good(&request, 1);
	int sent = 1;

	while (fd >= 0 && sent > 0) {
		for (sent = 0; sent < ROOM && sys_send(fd, &request, size) > 0;)
			sent++;
		if (!read_answers(fd, sent))
			break;
	}
	return 0;
}

static int asks_by_ring(const struct enemy *enemy)
{
	HWS_CLEANUP_FD int fd = bare_hello(&enemy->daemon);
	union wire_request request;
	struct bare_ring ring;

	if (fd < 0 || bare_ring_open(fd, &ring) < 0)
		return 0;
	make_good(&request, 1);
	do {
		for (int i = 0; i < HWS_WIRE_SLOTS; i++)
			bare_ring_put(&ring, &request);
		bare_ring_kick(&ring);
	} while (bare_ring_wait(&ring, fd, ring.asked));
	bare_ring_close(&ring);
	return 0;
}

static int never_reads(const struct enemy *enemy)
{
	HWS_CLEANUP_FD int fd = bare_hello(&enemy->daemon);
	union wire_request request;
	size_t size = make_good(&request, 1);

	while (fd >= 0 && sys_send_message(fd, &request, size) > 0)
		;
	return 0;
}

static int spins(const struct enemy *enemy)
{
	HWS_CLEANUP_FD int fd = bare_hello(&enemy->daemon);
	union wire_request request;
	size_t size = make_good(&request, 1);
	ssize_t r = fd;

	while (r >= 0 || r == -EAGAIN)
		r = sys_send(fd, &request, size);
	return 0;
}

static int burns(const struct enemy *enemy)
{
	(void)enemy;
	for (uint32_t i = 0; i < UINT32_MAX; i++)
		__asm__ volatile("");
	return 0;
}

static int does_anything(const struct enemy *enemy)
{
	return hostile_run(enemy->daemon.socket, enemy->seed, UINT64_MAX);
}

static int (*const ways[])(const struct enemy *enemy) = {
	[STORM_ANYTHING] = does_anything,
	[STORM_COMES] = comes,
	[STORM_GARBAGE] = sends_garbage,
	[STORM_RUNS] = sends_and_runs,
	[STORM_HALF] = sends_half,
	[STORM_HOLDS] = holds,
	[STORM_ASKS] = asks,
	[STORM_AHEAD] = asks_ahead,
	[STORM_RING] = asks_by_ring,
	[STORM_DEAF] = never_reads,
	[STORM_SPINS] = spins,
	[STORM_BURNS] = burns,
};

static _Noreturn void rage(enum storm what, const struct enemy *enemy, uid_t user)
{
	/* none outlives a test that fails */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 ||
	    setresuid(user, user, user) < 0)
		_exit(1);
	for (;;)
		(void)ways[what](enemy);
}

pid_t storm_begin(enum storm what, const char *socket, uid_t user, uint64_t seed)
{
	struct enemy enemy = { .seed = seed };
	pid_t pid;

	snprintf(enemy.daemon.socket, sizeof(enemy.daemon.socket), "%s", socket);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		rage(what, &enemy, user);
	}
	return pid < 0 ? -errno : pid;
}

void storm_tell(const pid_t pids[STORM_MOST], int signal)
{
	for (int i = 0; i < STORM_MOST && pids[i] > 0; i++)
		kill(pids[i], signal);
}

void storm_end(const pid_t pids[STORM_MOST])
{
	storm_tell(pids, SIGKILL);
	for (int i = 0; i < STORM_MOST && pids[i] > 0; i++)
		waitpid(pids[i], NULL, 0);
}
