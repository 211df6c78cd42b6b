/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A shared object that is a plug-in; or, by how it is built, not quite one. */
#include "shim/plugin.h"

#ifdef PLUGIN_UNRESOLVED
int nobody_has_this(void);
#endif

static struct hws_error *create(struct hws_call_create *call)
{
	static char self;

#ifdef PLUGIN_UNRESOLVED
	if (nobody_has_this())
		return NULL;
#endif
	call->ret_self = &self;
	return NULL;
}

static void destroy(void *self)
{
	(void)self;
}

static const struct hws_ext_backend backend;
static const struct hws_plugin_table table = {
	.struct_size = sizeof(table),
	.abi = HWS_PLUGIN_ABI,
	.next = &backend.ext,
	.create = create,
	.destroy = destroy,
};

#if defined(PLUGIN_NO_NOTE)
HWS_API const struct hws_plugin_table *hws_plugin_entry(void);
const struct hws_plugin_table *hws_plugin_entry(void)
{
	return &table;
}
#elif defined(PLUGIN_NO_TABLE)
HWS_PLUGIN("hello", "1.0", table.create ? NULL : &table)
#else
HWS_PLUGIN("hello", "1.0", &table)
#endif
