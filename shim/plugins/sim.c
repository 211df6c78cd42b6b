/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simulated machine as a plug-in: the same back end, loaded like a stranger's. */
#include <stdarg.h>
#include <stdio.h>

#include "shim/plugin.h"
#include "shim/sim-internal.h"
#include "shim/why-internal.h"

/* Written by create(), before anything else is called, and constant from there. */
static struct {
	const struct hws_host *host;
	uint64_t instance;
} sim;

/* What its sources say in the library's thread of words goes to the library by the host. */
static _Thread_local char reason[512];

void note_why(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	(sim.host->why)(sim.instance, reason);
}

const char *hws_why(void)
{
	return reason;
}

static struct hws_error *create(struct hws_call_create *call)
{
	const struct hws_host *host = call->host;

	if (host->struct_size < offsetof(struct hws_host, why) + sizeof(host->why))
		return host->error(call->instance, HWS_CODE_UNIMPLEMENTED, "create",
				   "this needs a library that takes reasons (hws_host.why)");
	sim.host = host;
	sim.instance = call->instance;
	call->ret_self = &sim;
	return NULL;
}

static void destroy(void *self)
{
	(void)self; /* the machine ended with close() */
}

static const struct hws_ext_backend backend = {
	.ext = { sizeof(backend), HWS_EXT_BACKEND, 1, NULL },
	.ops = &sim_ops,
};

static const struct hws_plugin_table table = {
	.struct_size = sizeof(table),
	.abi = HWS_PLUGIN_ABI,
	.flags = HWS_PLUGIN_THREAD_SAFE,
	.next = &backend.ext,
	.create = create,
	.destroy = destroy,
};

HWS_PLUGIN("sim", HWS_VERSION, &table)
