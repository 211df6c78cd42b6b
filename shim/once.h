/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The write-once cell: EMPTY -> WRITING -> READY, never back.
 *
 *	static HWS_ONCE(struct limits) cell;
 *
 *	r = hws_once_set(&cell, &mine);             0, -EALREADY or -EBUSY
 *	const struct limits *l = hws_once_get(&cell);   NULL or the whole value
 *
 * All-zero memory is an EMPTY cell.
 */
#ifndef HWSAFE_SHIM_ONCE_H
#define HWSAFE_SHIM_ONCE_H

#include <errno.h>
#include <string.h>

#include "base.h"

/** enum hws_once_state - how far a cell is. */
enum hws_once_state {
	HWS_ONCE_EMPTY = 0,
	HWS_ONCE_WRITING = 1,
	HWS_ONCE_READY = 2,
};

/** struct hws_once - the state word of a cell; touched only by the functions below. */
struct hws_once {
	uint32_t state;
};

/** HWS_ONCE() - a cell for one value of @type. */
#define HWS_ONCE(type)                \
	struct {                      \
		struct hws_once once; \
		type value;           \
	}

/**
 * hws_once_set() - give the cell its value, the first time only.
 * @cell: borrowed; a pointer to an HWS_ONCE()
 * @from: borrowed; a pointer to a value of the cell's type, copied
 *
 * Return: 0 when this call set it; -EALREADY when it was set before; -EBUSY
 * when another thread is setting it at this moment.
 */
#define hws_once_set(cell, from)                                                 \
	hws_once_write(&(cell)->once, &(cell)->value,                            \
		       1 ? (from) : &(cell)->value /* same type or a warning */, \
		       sizeof((cell)->value))

/**
 * hws_once_get() - the value, or NULL while it isn't there.
 * @cell: borrowed; a pointer to an HWS_ONCE()
 *
 * Return: a pointer into the cell, good for as long as the cell is.
 */
#define hws_once_get(cell) (hws_once_ready(&(cell)->once) ? &(cell)->value : NULL)

/**
 * hws_once_ready() - is the value there, whole?
 * @once: borrowed; the cell's state
 *
 * Return: true when it is; what was written before is then visible.
 */
static inline bool hws_once_ready(const struct hws_once *once)
{
	/* acquire: pairs with the release in hws_once_write(); the value comes after the state */
	return __atomic_load_n(&once->state, __ATOMIC_ACQUIRE) == HWS_ONCE_READY;
}

/**
 * hws_once_write() - what hws_once_set() calls once the types agree.
 * @once: borrowed; the cell's state
 * @slot: borrowed; the cell's value
 * @from: borrowed; what to copy there
 * @size: how many bytes
 *
 * Return: as hws_once_set().
 */
HWS_MUST static inline int hws_once_write(struct hws_once *once, void *slot, const void *from,
					  size_t size)
{
	uint32_t expected = HWS_ONCE_EMPTY;

	/* a cell that is READY may lie in read-only memory, where even a failing exchange faults */
	if (hws_once_ready(once))
		return -EALREADY;
	/* acquire on failure: the caller that gets -EALREADY may read the value at once */
	if (!__atomic_compare_exchange_n(&once->state, &expected, HWS_ONCE_WRITING, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return expected == HWS_ONCE_READY ? -EALREADY : -EBUSY;
	memcpy(slot, from, size);
	/* release: pairs with the acquire in hws_once_ready() */
	__atomic_store_n(&once->state, HWS_ONCE_READY, __ATOMIC_RELEASE);
	return 0;
}

#endif
