/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a launcher handed over. Whoever starts the program writes its environment, so nothing here
 * is believed before it was checked: no byte can change any more, all sizes fit, every descriptor
 * is one. A forged grant would give nothing: what it names the kernel has to have opened already.
 */
#include "shim/grants-internal.h"
#include "shim/size-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum {
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
	BARS_OF_FUNCTION = 6,
	RING_MOST = 1 << 30,
	MOST = sizeof(struct hws_grants) + HWS_GRANTS_BARS * sizeof(struct hws_grants_bar) +
	       HWS_GRANTS_RINGS * sizeof(struct hws_grants_ring) +
	       HWS_GRANTS_HOLDS * sizeof(struct hws_grants_hold) + HWS_GRANTS_TEXT,
};

static int bad(const char *what)
{
	return why(-EBADMSG,
		   HWS_GRANTS_NAME ": %s: not made by this version of hwsafe-helper run; update "
				   "the older, the helper or the program's library",
		   what);
}

/* A descriptor's number: digits, and nothing else. */
static int parse_number(const char *text)
{
	int number = 0;

	if (!*text || strlen(text) > 6)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		number = number * 10 + (*text - '0');
	}
	return number;
}

static int check_file(int fd, uint64_t *ret_size)
{
	struct stat is;
	int seals = sys_seals(fd);

	if (seals < 0 || (seals & SEALS) != SEALS || sys_fstat(fd, &is) < 0)
		return why(-EACCES, HWS_GRANTS_NAME ": descriptor %d is no sealed memfd", fd);
	if (is.st_uid != 0 && is.st_uid != sys_uid())
		return why(-EACCES, HWS_GRANTS_NAME ": it belongs to uid %u, expected 0 or %u",
			   is.st_uid, sys_uid());
	*ret_size = (uint64_t)is.st_size;
	return 0;
}

static int check_head(const struct hws_grants *head, uint64_t size)
{
	uint64_t sum = sizeof(*head);

	if (size < sizeof(*head) || head->magic != HWS_GRANTS_MAGIC)
		return bad("it does not begin as it should");
	if (head->version != HWS_GRANTS_VERSION)
		return bad("another version of the layout");
	if (head->bars > HWS_GRANTS_BARS || head->rings > HWS_GRANTS_RINGS ||
	    head->holds > HWS_GRANTS_HOLDS || !head->text || head->text > HWS_GRANTS_TEXT ||
	    head->reserved)
		return bad("more than there can be");
	sum += head->bars * sizeof(struct hws_grants_bar);
	sum += head->rings * sizeof(struct hws_grants_ring);
	sum += head->holds * sizeof(struct hws_grants_hold) + head->text;
	if (head->size != size || sum != size)
		return bad("its size is not the sum of its parts");
	if (head->uid != sys_uid())
		return why(-EACCES, HWS_GRANTS_NAME ": granted to uid %u; this is uid %u",
			   head->uid, sys_uid());
	return 0;
}

static bool bar_fits(const struct hws_grants_bar *bar)
{
	return bar->device < 32 && bar->function < 8 && bar->bar < BARS_OF_FUNCTION &&
	       bar->fd >= 0 && (bar->rights == HWS_R || bar->rights == HWS_RW);
}

static bool ring_fits(const struct hws_grants_ring *ring)
{
	uint64_t page = sys_page_size();

	return memchr(ring->path, '\0', sizeof(ring->path)) && ring->path[0] == '/' &&
	       ring->fd >= 0 && ring->arena_fd >= 0 && ring->reserved == 0 && ring->rights != 0 &&
	       (ring->rights & ~(uint32_t)HWS_RW) == 0 && ring->arena && ring->size &&
	       ring->size <= RING_MOST && size_fits(ring->arena + ring->size) &&
	       ring->arena % page == 0 && ring->size % page == 0 &&
	       hws_range_ok(ring->arena, ring->size, INT64_MAX);
}

static bool hold_fits(const struct hws_grants_hold *hold, uint32_t index)
{
	return hold->device < 32 && hold->function < 8 && hold->index == index &&
	       hold->fds[HWS_HOLD_DOMAIN] >= 0 && hold->fds[HWS_HOLD_DEVICE] >= 0;
}

static int check_parts(const struct grants *grants)
{
	const struct hws_grants *head = grants->head;

	for (uint32_t i = 0; i < head->bars; i++)
		if (!bar_fits(&grants->bars[i]))
			return bad("a BAR that can't be");
	for (uint32_t i = 0; i < head->rings; i++)
		if (!ring_fits(&grants->rings[i]))
			return bad("a ring that can't be");
	for (uint32_t i = 0; i < head->holds; i++)
		if (!hold_fits(&grants->holds[i], i))
			return bad("a function that can't be");
	if (memchr(grants->text, '\0', head->text) != grants->text + head->text - 1)
		return bad("its policy does not end where it should");
	return 0;
}

/* All of it, behind the struct that points there. */
static int take(int fd, uint64_t size, struct grants **ret_grants)
{
	HWS_CLEANUP_FREE struct grants *grants = NULL;
	const struct hws_grants *head;
	int r;

	if (size < sizeof(*head) || size > MOST)
		return bad("its size can't be");
	grants = malloc(sizeof(*grants) + (size_t)size);
	if (!grants)
		return why(-ENOMEM, "no memory for the grants");
	head = (const struct hws_grants *)(grants + 1);
	if (sys_pread(fd, grants + 1, (size_t)size, 0) != (ssize_t)size)
		return bad("it can't be read");
	r = check_head(head, size);
	if (r < 0)
		return r;
	grants->head = head;
	grants->bars = (const struct hws_grants_bar *)(head + 1);
	grants->rings = (const struct hws_grants_ring *)(grants->bars + head->bars);
	grants->holds = (const struct hws_grants_hold *)(grants->rings + head->rings);
	grants->text = (const char *)(grants->holds + head->holds);
	r = check_parts(grants);
	if (r == 0)
		*ret_grants = HWS_TAKE_PTR(grants);
	return r;
}

int grants_read(int fd, struct grants **ret_grants)
{
	uint64_t size = 0;
	int r = check_file(fd, &size);

	return r < 0 ? r : take(fd, size, ret_grants);
}

int grants_find(struct grants **ret_grants)
{
	/* not where the program has more rights than who runs it */
	const char *text = secure_getenv(HWS_GRANTS_NAME);
	int fd = text ? parse_number(text) : -1;

	if (!text)
		return why(-ENOENT, "not started by hwsafe-helper run");
	if (fd < 0)
		return why(-EACCES, HWS_GRANTS_NAME " is '%.40s', expected a descriptor's number",
			   text);
	return grants_read(fd, ret_grants);
}

void grants_free(struct grants *grants)
{
	free(grants);
}

bool grants_have_ports(const struct grants *grants, uint32_t first, uint32_t count)
{
	if (!grants || !count || !hws_range_ok(first, count, UINT16_MAX + 1u))
		return false;
	for (uint32_t port = first; port < first + count; port++)
		if (!(grants->head->ports[port / 8] >> port % 8 & 1))
			return false;
	return true;
}

int grants_bar(const struct grants *grants, struct hws_bdf bdf, uint32_t bar, uint32_t rights)
{
	for (uint32_t i = 0; grants && i < grants->head->bars; i++) {
		const struct hws_grants_bar *at = &grants->bars[i];

		if (at->domain == bdf.domain && at->bus == bdf.bus && at->device == bdf.device &&
		    at->function == bdf.function && at->bar == bar && !(rights & ~at->rights))
			return at->fd;
	}
	return -ENOENT;
}

const struct hws_grants_ring *grants_ring(const struct grants *grants, const char *path)
{
	for (uint32_t i = 0; grants && i < grants->head->rings; i++)
		if (!strcmp(grants->rings[i].path, path))
			return &grants->rings[i];
	return NULL;
}

const struct hws_grants_hold *grants_hold(const struct grants *grants, struct hws_bdf bdf)
{
	for (uint32_t i = 0; grants && i < grants->head->holds; i++) {
		const struct hws_grants_hold *at = &grants->holds[i];

		if (at->domain == bdf.domain && at->bus == bdf.bus && at->device == bdf.device &&
		    at->function == bdf.function)
			return at;
	}
	return NULL;
}

/* A bit for each that is in use: contexts come and go, the descriptors are the process's. */
static _Atomic uint32_t holds_taken;

static uint32_t bit_of(const struct hws_grants_hold *hold)
{
	return UINT32_C(1) << hold->index;
}

int grants_hold_take(const struct hws_grants_hold *hold)
{
	if (sys_set_cloexec(hold->fds[HWS_HOLD_DOMAIN]) < 0 ||
	    sys_set_cloexec(hold->fds[HWS_HOLD_DEVICE]) < 0)
		return why(-EBADF, "what was granted of the function is not here: it was closed, "
				   "or never passed on by a program between");
	/* acquire: pairs with grants_hold_give(); what its last holder did comes before */
	if (atomic_fetch_or_explicit(&holds_taken, bit_of(hold), memory_order_acquire) &
	    bit_of(hold))
		return why(-EBUSY, "the granted function is held already, by this process");
	return 0;
}

void grants_hold_give(const struct hws_grants_hold *hold)
{
	/* release: pairs with grants_hold_take() */
	atomic_fetch_and_explicit(&holds_taken, ~bit_of(hold), memory_order_release);
}
