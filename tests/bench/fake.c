/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "shim/why-internal.h"
#include "tests/bench/fake.h"

struct fake fake;

int fake_clock(clockid_t clock, uint64_t *ret_ns)
{
	(void)clock;
	*ret_ns = fake.now;
	return 0;
}

/* @who: which side it is, for what only who follows another one has to pay. */
static int work(uint64_t ns, const void *who)
{
	double slower = 1 + fake.drift * fake.samples;

	fake.now += who != fake.last ? fake.cold : 0;
	fake.last = who;
	fake.samples++;
	if (fake.hiccup && fake.samples % fake.hiccup == 0)
		slower *= 10;
	fake.now += (uint64_t)((double)ns * slower);
	return 0;
}

int fake_0(void *context, uint64_t n)
{
	(void)context;
	(void)n;
	return 0;
}

int fake_10(void *context, uint64_t n)
{
	(void)context;
	return work(10 * n, fake_10);
}

int fake_20(void *context, uint64_t n)
{
	(void)context;
	return work(20 * n, fake_20);
}

int fake_other_10(void *context, uint64_t n)
{
	(void)context;
	return work(10 * n, fake_other_10);
}

int fake_fails(void *context, uint64_t n)
{
	(void)context;
	(void)n;
	return -EIO;
}

int fake_refused(const struct bench_case *of, void **ret_context)
{
	(void)of;
	(void)ret_context;
	return why(-ENODEV, "no such device in this machine");
}

const struct bench_case fake_same[] = { { FAKE_ROW("same", fake_10, fake_10) }, { 0 } };
const struct bench_case fake_twice[] = {
	{ FAKE_ROW("twice", fake_20, fake_10), .limits = { { BENCH_RATIO, 1.5 } } },
	{ 0 },
};
