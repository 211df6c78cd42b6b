/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps: files of what lspci -x printed, read by libpci. */
#ifndef HWPROBE_DUMP_H
#define HWPROBE_DUMP_H

#include "hw/hwprobe/hwprobe.h"

enum { CONFIG_SIZE = 4096 };

struct dump_function {
	struct hws_bdf bdf;
	struct hws_pci_info info; /* as far as configuration space tells */
	uint8_t *bytes;		  /* of configuration space, from 0 on */
	uint32_t size;
};

struct dump {
	struct dump_function *at; /* in the order of addresses */
	size_t count;
};

/* As qsort() wants it: below 0 where @left comes first. */
int address_order(const struct hws_bdf *left, const struct hws_bdf *right);

/* Else it was told why not. For dump_fini() in any case. */
enum result dump_read(const char *file, struct dump *dump);
void dump_fini(struct dump *dump);
/* libpci's part of it, unsorted. 0; -EBADMSG with the reason; -ENOMEM. */
int dump_read_all(const char *file, struct dump *dump, char *why, size_t size);
/* NULL: it has no such function. */
const struct dump_function *dump_find(const struct dump *dump, struct hws_bdf bdf);

/* A context that knows this function only, read-only; else it was told why not. */
enum result dump_open(const struct settings *settings, const struct dump_function *function,
		      struct hws **ret_hw);

#endif
