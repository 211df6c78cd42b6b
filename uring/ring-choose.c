/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who carries the operations out: io_uring where it works. Where the system
 * refuses it, what stands in for it, and that is said. No memory or no
 * descriptors is another matter: that is told, never hidden.
 */
#include "uring/ring-choose-internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shim/probe-points-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "uring/probe.h"

static const struct ring_backend *const backends[] = { &ring_uring, &ring_epoll, &ring_sync };
enum { BACKENDS_OF_RINGS = sizeof(backends) / sizeof(backends[0]) };

/* What this process was told by the probe; filters and modules don't get milder. */
static struct {
	pthread_mutex_t lock;
	bool known;
	struct hws_uring_report report;
} probed = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int probe(struct hws_uring_report *ret_report)
{
	int r = 0;

	pthread_mutex_lock(&probed.lock);
	if (!probed.known)
		r = hws_uring_probe(&probed.report);
	/* what may be better the next time is asked again */
	probed.known = r == 0 && probed.report.code != -ENOMEM && probed.report.code != -EMFILE &&
		       probed.report.code != -ETIMEDOUT;
	if (r >= 0)
		*ret_report = probed.report;
	pthread_mutex_unlock(&probed.lock);
	return r;
}

static int open_with(struct hws_ring *ring, const struct ring_backend *backend)
{
	ring->backend = backend;
	return backend->open(ring);
}

static int open_named(struct hws_ring *ring, const char *name)
{
	for (size_t i = 0; i < BACKENDS_OF_RINGS; i++)
		if (strcmp(name, backends[i]->name) == 0)
			return open_with(ring, backends[i]);
	return why(-EINVAL, "there is no back end \"%s\": uring, epoll or sync", name);
}

/* -ECANCELED: it is killed for. Its causes are those of -EPERM. */
static bool refused(int code)
{
	return code == -EPERM || code == -EACCES || code == -ENOSYS || code == -EINVAL ||
	       code == -ECANCELED;
}

static int fall_back(struct hws_ring *ring, int code, const char *cause, const char *fix)
{
	PROBE_POINT(fall_back, code);
	ring_reduce(ring, "no io_uring: %s%s%s", cause, fix[0] ? "; " : "", fix);
	return open_with(ring, &ring_epoll);
}

/*
 * What was fine when it was probed may be refused now, by a filter or a setting that came later; or
 * the kernel has an io_uring, but not all that a ring needs of it.
 */
static int open_native(struct hws_ring *ring)
{
	int r = open_with(ring, &ring_uring);

	if (!refused(r) || ring->options.mode)
		return r;
	ring_uring.close(ring);
	memset(&ring->io, 0, sizeof(ring->io));
	ring->setup_flags = 0;
	return fall_back(ring, r, hws_why(), "");
}

int ring_choose(struct hws_ring *ring)
{
	const char *wanted = ring->options.backend;
	struct hws_uring_report report;
	int r;

	if (ring->grant)
		return open_with(ring, &ring_uring);
	/* for tests; not heeded where the program has more rights than who runs it */
	if (!wanted)
		wanted = secure_getenv("HWS_RING_BACKEND");
	if (wanted)
		return open_named(ring, wanted);
	r = probe(&report);
	if (r < 0)
		return why(r, "io_uring can't be tried out in a child: %s", strerror(-r));
	if (refused(report.code))
		return fall_back(ring, report.code, report.why, report.fix);
	/* what else there is, the ring itself will say */
	return open_native(ring);
}
