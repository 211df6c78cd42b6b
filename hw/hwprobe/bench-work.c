/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/bench-work.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = BENCH_BATCH, BLOCK = BENCH_BLOCK, MSRS = 64, REPEAT = 512, MSR = 0x198 };

static int mmio_gated(struct bench *b)
{
	uint32_t value;
	int r = 0;

	for (int i = 0; i < REPEAT; i++)
		r |= hws_mmio_read32(b->mmio, 0, &value);
	return r;
}

static int mmio_bare(struct bench *b)
{
	for (int i = 0; i < REPEAT; i++)
		(void)atomic_load_explicit(&b->memory, memory_order_relaxed); /* is not left out */
	return 0;
}

static int msr_gated(struct bench *b)
{
	uint64_t value;
	int r = 0;

	for (int i = 0; i < MSRS; i++)
		r |= hws_msr_read(b->msr, 0, MSR, &value);
	return r;
}

/* What rdmsr does for each register. */
static int msr_bare(struct bench *b)
{
	uint64_t value;
	int r = 0;

	for (int i = 0; i < MSRS; i++)
		r |= pread(b->fd, &value, sizeof(value), MSR) == sizeof(value) ? 0 : -EIO;
	return r;
}

static int decide(struct bench *b)
{
	struct hws_access access = {
		.kind = HWS_KIND_MSR, .rights = HWS_R, .first = MSR, .last = MSR, .width = 8
	};
	int r = 0;

	for (int i = 0; i < MSRS; i++)
		r |= hws_check(b->hw, &access, NULL, 0);
	return r;
}

static int read_clock(struct bench *b)
{
	struct timespec now;

	(void)b;
	for (int i = 0; i < MSRS; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	return 0;
}

/* Until all are done; gives the buffers back to where they were. */
static int reap(struct bench *b)
{
	struct hws_done done[BATCH];
	int got = 0;

	while (got < BATCH) {
		int r = hws_wait(b->ring, done, BATCH, call_deadline(10000));

		if (r < 0)
			return r;
		got += r;
	}
	return 0;
}

static int ring_nops(struct bench *b)
{
	int r = 0;

	for (uint64_t i = 0; i < BATCH && r == 0; i++)
		r = hws_nop(b->ring, i);
	return r < 0 ? r : reap(b);
}

static int calls(struct bench *b)
{
	(void)b;
	for (int i = 0; i < BATCH; i++)
		(void)getppid();
	return 0;
}

static int ring_reads(struct bench *b)
{
	int r = 0;

	for (uint64_t i = 0; i < BATCH && r == 0; i++)
		r = hws_read(b->ring, b->fd, b->bufs[i], 0, BLOCK, i);
	return r < 0 ? r : reap(b);
}

static int preads(struct bench *b)
{
	int r = 0;

	for (int i = 0; i < BATCH; i++)
		r |= pread(b->fd, b->block, BLOCK, 0) == BLOCK ? 0 : -EIO;
	return r;
}

const struct pair bench_pairs[] = {
	{ "mmio-read", "hws_mmio_read32", "a load from memory", mmio_gated, mmio_bare, REPEAT },
	{ "msr-read", "hws_msr_read, simulated", "pread of 8 bytes", msr_gated, msr_bare, MSRS },
	{ "decision", "hws_check", "clock_gettime", decide, read_clock, MSRS },
	{ "ring-nop", "hws_nop, 32 at a time", "getppid", ring_nops, calls, BATCH },
	{ "ring-read", "hws_read of 4 KiB, 32 at a time", "pread of 4 KiB", ring_reads, preads,
	  BATCH },
	{ 0 },
};

enum result bench_register(const struct call *call, struct bench *b)
{
	struct target target = { 0 };
	enum result result;
	int r;

	if (!call->count) {
		r = hws_mmio_map(b->hw, "00:05.0", 2, 0, sizeof(b->memory), HWS_R, &b->mmio);
		return r < 0 ? call_fail("bench", r) : RESULT_OK;
	}
	b->reach.call = call;
	if (!reach_mem.parse(&b->reach, call->words, &target))
		return RESULT_USAGE;
	result = call_open(call, &b->reach.hw);
	if (result == RESULT_OK)
		result = reach_mem.open(&b->reach, &target, HWS_R);
	if (result == RESULT_OK && b->reach.spots.at[0].place.width != sizeof(b->memory))
		result = args_refuse("'%s': expected a register of 32 bits", call->words[0]);
	if (result == RESULT_OK)
		b->mmio = b->reach.spots.at[0].place.handle;
	return result;
}

static int make_file(struct bench *b)
{
	b->fd = memfd_create("hwprobe-bench", MFD_CLOEXEC);
	return b->fd >= 0 && pwrite(b->fd, b->block, BLOCK, 0) == BLOCK ? 0 : -errno;
}

int bench_begin(struct bench *b)
{
	struct hws_options how = { .size = sizeof(how),
				   .backend = "sim",
				   .policy_text = "msr = 0x198 r\nbar = 1234:11ea 2 * r\n" };
	int r = make_file(b);

	if (r == 0)
		r = hws_open(&how, &b->hw);
	if (r == 0)
		r = hws_msr_open(b->hw, "0", MSR, MSR, HWS_R, &b->msr);
	if (r == 0)
		r = hws_ring_open(b->hw, NULL, &b->ring);
	for (int i = 0; i < BATCH && r == 0; i++)
		r = hws_buf_take(hws_ring_pool(b->ring), BLOCK, &b->bufs[i]);
	return r;
}

void bench_end(struct bench *b)
{
	hws_ring_close(b->ring, call_deadline(10000));
	hws_msr_close(b->msr);
	if (!b->reach.call)
		hws_mmio_unmap(b->mmio);
	reach_end(&b->reach);
	hws_close(b->hw);
	if (b->fd >= 0)
		close(b->fd);
}
