/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events: something that happens once, with a result. Shared and counted: whoever holds one may
 * wait for it, poll it, or leave a function that is called; it lives until the last lets go.
 */
#ifndef HWSAFE_SHIM_EVENT_H
#define HWSAFE_SHIM_EVENT_H

#include "base.h"

HWS_BEGIN_DECLS

/** struct hws_event - an event. */
struct hws_event;

/**
 * hws_event_open() - an event that hasn't happened.
 * @ret_event: out; the caller's share of it, for hws_event_close()
 *
 * Return: 0 or -ENOMEM.
 */
HWS_API HWS_MUST int hws_event_open(struct hws_event **ret_event);

/**
 * hws_event_share() - one more share of it.
 * @event: shared
 *
 * Context: any thread.
 * Return: @event, for one more hws_event_close().
 */
HWS_API struct hws_event *hws_event_share(struct hws_event *event);

/**
 * hws_event_close() - let go of a share.
 * @event: taken; NULL does nothing
 *
 * With the last share of an event that hasn't happened, its functions are released, not called.
 *
 * Context: any thread.
 */
HWS_API void hws_event_close(struct hws_event *event);

/**
 * hws_event_set() - it happens now.
 * @event: shared
 * @code: the result, 0 or -errno; what hws_why() says is kept with an error
 *
 * Wakes who waits; then calls what was left with hws_event_then(), in this thread.
 *
 * Context: any thread.
 * Return: 0, or -EALREADY: only the first result counts.
 */
HWS_API int hws_event_set(struct hws_event *event, int code);

/**
 * hws_event_wait() - wait until it happens.
 * @event: shared
 * @deadline_ns: CLOCK_MONOTONIC; 0: only look; UINT64_MAX: for ever
 * @ret_code: out; its result; hws_why() has the words of an error
 *
 * Context: any thread.
 * Return: 0, or -ETIMEDOUT when it hasn't happened.
 */
HWS_API HWS_MUST int hws_event_wait(struct hws_event *event, uint64_t deadline_ns, int *ret_code);

/**
 * hws_event_then() - call a function once it has happened; now, when it has.
 * @event: shared
 * @ready: called once, with the result, without any lock held; it may let go of the event
 * @release: called once when @context is needed no more, called @ready or not; may be NULL
 * @context: borrowed until @release
 *
 * Return: 0, or -ENOMEM: then neither is called.
 */
HWS_API HWS_MUST int hws_event_then(struct hws_event *event, void (*ready)(void *context, int code),
				    void (*release)(void *context), void *context);

/**
 * hws_event_fd() - a descriptor that is readable once it has happened.
 * @event: shared
 *
 * Return: a descriptor, the event's, for poll() only; or -errno.
 */
HWS_API HWS_MUST int hws_event_fd(struct hws_event *event);

HWS_END_DECLS

#endif
