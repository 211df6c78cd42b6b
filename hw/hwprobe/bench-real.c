/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The works of hwprobe bench on this machine's own registers, where they may be read. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "hw/hwprobe/bench-work.h"

/* Reading these has no side effects: the time-stamp counter, the diagnostic port. */
enum { MSR = 0x10, PORT = 0x80, TIMES = 64 };

static int msr_gated(struct bench *b)
{
	uint64_t value;
	int r = 0;

	for (int i = 0; i < TIMES; i++)
		r |= hws_msr_read(b->real.msr, 0, MSR, &value);
	return r;
}

static int msr_bare(struct bench *b)
{
	uint64_t value;
	int r = 0;

	for (int i = 0; i < TIMES; i++)
		r |= pread(b->real.msr_fd, &value, sizeof(value), MSR) == sizeof(value) ? 0 : -EIO;
	return r;
}

static int port_gated(struct bench *b)
{
	uint8_t value;
	int r = 0;

	for (int i = 0; i < TIMES; i++)
		r |= hws_port_read8(b->real.port, PORT, &value);
	return r;
}

static int port_bare(struct bench *b)
{
	uint8_t value;
	int r = 0;

	for (int i = 0; i < TIMES; i++)
		r |= pread(b->real.port_fd, &value, 1, PORT) == 1 ? 0 : -EIO;
	return r;
}

static bool has_msr(const struct bench *b)
{
	return b->real.msr && b->real.msr_fd >= 0;
}

static bool has_port(const struct bench *b)
{
	return b->real.port && b->real.port_fd >= 0;
}

const struct pair bench_real_pairs[] = {
	{ "msr-real", "hws_msr_read", "pread of /dev/cpu/0/msr", msr_gated, msr_bare, TIMES,
	  has_msr },
	{ "port-real", "hws_port_read8", "pread of /dev/port", port_gated, port_bare, TIMES,
	  has_port },
	{ 0 },
};

/* What can't be had is left out: the doctor tells why. */
enum result bench_real_begin(const struct call *call, struct bench *b)
{
	enum result result = call_open(call, &b->real.hw);

	if (result != RESULT_OK)
		return result;
	(void)!hws_msr_open(b->real.hw, "0", MSR, MSR, HWS_R, &b->real.msr);
	(void)!hws_port_open(b->real.hw, PORT, 1, HWS_R, &b->real.port);
	b->real.msr_fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
	b->real.port_fd = open("/dev/port", O_RDONLY | O_CLOEXEC);
	return RESULT_OK;
}

void bench_real_end(struct bench *b)
{
	hws_port_close(b->real.port);
	hws_msr_close(b->real.msr);
	hws_close(b->real.hw);
	if (b->real.msr_fd >= 0)
		close(b->real.msr_fd);
	if (b->real.port_fd >= 0)
		close(b->real.port_fd);
}
