/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device's own transfers, by a program that could not open it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/helper/client.h"

enum {
	SOURCE = 0x80,
	TARGET = 0x88,
	COUNT = 0x90,
	COMMAND = 0x98,
	RUN = 1,
	TO_MEMORY = 2,
	INTERRUPT = 4,
	ACKNOWLEDGE = 0x64,
	BUFFER = 0x40000,
	BYTES = 2048, /* QEMU 7.2 aborts on 4,096 */
	ADDRESS_BITS = 28,
};

struct engine {
	struct hws_domain *domain;
	struct hws_mmio *registers;
	struct hws_irq *irq;
};

static void open_engine(struct hws *hw, struct engine *engine)
{
	const struct hws_pool_options pool = { .size = sizeof(pool),
					       .classes = { { 4096, 8 }, { 64 << 10, 1 } } };
	const struct hws_dma_options options = { .address_bits = ADDRESS_BITS,
						 .pool_options = &pool };

	CHECK(hws_dma_open(hw, CLIENT_EDU, &options, &engine->domain) == 0);
	CHECK(hws_irq_open(engine->domain, HWS_IRQ_MSI, 1, &engine->irq) == 0);
	CHECK(hws_mmio_map(hw, CLIENT_EDU, 0, 0, 0x1000, HWS_RW, &engine->registers) == 0);
}

static void close_engine(struct engine *engine)
{
	hws_mmio_unmap(engine->registers);
	hws_irq_close(engine->irq);
	CHECK(hws_dma_close(engine->domain) == 0);
}

/* Starts the engine, and waits until it rings. */
static void move(const struct engine *engine, uint64_t iova, uint32_t command)
{
	struct hws_mmio *edu = engine->registers;
	bool out = command & TO_MEMORY;
	uint64_t rings = 0;

	CHECK(hws_mmio_write32(edu, SOURCE, out ? BUFFER : (uint32_t)iova) == 0);
	CHECK(hws_mmio_write32(edu, TARGET, out ? (uint32_t)iova : BUFFER) == 0);
	CHECK(hws_mmio_write32(edu, COUNT, BYTES) == 0);
	CHECK(hws_mmio_write32(edu, COMMAND, command | RUN | INTERRUPT) == 0);
	CHECK(hws_irq_wait(engine->irq, 0, HWS_FOREVER, &rings) == 0 && rings == 1);
	CHECK(hws_mmio_write32(edu, ACKNOWLEDGE, 0x100) == 0);
}

static void fill(const struct engine *engine, struct hws_buf buf, int byte)
{
	HWS_VIEW(view);

	CHECK(hws_view_open(hws_dma_pool(engine->domain), buf, HWS_RW, &view) == 0);
	memset(view.bytes, byte, view.size);
}

static bool is_full_of(const struct engine *engine, struct hws_buf buf, unsigned char byte)
{
	bool same = true;
	HWS_VIEW(view);

	CHECK(hws_view_open(hws_dma_pool(engine->domain), buf, HWS_R, &view) == 0);
	for (size_t i = 0; i < BYTES; i++)
		same &= ((const unsigned char *)view.bytes)[i] == byte;
	return same;
}

/* To the device, and back into other memory. */
static void both_ways(const struct engine *engine, unsigned char byte)
{
	struct hws_pool *pool = hws_dma_pool(engine->domain);
	struct hws_buf to, from;
	uint64_t iova;

	CHECK(hws_buf_take(pool, 4096, &to) == 0 && hws_buf_take(pool, 4096, &from) == 0);
	fill(engine, to, byte);
	fill(engine, from, 0);
	CHECK(hws_dma_give(engine->domain, to, HWS_TO_DEVICE, &iova) == 0);
	move(engine, iova, 0);
	CHECK(hws_dma_take(engine->domain, to) == 0);
	CHECK(hws_dma_give(engine->domain, from, HWS_FROM_DEVICE, &iova) == 0);
	move(engine, iova, TO_MEMORY);
	CHECK(hws_dma_take(engine->domain, from) == 0);
	CHECK(is_full_of(engine, from, byte));
	CHECK(hws_buf_give(pool, to) == 0 && hws_buf_give(pool, from) == 0);
}

/* The rule says "max 16K, maps 2". */
static void stays_in_its_limits(const struct engine *engine)
{
	struct hws_pool *pool = hws_dma_pool(engine->domain);
	struct hws_buf bufs[3], large;
	uint64_t iova;

	for (int i = 0; i < 3; i++)
		CHECK(hws_buf_take(pool, 4096, &bufs[i]) == 0);
	CHECK(hws_buf_take(pool, 64 << 10, &large) == 0);
	CHECK(hws_dma_give(engine->domain, large, HWS_TO_DEVICE, &iova) == -EDQUOT);
	for (int i = 0; i < 2; i++)
		CHECK(hws_dma_give(engine->domain, bufs[i], HWS_TO_DEVICE, &iova) == 0);
	CHECK(hws_dma_give(engine->domain, bufs[2], HWS_TO_DEVICE, &iova) == -EDQUOT);
	for (int i = 0; i < 2; i++)
		CHECK(hws_dma_take(engine->domain, bufs[i]) == 0);
	CHECK(hws_dma_give(engine->domain, bufs[2], HWS_TO_DEVICE, &iova) == 0);
	CHECK(hws_dma_take(engine->domain, bufs[2]) == 0);
}

/* dma WAY: and after it was closed, again. */
void client_dma(char **arguments)
{
	struct hws *hw = client_open(arguments[0]);
	struct hws_dma_info info = { .size = sizeof(info) };
	struct hws_domain *second;
	struct engine engine;

	CHECK(open("/dev/vfio/0", O_RDWR) < 0);
	for (unsigned char byte = 0x5a; byte < 0x5c; byte++) {
		open_engine(hw, &engine);
		CHECK(hws_dma_open(hw, CLIENT_EDU, NULL, &second) == -EBUSY);
		CHECK(hws_dma_get_info(engine.domain, &info) == 0);
		CHECK(!strcmp(info.way, !strcmp(arguments[0], "grants") ? "granted" : "helper"));
		both_ways(&engine, byte);
		stays_in_its_limits(&engine);
		both_ways(&engine, (unsigned char)~byte);
		close_engine(&engine);
	}
	hws_close(hw);
}

/* What a program that ignores the library's limits can have mapped: the kernel's word. */
static int map_raw(int container, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.iova = 0x100000,
		.size = size,
	};
	void *memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	CHECK(memory != MAP_FAILED);
	memset(memory, 1, (size_t)size);
	map.vaddr = (uintptr_t)memory;
	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) < 0 ? -errno : 0;
}

/* dma-raw: the rule's bytes are the kernel's limit too, and what it starts has no device. */
void client_dma_raw(char **arguments)
{
	const struct hws_grants_hold grant = client_hold();
	struct rlimit is;

	(void)arguments;
	CHECK(getrlimit(RLIMIT_MEMLOCK, &is) == 0);
	CHECK(is.rlim_cur == 16384 && is.rlim_max == 16384);
	is.rlim_cur = is.rlim_max = 1 << 20;
	CHECK(setrlimit(RLIMIT_MEMLOCK, &is) < 0 && errno == EPERM);
	CHECK(map_raw(grant.fds[HWS_HOLD_DOMAIN], 1 << 20) == -ENOMEM);
	CHECK(map_raw(grant.fds[HWS_HOLD_DOMAIN], 8192) == 0);
	/* no way from what it has to the group, and by that to other functions of it */
	CHECK(ioctl(grant.fds[HWS_HOLD_DOMAIN], VFIO_GROUP_GET_DEVICE_FD, CLIENT_EDU) < 0);
	CHECK(ioctl(grant.fds[HWS_HOLD_DEVICE], VFIO_GROUP_GET_DEVICE_FD, CLIENT_EDU) < 0);
}

/* dma-hold: keeps it until it is killed, with a child that has all its descriptors. */
void client_dma_hold(char **arguments)
{
	struct hws *hw = client_open(arguments[0]);
	struct engine engine;

	open_engine(hw, &engine);
	both_ways(&engine, 7);
	puts("holds");
	fflush(stdout);
	if (fork() == 0) {
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
	}
	sleep(60);
	exit(1);
}
