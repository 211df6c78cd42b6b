/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches, which the plug-in sees as copies: only results are taken back. */
#include <errno.h>
#include <string.h>

#include "shim/plugin-backend-internal.h"
#include "shim/shim-internal.h"

/* One's status; a lie ends the batch with it. */
static int status_of(const struct plugin_backend *backend, const char *entry, int status, int *r)
{
	int lie = believe_status(backend, entry, status);

	if (lie < 0)
		*r = lie;
	return *r == -EPROTO ? *r : status;
}

int backend_msr_batch(void *self, struct hws_msr_op *ops, size_t count)
{
	struct hws_msr_op copy[HWS_SHIM_STEPS];
	int r;

	if (count > HWS_SHIM_STEPS)
		return why(-EOPNOTSUPP, "more than %d registers at once", HWS_SHIM_STEPS);
	if (count) /* none may be at NULL */
		memcpy(copy, ops, count * sizeof(*ops));
	r = ASK(self, msr_batch, copy, count);
	for (size_t i = 0; r != -EOPNOTSUPP && i < count; i++) {
		ops[i].status = status_of(self, "msr_batch", copy[i].status, &r);
		if (!ops[i].write)
			ops[i].value = ops[i].status < 0 ? UINT64_MAX : copy[i].value;
	}
	return r;
}
