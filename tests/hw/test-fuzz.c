/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random windows, offsets, widths and rights, a million in all: nothing outside a handle is ever
 * touched, as the simulated machine itself sees it, and what is refused leaves no mark.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "guardian/context-internal.h"
#include "shim/sim-internal.h"
#include "tests/hw/hw-kit.h"

enum { HANDLES = 250, ACCESSES = 1000 }; /* of each kind */

#define DEVICE	   "0000:00:05.0"
#define EVERYTHING "port = * rw danger\nmsr = * rw danger\npci = *, config rw danger\nbar = * * rw"

/* What the handle that is open now may touch, and what was touched. */
struct watch {
	enum sim_kind kind;
	uint64_t first;
	uint64_t last;
	uint32_t rights;
	uint32_t cpu;
	uint64_t seen;
	uint64_t stray;
};

/* One access as it is asked for; the place is absolute but for windows of memory. */
struct asked {
	uint64_t at;
	uint32_t shift;
	uint32_t cpu;
	bool write;
	bool quiet; /* by get or put */
};

/* All-ones came out of a window: is the device still there? */
static bool is_presence(const struct sim_access *access, const struct watch *watch)
{
	return watch->kind == SIM_MMIO && access->kind == SIM_PCI && !access->write &&
	       access->offset == 0 && access->width == 4;
}

static void watch_access(const struct sim_access *access, void *context)
{
	struct watch *watch = context;
	uint64_t step = access->kind == SIM_MSR ? 1 : access->width;
	uint32_t right = access->write ? HWS_W : HWS_R;

	if (is_presence(access, watch))
		return;
	watch->seen++;
	if (access->kind != watch->kind || access->offset < watch->first ||
	    access->offset + step - 1 > watch->last || !(watch->rights & right) ||
	    (access->kind == SIM_MSR && access->cpu != watch->cpu))
		watch->stray++;
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Mostly near the window and its ends, else anywhere. */
static uint64_t random_place(uint64_t *state, uint64_t first, uint64_t size)
{
	uint64_t near = next(state) % 9 - 4;

	switch (next(state) % 6) {
	case 0:
		return next(state);
	case 1:
		return first + near;
	case 2:
		return first + size + near;
	case 3:
		return UINT64_C(1) << next(state) % 64;
	default:
		return first + next(state) % size;
	}
}

/* All sixteen functions of a kind of one width, as the fuzzer calls them: 0, or a refusal. */
#define CALL(kind, bits, type)                                                            \
	static int call_##kind##bits(void *handle, const struct asked *asked)             \
	{                                                                                 \
		uint##bits##_t value = 0x5a;                                              \
		if (asked->write && asked->quiet)                                         \
			return hws_##kind##_put##bits(handle, (type)asked->at, value), 1; \
		if (asked->write)                                                         \
			return hws_##kind##_write##bits(handle, (type)asked->at, value);  \
		if (asked->quiet)                                                         \
			return (void)hws_##kind##_get##bits(handle, (type)asked->at), 1;  \
		return hws_##kind##_read##bits(handle, (type)asked->at, &value);          \
	}
CALL(mmio, 8, uint64_t)
CALL(mmio, 16, uint64_t)
CALL(mmio, 32, uint64_t)
CALL(mmio, 64, uint64_t)
CALL(port, 8, uint32_t)
CALL(port, 16, uint32_t)
CALL(port, 32, uint32_t)
CALL(pci, 8, uint32_t)
CALL(pci, 16, uint32_t)
CALL(pci, 32, uint32_t)

static int call_msr(void *handle, const struct asked *asked)
{
	uint32_t reg = (uint32_t)asked->at;
	uint64_t value;

	if (asked->write && asked->quiet)
		return hws_msr_put(handle, asked->cpu, reg, 1), 1;
	if (asked->write)
		return asked->at & 1 ? hws_msr_update(handle, asked->cpu, reg, 3, 1)
				     : hws_msr_write(handle, asked->cpu, reg, 1);
	if (asked->quiet)
		return (void)hws_msr_get(handle, asked->cpu, reg), 1;
	return hws_msr_read(handle, asked->cpu, reg, &value);
}

static int open_mmio(struct hws *hw, const struct watch *watch, void **ret)
{
	return hws_mmio_map(hw, DEVICE, 0, watch->first, watch->last - watch->first + 1,
			    watch->rights, (struct hws_mmio **)ret);
}

static int open_port(struct hws *hw, const struct watch *watch, void **ret)
{
	return hws_port_open(hw, (uint32_t)watch->first, (uint32_t)(watch->last - watch->first + 1),
			     watch->rights, (struct hws_port **)ret);
}

static int open_pci(struct hws *hw, const struct watch *watch, void **ret)
{
	return hws_pci_open(hw, DEVICE, (uint32_t)watch->first,
			    (uint32_t)(watch->last - watch->first + 1), watch->rights,
			    (struct hws_pci **)ret);
}

static int open_msr(struct hws *hw, const struct watch *watch, void **ret)
{
	char cpu[16];

	snprintf(cpu, sizeof(cpu), "%u", watch->cpu);
	return hws_msr_open(hw, cpu, (uint32_t)watch->first, (uint32_t)watch->last, watch->rights,
			    (struct hws_msr **)ret);
}

#define CLOSE(kind, verb)                      \
	static void close_##kind(void *handle) \
	{                                      \
		hws_##kind##_##verb(handle);   \
	}
CLOSE(mmio, unmap)
CLOSE(port, close)
CLOSE(pci, close)
CLOSE(msr, close)

struct kind {
	enum sim_kind kind;
	uint64_t space; /* windows lie below it */
	uint64_t longest;
	uint64_t grain;	 /* they begin at a multiple of it */
	bool from_first; /* places count from the window's first */
	uint32_t widths;
	int (*open)(struct hws *hw, const struct watch *watch, void **ret);
	void (*close)(void *handle);
	int (*call[4])(void *handle, const struct asked *asked);
};

static const struct kind kinds[] = {
	{ SIM_MMIO,
	  4096,
	  300,
	  8,
	  true,
	  4,
	  open_mmio,
	  close_mmio,
	  { call_mmio8, call_mmio16, call_mmio32, call_mmio64 } },
	{ SIM_PORT,
	  65536,
	  40,
	  1,
	  false,
	  3,
	  open_port,
	  close_port,
	  { call_port8, call_port16, call_port32 } },
	{ SIM_PCI,
	  256,
	  100,
	  4,
	  false,
	  3,
	  open_pci,
	  close_pci,
	  { call_pci8, call_pci16, call_pci32 } },
	{ SIM_MSR, 0x700, 40, 1, false, 1, open_msr, close_msr, { call_msr } },
};

static void choose_window(const struct kind *kind, uint64_t *state, struct watch *watch)
{
	uint64_t grains = kind->space / kind->grain;

	watch->first = next(state) % grains * kind->grain;
	watch->last = watch->first + next(state) % kind->longest;
	if (watch->last >= kind->space)
		watch->last = kind->space - 1;
	watch->rights = 1 + (uint32_t)(next(state) % 3);
	watch->cpu = (uint32_t)(next(state) % 4);
}

/* Reads before it writes. */
static bool is_update(const struct kind *kind, const struct asked *asked)
{
	return kind->kind == SIM_MSR && asked->write && !asked->quiet && asked->at & 1;
}

/* What must come of it, as far as the handle decides. */
static bool may_be(const struct kind *kind, const struct watch *watch, const struct asked *asked)
{
	uint64_t width = kind->kind == SIM_MSR ? 1 : 1u << asked->shift;
	uint64_t at = kind->from_first ? asked->at : (uint32_t)asked->at - watch->first;

	uint32_t rights = is_update(kind, asked) ? HWS_RW : asked->write ? HWS_W : HWS_R;

	return !(rights & ~watch->rights) &&
	       hws_range_ok(at, width, watch->last - watch->first + 1) &&
	       (kind->kind == SIM_PORT || at % width == 0) &&
	       (kind->kind != SIM_MSR || asked->cpu == watch->cpu);
}

static void access_once(const struct kind *kind, void *handle, struct watch *watch, uint64_t *state)
{
	uint64_t base = kind->from_first ? 0 : watch->first;
	struct asked asked = {
		.at = random_place(state, base, watch->last - watch->first + 1),
		.shift = (uint32_t)(next(state) % kind->widths),
		.cpu = next(state) % 8 ? watch->cpu : (uint32_t)next(state),
		.write = next(state) & 1,
		.quiet = next(state) & 2,
	};
	uint64_t before = watch->seen;
	bool refused = kind->call[asked.shift](handle, &asked) < 0;
	bool may = may_be(kind, watch, &asked);

	ck_assert_msg(watch->stray == 0 &&
			      (may || watch->seen == before || is_update(kind, &asked)),
		      "kind %d: 0x%" PRIx64 " shift %u of 0x%" PRIx64 "-0x%" PRIx64, kind->kind,
		      asked.at, asked.shift, watch->first, watch->last);
	ck_assert_msg(may || refused || asked.quiet, "kind %d: 0x%" PRIx64 " was let in",
		      kind->kind, asked.at);
	ck_assert_msg(!may || watch->seen > before, "kind %d: 0x%" PRIx64 " was refused: %s",
		      kind->kind, asked.at, hws_why());
}

static void fuzz(const struct kind *kind)
{
	struct hws_options options = sim_with(EVERYTHING);
	struct watch watch = { .kind = kind->kind };
	const char *given = getenv("HWS_SEED");
	uint64_t state = given ? strtoull(given, NULL, 0) | 1 : 4711;
	const int handles = suite_rounds(HANDLES);
	struct sim_stats stats;
	struct hws *hw;

	for (int i = 0; i < HWS_GUARDS; i++)
		options.guards[i] =
			(struct hws_guard_limit) { .handle = UINT32_MAX, .context = UINT32_MAX };
	ck_works(hws_open(&options, &hw));
	for (int i = 0; i < handles; i++) {
		void *handle = NULL;

		sim_set_log(hw->shim.self, NULL, NULL);
		choose_window(kind, &state, &watch);
		ck_works(kind->open(hw, &watch, &handle));
		sim_set_log(hw->shim.self, watch_access, &watch);
		for (int n = 0; n < ACCESSES; n++)
			access_once(kind, handle, &watch, &state);
		kind->close(handle);
	}
	sim_get_stats(hw->shim.self, &stats);
	ck_assert_uint_eq(stats.windows, 0);
	ck_assert_uint_gt(watch.seen, (uint64_t)(handles * ACCESSES / 8));
	hws_close(hw);
}

START_TEST(memory_outside_the_window_is_never_touched)
{
	fuzz(&kinds[0]);
}
END_TEST

START_TEST(ports_outside_the_range_are_never_touched)
{
	fuzz(&kinds[1]);
}
END_TEST

START_TEST(configuration_outside_the_part_is_never_touched)
{
	fuzz(&kinds[2]);
}
END_TEST

START_TEST(registers_outside_the_range_are_never_touched)
{
	fuzz(&kinds[3]);
}
END_TEST

int main(void)
{
	return suite_run("hw/fuzz", (const TTest *[]) {
					    memory_outside_the_window_is_never_touched,
					    ports_outside_the_range_are_never_touched,
					    configuration_outside_the_part_is_never_touched,
					    registers_outside_the_range_are_never_touched,
					    NULL,
				    });
}
