/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/context-internal.h"
#include "tests/bench/hw.h"

bool hw_real;
bool hw_stepped;

/*
 * The built-in reader looks into /proc ten times a second: nothing at full speed, much where a
 * processor is stepped.
 */
static int read_plenty(void *self, struct hws_usage *ret_usage)
{
	(void)self;
	*ret_usage = (struct hws_usage) { .capacity = 1u << 30 };
	return 0;
}

/*
 * The vDSO's clock begins anew when the timer ticks meanwhile: where each step takes long, over and
 * over again. This one has about as many instructions as it has otherwise.
 */
static int tick(void *self, uint64_t *ret_ns)
{
	(void)self;
	*ret_ns = 1;
	for (int i = 0; i < 8; i++)
		__asm__ volatile("" : "+r"(*ret_ns));
	return 0;
}

int hw_open_context(const char *backend, const char *sysroot, struct hws **ret_hw)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = hw_real ? "native" : backend,
		.sysroot = hw_real ? NULL : sysroot,
		.policy_directory = "/nowhere/policy.d",
		.policy_text =
			"bar = * * r\nport = * r\nmsr = * r\npci = *, config r\ncpuid = * r\n"
			"dma = 1234:11e8",
	};

	const struct hws_reader plenty = { .read = read_plenty };
	int r;

	for (int i = 0; i < HWS_GUARDS; i++)
		options.guards[i] =
			(struct hws_guard_limit) { .handle = 1ull << 60, .context = 1ull << 60 };
	r = hws_open(&options, ret_hw);
	if (r == 0 && hw_stepped)
		(*ret_hw)->caps.clock.now = tick;
	return r < 0 ? r : hws_guardian_set_reader(*ret_hw, HWS_DMA, &plenty);
}
