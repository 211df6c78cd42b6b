/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the helper counts, as a snapshot in a file: once a second a new one takes the old one's
 * place, so that who reads finds a whole one, and none when the helper has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/serve.h"
#include "shim/why-internal.h"

static const uint64_t SECOND = 1000000000;

void stat_count(struct server *server, const struct hws_event *event)
{
	if (event->type == HWS_EVENT_ACCESS && event->code < 0 && event->reason < HWS_REASONS)
		server->denied[event->reason]++;
	else if (event->type == HWS_EVENT_GRANT && event->code == 0 && event->kind < HWS_KINDS)
		server->kinds[event->kind].handles_given += event->reason == HWS_REASON_NONE;
}

/* The context's own numbers, but for what the helper decides itself. */
static int take(const struct server *server, struct hws_snapshot *ret_snapshot)
{
	struct hws_kind_state *kinds = ret_snapshot->kinds;
	int r = hws_snapshot_take(server->hw, ret_snapshot);

	if (r < 0)
		return r;
	ret_snapshot->rules = hws_policy_rules(server->policy);
	ret_snapshot->generation = hws_policy_generation(server->policy);
	memcpy(ret_snapshot->denied, server->denied, sizeof(server->denied));
	memcpy(kinds, server->kinds, sizeof(server->kinds));
	for (const struct peer *peer = server->peers; peer; peer = peer->next) {
		kinds[HWS_KIND_BAR].handles_open += peer->gone ? 0 : peer->bar_count;
		kinds[HWS_KIND_DMA].handles_open += peer->gone ? 0 : peer->hold_count;
	}
	return 0;
}

/* Beside the place, then into it. */
static int put(const char *path, const char *text)
{
	char beside[PATH_MAX];
	HWS_CLEANUP_FD int fd = -1;
	size_t size = strlen(text);

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	/* whatever lies there, a link to a file of ours included, is not written to */
	(void)!unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size)
		return -EIO;
	return rename(beside, path) < 0 ? -errno : 0;
}

static int write_one(const struct server *server)
{
	struct hws_snapshot now = { .size = sizeof(now) };
	HWS_CLEANUP_FREE char *text = NULL;
	int r = take(server, &now);

	r = r < 0 ? r : hws_snapshot_json(&now, &text);
	return r < 0 ? r : put(server->options->stat, text);
}

int stat_begin(struct server *server)
{
	const char *path = server->options->stat;
	int r = path ? write_one(server) : 0;

	server->stat_made = path && r == 0;
	return r < 0 ? why(r, "--stat '%s': %s", path, strerror(-r)) : 0;
}

void stat_tell(struct server *server)
{
	bool failed;

	if (!server->options->stat || server->now - server->stat_at < SECOND)
		return;
	server->stat_at = server->now;
	failed = write_one(server) < 0;
	if (failed && !server->stat_failed)
		serve_say(server, NULL, HWS_LEVEL_WARNING, -EIO, "no snapshot can be written");
	server->stat_failed = failed;
}

void stat_end(const struct server *server)
{
	if (server->stat_made)			      /* else it may be another one's */
		(void)!unlink(server->options->stat); /* there may be none */
}
