/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* On an architecture that we don't know, the native back end is the generic one. */
#include "shim/shim-internal.h"

static int native_open(const struct hws_shim_options *options, void **ret_self)
{
	return generic_ops.open(options, ret_self);
}

static void native_close(void *self)
{
	generic_ops.close(self);
}

bool shim_ports_held(const struct hws_window *ports)
{
	(void)ports;
	return true;
}

int shim_ports_drop(void)
{
	return 0;
}

bool native_has_open(void *self, struct hws_bdf bdf)
{
	(void)self, (void)bdf;
	return false;
}

void native_let_go(void *self, struct hws_bdf bdf)
{
	(void)self, (void)bdf;
}

int native_bar_alone(void *self, struct hws_bdf bdf, uint32_t bar)
{
	(void)self, (void)bdf, (void)bar;
	return -EOPNOTSUPP;
}

const struct hws_shim_ops native_ops = {
	.struct_size = sizeof(native_ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "native",
	.open = native_open,
	.close = native_close,
};
