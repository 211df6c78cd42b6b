/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Caps: how much of each resource may be held at once, and how fast it may be
 * asked for. What is reserved is named by a token until it is released.
 */
#ifndef HWSAFE_GUARDIAN_CAPS_H
#define HWSAFE_GUARDIAN_CAPS_H

#include "../shim/base.h"

HWS_BEGIN_DECLS

/** enum hws_resource - what is capped. */
enum hws_resource {
	HWS_RAM = 0,  /* bytes */
	HWS_SWAP,     /* bytes */
	HWS_CPU,      /* thousandths of a processor */
	HWS_IRQ,      /* vectors */
	HWS_DMA,      /* bytes mapped for devices */
	HWS_HEAP,     /* bytes */
	HWS_RESOURCES /* how many */
};

/**
 * hws_resource_name() - the resource's word in reports: "ram", "swap" …
 * @resource: the resource
 *
 * Return: a constant string; "?" for a value that is no resource.
 */
HWS_API const char *hws_resource_name(enum hws_resource resource);

/**
 * struct hws_cap_limit - the ceiling of one resource; all zero is the default.
 *
 * The ceiling is @absolute, or else @percent of the capacity that the
 * resource's reader reports. A capacity that is 0 or can't be read denies.
 */
struct hws_cap_limit {
	uint64_t absolute;	  /* 0: by @percent; else the reader isn't asked at all */
	uint32_t percent;	  /* 1-100; 0: the resource's default */
	uint32_t pressure;	  /* percent of stalled time at which nothing more is given;
				     0: the resource's default, over 100: never */
	uint64_t surge_budget;	  /* how much may be asked for in any window; 0: not limited */
	uint64_t surge_window_ns; /* 0: a second */
};

/**
 * hws_resource_default() - the limit of a resource that is not set otherwise.
 * @resource: the resource
 *
 * RAM 80 %, swap 50 %, CPU 80 %, IRQ 256, DMA all of RLIMIT_MEMLOCK (where that
 * is unlimited: 80 % of RAM), heap 80 % of RAM or RLIMIT_DATA. RAM and swap are
 * not given while all tasks stall for memory 90 % of the time. No surge budget.
 *
 * Return: the limit; all zero for a value that is no resource.
 */
HWS_API struct hws_cap_limit hws_resource_default(enum hws_resource resource);

/** struct hws_usage - what a reader reports, in the resource's unit. */
struct hws_usage {
	uint64_t capacity; /* all there is for this process */
	uint64_t usage;	   /* in use now, by whomever; 0 where nobody can tell */
	uint32_t pressure; /* hundredths of a percent of the time that tasks stalled for it */
};

/**
 * struct hws_reader - says how much of a resource there is and is in use.
 *
 * @read is called from any thread, by several at once, a few times a second
 * while reservations are made. It returns 0 or a negative errno and must be fast.
 */
struct hws_reader {
	int (*read)(void *self, struct hws_usage *ret_usage);
	void *self; /* borrowed, for as long as the context lives */
};

/** struct hws_token - names a reservation; a value; all zero is none. */
struct hws_token {
	uint64_t id;
	uint64_t generation;
};

/**
 * struct hws_cap_state - one resource's numbers, read together.
 *
 * @peak is never less than @used; neither exceeds the ceiling that held when it was reached.
 */
struct hws_cap_state {
	uint64_t capacity; /* 0: not known, or the limit is absolute */
	uint64_t ceiling;
	uint64_t usage;		     /* as the reader last said */
	uint32_t pressure;	     /* the same */
	int32_t error;		     /* of the last reading: 0 or a negative errno */
	uint64_t used;		     /* reserved now */
	uint64_t peak;		     /* the most ever reserved at once */
	uint64_t denied_cap;	     /* over the ceiling, or no token left */
	uint64_t denied_no_capacity; /* no capacity, or its reader failed */
	uint64_t denied_surge;	     /* too fast */
	uint64_t denied_clock;	     /* the clock failed */
	uint64_t surge_budget;
	uint64_t surge_window_ns;
	uint64_t surge_used;
};

HWS_END_DECLS

#endif
