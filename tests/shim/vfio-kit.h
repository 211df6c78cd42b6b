/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of VFIO on the lab's machines share: edu, nvme, a real kernel and IOMMU. */
#ifndef HWSAFE_TESTS_SHIM_VFIO_KIT_H
#define HWSAFE_TESTS_SHIM_VFIO_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "tests/suite.h"

static const struct hws_bdf edu = { .device = 3 };
static const struct hws_bdf nvme = { .device = 5 };
static struct hws_shim shim;
static const struct hws_shim_ops *ops;

enum {
	PAGE = 4096,
	AREA = 16384, /* a multiple of any page that a kernel has here */
	IOVA = 0x100000,
	STRAY = 0x200000,
	BUFFER = 0x40000,
	COUNT = 2048, /* QEMU 7.2 ends at 4096 */
	TO_MEMORY = 2,
	INTERRUPT = 4,
	SECONDS = 20,
};

#define ck_works(call)                                                               \
	do {                                                                         \
		int works_ = (call);                                                 \
		ck_assert_msg(works_ == 0, "%s: %d (%s)", #call, works_, hws_why()); \
	} while (0)

static inline void open_native(void)
{
	ck_ok(shim_open(&native_ops, NULL, &shim));
	ops = shim_ops(&shim);
}

static inline struct hws_hold hold_of(struct hws_bdf bdf)
{
	struct hws_hold hold = { 0 };

	ck_works(ops->hold_open(shim.self, bdf, &hold));
	return hold;
}

static inline struct hws_window bar_of(struct hws_bdf bdf)
{
	struct hws_window window;

	ck_works(ops->bar_map(shim.self, bdf, 0, 0, 0x1000, HWS_RW, &window));
	return window;
}

static inline uint64_t get(const struct hws_window *window, uint64_t offset)
{
	uint64_t value;

	ck_works(ops->mmio_read(shim.self, window, offset, 4, &value));
	return value;
}

static inline void put(const struct hws_window *window, uint64_t offset, uint64_t value)
{
	ck_works(ops->mmio_write(shim.self, window, offset, 4, value));
}

static inline uint8_t *memory_of(void)
{
	void *memory = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	return memory;
}

/* How often it rang; 0: not in all the time that was given. */
static inline uint64_t rings(int fd, int milliseconds)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	eventfd_t count = 0;

	if (poll(&one, 1, milliseconds) == 1)
		eventfd_read(fd, &count);
	return count;
}

static inline void start(const struct hws_window *bar, uint64_t from, uint64_t to, uint64_t command)
{
	put(bar, 0x80, from);
	put(bar, 0x88, to);
	put(bar, 0x90, COUNT);
	put(bar, 0x98, command | 1);
}

/* Polls the engine until it stands. */
static inline void transfer(const struct hws_window *bar, uint64_t from, uint64_t to,
			    uint64_t command)
{
	start(bar, from, to, command);
	for (int i = 0; i < SECONDS * 100 && get(bar, 0x98) & 1; i++)
		usleep(10000);
	ck_assert_uint_eq(get(bar, 0x98) & 1, 0);
}

/*
 * Has edu write where it may not, until that is told: a kernel that told of a few is silent for
 * five seconds.
 */
static inline struct hws_dma_fault stray(const struct hws_hold *hold, const struct hws_window *bar,
					 uint64_t to)
{
	struct hws_dma_fault fault = { 0 };
	int r = -ENOENT;

	for (int i = 0; i < 12 && r == -ENOENT; i++) {
		transfer(bar, BUFFER, to, TO_MEMORY);
		for (int ms = 0; ms < 1000 && r == -ENOENT; ms += 10) {
			r = ops->dma_fault(shim.self, hold, &fault);
			if (r == -ENOENT)
				usleep(10000);
		}
	}
	ck_works(r);
	return fault;
}

static inline void say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

#define DEVICES "/sys/bus/pci/devices/"

/* To the driver, or with "\n" to whichever knows it. */
static inline void bind_to(const char *bdf, const char *driver)
{
	char path[96];

	snprintf(path, sizeof(path), DEVICES "%s/driver_override", bdf);
	say(path, driver);
	snprintf(path, sizeof(path), DEVICES "%s/driver/unbind", bdf);
	if (access(path, F_OK) == 0)
		say(path, bdf);
	say("/sys/bus/pci/drivers_probe", bdf);
}

#endif
