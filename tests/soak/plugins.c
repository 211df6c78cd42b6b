/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The example's accelerator is loaded, asked, unloaded; at times in a process of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/soak/soak.h"

enum { MEMORY = 4096, ISOLATED_EACH = 8 };

static struct hws *shared;
static char path[96];

int soak_plugins_begin(struct soak *soak)
{
	char text[160];
	/* full at once: it isn't what grows */
	const struct hws_audit_options audit = { .size = sizeof(audit), .events = 64 };
	struct hws_options options = { .size = sizeof(options),
				       .audit = &audit,
				       .backend = "sim",
				       .policy_text = text,
				       .policy_owner = geteuid() };
	char command[512];

	snprintf(path, sizeof(path), "%s/accelerator.so", soak->folder);
	snprintf(command, sizeof(command), "cp '%s' '%s' && chmod 644 '%s'", PLUGIN, path, path);
	snprintf(text, sizeof(text), "[soak]\nplugin = %s unsigned", path);
	if (system(command) != 0)
		return -EIO;
	return hws_open(&options, &shared);
}

void soak_plugins_end(void)
{
	hws_close(shared);
}

static void use(struct soak_counts *counts, struct hws_accel *accel)
{
	uint64_t memory;

	for (int i = 0; i < 16; i++) {
		if (!soak_good(counts, "hws_accel_alloc", hws_accel_alloc(accel, MEMORY, &memory)))
			return;
		if (soak_good(counts, "hws_accel_free", hws_accel_free(accel, memory)))
			counts->done++;
	}
}

void soak_plugin(struct soak *soak, struct soak_counts *counts, uint64_t *seed)
{
	const struct hws_pool_options unguarded = { .size = sizeof(unguarded),
						    .classes = { { MEMORY, 8 } },
						    .guard = HWS_POOL_GUARD_NONE };
	const struct hws_plugin_options options = {
		.size = sizeof(options), .isolate = soak_dice(seed) % ISOLATED_EACH == 0
	};
	struct hws_plugin *plugin;
	struct hws_accel *accel;
	struct hws_pool *pool;

	(void)soak;
	if (!soak_good(counts, "hws_pool_open", hws_pool_open(shared, &unguarded, &pool)))
		return;
	if (soak_good(counts, "hws_plugin_open",
		      hws_plugin_open(shared, path, &options, &plugin))) {
		if (soak_good(counts, "hws_accel_open", hws_accel_open(plugin, pool, &accel))) {
			use(counts, accel);
			hws_accel_close(accel); /* and the plug-in */
		} else {
			hws_plugin_close(plugin);
		}
	}
	soak_good(counts, "hws_pool_close", hws_pool_close(pool, NULL));
	usleep(2000);
}
