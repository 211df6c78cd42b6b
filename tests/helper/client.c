/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/client.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct hws_done finish(struct hws_ring *ring)
{
	struct hws_done done;

	CHECK(hws_wait(ring, &done, 1, HWS_FOREVER) == 1);
	return done;
}

static void fill(struct hws_ring *ring, struct hws_buf buf, int byte)
{
	HWS_VIEW(view);

	CHECK(hws_view_open(hws_ring_pool(ring), buf, HWS_RW, &view) == 0);
	memset(view.bytes, byte, view.size);
}

static bool is_full_of(struct hws_ring *ring, struct hws_buf buf, unsigned char byte)
{
	bool same = true;
	HWS_VIEW(view);

	CHECK(hws_view_open(hws_ring_pool(ring), buf, HWS_R, &view) == 0);
	for (size_t i = 0; i < CLIENT_BLOCK; i++)
		same &= ((const unsigned char *)view.bytes)[i] == byte;
	return same;
}

static struct hws_buf take(struct hws_ring *ring)
{
	struct hws_buf buf;

	CHECK(hws_buf_take(hws_ring_pool(ring), CLIENT_BLOCK, &buf) == 0);
	return buf;
}

static void read_all(struct hws_ring *ring)
{
	for (unsigned int i = 0; i < CLIENT_BLOCKS; i++) {
		struct hws_buf buf = take(ring);

		CHECK(hws_read(ring, HWS_FILE(0), buf, i * CLIENT_BLOCK, CLIENT_BLOCK, i) == 0);
	}
	for (unsigned int i = 0; i < CLIENT_BLOCKS; i++) {
		struct hws_done done = finish(ring);

		CHECK(done.result == CLIENT_BLOCK);
		CHECK(is_full_of(ring, done.buf, CLIENT_BYTE(done.tag)));
		CHECK(hws_buf_give(hws_ring_pool(ring), done.buf) == 0);
	}
}

/* What is about no file works as well. */
static void idle(struct hws_ring *ring)
{
	struct hws_request never = { .kind = HWS_OP_TIMEOUT, .offset = UINT64_MAX / 2 };
	struct hws_request soon = { .kind = HWS_OP_TIMEOUT, .offset = 1 };
	struct hws_op op;

	CHECK(hws_nop(ring, 1) == 0 && finish(ring).result == 0);
	CHECK(hws_queue(ring, &soon, NULL) == 0 && finish(ring).result == -ETIME);
	CHECK(hws_queue(ring, &(struct hws_request) { .flags = HWS_AFTER }, NULL) == 0);
	CHECK(finish(ring).result == 0);
	CHECK(hws_queue(ring, &never, &op) == 0 && hws_op_cancel(ring, op) == 0);
	CHECK(finish(ring).result == -ECANCELED);
}

static void is_refused(struct hws_ring *ring, struct hws_request request)
{
	struct hws_done done;

	if (request.kind != HWS_OP_CLOSE && request.kind != HWS_OP_OPENAT)
		request.buf = take(ring);
	request.length = CLIENT_BLOCK;
	CHECK(hws_queue(ring, &request, NULL) == 0);
	done = finish(ring);
	CHECK(done.result == -EACCES);
	if (done.buf.generation)
		CHECK(hws_buf_give(hws_ring_pool(ring), done.buf) == 0);
}

static void try_others(struct hws_ring *ring, bool writes)
{
	int place;

	if (!writes)
		is_refused(ring, (struct hws_request) { .kind = HWS_OP_WRITE, .fd = HWS_FILE(0) });
	is_refused(ring, (struct hws_request) { .kind = HWS_OP_READ, .fd = STDIN_FILENO });
	is_refused(ring, (struct hws_request) { .kind = HWS_OP_RECV, .fd = HWS_FILE(0) });
	is_refused(ring, (struct hws_request) { .kind = HWS_OP_CLOSE, .fd = HWS_FILE(0) });
	is_refused(ring, (struct hws_request) {
				 .kind = HWS_OP_OPENAT, .fd = AT_FDCWD, .data = "/etc/passwd" });
	CHECK(hws_file_add(ring, STDIN_FILENO, &place) == -ENFILE);
	CHECK(hws_file_remove(ring, HWS_FILE(0)) == -EACCES);
}

/* ring PATH r|rw: the library as any program uses it, on a file that can't be opened. */
static void client_ring(char **arguments)
{
	bool writes = !strcmp(arguments[1], "rw");
	struct hws *hw = client_open("grants");
	struct hws_ring_info info;
	struct hws_ring_stats stats;
	struct hws_ring *ring;
	struct hws_ring *again;

	CHECK(open(arguments[0], O_RDONLY) < 0 && errno == EACCES);
	CHECK(hws_ring_adopt(hw, "/etc/shadow", NULL, &ring) == -EACCES);
	CHECK(strstr(hws_why(), "ring") != NULL);
	CHECK(hws_ring_adopt(hw, arguments[0], NULL, &ring) == 0);
	CHECK(hws_ring_adopt(hw, arguments[0], NULL, &again) == -EBUSY);
	hws_ring_get_info(ring, &info);
	CHECK(info.registered && info.files == 1 && !strcmp(info.backend, "uring"));
	read_all(ring);
	idle(ring);
	try_others(ring, writes);
	if (writes) {
		struct hws_buf buf = take(ring);

		fill(ring, buf, 'w');
		CHECK(hws_write(ring, HWS_FILE(0), buf, 0, CLIENT_BLOCK, 0) == 0);
		CHECK(finish(ring).result == CLIENT_BLOCK);
	}
	hws_ring_get_stats(ring, &stats);
	CHECK(stats.submitted == stats.delivered && !stats.lost && !stats.unknown);
	CHECK(hws_ring_close(ring, HWS_FOREVER) == 0);
	CHECK(hws_ring_adopt(hw, arguments[0], NULL, &ring) == -EBADF);
	hws_close(hw);
}

/* disk WAY r|rw: the lab's. */
static void client_disk(char **arguments)
{
	char *of_ring[] = { CLIENT_DISK, arguments[1] };

	client_ring(of_ring);
}

/* pool PATH: other buffers than the usual, as far as they fit. */
static void client_pool(char **arguments)
{
	struct hws_pool_options pool = { .size = sizeof(pool), .guard = HWS_POOL_GUARD_PAGES };
	struct hws_ring_options options = { .size = sizeof(options), .pool_options = &pool };
	struct hws *hw = client_open("grants");
	struct hws_ring *ring;

	pool.classes[0] = (struct hws_pool_class) { .size = 1 << 20, .count = 2 };
	CHECK(hws_ring_adopt(hw, arguments[0], &options, &ring) == -EINVAL);
	pool.classes[0] = (struct hws_pool_class) { .size = 8192, .count = 8 };
	pool.classes[1] = (struct hws_pool_class) { .size = 4096, .count = 64 };
	CHECK(hws_ring_adopt(hw, arguments[0], &options, &ring) == 0);
	read_all(ring);
	CHECK(hws_ring_close(ring, HWS_FOREVER) == 0);
	hws_close(hw);
}

void client_status(const char *field, const char *value)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, strlen(field)) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line + strlen(field), value) != 0)
			fprintf(stderr, "%s, expected %s\n", line, value);
		CHECK(!strcmp(line + strlen(field), value));
	}
	fclose(file);
}

void client_has_nothing(void)
{
	CHECK(getuid() && geteuid());
	client_status("CapPrm:\t", "0000000000000000");
	client_status("CapEff:\t", "0000000000000000");
}

/* state FDS: nothing is left of who started it, and of what that one could do. */
static void client_state(char **arguments)
{
	static const char *const empty[] = { "CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapBnd:\t",
					     "CapAmb:\t", "SigBlk:\t", "SigIgn:\t" };
	static const char *const known[] = { "PATH=",	       "HOME=", "USER=",
					     "HWSAFE_GRANTS=", "TERM=", "LANG=" };
	struct io_uring_params params = { .flags = 0 };
	DIR *fds = opendir("/proc/self/fd");
	int count = 0;

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		client_status(empty[i], "0000000000000000");
	client_status("NoNewPrivs:\t", "1");
	client_status("Seccomp:\t", "2");
	CHECK(syscall(SYS_io_uring_setup, 4, &params) < 0 && errno == EPERM);
	CHECK(prctl(PR_GET_SECUREBITS) & 1 && setuid(0) < 0 && setgid(0) < 0);
	for (char **line = environ; *line; line++) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= !strncmp(*line, known[i], strlen(known[i]));
		CHECK(found);
	}
	while (readdir(fds))
		count++;
	closedir(fds);
	CHECK(count - 3 == atoi(arguments[0])); /* without ".", ".." and the directory's own */
}

/* gone FD: a program that a client started: the ring is not its. */
static void client_gone(char **arguments)
{
	CHECK(fcntl(atoi(arguments[0]), F_GETFD) < 0 && errno == EBADF);
	_exit(0);
}

/* heirs PATH: what a client forks and what it starts has no ring. */
static void client_heirs(char **arguments)
{
	struct hws *hw = client_open("grants");
	struct hws_ring *ring;
	char self[4096] = "";
	char number[16];
	int status;

	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	CHECK(hws_ring_adopt(hw, arguments[0], NULL, &ring) == 0);
	snprintf(number, sizeof(number), "%d", client_grant().fd);
	CHECK(hws_ring_fd(ring) < 0);
	if (fork() == 0) {
		CHECK(hws_nop(ring, 0) == -ECHILD);
		execl(self, self, "client", "gone", number, NULL);
		_exit(1);
	}
	CHECK(wait(&status) > 0 && status == 0);
	read_all(ring);
	CHECK(hws_ring_close(ring, HWS_FOREVER) == 0);
	hws_close(hw);
}

/* orphan PATH PARENT: who had this one launched is gone before anything is read. */
static void client_orphan(char **arguments)
{
	struct hws *hw = client_open("grants");
	struct hws_ring *ring;

	while (getppid() == atoi(arguments[1]))
		usleep(1000);
	CHECK(hws_ring_adopt(hw, arguments[0], NULL, &ring) == 0);
	read_all(ring);
	CHECK(hws_ring_close(ring, HWS_FOREVER) == 0);
	hws_close(hw);
}

/* none: without a grant of anything: the policy refuses, and the kernel too. */
static void client_none(char **arguments)
{
	struct hws *hw = client_open("grants");
	struct hws_ring *ring;
	struct hws_port *port;

	CHECK(hws_ring_adopt(hw, arguments[0], NULL, &ring) == -EACCES);
	CHECK(hws_port_open(hw, 0x70, 2, HWS_RW, &port) == -EACCES);
	CHECK(hws_reload(hw) == 0);
	CHECK(hws_port_open(hw, 0x70, 2, HWS_RW, &port) == -EACCES);
	hws_close(hw);
}

const char *client_secret(void)
{
	static char path[64];
	unsigned char block[CLIENT_BLOCK];
	int fd;

	strcpy(path, "/tmp/hwsafe-secret-XXXXXX");
	fd = mkstemp(path);
	CHECK(fd >= 0);
	for (unsigned int i = 0; i < CLIENT_BLOCKS; i++) {
		memset(block, CLIENT_BYTE(i), sizeof(block));
		CHECK(write(fd, block, sizeof(block)) == sizeof(block));
	}
	close(fd);
	return path;
}

static const struct {
	const char *name;
	void (*run)(char **arguments);
} clients[] = {
	{ "ring", client_ring },	 { "pool", client_pool },
	{ "raw", client_raw },		 { "ops", client_ops },
	{ "state", client_state },	 { "gone", client_gone },
	{ "heirs", client_heirs },	 { "orphan", client_orphan },
	{ "none", client_none },	 { "clock", client_clock },
	{ "msr", client_msr },		 { "edu", client_edu },
	{ "denied", client_denied },	 { "dma", client_dma },
	{ "disk", client_disk },	 { "dma-raw", client_dma_raw },
	{ "dma-hold", client_dma_hold }, { "edu-hold", client_edu_hold },
	{ "ports", client_ports },
};

/* It would be waited for until the test's time is over, and nobody knew where it was. */
static void tell_where(int signal)
{
	void *frames[32];

	(void)signal;
	backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
	_exit(3);
}

int client_main(int argc, char **argv)
{
	if (argc < 3 || strcmp(argv[1], "client") != 0)
		return -1;
	signal(SIGALRM, tell_where);
	alarm(60);
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		if (strcmp(clients[i].name, argv[2]) != 0)
			continue;
		clients[i].run(argv + 3);
		puts("well");
		return 0;
	}
	return 2;
}
