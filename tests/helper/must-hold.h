/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For tests of what must hold on the lab's machines: rules, and a helper as it is installed. */
#ifndef HWSAFE_TESTS_HELPER_MUST_HOLD_H
#define HWSAFE_TESTS_HELPER_MUST_HOLD_H

#include "tests/helper/serve-kit.h"

#define EDU_RULES	 "bar = 1234:11e8 0 rw\n"
#define DMA_RULES	 EDU_RULES "dma = 1234:11e8 max 16K, maps 2\nirq = 1234:11e8\n"
#define ALICE_HAS(rules) "[mine]\nuser = alice\n" rules

#define NEEDS_ROOT need("root", launch_can(), "only root can become somebody else")

/* Hardened, on this machine, with a trail, which is removed when it is stopped. */
void must_serve(struct daemon *daemon, const char *policy);
void must_stop(struct daemon *daemon);
const char *must_trail(void);

#endif
