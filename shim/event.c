/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/event.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { PENDING = 0, HAPPENED = 1, WORDS = 160 };

struct then {
	struct then *next;
	void (*ready)(void *context, int code);
	void (*release)(void *context);
	void *context;
};

struct hws_event {
	/* relaxed up, acq_rel down: the last to let go sees what the others did */
	_Atomic uint32_t shares;
	/* release by who sets it, acquire by who looks: @code and @words stand before it */
	_Atomic uint32_t state;
	int code;
	char words[WORDS];
	pthread_mutex_t lock; /* of what follows, and of setting */
	struct then *thens;   /* the latest first */
	int fd;		      /* -1: nobody asked for one */
};

int hws_event_open(struct hws_event **ret_event)
{
	struct hws_event *event = calloc(1, sizeof(*event));

	if (!event)
		return why(-ENOMEM, "no memory for an event");
	atomic_store_explicit(&event->shares, 1, memory_order_relaxed);
	pthread_mutex_init(&event->lock, NULL);
	event->fd = -1;
	*ret_event = event;
	return 0;
}

struct hws_event *hws_event_share(struct hws_event *event)
{
	atomic_fetch_add_explicit(&event->shares, 1, memory_order_relaxed);
	return event;
}

static void release(struct then *then)
{
	if (then->release)
		then->release(then->context);
	free(then);
}

void hws_event_close(struct hws_event *event)
{
	if (!event || atomic_fetch_sub_explicit(&event->shares, 1, memory_order_acq_rel) > 1)
		return;
	for (struct then *then = event->thens, *next; then; then = next) {
		next = then->next;
		release(then);
	}
	sys_close(event->fd);
	pthread_mutex_destroy(&event->lock);
	free(event);
}

static bool happened(const struct hws_event *event)
{
	return atomic_load_explicit(&event->state, memory_order_acquire) == HAPPENED;
}

/* In the order in which they were left. */
static struct then *reversed(struct then *list)
{
	struct then *first = NULL;

	while (list) {
		struct then *next = list->next;

		list->next = first;
		first = list;
		list = next;
	}
	return first;
}

int hws_event_set(struct hws_event *event, int code)
{
	struct then *thens;

	pthread_mutex_lock(&event->lock);
	if (happened(event)) {
		pthread_mutex_unlock(&event->lock);
		return -EALREADY;
	}
	event->code = code;
	if (code < 0)
		snprintf(event->words, sizeof(event->words), "%s", hws_why());
	thens = reversed(event->thens);
	event->thens = NULL;
	/* who is called may let go of the last share */
	hws_event_share(event);
	atomic_store_explicit(&event->state, HAPPENED, memory_order_release);
	if (event->fd >= 0)
		sys_eventfd_ring(event->fd);
	pthread_mutex_unlock(&event->lock);
	sys_futex_wake_all((uint32_t *)&event->state);
	for (struct then *next; thens; thens = next) {
		next = thens->next;
		thens->ready(thens->context, code);
		release(thens);
	}
	hws_event_close(event);
	return 0;
}

int hws_event_wait(struct hws_event *event, uint64_t deadline_ns, int *ret_code)
{
	while (!happened(event))
		if (!deadline_ns || sys_futex_wait_until((uint32_t *)&event->state, PENDING,
							 deadline_ns) == -ETIMEDOUT)
			break;
	if (!happened(event))
		return why(-ETIMEDOUT, "it has not happened yet");
	*ret_code = event->code < 0 ? why(event->code, "%s", event->words) : 0;
	return 0;
}

int hws_event_then(struct hws_event *event, void (*ready)(void *context, int code),
		   void (*release_context)(void *context), void *context)
{
	struct then *then = malloc(sizeof(*then));
	bool late;

	if (!then)
		return why(-ENOMEM, "no memory for an event's function");
	*then = (struct then) { .ready = ready, .release = release_context, .context = context };
	pthread_mutex_lock(&event->lock);
	late = happened(event);
	if (!late) {
		then->next = event->thens;
		event->thens = then;
	}
	pthread_mutex_unlock(&event->lock);
	if (late) {
		ready(context, event->code);
		release(then);
	}
	return 0;
}

int hws_event_fd(struct hws_event *event)
{
	int fd;

	pthread_mutex_lock(&event->lock);
	if (event->fd < 0) {
		event->fd = sys_eventfd();
		if (event->fd >= 0 && happened(event))
			sys_eventfd_ring(event->fd);
	}
	fd = event->fd;
	pthread_mutex_unlock(&event->lock);
	return fd < 0 ? why(fd, "no descriptor for an event") : fd;
}
