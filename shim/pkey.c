/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/pkey-internal.h"

#include <pthread.h>

#include "raw-internal.h"
#include "shim/fault-internal.h"
#include "shim/once.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

#ifdef HWS_NO_PKU
#define BUILT_IN false
#else
#define BUILT_IN true
#endif

/* Two bits of each key in the register, and what the kernel's pkey_alloc() calls them. */
enum { OPEN = 0, NO_ACCESS = 1, NO_WRITE = 2, BITS = 3 };

/* How often this thread has each key open; initial-exec: no call into the linker on the way. */
struct opened {
	uint32_t readers; /* as many as a pool has buffers, and each many times */
	uint32_t writers;
};
static _Thread_local struct opened opened[PKEY_MOST + 1] __attribute__((tls_model("initial-exec")));

static HWS_ONCE(struct pkey_set) set;

static int take_all(struct pkey_set *ret_set)
{
	int keys[PKEY_MOST + 1];
	int count = 0;

	while (count <= PKEY_MOST && (keys[count] = sys_pkey_alloc(NO_ACCESS)) > 0)
		count++;
	if (count == 0)
		return keys[0];
	if (count > 2)
		sys_pkey_free(keys[--count]); /* the program's */
	if (count < 2) {
		sys_pkey_free(keys[0]);
		return -ENOSPC;
	}
	ret_set->locked = (uint8_t)keys[--count];
	ret_set->count = (uint32_t)count;
	for (int i = 0; i < count; i++)
		ret_set->keys[i] = (uint8_t)keys[i];
	return 0;
}

static int take_once(void)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	struct pkey_set mine = { 0 };
	int r = -EALREADY;

	pthread_mutex_lock(&one_at_a_time);
	if (!hws_once_ready(&set.once))
		r = take_all(&mine);
	if (r == 0)
		r = hws_once_set(&set, &mine);
	pthread_mutex_unlock(&one_at_a_time);
	return r == -EALREADY ? 0 : r;
}

int pkey_take(const struct pkey_set **ret_set)
{
	int r;

	if (!BUILT_IN)
		return why(-EOPNOTSUPP, "this library was built without protection keys");
	r = fault_arm();
	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	/* SAFETY: asks the processor only, and a fault is caught */
	if (r < 0 || !raw_has_pkru())
		return why(-EOPNOTSUPP, "this processor or kernel has no protection keys");
	r = take_once();
	if (r == -ENOSPC)
		return why(r, "the program has taken all protection keys");
	if (r < 0)
		return why(-EOPNOTSUPP, "the kernel gives out no protection keys");
	*ret_set = hws_once_get(&set);
	return 0;
}

static void apply(uint32_t key, uint32_t bits)
{
	/* SAFETY: the kernel gave us the key, so the register is there; only our bits change */
	uint32_t old = raw_pkru_read();
	uint32_t new = (old & ~((uint32_t)BITS << 2 * key)) | bits << 2 * key;

	/* compared with the register, not with the counts: a signal's handler starts closed */
	if (new != old) {
		/* SAFETY: as above */
		raw_pkru_write(new);
	}
}

static uint32_t wanted(const struct opened *of)
{
	if (of->writers)
		return OPEN;
	return of->readers ? NO_WRITE : NO_ACCESS;
}

void pkey_open(uint32_t key, bool write)
{
	struct opened *of = &opened[key];

	if (write)
		of->writers++;
	else
		of->readers++;
	apply(key, wanted(of));
}

void pkey_close(uint32_t key, bool write)
{
	struct opened *of = &opened[key];

	if (write)
		of->writers--;
	else
		of->readers--;
	apply(key, wanted(of));
}

void pkey_start(void)
{
	const struct pkey_set *mine = hws_once_get(&set);

	if (!mine)
		return;
	for (uint32_t i = 0; i < mine->count; i++)
		apply(mine->keys[i], wanted(&opened[mine->keys[i]]));
	apply(mine->locked, wanted(&opened[mine->locked]));
}
