/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine of plain files for the helper's native back end: it outlives the helper. */
#ifndef HWSAFE_TESTS_HELPER_SERVE_TREE_H
#define HWSAFE_TESTS_HELPER_SERVE_TREE_H

#include "tests/helper/serve-kit.h"

enum { TREE_BAR = 8192, TREE_CONFIG = 256 };

#define TREE_FUNCTION "/sys/bus/pci/devices/0000:00:03.0"

/* One function, 1234:11e8, with BARs 0 to 2, 0xabcd0000 + BAR at 0x10; config 0x40: 0x11223344. */
void tree_make(char root[64]);
void tree_remove(const char *root);
/* The file is made where there is none, and has that size then. */
void tree_write(const char *root, const char *name, uint32_t at, uint32_t value, off_t size);
uint32_t tree_read(const char *root, const char *name, uint32_t at);
/* For as_user(): asks for BAR 0. The code; what the descriptor shows at 0x10, if one came. */
int tree_ask_bar(int fd, uint32_t *ret_seen);

#endif
