/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spots: where verbs read and write, of whichever kind. Reading prints values
 * on stdout; writing asks, writes, and prints nothing but what -n shows.
 */
#ifndef HWPROBE_SPOT_H
#define HWPROBE_SPOT_H

#include "hw/hwprobe/args.h"

enum { SPOT_NAME = 80 };

struct json_object;

struct spot {
	struct hws_place place;
	char name[SPOT_NAME]; /* in output */
	uint64_t mask;	      /* the bits that are meant; 0: all of them */
	uint32_t low;	      /* the lowest of them */
	uint64_t clears;      /* bits that a one clears: written as zeros unless they are meant */
	/* the description's field, for the names of values; NULL: none */
	const struct hws_registers *registers;
	uint32_t index;
	uint32_t field;
};

/* One write: of a spot's bits. */
struct change {
	struct spot spot;
	uint64_t value; /* in place: moved up to the spot's bits */
	uint64_t mask;	/* of the whole place; 0: write without reading */
};

enum spots_style { SPOTS_PLAIN, SPOTS_RAW, SPOTS_C, SPOTS_CSV, SPOTS_JSONL };

struct spots {
	struct spot *at;
	size_t count;
	bool named; /* in text: each value behind its name */
	enum spots_style style;
	bool count_given; /* read them so often, with pauses between */
	uint64_t samples;
	uint64_t interval_ms;
};

/* Options of verbs that read, in this order and first in their tables. */
enum {
	READ_RAW,
	READ_C,
	READ_CSV,
	READ_JSONL,
	READ_ZERO,
	READ_COUNT,
	READ_INTERVAL,
	READ_OPTIONS,
};
#define ARGS_READ_OPTIONS                                                                 \
	[READ_RAW] = { "raw", 0, NULL, "its bytes, the lowest first" },                   \
	[READ_C] = { "c-language", 'c', NULL, "constants of C" },                         \
	[READ_CSV] = { "csv", 0, NULL, "lines of time, name and value" },                 \
	[READ_JSONL] = { "jsonl", 0, NULL, "a JSON document in a line for each value" },  \
	[READ_ZERO] = { "zero-pad", '0', NULL, "leading zeros, which are there anyway" }, \
	[READ_COUNT] = { "count", 0, "COUNT", "read so often" },                          \
	[READ_INTERVAL] = { "interval", 0, "MS", "with so long between; 1000" }
/* Takes the options of a verb that has them. False: it was told what is wrong. */
bool spots_options(const struct call *call, struct spots *spots);

/* All ones of so many bytes. */
uint64_t spot_ones(uint32_t width);
/* The rights that writing takes, as the options and the mask say. */
uint32_t spot_write_rights(const struct call *call, bool masked);

/* RESULT_PARTIAL when some could be read and some not; each that couldn't is told. */
enum result spots_read(const struct call *call, const struct spots *spots);
/* All may be written, and the user wants it; then in order, and the first that fails ends it. */
enum result spots_write(const struct call *call, const struct change *changes, size_t count);

/* Reads what stands there: 0 or -errno. */
int spot_read(struct hws_place place, uint64_t *ret_value);
/* The dangers of writing there, HWS_DANGER_…, whichever value it is or this one. */
uint32_t spot_danger(const struct hws_place *place, bool has_value, uint64_t value);

/* What a write does, or would. */
struct effect {
	bool has_old; /* it was read */
	uint64_t old;
	uint64_t value;
	uint64_t mask;
	uint64_t new;
	bool written;
};
/* As text only what isn't written: old->(value:mask)->new; else into the document's @array. */
void spot_show(const struct spot *spot, const struct effect *effect, struct json_object *array);
/* One write, already asked for, or with --dry-run only shown; @array: of the document, or NULL. */
enum result spot_write(const struct call *call, const struct change *change,
		       struct json_object *array);
/* Does there stand what should, after @written was put where @old had stood? */
enum result spot_verify(const struct change *change, uint64_t old, uint64_t written);

/* What documents tell of a spot, for more to be put in. */
struct json_object *spot_object(const struct spot *spot);
/* Prints the array, which it takes, under its key; without one it does nothing. */
enum result spots_finish(const struct call *call, const char *key, struct json_object *array,
			 enum result result);

/* A value's bytes, the lowest first. */
void spot_print_raw(uint64_t value, uint32_t width);
/* The field of that name, or none for NULL; and which bits of the register a one clears. */
bool spot_field(const struct hws_registers *registers, const struct hws_register *reg,
		const char *name, struct spot *spot);

/* Bytes of a width's name: b w l q, or 8 16 32 64. False: it was told. */
bool spot_width(const char *text, uint32_t *ret_width);
/* VALUE[:MASK] for that many bits. False: it was told. */
bool spot_value(const char *what, const char *text, uint64_t max, uint64_t *ret_value,
		uint64_t *ret_mask);

#endif
