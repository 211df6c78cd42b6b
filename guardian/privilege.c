/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "guardian/privilege-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static const struct {
	const char *name;
	const char *why;
} states[HWS_PRIVILEGE_STATES] = {
	[HWS_PRIVILEGE_HELD] = { "held", "this thread may use the ports" },
	[HWS_PRIVILEGE_FOREIGN] = { "foreign", "another thread got them: get them for this one" },
	[HWS_PRIVILEGE_FORKED] = { "forked", "a forked child has none: get them anew" },
	[HWS_PRIVILEGE_DROPPED] = { "dropped", "they were given up: get them anew" },
};

const char *hws_privilege_state_name(enum hws_privilege_state state)
{
	return (unsigned int)state < HWS_PRIVILEGE_STATES ? states[state].name : "?";
}

int privilege_open(struct hws *hw, uint32_t first, uint32_t count, uint32_t rights,
		   struct hws_privilege *privilege)
{
	struct hws_access access = {
		.kind = HWS_KIND_PORT,
		.rights = rights,
		.first = first,
		.last = (uint64_t)first + count - 1,
	};
	struct gate_options options = { .window = &access,
					.guard = { HWS_GUARD_PORT_READ, HWS_GUARD_PORT_WRITE } };
	int r;

	if (!count || !hws_range_ok(first, count, UINT16_MAX + 1))
		return why(-ERANGE, "%u ports from 0x%x: the last port is 0xffff", count, first);
	r = gate_open(hw, &options, &privilege->gate);
	if (r < 0)
		return r;
	r = shim_ops(&hw->shim)->port_open(hw->shim.self, (uint16_t)first, count, rights & HWS_RW,
					   &privilege->window);
	if (r < 0) {
		gate_close(&privilege->gate);
		return context_fail(hw, HWS_EVENT_GRANT, &access, r);
	}
	privilege->thread = sys_tid();
	privilege->process = sys_pid();
	return 0;
}

void privilege_close(struct hws_privilege *privilege)
{
	struct hws_shim *shim = &privilege->gate.hw->shim;

	shim_ops(shim)->port_close(shim->self, &privilege->window);
	gate_close(&privilege->gate);
}

int hws_privilege_acquire(struct hws *hw, uint32_t first, uint32_t count, uint32_t rights,
			  struct hws_privilege **ret_privilege)
{
	HWS_CLEANUP_FREE struct hws_privilege *privilege = calloc(1, sizeof(*privilege));
	int r;

	if (!privilege)
		return why(-ENOMEM, "no memory for a privilege");
	r = privilege_open(hw, first, count, rights, privilege);
	if (r == 0)
		*ret_privilege = HWS_TAKE_PTR(privilege);
	return r;
}

void hws_privilege_drop(struct hws_privilege *privilege)
{
	if (!privilege)
		return;
	privilege_close(privilege);
	free(privilege);
}

int hws_privilege_drop_all(void)
{
	int r = shim_ports_drop();

	return r < 0 ? why(r, "the kernel does not take the ports back") : 0;
}

static enum hws_privilege_state state_of(const struct hws_privilege *privilege)
{
	if (shim_ports_held(&privilege->window))
		return HWS_PRIVILEGE_HELD;
	if (privilege->process != sys_pid())
		return HWS_PRIVILEGE_FORKED;
	return privilege->thread == sys_tid() ? HWS_PRIVILEGE_DROPPED : HWS_PRIVILEGE_FOREIGN;
}

enum hws_privilege_state hws_privilege_query(const struct hws_privilege *privilege,
					     struct hws_privilege_status *ret_status)
{
	enum hws_privilege_state state = state_of(privilege);

	if (ret_status)
		*ret_status = (struct hws_privilege_status) {
			.state = state,
			.why = states[state].why,
			.way = privilege->window.way,
			.thread = privilege->thread,
			.process = privilege->process,
			.first = (uint32_t)privilege->window.first,
			.count = (uint32_t)privilege->window.size,
			.rights = privilege->gate.window.rights,
		};
	return state;
}
