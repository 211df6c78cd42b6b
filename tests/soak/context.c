/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A context whose policy changes under its users, and whose trail goes to files that rotate. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/soak/soak.h"

enum { READS = 500 };

static const char *const policies[] = {
	"[soak]\nbar = 1234:11e8 0 rw\n",
	"[soak]\nbar = 1234:11e8 0 rw\ndeny bar = 1234:11e8 0 0x80-0x83 r\n",
};

static struct hws *shared;

int soak_context_begin(struct soak *soak)
{
	char directory[96];
	char trail[96];
	const struct hws_audit_options audit = {
		.size = sizeof(audit),
		.flags = HWS_AUDIT_THREAD,
		.events = 1024, /* full at once: it isn't what grows */
		.file = trail,
		.file_max = 256 << 10,
		.file_keep = 3,
	};
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_directory = directory,
		.policy_owner = geteuid(),
		.audit = &audit,
	};

	snprintf(directory, sizeof(directory), "%s/policy.d", soak->folder);
	snprintf(trail, sizeof(trail), "%s/audit", soak->folder);
	for (int guard = 0; guard < HWS_GUARDS; guard++)
		options.guards[guard] = (struct hws_guard_limit) { .handle = UINT64_C(1) << 60,
								   .context = UINT64_C(1) << 60 };
	return hws_open(&options, &shared);
}

void soak_context_end(void)
{
	hws_close(shared);
}

void soak_reload(struct soak *soak, struct soak_counts *counts, uint64_t *seed)
{
	struct hws_snapshot is = { .size = sizeof(is) };

	if (!soak_good(counts, "writing the policy",
		       soak_write(soak, "policy.d/soak.conf", policies[soak_dice(seed) % 2])))
		return;
	if (soak_good(counts, "hws_reload", hws_reload(shared)))
		counts->done++;
	if (soak_good(counts, "hws_snapshot_take", hws_snapshot_take(shared, &is)) &&
	    is.audit.file_lost)
		soak_good(counts, "the trail's file", -EIO);
	usleep(2000);
}

void soak_access(struct soak *soak, struct soak_counts *counts, uint64_t *seed)
{
	struct hws_mmio *edu;
	uint32_t value;

	(void)soak;
	usleep(1000);
	if (!soak_may(counts, "hws_mmio_map",
		      hws_mmio_map(shared, "0000:00:03.0", 0, 0, 0x100, HWS_RW, &edu), -EACCES,
		      -EACCES))
		return;
	for (int i = 0; i < READS; i++) {
		uint64_t at = soak_dice(seed) % 8 ? 0 : 0x80;

		if (soak_may(counts, "hws_mmio_read32", hws_mmio_read32(edu, at, &value), -EACCES,
			     -EACCES))
			counts->done++;
	}
	hws_mmio_unmap(edu);
}
