/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Named values: what is told across the boundary of a plug-in, options one way and attributes the
 * other. A value says what it is; each kind has the one function that reads it.
 */
#ifndef HWSAFE_SHIM_VALUE_H
#define HWSAFE_SHIM_VALUE_H

#include <errno.h>

#include "base.h"

HWS_BEGIN_DECLS

/** HWS_INIT() - a struct of the boundary, all zero but its size. */
#define HWS_INIT(type) ((type) { .struct_size = sizeof(type) })

/** enum hws_value_type - the kinds of named values. */
enum hws_value_type {
	HWS_VALUE_NONE = 0,
	HWS_VALUE_INT,
	HWS_VALUE_FLOAT,
	HWS_VALUE_BOOL,
	HWS_VALUE_STRING, /* count bytes, no NUL counted */
	HWS_VALUE_INTS,	  /* count of them */
	HWS_VALUE_TYPES	  /* how many */
};

/** struct hws_value - a named value. Read it by hws_value_int() and its sisters only. */
struct hws_value {
	size_t struct_size;
	const char *name; /* ends with a NUL */
	uint32_t type;	  /* enum hws_value_type */
	uint32_t zero;
	uint64_t count; /* of a string's bytes or a list's numbers; else 1 */
	union {
		int64_t integer;
		double floating;
		uint32_t boolean; /* 0 or 1 */
		const char *string;
		const int64_t *integers;
	} as;
};

/** HWS_VALUES_MOST - the most values of one list, and HWS_VALUE_MOST the largest count. */
#define HWS_VALUES_MOST 256
#define HWS_VALUE_MOST	65536

/** struct hws_values - a list; @at may be NULL only when @count is 0. */
struct hws_values {
	const struct hws_value *at;
	uint64_t count;
};

/**
 * hws_value_find() - the value of that name.
 * @values: borrowed
 * @name: borrowed
 *
 * Lists made for another version have elements of another size: this is the way through them.
 *
 * Return: it, or NULL.
 */
static inline const struct hws_value *hws_value_find(const struct hws_values *values,
						     const char *name)
{
	const char *at = (const char *)values->at;

	for (uint64_t i = 0; i < values->count; i++) {
		const struct hws_value *value = (const struct hws_value *)(const void *)at;

		if (__builtin_strcmp(value->name, name) == 0)
			return value;
		at += values->at->struct_size;
	}
	return NULL;
}

/**
 * hws_value_int() - the number that a value is.
 * @value: borrowed; NULL: there is none
 * @ret_number: out; untouched on failure
 *
 * Return: 0; -ENOENT without a value; -EBADMSG when it is of another kind.
 */
static inline HWS_MUST int hws_value_int(const struct hws_value *value, int64_t *ret_number)
{
	if (!value || value->type != HWS_VALUE_INT)
		return value ? -EBADMSG : -ENOENT;
	*ret_number = value->as.integer;
	return 0;
}

/**
 * hws_value_float() - the floating number that a value is.
 * @value: borrowed; NULL: there is none
 * @ret_number: out; untouched on failure
 *
 * Return: 0, -ENOENT or -EBADMSG, as hws_value_int().
 */
static inline HWS_MUST int hws_value_float(const struct hws_value *value, double *ret_number)
{
	if (!value || value->type != HWS_VALUE_FLOAT)
		return value ? -EBADMSG : -ENOENT;
	*ret_number = value->as.floating;
	return 0;
}

/**
 * hws_value_bool() - the truth that a value is.
 * @value: borrowed; NULL: there is none
 * @ret_truth: out; untouched on failure
 *
 * Return: 0, -ENOENT or -EBADMSG, as hws_value_int().
 */
static inline HWS_MUST int hws_value_bool(const struct hws_value *value, bool *ret_truth)
{
	if (!value || value->type != HWS_VALUE_BOOL)
		return value ? -EBADMSG : -ENOENT;
	*ret_truth = value->as.boolean != 0;
	return 0;
}

/**
 * hws_value_string() - the string that a value is.
 * @value: borrowed; NULL: there is none
 * @ret_bytes: out; the list's; need not end with a NUL
 * @ret_size: out; how many
 *
 * Return: 0, -ENOENT or -EBADMSG, as hws_value_int().
 */
static inline HWS_MUST int hws_value_string(const struct hws_value *value, const char **ret_bytes,
					    uint64_t *ret_size)
{
	if (!value || value->type != HWS_VALUE_STRING)
		return value ? -EBADMSG : -ENOENT;
	*ret_bytes = value->as.string;
	*ret_size = value->count;
	return 0;
}

/**
 * hws_value_ints() - the list of numbers that a value is.
 * @value: borrowed; NULL: there is none
 * @ret_numbers: out; the list's
 * @ret_count: out; how many
 *
 * Return: 0, -ENOENT or -EBADMSG, as hws_value_int().
 */
static inline HWS_MUST int hws_value_ints(const struct hws_value *value,
					  const int64_t **ret_numbers, uint64_t *ret_count)
{
	if (!value || value->type != HWS_VALUE_INTS)
		return value ? -EBADMSG : -ENOENT;
	*ret_numbers = value->as.integers;
	*ret_count = value->count;
	return 0;
}

HWS_END_DECLS

#endif
