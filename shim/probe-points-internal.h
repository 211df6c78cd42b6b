/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Points at which tracers can look in while the program runs (USDT): each is one NOP and a note in
 * the ELF file. Built without sys/sdt.h they are nothing at all. docs/tracing.md lists them; a test
 * compares that list with the notes.
 */
#ifndef HWSAFE_SHIM_PROBE_POINTS_INTERNAL_H
#define HWSAFE_SHIM_PROBE_POINTS_INTERNAL_H

#ifdef HWS_USDT
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
/* A name, then integers. */
#define PROBE_POINT(name, ...) STAP_PROBEV(hwsafe, name, __VA_ARGS__)
#else
static inline void probe_point_nothing(int first, ...)
{
	(void)first;
}
/* The arguments count as used, and are never computed. */
#define PROBE_POINT(name, ...)                               \
	do {                                                 \
		if (0)                                       \
			probe_point_nothing(0, __VA_ARGS__); \
	} while (0)
#endif

#endif
