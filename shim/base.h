/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every other header stands on: visibility, must-check results, the six
 * errors that mean one thing everywhere, and the one range check.
 */
#ifndef HWSAFE_SHIM_BASE_H
#define HWSAFE_SHIM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define HWS_BEGIN_DECLS extern "C" {
#define HWS_END_DECLS	}
#else
#define HWS_BEGIN_DECLS
#define HWS_END_DECLS
#endif

/** HWS_API - an exported function; everything else is hidden. */
#define HWS_API __attribute__((visibility("default")))
/** HWS_MUST - a result that may not be ignored. */
#define HWS_MUST __attribute__((warn_unused_result))
/** HWS_PRINTF - a printf-like function; counts from 1. */
#define HWS_PRINTF(text, first) __attribute__((format(printf, text, first)))

HWS_BEGIN_DECLS

/*
 * Functions return 0 (or a count) or a negative errno. Six of them mean one
 * thing each, everywhere:
 *
 *   -EACCES  policy or guardian refused
 *   -EPERM   the kernel refused
 *   -EDQUOT  a guard, a cap or a rate is exhausted
 *   -ERANGE  outside the window
 *   -ENODEV  the device is gone
 *   -EBUSY   somebody else owns it: the kernel, a device, another driver
 */

/** enum hws_rights - what a holder may do. Values combine. */
enum hws_rights {
	HWS_R = 1, /* read */
	HWS_W = 2, /* write */
	HWS_RW = 3,
};

/**
 * hws_range_ok() - does [off, off + len) lie inside [0, size)?
 * @off: where it begins
 * @len: how long it is; an empty range lies inside when @off <= @size
 * @size: the size of the whole
 *
 * Never overflows, whatever the arguments. Every offset and length in the
 * library is checked by this one function.
 *
 * Return: true when it does.
 */
/*@ assigns \nothing;
  @ ensures \result <==> off + len <= size; */
static inline bool hws_range_ok(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

/**
 * hws_version() - the version of the library that is linked, "major.minor.patch".
 *
 * Return: a constant string.
 */
HWS_API const char *hws_version(void);

/**
 * hws_why() - why the last call of this thread was refused.
 *
 * One sentence that names the cause and, where there is one, the cure.
 * Meaningful only right after a call that failed.
 *
 * Context: any thread; each has its own.
 * Return: a string that stays until the next refusal of this thread; "" when nothing was refused.
 */
HWS_API const char *hws_why(void);

HWS_END_DECLS

#endif
