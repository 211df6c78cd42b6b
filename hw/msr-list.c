/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of processors and of registers, as people write them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/msr-internal.h"
#include "shim/why-internal.h"

/* A number up to @max; @base 10 takes no 0x. Moves behind it. */
static bool read_number(const char **at, int base, uint64_t max, uint32_t *ret_number)
{
	unsigned long long number;
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	number = strtoull(*at, &end, base);
	*at = end;
	*ret_number = (uint32_t)number;
	return errno == 0 && number <= max;
}

/* The next piece of a list: "4", "0-3" or "0..3"; moves to the next one, or to the end. */
static bool read_piece(const char **at, int base, uint64_t max, struct msr_span *ret_span)
{
	size_t dash;

	if (!read_number(at, base, max, &ret_span->first))
		return false;
	ret_span->last = ret_span->first;
	dash = **at == '-' ? 1 : !strncmp(*at, "..", 2) ? 2 : 0;
	*at += dash;
	if (dash &&
	    (!read_number(at, base, max, &ret_span->last) || ret_span->last < ret_span->first))
		return false;
	if (**at == ',')
		return *++*at != '\0';
	return **at == '\0';
}

static void name_cpus(struct msr_cpus *cpus, struct msr_span span)
{
	memset(cpus->named + span.first, true, span.last - span.first + 1);
	cpus->end = span.last >= cpus->end ? span.last + 1 : cpus->end;
}

static int name_all(struct hws *hw, struct msr_cpus *cpus)
{
	struct hws_cpu cpu;
	int r = shim_ops(&hw->shim)->identify(hw->shim.self, &cpu);

	if (r == 0 && cpu.cpus)
		name_cpus(cpus,
			  (struct msr_span) { 0, (cpu.cpus < MSR_CPUS ? cpu.cpus : MSR_CPUS) - 1 });
	return r;
}

/* "all" may stand among the others. */
static bool skip_all(const char **at)
{
	if (strncmp(*at, "all", 3) != 0 || !strchr(",", (*at)[3]))
		return false;
	*at += 3;
	if (**at == ',')
		return *++*at != '\0';
	return true;
}

int msr_choose_cpus(struct hws *hw, const char *list, struct msr_cpus *ret_cpus)
{
	const char *at = list ? list : "all";
	struct msr_span span;
	int r = 0;

	do {
		if (skip_all(&at))
			r = name_all(hw, ret_cpus);
		else if (read_piece(&at, 10, MSR_CPUS - 1, &span))
			name_cpus(ret_cpus, span);
		else
			return why(-EINVAL,
				   "'%s' is no list of processors: '0-3,8' is one, or 'all'", list);
	} while (r == 0 && *at);
	return r;
}

int msr_read_spans(const char *list, struct msr_span ret_spans[MSR_SPANS])
{
	const char *at = list ? list : "";
	int count = 0;

	do {
		if (count == MSR_SPANS)
			return why(-EINVAL, "a set of registers has at most %d ranges", MSR_SPANS);
		if (!read_piece(&at, 0, UINT32_MAX, &ret_spans[count++]))
			return why(-EINVAL,
				   "'%s' is no list of registers: '0x10,0x198-0x199' is one",
				   list ? list : "");
	} while (*at);
	return count;
}
