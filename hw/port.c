/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/port.h"

#include <errno.h>
#include <stdlib.h>

#include "guardian/privilege-internal.h"
#include "hw/bank-internal.h"
#include "hw/face-internal.h"
#include "hw/place-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* A privilege that can be used. */
struct hws_port {
	struct hws_privilege held;
};

int hws_port_open(struct hws *hw, uint32_t first, uint32_t count, uint32_t rights,
		  struct hws_port **ret_port)
{
	HWS_CLEANUP_FREE struct hws_port *port = calloc(1, sizeof(*port));
	int r;

	if (!port)
		return why(-ENOMEM, "no memory for a range of ports");
	r = privilege_open(hw, first, count, rights, &port->held);
	if (r == 0)
		*ret_port = HWS_TAKE_PTR(port);
	return r;
}

void hws_port_close(struct hws_port *port)
{
	if (!port)
		return;
	bank_close(&port->held.gate);
	privilege_close(&port->held);
	free(port);
}

const char *hws_port_way(const struct hws_port *port)
{
	return port->held.window.way;
}

const struct hws_privilege *hws_port_privilege(const struct hws_port *port)
{
	return &port->held;
}

static uint16_t number_of(const struct gate *gate, const struct gate_access *one)
{
	return (uint16_t)(gate->window.first + one->offset);
}

static int do_read(struct gate *gate, const struct gate_access *one, uint64_t *ret_value)
{
	const struct hws_privilege *held = (const struct hws_privilege *)gate;
	struct hws_shim *shim = &gate->hw->shim;
	uint32_t value;
	int r = shim_ops(shim)->port_read(shim->self, &held->window, number_of(gate, one),
					  one->width, &value);

	*ret_value = value;
	return r;
}

static int do_write(struct gate *gate, const struct gate_access *one)
{
	const struct hws_privilege *held = (const struct hws_privilege *)gate;
	struct hws_shim *shim = &gate->hw->shim;

	return shim_ops(shim)->port_write(shim->self, &held->window, number_of(gate, one),
					  one->width, (uint32_t)one->value);
}

/* No old value: reading a port is seldom harmless. */
const struct face port_face = { do_read, do_write, .has_old = false };

FACES(port, 8, 0)
FACES(port, 16, 1)
FACES(port, 32, 2)

int hws_port_describe(struct hws_port *port, struct hws_registers *registers,
		      struct hws_bank **ret_bank)
{
	return bank_open(&port->held.gate, &port_face, registers, ret_bank);
}

int hws_port_wait_for(struct hws_port *port, uint32_t number, uint32_t width, uint32_t mask,
		      uint32_t value, uint64_t deadline_ns, uint32_t *ret_value)
{
	struct gate_access one = { .offset = number - port->held.gate.window.first,
				   .width = width };
	struct face_wait wait = { mask, value, deadline_ns };
	uint64_t last;
	int r = face_wait_for(&port->held.gate, &port_face, &one, &wait, &last);

	if (r == 0 && ret_value)
		*ret_value = (uint32_t)last;
	return r;
}

int hws_port_read_block(struct hws_port *port, uint32_t number, uint32_t width, void *bytes,
			uint32_t count)
{
	struct face_block block = { number - port->held.gate.window.first, width, count,
				    HWS_BLOCK_FIFO };

	return face_read_block(&port->held.gate, &port_face, &block, bytes);
}

int hws_port_write_block(struct hws_port *port, uint32_t number, uint32_t width, const void *bytes,
			 uint32_t count)
{
	struct face_block block = { number - port->held.gate.window.first, width, count,
				    HWS_BLOCK_FIFO };

	return face_write_block(&port->held.gate, &port_face, &block, bytes);
}
