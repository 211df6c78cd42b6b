/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the launcher's way costs: a ring that it has locked, against one of the program's own, and
 * the start of a program. The locked ring is made by the helper's own code, in this process: under
 * the launcher itself there could be no other ring to compare it with.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/run.h"
#include "shim/why-internal.h"
#include "tests/bench/helper.h"

extern char **environ;

enum { BLOCK = 4096, DEPTH = 32, BLOCKS = 1024 };

struct side {
	struct hws_ring *ring;
	struct hws_buf bufs[DEPTH];
	int file;
};

struct bench {
	char path[64];
	struct run run;
	struct hws *hw;
	struct side locked;
	struct side own;
	uint32_t block;
	char folder[64]; /* of the policy, for what is started */
};

enum result run_refuse(enum result result, const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	why(-EPERM, "%s", line);
	return result;
}

void run_say(const struct run *run, const char *format, ...)
{
	(void)run, (void)format;
}

enum result run_result(int code)
{
	(void)code;
	return RESULT_FAILURE;
}

static int make_file(char path[64])
{
	static const char block[BLOCK];
	int fd;

	strcpy(path, "/var/tmp/hwsafe-bench-XXXXXX");
	fd = mkstemp(path);
	for (int i = 0; fd >= 0 && i < BLOCKS; i++)
		if (write(fd, block, sizeof(block)) != sizeof(block))
			return why(-EIO, "/var/tmp has no room for a file");
	if (fd < 0 || fsync(fd) < 0)
		return why(-errno, "no file can be made in /var/tmp");
	close(fd);
	return 0;
}

static int load_policy(struct run *run, const char *path)
{
	const struct hws_principal who = { .uid = geteuid(), .gid = getegid() };
	int size = asprintf(&run->text, "[bench]\nring = %s read, buffers 1M\n", path);
	int r;

	if (size < 0)
		return why(-ENOMEM, "no memory");
	run->profile = "bench";
	run->uid = geteuid();
	run->text_size = (size_t)size + 1;
	r = hws_policy_parse(NULL, "bench", run->text, (size_t)size, &run->policy);
	return r < 0 ? r : hws_policy_view_open(run->policy, &who, &run->view);
}

/* As the launcher does it, up to the exec. */
static int make_grant(struct bench *bench)
{
	struct run *run = &bench->run;
	char number[16];
	int r = load_policy(run, bench->path);

	if (r < 0)
		return r;
	if (run_make_rings(run) != RESULT_OK || run_describe(run) != RESULT_OK)
		return -EPERM;
	/* so it comes out of an exec: descriptors stay, memory does not */
	if (fcntl(run->rings[0].fd, F_SETFD, 0) < 0 ||
	    fcntl(run->rings[0].arena_fd, F_SETFD, 0) < 0 ||
	    munmap((void *)(uintptr_t)run->rings[0].arena, (size_t)run->rings[0].size) < 0)
		return why(-errno, "the ring is gone");
	snprintf(number, sizeof(number), "%d", run->description);
	setenv(HWS_GRANTS_NAME, number, 1);
	r = hws_open(NULL, &bench->hw);
	unsetenv(HWS_GRANTS_NAME);
	return r;
}

static int open_rings(struct bench *bench)
{
	const struct hws_pool_options pool = { .size = sizeof(pool),
					       .classes = { { BLOCK, DEPTH } },
					       .flags = HWS_POOL_PREFAULT };
	struct hws_ring_options options = { .pool_options = &pool };
	int fd = open(bench->path, O_RDONLY | O_CLOEXEC);
	int r = hws_ring_adopt(bench->hw, bench->path, &options, &bench->locked.ring);

	bench->locked.file = HWS_FILE(0);
	options.depth = DEPTH;
	r = r < 0 ? r : hws_ring_open(NULL, &options, &bench->own.ring);
	if (r == 0)
		r = fd < 0 ? -errno : hws_file_add(bench->own.ring, fd, &bench->own.file);
	if (fd >= 0)
		close(fd);
	return r;
}

static int take_bufs(struct side *side)
{
	int r = 0;

	for (int i = 0; r == 0 && i < DEPTH; i++)
		r = hws_buf_take(hws_ring_pool(side->ring), BLOCK, &side->bufs[i]);
	return r;
}

static void end_rings(void *context)
{
	struct bench *bench = context;

	hws_ring_close(bench->locked.ring, HWS_FOREVER);
	hws_ring_close(bench->own.ring, HWS_FOREVER);
	hws_close(bench->hw);
	hws_policy_view_unref(bench->run.view);
	hws_policy_unref(bench->run.policy);
	free(bench->run.text);
	unlink(bench->path);
	free(bench);
}

static int set_up_rings(const struct bench_case *of, void **ret_context)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int r = bench ? make_file(bench->path) : -ENOMEM;

	(void)of;
	if (!bench)
		return r;
	r = r < 0 ? r : make_grant(bench);
	r = r < 0 ? r : open_rings(bench);
	r = r < 0 ? r : take_bufs(&bench->locked);
	r = r < 0 ? r : take_bufs(&bench->own);
	if (r < 0)
		end_rings(bench);
	else
		*ret_context = bench;
	return r;
}

static uint64_t place(struct bench *bench)
{
	bench->block = (bench->block * 5 + 1) % BLOCKS;
	return (uint64_t)bench->block * BLOCK;
}

static int read_side(struct bench *bench, struct side *side, uint64_t n)
{
	struct hws_done done[DEPTH];
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		for (uint32_t i = 0; i < DEPTH && r == 0; i++)
			r = hws_read(side->ring, side->file, side->bufs[i], place(bench), BLOCK, i);
		if (r == 0 && hws_wait_many(side->ring, done, DEPTH, DEPTH, HWS_FOREVER) != DEPTH)
			r = -EIO;
		for (uint32_t i = 0; i < DEPTH && r == 0; i++) {
			side->bufs[done[i].tag] = done[i].buf;
			r = done[i].result == BLOCK ? 0 : -EIO;
		}
	}
	return r;
}

static int read_locked(void *context, uint64_t n)
{
	struct bench *bench = context;

	return read_side(bench, &bench->locked, n);
}

static int read_own(void *context, uint64_t n)
{
	struct bench *bench = context;

	return read_side(bench, &bench->own, n);
}

static int start(char *const *words, uint64_t n)
{
	int status = 0;
	int r = 0;

	for (pid_t pid; n && r == 0; n = bench_next(n)) {
		r = -posix_spawn(&pid, words[0], NULL, NULL, words, environ);
		if (r == 0 && (waitpid(pid, &status, 0) != pid || status != 0))
			r = why(-EIO, "%s ended with %d", words[0], status);
	}
	return r;
}

static int start_launched(void *context, uint64_t n)
{
	struct bench *bench = context;
	char *words[] = { HELPER, "run",    "--policy", bench->folder, "-p", "bench",
			  "-u",	  "daemon", "--",	"/bin/true",   NULL };

	return start(words, n);
}

static int start_bare(void *context, uint64_t n)
{
	char *words[] = { "/bin/true", NULL };

	(void)context;
	return start(words, n);
}

static void end_start(void *context)
{
	struct bench *bench = context;
	char file[96];

	snprintf(file, sizeof(file), "%s/bench.conf", bench->folder);
	unlink(file);
	rmdir(bench->folder);
	unlink(bench->path);
	free(bench);
}

static int set_up_start(const struct bench_case *of, void **ret_context)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	char path[96];
	FILE *file = NULL;

	(void)of;
	if (!bench)
		return -ENOMEM;
	strcpy(bench->folder, "/tmp/hwsafe-bench-XXXXXX");
	if (geteuid() != 0 || make_file(bench->path) < 0 || !mkdtemp(bench->folder)) {
		free(bench);
		return why(-EPERM, "the launcher is to be started by root");
	}
	snprintf(path, sizeof(path), "%s/bench.conf", bench->folder);
	file = fopen(path, "we");
	if (!file) {
		end_start(bench);
		return why(-EIO, "no policy for the launcher");
	}
	fprintf(file, "[bench]\nuser = daemon\nring = %s read, buffers 1M\n", bench->path);
	fclose(file);
	*ret_context = bench;
	return 0;
}

const struct bench_case helper_run_cases[] = {
	{ .name = "restricted-ring",
	  .baseline = "own ring, read-fixed-4k-qd32",
	  .what = "4 KiB of the page cache, 32 at a time, through a ring that the launcher locked",
	  .setup = set_up_rings,
	  .teardown = end_rings,
	  .ours = read_locked,
	  .base = read_own,
	  .ours_ops = DEPTH,
	  .flags = BENCH_NO_INSTRUCTIONS,
	  .limits = { { BENCH_RATIO, 1.05 } } },
	{ .name = "launcher-start",
	  .baseline = "posix_spawn of the same program",
	  .what = "a program started with a ring, without any right of its own",
	  .setup = set_up_start,
	  .teardown = end_start,
	  .ours = start_launched,
	  .base = start_bare,
	  .flags = BENCH_NO_INSTRUCTIONS },
	{ 0 },
};
