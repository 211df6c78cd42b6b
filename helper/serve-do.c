/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The privileged vocabulary: one table. What reaches it was checked by shim/wire.c. */
#include <errno.h>
#include <string.h>

#include "helper/needs.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

static const void *body_of(const struct server *server)
{
	return wire_body(&server->request);
}

static void *answer_of(struct server *server)
{
	return wire_reply_body(&server->reply);
}

static int do_hello(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_hello *hello = body_of(server);
	struct hws_wire_welcome *welcome = answer_of(server);

	(void)ret_fd;
	if (hello->oldest > HWS_WIRE_VERSION || hello->newest < HWS_WIRE_OLDEST)
		return why(-EPROTONOSUPPORT,
			   "the helper speaks versions %d to %d of the protocol, the program %u to "
			   "%u: update the older",
			   HWS_WIRE_OLDEST, HWS_WIRE_VERSION, hello->oldest, hello->newest);
	peer->version = hello->newest < HWS_WIRE_VERSION ? hello->newest : HWS_WIRE_VERSION;
	*welcome = (struct hws_wire_welcome) { peer->version, HWS_WIRE_STEPS, 0 };
	return 0;
}

static int do_identify(struct server *server, struct peer *peer, int *ret_fd)
{
	struct hws_shim *shim = &server->hw->shim;
	struct hws_wire_cpu *cpu = answer_of(server);
	struct hws_cpu found;
	int r = shim_ops(shim)->identify(shim->self, &found);

	(void)peer, (void)ret_fd;
	if (r < 0)
		return r;
	cpu->arch = found.arch;
	cpu->cpus = found.cpus;
	cpu->id = found.id;
	memcpy(cpu->vendor, found.vendor, sizeof(cpu->vendor));
	memcpy(cpu->model, found.model, sizeof(cpu->model));
	return 0;
}

static void note_grant(struct server *server, struct peer *peer, const struct hws_access *access,
		       const struct hws_decision *decision)
{
	struct hws_event event = audit_access_event(access, HWS_EVENT_GRANT, HWS_REASON_NONE);

	event.rule = decision->rule + 1;
	serve_note(server, peer, event);
}

static int do_topology(struct server *server, struct peer *peer, int *ret_fd)
{
	struct hws_shim *shim = &server->hw->shim;
	struct hws_wire_topology *topology = answer_of(server);
	struct hws_topology found;
	int r = shim_ops(shim)->topology(shim->self, &found);

	(void)peer, (void)ret_fd;
	if (r == 0)
		*topology = (struct hws_wire_topology) { found.packages, found.cores, found.threads,
							 0 };
	return r;
}

static int do_cpuid(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_leaf *leaf = body_of(server);
	struct hws_wire_regs *regs = answer_of(server);
	struct hws_shim *shim = &server->hw->shim;
	struct hws_access access = {
		.kind = HWS_KIND_CPUID, .rights = HWS_R, .first = leaf->leaf, .last = leaf->leaf
	};
	struct hws_decision decision;

	(void)ret_fd;
	if (hws_policy_check(peer->view, &access, &decision) < 0)
		return access_refuse(server, peer, &access, &decision);
	note_grant(server, peer, &access, &decision);
	return shim_ops(shim)->cpuid(shim->self, leaf->leaf, leaf->subleaf, regs->regs);
}

/* May anything of the function's ids be read? Then it is no secret that it is there. */
static bool may_see(const struct peer *peer, const struct known *known)
{
	struct hws_access access = { .kind = HWS_KIND_PCI,
				     .rights = HWS_R,
				     .last = 3,
				     .bdf = known->bdf,
				     .vendor = known->vendor,
				     .device = known->device,
				     .class_code = known->class_code };
	struct hws_decision decision;

	return hws_policy_check(peer->view, &access, &decision) == 0;
}

static int do_next(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_next *next = body_of(server);
	struct hws_wire_bdf *bdf = answer_of(server);

	(void)ret_fd;
	for (uint32_t i = 0; i < server->known_count; i++) {
		const struct known *known = &server->known[i];

		if ((next->first || bdf_order(known->bdf, wire_get_bdf(next->after)) > 0) &&
		    may_see(peer, known)) {
			*bdf = wire_put_bdf(known->bdf);
			return 0;
		}
	}
	return why(-ENOENT, "there are no more PCI functions");
}

static void put_info(const struct hws_pci_info *info, struct hws_wire_info *wire)
{
	*wire = (struct hws_wire_info) {
		.vendor = info->vendor,
		.device = info->device,
		.subsystem_vendor = info->subsystem_vendor,
		.subsystem_device = info->subsystem_device,
		.class_code = info->class_code,
		.revision = info->revision,
		.enabled = info->enabled,
		.numa_node = info->numa_node,
		.iommu_group = info->iommu_group,
	};
	memcpy(wire->driver, info->driver, sizeof(wire->driver));
	memcpy(wire->power, info->power, sizeof(wire->power));
	for (int i = 0; i < HWS_PCI_BARS; i++)
		wire->bars[i] = (struct hws_wire_place) { info->bars[i].base, info->bars[i].size,
							  info->bars[i].flags, 0 };
}

/* To whom may read the ids, as NEXT does; one that is not there is refused like any other. */
static int do_info(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_bdf *bdf = body_of(server);
	struct hws_shim *shim = &server->hw->shim;
	struct hws_pci_info info = { .size = sizeof(info) };
	struct hws_access access = {
		.kind = HWS_KIND_PCI, .rights = HWS_R, .last = 3, .bdf = wire_get_bdf(*bdf)
	};
	struct hws_decision decision;
	int r;

	(void)ret_fd;
	machine_identify(server, &access);
	if (hws_policy_check(peer->view, &access, &decision) < 0)
		return access_refuse(server, peer, &access, &decision);
	r = shim_ops(shim)->pci_info(shim->self, access.bdf, &info);
	if (r == 0 && (info.vendor != access.vendor || info.device != access.device))
		r = machine_is_another();
	if (r == 0)
		put_info(&info, answer_of(server));
	return r;
}

static int do_ports(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_ports *ports = body_of(server);
	struct hws_access access = { .kind = HWS_KIND_PORT,
				     .rights = ports->rights,
				     .first = ports->first,
				     .last = ports->first + (uint64_t)ports->count - 1 };
	struct hws_decision decision;
	struct opened *opened;
	int r;

	(void)ret_fd;
	/* who has the ports already is shown to the privileged only, too */
	machine_raise(server, NEEDS_OF(HWS_KIND_PORT));
	r = access_judge_writing(server, peer, &access, &decision);
	r = r < 0 ? access_refuse(server, peer, &access, &decision)
		  : machine_open(server, HWS_KIND_PORT, &access, &opened);
	machine_lower(server);
	if (r == 0)
		note_grant(server, peer, &access, &decision);
	return r;
}

/* It is reached access by access instead. */
static int note_limit(struct server *server, struct peer *peer, const struct hws_access *access,
		      const struct hws_decision *decision)
{
	struct hws_event event = audit_access_event(access, HWS_EVENT_GRANT, HWS_REASON_LIMIT);

	event.rule = decision->rule + 1;
	audit_event_text(&event, "no more descriptors");
	serve_note(server, peer, event);
	return -EDQUOT;
}

/* One more descriptor of the same reaches nothing more. */
static bool has_already(const struct peer *peer, const struct hws_access *whole)
{
	for (uint32_t i = 0; i < peer->bar_count; i++) {
		const struct hws_access *bar = &peer->bars[i];

		if (!bdf_order(bar->bdf, whole->bdf) && bar->bar == whole->bar &&
		    bar->rights == whole->rights && bar->last == whole->last &&
		    bar->vendor == whole->vendor && bar->device == whole->device &&
		    bar->class_code == whole->class_code)
			return true;
	}
	return false;
}

/*
 * A descriptor reaches all of the BAR, whatever was asked for: it is given where the policy gives
 * all of it, without a look at each access, and the back end has one.
 */
static int give_fd(struct server *server, struct peer *peer, struct hws_access whole)
{
	struct hws_shim *shim = &server->hw->shim;
	struct account *account = peer->account;
	struct hws_decision decision;
	uint64_t size;
	int fd;

	fd = shim_ops(shim)->bar_fd(shim->self, whole.bdf, whole.bar, (enum hws_rights)whole.rights,
				    &size);
	if (fd < 0)
		return fd;
	whole.first = 0;
	whole.last = size - 1;
	if (access_judge_writing(server, peer, &whole, &decision) < 0 || decision.per_access ||
	    decision.rate) {
		sys_close(fd);
		return -EACCES;
	}
	if (has_already(peer, &whole))
		return fd;
	if (peer->bar_count == SERVE_BARS ||
	    !hws_range_ok(account->mapped, size, server->options->mapped)) {
		sys_close(fd);
		return note_limit(server, peer, &whole, &decision);
	}
	account->mapped += size;
	peer->bars[peer->bar_count++] = whole;
	note_grant(server, peer, &whole, &decision);
	return fd;
}

/* How long the window is, if it is to reach to the end; nothing of the BAR is touched for that. */
static int find_end(struct server *server, const struct hws_wire_bar *bar,
		    struct hws_access *access)
{
	struct opened *opened;
	int r = machine_open(server, HWS_KIND_BAR, access, &opened);

	if (r == 0)
		access->last = bar->size ? bar->first + bar->size - 1 : opened->window.size - 1;
	return r;
}

static int do_bar(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_bar *bar = body_of(server);
	struct hws_wire_window *window = answer_of(server);
	struct hws_access access = { .kind = HWS_KIND_BAR,
				     .rights = bar->rights,
				     .first = bar->first,
				     .last = bar->first + (bar->size ? bar->size - 1 : 0),
				     .bdf = wire_get_bdf(bar->bdf),
				     .bar = bar->bar };
	struct hws_decision decision;
	int r;

	machine_identify(server, &access);
	machine_raise(server, NEEDS_OF(HWS_KIND_BAR));
	/* first what is known without a look at the device: most refusals need no more */
	r = access_judge_writing(server, peer, &access, &decision);
	r = r < 0 ? access_refuse(server, peer, &access, &decision)
		  : machine_is_known(server, &access);
	r = r < 0 ? r : find_end(server, bar, &access);
	if (r == 0 && access_judge_writing(server, peer, &access, &decision) < 0)
		r = access_refuse(server, peer, &access, &decision);
	if (r == 0) {
		*ret_fd = give_fd(server, peer, access);
		*window = (struct hws_wire_window) { access.last - access.first + 1, *ret_fd >= 0,
						     0 };
		note_grant(server, peer, &access, &decision);
	}
	machine_lower(server);
	return r;
}

static int do_run(struct server *server, struct peer *peer, int *ret_fd)
{
	(void)ret_fd;
	return access_run(server, peer, body_of(server), answer_of(server));
}

static int do_txn(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_txn *txn = body_of(server);

	(void)ret_fd;
	return txn->begin ? txn_begin(server, peer) : txn_end(server, peer, false);
}

static int do_ring(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_share *share = body_of(server);
	struct hws_wire_shared *shared = answer_of(server);
	int r = ring_share(server, peer, share->start, ret_fd);

	if (r == 0)
		*shared = (struct hws_wire_shared) { sizeof(struct hws_wire_ring), HWS_WIRE_SLOTS };
	return r;
}

static int do_hold(struct server *server, struct peer *peer, int *ret_fd)
{
	return hold_give(server, peer, body_of(server), answer_of(server), ret_fd);
}

/* Of who asks, whatever else there is: nothing is refused, so nothing is told of the machine. */
static int do_rights(struct server *server, struct peer *peer, int *ret_fd)
{
	struct hws_wire_rights *rights = answer_of(server);

	_Static_assert(HWS_KINDS <= HWS_WIRE_KINDS, "all have room");
	(void)ret_fd;
	rights->rules = hws_policy_rules(server->policy);
	hws_policy_view_rights(peer->view, rights->rights);
	return 0;
}

static int (*const doers[HWS_WIRE_OPS])(struct server *server, struct peer *peer, int *ret_fd) = {
	[HWS_WIRE_HELLO] = do_hello,	   /* agree on a version */
	[HWS_WIRE_IDENTIFY] = do_identify, /* what everybody may know */
	[HWS_WIRE_TOPOLOGY] = do_topology, /* the same */
	[HWS_WIRE_CPUID] = do_cpuid,	   /* ask the policy */
	[HWS_WIRE_INFO] = do_info,	   /* ask the policy */
	[HWS_WIRE_NEXT] = do_next,	   /* of the list, what the policy shows */
	[HWS_WIRE_PORTS] = do_ports,	   /* ask the policy */
	[HWS_WIRE_BAR] = do_bar,	   /* ask the policy; a descriptor */
	[HWS_WIRE_RUN] = do_run,	   /* ask the policy; read and write */
	[HWS_WIRE_TXN] = do_txn,	   /* keep old values, or keep them no more */
	[HWS_WIRE_RING] = do_ring,	   /* shared memory; a doorbell */
	[HWS_WIRE_HOLD] = do_hold,	   /* ask the policy; a descriptor */
	[HWS_WIRE_RIGHTS] = do_rights,	   /* ask the policy */
};

static int too_fast(struct server *server, struct peer *peer)
{
	struct hws_event event = { .type = HWS_EVENT_PRIVILEGE,
				   .level = HWS_LEVEL_WARNING,
				   .reason = HWS_REASON_SURGE,
				   .code = -EDQUOT,
				   .text = "too many requests" };

	serve_note(server, peer, event);
	return why(-EDQUOT, "uid %u has had its rate of requests", peer->uid);
}

int serve_do(struct server *server, struct peer *peer, int *ret_fd)
{
	const struct hws_wire_head *head = &server->request.head;
	struct hws_wire_answer *answer = &server->reply.answer;
	size_t size = wire_reply_size(&server->request);
	unsigned int said = why_times();
	int r;

	*ret_fd = -1;
	memset(&server->reply, 0, size);
	/* each request costs, not only those with accesses */
	if (head->op != HWS_WIRE_RUN &&
	    !account_take(server, peer->account, wire_cost(&server->request)))
		r = too_fast(server, peer);
	else
		r = doers[head->op](server, peer, ret_fd);
	answer->head = *head;
	answer->head.size = (uint32_t)size;
	answer->code = r;
	/* where nobody said why, what stands there is another one's */
	if (r < 0)
		snprintf(answer->why, sizeof(answer->why), "%s", serve_cause(said, r));
	if (*ret_fd < 0)
		*ret_fd = -1;
	return r;
}
