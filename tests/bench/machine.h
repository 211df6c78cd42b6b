/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine made of files: the native back end's ways lead to them as they would to devices. */
#ifndef HWSAFE_TESTS_BENCH_MACHINE_H
#define HWSAFE_TESTS_BENCH_MACHINE_H

#include "shim/base.h"

#define MACHINE_BDF	 "0000:00:03.0"
#define MACHINE_FUNCTION "/sys/bus/pci/devices/" MACHINE_BDF
/* BAR 0 is memory, a page of it; BAR 1 is these ports. */
#define MACHINE_MEMORY MACHINE_FUNCTION "/resource0"
#define MACHINE_PORTS  MACHINE_FUNCTION "/resource1"
#define MACHINE_CONFIG MACHINE_FUNCTION "/config"
#define MACHINE_MSRS   "/dev/cpu/0/msr"
enum { MACHINE_FIRST_PORT = 0x1000, MACHINE_PORT_COUNT = 16, MACHINE_PAGE = 4096 };

/* Where it is. "": the real one. */
struct machine_root {
	char path[32];
};

/* 0, or -errno, told by hws_why(): nothing is left then. */
HWS_MUST int machine_make(struct machine_root *ret_root);
/* Nothing happens to the real one. */
void machine_remove(const struct machine_root *root);
/* One of its files, opened: a descriptor or -errno. */
HWS_MUST int machine_open(const struct machine_root *root, const char *path, int flags);
/* Its memory, MACHINE_PAGE bytes; NULL: told by hws_why(). */
volatile uint32_t *machine_map(const struct machine_root *root, bool write);
void machine_unmap(volatile uint32_t *memory);

#endif
