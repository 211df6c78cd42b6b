/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What hws_open() finds when a launcher, or anybody, handed something over: a sealed memfd of any
 * bytes. Taken is exactly what a plain reading of grants.h takes, and what is asked of it later
 * is what stands there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "shim/grants-internal.h"
#include "shim/sys-internal.h"
#include "tests/fuzz/fuzz.h"

enum { PAGE = 4096 };

/* The first byte: which of it is set right, and what else is done with it. */
enum { MEND_HEAD = 1, MEND_SIZE = 2, MEND_UID = 4, UNSEALED = 8, OPEN = 16, NO_PORTS = 32 };

static bool bar_ok(const struct hws_grants_bar *bar)
{
	return bar->device < 32 && bar->function < 8 && bar->bar < 6 && bar->fd >= 0 &&
	       (bar->rights == HWS_R || bar->rights == HWS_RW);
}

static bool ring_ok(const struct hws_grants_ring *ring)
{
	return ring->path[0] == '/' && strnlen(ring->path, HWS_GRANTS_PATH) < HWS_GRANTS_PATH &&
	       ring->fd >= 0 && ring->arena_fd >= 0 && !ring->reserved && ring->rights >= 1 &&
	       ring->rights <= 3 && ring->arena && ring->arena % PAGE == 0 && ring->size &&
	       ring->size % PAGE == 0 && ring->size <= 1 << 30 &&
	       ring->arena <= INT64_MAX - ring->size && ring->arena <= SIZE_MAX - ring->size;
}

static bool hold_ok(const struct hws_grants_hold *hold, uint32_t index)
{
	return hold->device < 32 && hold->function < 8 && hold->index == index &&
	       hold->fds[0] >= 0 && hold->fds[1] >= 0;
}

/* The size of all that the head announces; 0: it announces what can't be. */
static size_t announced(const struct hws_grants *head)
{
	if (head->bars > HWS_GRANTS_BARS || head->rings > HWS_GRANTS_RINGS ||
	    head->holds > HWS_GRANTS_HOLDS || head->text > HWS_GRANTS_TEXT)
		return 0;
	return sizeof(*head) + head->bars * sizeof(struct hws_grants_bar) +
	       head->rings * sizeof(struct hws_grants_ring) +
	       head->holds * sizeof(struct hws_grants_hold) + head->text;
}

/* As grants.h has it; no byte is read that isn't there. */
static bool is_good(const uint8_t *bytes, size_t size)
{
	const struct hws_grants *head = (const void *)bytes;
	const struct hws_grants_bar *bars = (const void *)(head + 1);
	const struct hws_grants_ring *rings;
	const struct hws_grants_hold *holds;
	bool good;

	if (size < sizeof(*head) || head->magic != HWS_GRANTS_MAGIC ||
	    head->version != HWS_GRANTS_VERSION || head->reserved || !head->text ||
	    head->size != size || announced(head) != size || head->uid != sys_uid())
		return false;
	rings = (const void *)(bars + head->bars);
	holds = (const void *)(rings + head->rings);
	good = strnlen((const char *)(holds + head->holds), head->text) == head->text - 1;
	for (uint32_t i = 0; i < head->bars; i++)
		good &= bar_ok(&bars[i]);
	for (uint32_t i = 0; i < head->rings; i++)
		good &= ring_ok(&rings[i]);
	for (uint32_t i = 0; i < head->holds; i++)
		good &= hold_ok(&holds[i], i);
	return good;
}

static void mend(uint8_t *bytes, size_t size, uint64_t how)
{
	struct hws_grants *head = (void *)bytes;

	if (size < sizeof(*head))
		return;
	if (how & MEND_HEAD) {
		head->magic = HWS_GRANTS_MAGIC;
		head->version = HWS_GRANTS_VERSION;
		head->reserved = 0;
	}
	if (how & MEND_UID)
		head->uid = sys_uid();
	if (!(how & MEND_SIZE))
		return;
	head->size = (uint32_t)size;
	head->bars %= 4;
	head->rings %= 3;
	head->holds %= 3;
	head->text = 0;
	if (announced(head) < size) {
		head->text = (uint32_t)(size - announced(head));
		bytes[size - 1] = '\0';
	}
}

static int make_file(const uint8_t *bytes, size_t size, bool seal)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	fuzz_must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	if (seal)
		fuzz_must(fcntl(fd, F_ADD_SEALS,
				F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
	return fd;
}

/* What is given for an access is what was granted for just that. */
static void ask(const struct grants *grants, struct fuzz *input)
{
	struct hws_bdf bdf = { .domain = (uint32_t)fuzz_number(input, 1) };
	uint32_t first = (uint32_t)fuzz_odd_number(input);
	uint32_t count = (uint32_t)fuzz_odd_number(input);
	uint32_t bar = (uint32_t)fuzz_number(input, 1) % 8;

	if (grants_have_ports(grants, first, count)) {
		fuzz_must(count && first < 65536 && count <= 65536 - first);
		for (uint32_t port = first; port < first + count; port++)
			fuzz_must(grants->head->ports[port / 8] >> port % 8 & 1);
	}
	bdf.bus = (uint8_t)fuzz_number(input, 1);
	bdf.device = fuzz_number(input, 1) & 31;
	for (uint32_t rights = HWS_R; rights <= HWS_RW; rights++)
		fuzz_must(grants_bar(grants, bdf, bar, rights) >= 0 ||
			  grants_bar(grants, bdf, bar, rights) == -ENOENT);
	for (uint32_t i = 0; i < grants->head->bars; i++) {
		const struct hws_grants_bar *at = &grants->bars[i];
		struct hws_bdf its = { at->domain, at->bus, at->device, at->function };

		fuzz_must(grants_bar(grants, its, at->bar, at->rights) >= 0);
	}
	for (uint32_t i = 0; i < grants->head->rings; i++)
		fuzz_must(grants_ring(grants, grants->rings[i].path));
	fuzz_must(!grants_ring(grants, "no path"));
}

/* All of a program's start, by the environment; the rules are those that were handed over. */
static void start(int fd)
{
	struct hws_audit_options audit = { .size = sizeof(audit), .flags = HWS_AUDIT_NO_DETECTOR };
	struct hws_options options = { .size = sizeof(options),
				       .backend = "grants",
				       .audit = &audit };
	struct hws *hw;
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	fuzz_must(setenv(HWS_GRANTS_NAME, number, 1) == 0);
	if (hws_open(&options, &hw) == 0)
		hws_close(hw);
	fuzz_must(unsetenv(HWS_GRANTS_NAME) == 0);
}

/* The input with the ports, which it is too small for, put into it: each byte of them the same. */
static uint8_t *spread(struct fuzz *input, bool ports, size_t *ret_size)
{
	size_t more = ports && input->left >= offsetof(struct hws_grants, ports)
			      ? sizeof(((struct hws_grants *)NULL)->ports)
			      : 0;
	size_t before = more ? offsetof(struct hws_grants, ports) : 0;
	int pattern = more ? (int)fuzz_number(input, 1) : 0;
	uint8_t *bytes;

	if (input->left < before)
		more = before = 0;
	*ret_size = input->left + more;
	bytes = malloc(*ret_size + 1);
	fuzz_must(bytes);
	memcpy(bytes, input->at, before);
	memset(bytes + before, pattern, more);
	memcpy(bytes + before + more, input->at + before, input->left - before);
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t how = fuzz_number(&input, 1);
	struct grants *grants;
	size_t length;
	uint8_t *bytes = spread(&input, !(how & NO_PORTS), &length);
	int fd;
	int r;

	mend(bytes, length, how);
	fd = make_file(bytes, length, !(how & UNSEALED));
	r = grants_read(fd, &grants);
	fuzz_must(r == 0 || r == -EACCES || r == -EBADMSG);
	fuzz_must((r == 0) == (!(how & UNSEALED) && is_good(bytes, length)));
	if (r == 0) {
		fuzz_must(!memcmp(grants->head, bytes, length));
		ask(grants, &input);
		grants_free(grants);
	}
	if (how & OPEN)
		start(fd);
	sys_close(fd);
	free(bytes);
	return 0;
}
