/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/must-hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[32];
static char trail[64];

void must_serve(struct daemon *daemon, const char *policy)
{
	static const char *const arguments[] = { "--backend", "native", "--audit", trail, NULL };

	strcpy(folder, "/tmp/hwsafe-trail-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(trail, sizeof(trail), "%s/trail", folder);
	daemon_start(daemon, policy, arguments);
}

void must_stop(struct daemon *daemon)
{
	char command[64];

	daemon_stop(daemon);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

const char *must_trail(void)
{
	return trail;
}
