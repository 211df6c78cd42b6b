/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/uring/rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uring/pool.h"

static const char *wanted(void)
{
	return getenv("HWS_TEST_BACKEND");
}

int rig_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static bool opens(const char *backend)
{
	struct hws_ring *ring;
	struct hws_ring_options options = { .backend = backend, .depth = 2 };
	bool does = hws_ring_open(NULL, &options, &ring) == 0;

	if (does)
		hws_ring_close(ring, 0);
	return does;
}

bool rig_has_wanted(void)
{
	return opens(wanted());
}

bool rig_has_uring(void)
{
	return opens("uring");
}

struct hws_ring *rig_open(const struct hws_ring_options *options)
{
	static const struct hws_pool_options pool = {
		.size = sizeof(pool),
		.classes = { { 4096, 64 }, { 1 << 20, 4 } },
	};
	struct hws_ring_options of = options ? *options : (struct hws_ring_options) { 0 };
	struct hws_ring *ring;

	if (!of.pool && !of.pool_options)
		of.pool_options = &pool;
	if (!of.backend)
		of.backend = wanted();
	ck_assert_msg(hws_ring_open(NULL, &of, &ring) == 0, "%s", hws_why());
	return ring;
}

struct hws_ring *rig_open_polled(void)
{
	return rig_open(&(struct hws_ring_options) { .flags = HWS_RING_POLLED });
}

bool rig_native(const struct hws_ring *ring)
{
	struct hws_ring_info info;

	hws_ring_get_info(ring, &info);
	return strcmp(info.backend, "uring") == 0;
}

void rig_balance(struct hws_ring *ring)
{
	struct hws_ring_stats of;

	hws_ring_get_stats(ring, &of);
	ck_assert_msg(of.submitted == of.delivered + of.reclaimed + of.lost + of.in_flight,
		      "%llu submitted, %llu delivered, %llu reclaimed, %llu lost, %llu in flight",
		      (unsigned long long)of.submitted, (unsigned long long)of.delivered,
		      (unsigned long long)of.reclaimed, (unsigned long long)of.lost,
		      (unsigned long long)of.in_flight);
	ck_assert_uint_le(of.orphans, of.in_flight);
	if (of.in_flight == 0) {
		ck_assert_uint_eq(of.orphan_bytes, 0);
		ck_assert_uint_eq(ring->by_address, 0);
	}
}

void rig_close(struct hws_ring *ring)
{
	struct hws_pool_stats pool = { .size = sizeof(pool) };
	struct hws_ring_stats of;

	rig_balance(ring);
	hws_ring_get_stats(ring, &of);
	ck_assert_uint_eq(of.in_flight, 0);
	ck_assert_uint_eq(of.lost, 0);
	ck_assert_uint_eq(of.unknown, 0);
	ck_ok(hws_pool_read_stats(hws_ring_pool(ring), &pool));
	ck_assert_uint_eq(pool.in_use, 0);
	ck_assert_int_eq(hws_ring_close(ring, rig_after_ms(1000)), 0);
}

void rig_end(struct hws_ring *ring)
{
	uint64_t deadline = rig_after_ms(10000);
	struct hws_done done;

	while (hws_ring_orphans(ring, NULL, 0) > 0) {
		ck_assert_uint_lt(rig_after_ms(0), deadline);
		ck_assert_int_eq(hws_wait(ring, &done, 1, 0), 0);
		usleep(1000);
	}
	rig_close(ring);
}

uint64_t rig_after_ms(uint64_t ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + ms * 1000000u;
}

struct hws_buf rig_buf(struct hws_ring *ring, uint64_t size, int byte)
{
	struct hws_buf buf;
	void *bytes;
	size_t room;

	ck_ok(hws_buf_take(hws_ring_pool(ring), (size_t)size, &buf));
	ck_ok(hws_buf_view(hws_ring_pool(ring), buf, HWS_RW, &bytes, &room));
	memset(bytes, byte, room);
	ck_ok(hws_buf_unview(hws_ring_pool(ring), buf));
	return buf;
}

void rig_fill(struct hws_ring *ring, struct hws_buf buf, const void *from, size_t size)
{
	void *bytes;
	size_t room;

	ck_ok(hws_buf_view(hws_ring_pool(ring), buf, HWS_RW, &bytes, &room));
	ck_assert_uint_le(size, room);
	memcpy(bytes, from, size);
	ck_ok(hws_buf_unview(hws_ring_pool(ring), buf));
}

bool rig_holds(struct hws_ring *ring, struct hws_buf buf, const void *expected, size_t size)
{
	void *bytes;
	size_t room;
	bool same;

	ck_ok(hws_buf_view(hws_ring_pool(ring), buf, HWS_R, &bytes, &room));
	same = size <= room && memcmp(bytes, expected, size) == 0;
	ck_ok(hws_buf_unview(hws_ring_pool(ring), buf));
	return same;
}

void rig_give(struct hws_ring *ring, struct hws_buf buf)
{
	ck_ok(hws_buf_give(hws_ring_pool(ring), buf));
}

struct hws_op rig_hang(struct hws_ring *ring, int ends[2], uint64_t tag)
{
	struct hws_request poll = { .kind = HWS_OP_POLL, .how = POLLIN, .tag = tag };
	struct hws_op op;

	ck_assert_int_eq(pipe(ends), 0);
	poll.fd = ends[0];
	ck_ok(hws_queue(ring, &poll, &op));
	ck_ok(hws_submit(ring));
	return op;
}

void rig_shut(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

struct hws_done rig_one(struct hws_ring *ring)
{
	struct hws_done done;
	int r = hws_wait(ring, &done, 1, rig_after_ms(10000));

	ck_assert_msg(r == 1, "waited for one: %d, %s", r, hws_why());
	return done;
}

struct hws_done rig_do(struct hws_ring *ring, const struct hws_request *request)
{
	int r = hws_queue(ring, request, NULL);

	ck_assert_msg(r == 0, "%s: %s: %s", hws_op_name(request->kind), strerror(-r), hws_why());
	return rig_one(ring);
}

int rig_file(const void *bytes, size_t size, int flags)
{
	/* a disk, if there is one: memory's files know no O_DIRECT */
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/hwsafe-ring-XXXXXX",
		 access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp");
	fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	if (flags) {
		int again = open(path, O_RDWR | flags);

		if (again < 0)
			again = open(path, O_RDWR);
		close(fd);
		fd = again;
	}
	unlink(path);
	return fd;
}

int rig_disk(const void *bytes, size_t size)
{
	int fd = suite_lab_has("nvme") ? open("/dev/nvme0n1", O_RDWR) : -1;
	int direct;

	if (fd < 0)
		return rig_file(bytes, size, O_RDWR | O_DIRECT);
	ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
	ck_assert_int_eq(fsync(fd), 0);
	direct = open("/dev/nvme0n1", O_RDWR | O_DIRECT);
	ck_assert_int_ge(direct, 0);
	close(fd);
	return direct;
}

/* Every way to reach memory: registered, by address, bounced; guarded or not. */
static const struct {
	enum hws_pool_guard guard;
	uint32_t flags;
	const char *mode;
} ways[] = {
	{ HWS_POOL_GUARD_AUTO, 0, "defer" },
	{ HWS_POOL_GUARD_AUTO, HWS_RING_UNREGISTERED, "defer" },
	{ HWS_POOL_GUARD_AUTO, 0, "coop" },
	{ HWS_POOL_GUARD_AUTO, HWS_RING_UNREGISTERED, "plain" },
	{ HWS_POOL_GUARD_NONE, 0, "defer" },
	{ HWS_POOL_GUARD_NONE, HWS_RING_UNREGISTERED, "coop" },
	{ HWS_POOL_GUARD_PAGES, 0, "defer" },
};
_Static_assert(sizeof(ways) / sizeof(ways[0]) == RIG_WAYS, "each is counted");

struct hws_ring *rig_open_way(int way)
{
	struct hws_pool_options pool = {
		.size = sizeof(pool),
		.classes = { { 4096, 64 }, { 1 << 20, 4 } },
		.guard = ways[way].guard,
	};
	struct hws_ring_options options = {
		.pool_options = &pool,
		.flags = ways[way].flags,
		.mode = getenv("HWS_TEST_BACKEND") ? NULL : ways[way].mode,
	};

	return rig_open(&options);
}

struct hws_done rig_move(struct hws_ring *ring, uint32_t kind, int fd, struct hws_buf buf,
			 uint64_t length)
{
	return rig_do(ring, &(struct hws_request) {
				    .kind = kind, .fd = fd, .buf = buf, .length = length });
}

uint64_t rig_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

uint64_t rig_times(const char *name, uint64_t times)
{
	uint64_t fewer = suite_in_lab() ? 100 : suite_emulated() ? 20 : suite_valgrind() ? 50 : 0;

	return rig_environment(name, fewer ? times / fewer + 1 : times);
}

bool rig_loopback(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool up = ioctl(fd, SIOCGIFFLAGS, &lo) == 0;

	if (up && !(lo.ifr_flags & IFF_UP)) {
		lo.ifr_flags |= IFF_UP;
		up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	}
	close(fd);
	return up;
}

/* xorshift: the same everywhere for the same seed. */
uint32_t rig_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}
