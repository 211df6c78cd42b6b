/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine: which functions there are, what of it is open, and one access to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/harden.h"
#include "helper/needs.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

_Static_assert(SERVE_WINDOWS == 64, "a peer has a bit for each");

enum { FUNCTIONS = 65536 };

void machine_raise(const struct server *server, uint32_t kinds)
{
	/* what can't be raised is missed by the call that needs it, and told by that */
	if (server->permitted)
		(void)harden_effective(needs_for(kinds));
}

void machine_lower(const struct server *server)
{
	machine_raise(server, 0);
}

static int learn_one(struct server *server, struct hws_bdf bdf)
{
	struct hws_shim *shim = &server->hw->shim;
	struct known *known = server->known;
	uint32_t id = UINT32_MAX;
	uint32_t class_code = UINT32_MAX;

	known = realloc(known, (server->known_count + 1) * sizeof(*known));
	if (!known)
		return why(-ENOMEM, "no memory for the list of PCI functions");
	server->known = known;
	if (shim_ops(shim)->pci_read(shim->self, bdf, 0, 4, &id) < 0 ||
	    shim_ops(shim)->pci_read(shim->self, bdf, 8, 4, &class_code) < 0)
		return 0; /* it is not there to be asked for */
	known[server->known_count++] =
		(struct known) { bdf, (uint16_t)id, (uint16_t)(id >> 16), class_code >> 8 };
	return 0;
}

int machine_learn(struct server *server)
{
	struct hws_shim *shim = &server->hw->shim;
	struct hws_bdf bdf;
	const struct hws_bdf *after = NULL;
	int r = 0;

	machine_forget(server);
	/* the back end keeps the last one's file open: with all that whoever asks next may need */
	machine_raise(server, NEEDS_OF(HWS_KIND_PCI));
	while (r == 0 && server->known_count < FUNCTIONS &&
	       shim_ops(shim)->pci_next(shim->self, after, &bdf) == 0) {
		r = learn_one(server, bdf);
		after = &bdf;
	}
	machine_lower(server);
	return r;
}

bool machine_identify(const struct server *server, struct hws_access *access)
{
	const struct known *found = NULL;

	if (access->kind != HWS_KIND_PCI && access->kind != HWS_KIND_BAR &&
	    access->kind != HWS_KIND_DMA)
		return true;
	/* all of them, found or not: how long it takes says nothing */
	for (uint32_t i = 0; i < server->known_count; i++) {
		const struct known *one = &server->known[i];

		if (!bdf_order(one->bdf, access->bdf))
			found = one;
	}
	access->vendor = found ? found->vendor : 0xffff;
	access->device = found ? found->device : 0xffff;
	access->class_code = found ? found->class_code : 0xffffff;
	return found;
}

int machine_is_another(void)
{
	return why(-ENODEV, "another device is there by now, or none: the helper has to look anew "
			    "(SIGHUP)");
}

int machine_is_known(const struct server *server, const struct hws_access *access)
{
	struct hws_shim *shim = &server->hw->shim;
	uint32_t id;

	if (shim_ops(shim)->pci_read(shim->self, access->bdf, 0, 4, &id) == 0 &&
	    id == ((uint32_t)access->device << 16 | access->vendor))
		return 0;
	return machine_is_another();
}

static uint64_t bit_of(const struct server *server, const struct opened *opened)
{
	return UINT64_C(1) << (opened - server->opened);
}

static void give_up(struct server *server, struct opened *opened)
{
	struct hws_shim *shim;

	if (!opened->used)
		return;
	for (struct peer *peer = server->peers; peer; peer = peer->next)
		peer->windows &= ~bit_of(server, opened);
	shim = &server->hw->shim;
	if (opened->kind == HWS_KIND_PORT)
		shim_ops(shim)->port_close(shim->self, &opened->window);
	else if (opened->kind == HWS_KIND_PCI)
		native_let_go(shim->self, opened->bdf);
	else
		shim_ops(shim)->bar_unmap(shim->self, &opened->window);
	*opened = (struct opened) { 0 };
}

void machine_forget(struct server *server)
{
	for (uint32_t i = 0; i < SERVE_WINDOWS; i++)
		give_up(server, &server->opened[i]);
	free(server->known);
	server->known = NULL;
	server->known_count = 0;
}

/* A device that is open by VFIO is nobody else's meanwhile, and is reset when it is closed. */
void machine_close_unused(struct server *server)
{
	uint64_t used = 0;

	for (const struct peer *peer = server->peers; peer; peer = peer->next)
		used |= peer->windows;
	for (uint32_t i = 0; i < SERVE_WINDOWS; i++) {
		if (!(used & bit_of(server, &server->opened[i])))
			give_up(server, &server->opened[i]);
	}
}

void machine_close_function(struct server *server, struct hws_bdf bdf)
{
	for (uint32_t i = 0; i < SERVE_WINDOWS; i++) {
		struct opened *opened = &server->opened[i];

		if (opened->kind == HWS_KIND_BAR && !bdf_order(opened->bdf, bdf))
			give_up(server, opened);
	}
}

static bool fits(const struct opened *opened, enum hws_kind kind, const struct hws_access *access)
{
	uint64_t size = access->last - access->first + 1;

	if (!opened->used || opened->kind != kind || access->rights & HWS_RW & ~opened->rights)
		return false;
	if (kind == HWS_KIND_BAR &&
	    (bdf_order(opened->bdf, access->bdf) || opened->bar != access->bar))
		return false;
	return access->first >= opened->window.first &&
	       hws_range_ok(access->first - opened->window.first, size, opened->window.size);
}

static uint64_t used_by_others(const struct server *server)
{
	uint64_t used = 0;

	for (const struct peer *peer = server->peers; peer; peer = peer->next) {
		if (!server->asks || peer->uid != server->asks->uid)
			used |= peer->windows;
	}
	return used;
}

/* Which goes first: most ports lose nothing, a device that is open by VFIO is reset. */
static int rank(const struct server *server, const struct opened *opened, uint64_t others)
{
	if (!opened->used)
		return 0;
	if (opened->kind == HWS_KIND_PORT && strcmp(opened->window.way, "vfio") != 0)
		return 1;
	return others & bit_of(server, opened) ? 3 : 2;
}

/* Of those that are as good as another each comes in turn. */
static struct opened *make_room(struct server *server)
{
	uint64_t others = used_by_others(server);
	struct opened *best = &server->opened[server->oldest];

	for (uint32_t i = 1; i < SERVE_WINDOWS; i++) {
		struct opened *one = &server->opened[(server->oldest + i) % SERVE_WINDOWS];

		if (rank(server, one, others) < rank(server, best, others))
			best = one;
	}
	give_up(server, best);
	server->oldest = (uint32_t)(best - server->opened + 1) % SERVE_WINDOWS;
	return best;
}

static void use(struct server *server, struct opened *opened, struct opened **ret_opened)
{
	if (server->asks)
		server->asks->windows |= bit_of(server, opened);
	*ret_opened = opened;
}

int machine_open(struct server *server, enum hws_kind kind, const struct hws_access *access,
		 struct opened **ret_opened)
{
	struct hws_shim *shim = &server->hw->shim;
	enum hws_rights rights = (enum hws_rights)(access->rights & HWS_RW);
	struct opened *opened;
	struct opened made = {
		.used = true, .kind = kind, .rights = rights, .bdf = access->bdf, .bar = access->bar
	};
	int r;

	for (uint32_t i = 0; i < SERVE_WINDOWS; i++) {
		if (fits(&server->opened[i], kind, access)) {
			use(server, &server->opened[i], ret_opened);
			return 0;
		}
	}
	r = kind == HWS_KIND_BAR ? machine_is_known(server, access) : 0;
	if (r < 0)
		return r;
	opened = make_room(server);
	if (kind == HWS_KIND_PORT)
		r = shim_ops(shim)->port_open(shim->self, (uint16_t)access->first,
					      (uint32_t)(access->last - access->first + 1), rights,
					      &made.window);
	else
		r = shim_ops(shim)->bar_map(shim->self, access->bdf, access->bar, 0, 0, rights,
					    &made.window);
	if (r < 0)
		return r;
	*opened = made;
	use(server, opened, ret_opened);
	return fits(opened, kind, access) ? 0 : why(-ERANGE, "the BAR ends before that");
}

static int do_port(struct server *server, const struct hws_access *access, uint64_t *value)
{
	struct hws_shim *shim = &server->hw->shim;
	struct opened *opened;
	uint32_t word = 0;
	int r = machine_open(server, HWS_KIND_PORT, access, &opened);

	if (r < 0)
		return r;
	if (access->rights & HWS_W)
		return shim_ops(shim)->port_write(shim->self, &opened->window,
						  (uint16_t)access->first, access->width,
						  (uint32_t)*value);
	r = shim_ops(shim)->port_read(shim->self, &opened->window, (uint16_t)access->first,
				      access->width, &word);
	*value = word;
	return r;
}

static int do_msr(struct server *server, const struct hws_access *access, uint64_t *value)
{
	struct hws_shim *shim = &server->hw->shim;
	uint32_t reg = (uint32_t)access->first;

	return access->rights & HWS_W
		       ? shim_ops(shim)->msr_write(shim->self, access->cpu, reg, *value)
		       : shim_ops(shim)->msr_read(shim->self, access->cpu, reg, value);
}

/*
 * Under lockdown configuration space is written by VFIO, and the native back end keeps the function
 * open, for to close it would undo that: until nobody is connected any more who wrote there.
 */
static void keep_until_its_end(struct server *server, struct hws_bdf bdf)
{
	struct hws_shim *shim = &server->hw->shim;
	struct opened *opened = server->opened;

	if (!shim_is_native(shim) || !native_has_open(shim->self, bdf))
		return;
	while (opened < server->opened + SERVE_WINDOWS &&
	       (opened->kind != HWS_KIND_PCI || bdf_order(opened->bdf, bdf)))
		opened++;
	if (opened == server->opened + SERVE_WINDOWS) {
		opened = make_room(server);
		*opened = (struct opened) { .used = true, .kind = HWS_KIND_PCI, .bdf = bdf };
	}
	use(server, opened, &opened);
}

static int do_pci(struct server *server, const struct hws_access *access, uint64_t *value)
{
	struct hws_shim *shim = &server->hw->shim;
	uint32_t word = 0;
	int r = 0;

	/* one that came since the last look was judged by ids that no device has */
	if (access->rights & HWS_W || access->vendor == 0xffff)
		r = machine_is_known(server, access);
	if (r < 0)
		return r;
	if (access->rights & HWS_W) {
		r = shim_ops(shim)->pci_write(shim->self, access->bdf, (uint32_t)access->first,
					      access->width, (uint32_t)*value);
		keep_until_its_end(server, access->bdf);
		return r;
	}
	r = shim_ops(shim)->pci_read(shim->self, access->bdf, (uint32_t)access->first,
				     access->width, &word);
	*value = word;
	return r;
}

static int do_bar(struct server *server, const struct hws_access *access, uint64_t *value)
{
	struct hws_shim *shim = &server->hw->shim;
	struct opened *opened;
	int r = machine_open(server, HWS_KIND_BAR, access, &opened);

	if (r < 0)
		return r;
	return access->rights & HWS_W
		       ? shim_ops(shim)->mmio_write(shim->self, &opened->window, access->first,
						    access->width, *value)
		       : shim_ops(shim)->mmio_read(shim->self, &opened->window, access->first,
						   access->width, value);
}

static int (*const doers[HWS_KINDS])(struct server *server, const struct hws_access *access,
				     uint64_t *value) = {
	[HWS_KIND_PORT] = do_port,
	[HWS_KIND_MSR] = do_msr,
	[HWS_KIND_PCI] = do_pci,
	[HWS_KIND_BAR] = do_bar,
};

int machine_do(struct server *server, const struct hws_access *access, uint64_t *value)
{
	return doers[access->kind](server, access, value);
}
