/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of hardware that verbs read and write by the same words: ports,
 * registers of processors, device memory, configuration space. A kind takes
 * the words apart, and opens what they mean through policy.
 */
#ifndef HWPROBE_REACH_H
#define HWPROBE_REACH_H

#include "hw/hwprobe/spot.h"
#include "hw/hwprobe/where.h"

/* What the words mean, as far as they alone tell. */
struct target {
	char bdf[HWS_BDF_TEXT];
	uint32_t bar;
	char name[SPOT_NAME]; /* of a register, or of a field of it; "": the address is told */
	char cpus[64];	      /* "": as the options say */
	struct where where;
};

/* What is open for a verb. All zero but the first four at the beginning. */
struct reach {
	const struct call *call;
	const char *cpus; /* which processors; NULL: 0 */
	const char *bits; /* of MSRs: HI:LO; NULL: all */
	uint32_t width;	  /* where the words don't tell it; 0: the kind's own */
	struct hws *hw;
	struct handle *handles;
	struct spots spots;
};

struct reach_kind {
	const char *name; /* "io" */
	int words;	  /* how many name a place */
	/* False: it was told what is wrong. Opens nothing. */
	bool (*parse)(const struct reach *reach, char **words, struct target *ret_target);
	/* Appends the target's spots. */
	enum result (*open)(struct reach *reach, const struct target *target, uint32_t rights);
};

extern const struct reach_kind reach_io;
extern const struct reach_kind reach_mem;
extern const struct reach_kind reach_msr;
extern const struct reach_kind reach_pci;

#define REACH_MEM_WIDTH                                                                \
	{                                                                              \
		"width", 'w', "WIDTH", "b, w, l, q or 8, 16, 32, 64; l when not given" \
	}
/* The value of --width, which is the verb's option of that place. False: it was told. */
bool reach_take_width(const struct call *call, int option, struct reach *reach);

/* Reads what the call's words name. */
enum result reach_read(struct reach *reach, const struct reach_kind *kind);
/* Writes: PLACE VALUE[:MASK], or PLACE=VALUE[:MASK] as often as wanted. */
enum result reach_write(struct reach *reach, const struct reach_kind *kind);

/* The spot's bits become this: VALUE[:MASK], counted from the lowest of them. */
bool reach_change(const struct spot *spot, const char *value, struct change *ret_change);
/* Are only some bits meant, so that writing reads first? @value: NULL: none is told. */
bool reach_masked(const struct target *target, const char *value);
/* Of a register's name: "CC", "CC.EN"; else it was told. Fills the spot but for its place. */
enum result reach_name(const struct hws_registers *registers, const char *name, struct spot *spot,
		       struct hws_register *ret_register);

/* For kinds: a handle to be closed by reach_end(). False: no memory, as was told. */
bool reach_keep(struct reach *reach, void *handle, void (*close)(void *handle));
/* A spot at the end; NULL: no memory. */
struct spot *reach_add(struct reach *reach);
/* A spot for each place of @where, from @at on in the handle's own counting. */
enum result reach_spread(struct reach *reach, const struct where *where, struct hws_place first,
			 const char *prefix);
void reach_end(struct reach *reach);

#endif
