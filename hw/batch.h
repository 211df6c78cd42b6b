/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Batches: steps over any handles, checked whole before the first is done.
 *
 *	struct hws_step steps[] = {
 *		hws_step_write(hws_in_port(clock, 0x70, 1), 0x0a),
 *		hws_step_poll(hws_in_port(clock, 0x71, 1), 0x80, 0, 2000000),
 *		hws_step_read(hws_in_mmio(edu, 0x00, 4)),
 *	};
 *	r = hws_batch_run(steps, 3, 0);
 *
 * Each step tells how it ended, what it read, when it began and ended. The same array may be run
 * again and again.
 */
#ifndef HWSAFE_HW_BATCH_H
#define HWSAFE_HW_BATCH_H

#include "mmio.h"
#include "msr.h"
#include "pci.h"
#include "port.h"

HWS_BEGIN_DECLS

/** struct hws_place - where an access goes; made by hws_in_port() and its like. */
struct hws_place {
	enum hws_kind kind;
	void *handle;	/* borrowed */
	uint64_t at;	/* counted as the kind's own functions do */
	uint32_t width; /* bytes */
	uint32_t cpu;
};

/**
 * hws_in_port() - a port.
 * @port: borrowed
 * @at: which, by its number
 * @width: bytes: 1, 2 or 4
 *
 * Return: the place.
 */
static inline struct hws_place hws_in_port(struct hws_port *port, uint32_t at, uint32_t width)
{
	struct hws_place place = { HWS_KIND_PORT, port, at, width, 0 };

	return place;
}

/**
 * hws_in_mmio() - an address of device memory.
 * @mmio: borrowed
 * @at: where in the window
 * @width: bytes: 1, 2, 4 or 8
 *
 * Return: the place.
 */
static inline struct hws_place hws_in_mmio(struct hws_mmio *mmio, uint64_t at, uint32_t width)
{
	struct hws_place place = { HWS_KIND_BAR, mmio, at, width, 0 };

	return place;
}

/**
 * hws_in_msr() - a processor's register.
 * @msr: borrowed
 * @cpu: which processor's
 * @reg: which register
 *
 * Return: the place.
 */
static inline struct hws_place hws_in_msr(struct hws_msr *msr, uint32_t cpu, uint32_t reg)
{
	struct hws_place place = { HWS_KIND_MSR, msr, reg, 8, cpu };

	return place;
}

/**
 * hws_in_pci() - a piece of configuration space.
 * @pci: borrowed
 * @at: where in the space
 * @width: bytes: 1, 2 or 4
 *
 * Return: the place.
 */
static inline struct hws_place hws_in_pci(struct hws_pci *pci, uint32_t at, uint32_t width)
{
	struct hws_place place = { HWS_KIND_PCI, pci, at, width, 0 };

	return place;
}

/** enum hws_verb - what a step does. */
enum hws_verb {
	HWS_STEP_READ = 0,
	HWS_STEP_WRITE,	 /* @value */
	HWS_STEP_UPDATE, /* the bits of @mask become those of @value, the others stay */
	HWS_STEP_POLL,	 /* read until the bits of @mask are those of @value */
	HWS_STEP_PAUSE,	 /* for @limit_ns */
	HWS_STEP_VERBS	 /* how many */
};

/** struct hws_step - one step; what it is, and how it went. */
struct hws_step {
	struct hws_place place;
	uint32_t verb; /* enum hws_verb */
	uint64_t value;
	uint64_t mask;
	uint64_t limit_ns; /* of a poll: how long at most */

	/* how it went */
	int status;	   /* 0; -errno; -ETIME a poll that saw nothing; -ECANCELED: not begun */
	uint64_t result;   /* what was read (of an update: before it); last, of a poll */
	uint64_t began_ns; /* CLOCK_MONOTONIC */
	uint64_t ended_ns;
	uint64_t polls; /* how often a poll read */
};

/**
 * hws_step_read() - a step that reads.
 * @place: where
 *
 * Return: the step.
 */
static inline struct hws_step hws_step_read(struct hws_place place)
{
	struct hws_step step = { place, HWS_STEP_READ, 0, 0, 0, 0, 0, 0, 0, 0 };

	return step;
}

/**
 * hws_step_write() - a step that writes.
 * @place: where
 * @value: what
 *
 * Return: the step.
 */
static inline struct hws_step hws_step_write(struct hws_place place, uint64_t value)
{
	struct hws_step step = { place, HWS_STEP_WRITE, value, 0, 0, 0, 0, 0, 0, 0 };

	return step;
}

/**
 * hws_step_update() - a step that changes some bits.
 * @place: where; it is read and then written
 * @mask: which bits
 * @value: what they become; no bits outside the mask
 *
 * Return: the step.
 */
static inline struct hws_step hws_step_update(struct hws_place place, uint64_t mask, uint64_t value)
{
	struct hws_step step = { place, HWS_STEP_UPDATE, value, mask, 0, 0, 0, 0, 0, 0 };

	return step;
}

/**
 * hws_step_poll() - a step that waits for some bits.
 * @place: where
 * @mask: which bits
 * @value: what they must become; no bits outside the mask
 * @limit_ns: how long at most
 *
 * Return: the step.
 */
static inline struct hws_step hws_step_poll(struct hws_place place, uint64_t mask, uint64_t value,
					    uint64_t limit_ns)
{
	struct hws_step step = { place, HWS_STEP_POLL, value, mask, limit_ns, 0, 0, 0, 0, 0 };

	return step;
}

/**
 * hws_step_pause() - a step that waits.
 * @ns: how long
 *
 * Return: the step.
 */
static inline struct hws_step hws_step_pause(uint64_t ns)
{
	struct hws_place none = { HWS_KIND_PORT, NULL, 0, 0, 0 };
	struct hws_step step = { none, HWS_STEP_PAUSE, 0, 0, ns, 0, 0, 0, 0, 0 };

	return step;
}

/** HWS_BATCH_STEPS - the most steps of a batch. */
#define HWS_BATCH_STEPS 4096

/** enum hws_batch_flags - how a batch is run. Values combine. */
enum hws_batch_flags {
	HWS_BATCH_GO_ON = 1, /* a step that fails does not end the batch */
};

/**
 * hws_batch_check() - would these steps be allowed? Nothing is done but reading what stands where
 * a rule is about bits that change.
 * @steps: borrowed; each one's status says what is wrong with it
 * @count: how many
 *
 * Return: 0; the status of the first that would be refused; -EINVAL too many steps.
 */
HWS_API HWS_MUST int hws_batch_check(struct hws_step *steps, uint32_t count);

/**
 * hws_batch_run() - check all steps, then do them in order.
 * @steps: borrowed; filled with how each went
 * @count: how many
 * @flags: enum hws_batch_flags
 *
 * When the check refuses one, nothing is done, and the others say -ECANCELED. What only shows
 * while it is done (a device that fails, a guard or rate that is used up) ends the batch there,
 * unless it is to go on; the steps behind it say -ECANCELED.
 *
 * Safety: WRITES. As the kinds' own functions do.
 *
 * Return: 0; the status of the first step that failed; -EINVAL.
 */
HWS_API HWS_MUST int hws_batch_run(struct hws_step *steps, uint32_t count, uint32_t flags);

HWS_END_DECLS

#endif
