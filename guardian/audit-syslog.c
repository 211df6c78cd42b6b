/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events to syslog as RFC 3164 frames them; openlog() has but one state for the whole process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "guardian/audit-json-internal.h"
#include "guardian/audit-sink-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { NS_PER_SECOND = 1000000000 };

struct syslog_sink {
	int fd;
	bool tried; /* to connect, since the last flush */
	struct audit_gap gap;
	uint64_t sent;
	uint64_t lost;
	char path[];
};

static size_t format(const struct hws_event *event, char text[AUDIT_JSON_ROOM + 128])
{
	static const int severities[HWS_LEVELS] = { LOG_INFO, LOG_WARNING, LOG_ERR, LOG_CRIT };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(event->time / NS_PER_SECOND);
	char json[AUDIT_JSON_ROOM];
	struct tm tm;
	int n;

	localtime_r(&seconds, &tm);
	n = snprintf(text, AUDIT_JSON_ROOM + 128, "<%d>%s %2d %02d:%02d:%02d hwsafe[%d]: {%.*s}",
		     LOG_AUTHPRIV | severities[event->level % HWS_LEVELS], months[tm.tm_mon],
		     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, event->pid,
		     (int)audit_json_write(event, json), json);
	return (size_t)n;
}

/* Connected, or not since the daemon isn't there: asked once per flush. */
static bool connected(struct syslog_sink *sink)
{
	if (sink->fd < 0 && !sink->tried)
		sink->fd = sys_log_socket(sink->path);
	sink->tried = true;
	return sink->fd >= 0;
}

static bool send_one(struct syslog_sink *sink, const struct hws_event *event)
{
	char text[AUDIT_JSON_ROOM + 128];
	size_t length;
	ssize_t n;

	if (!connected(sink))
		return false;
	length = format(event, text);
	n = sys_send(sink->fd, text, length);
	if (n < 0 && n != -EAGAIN) /* the daemon went away */
		sink->fd = sys_close(sink->fd);
	return n >= 0;
}

static void syslog_put(void *self, const struct hws_event *event)
{
	struct syslog_sink *sink = self;

	if (sink->gap.count) {
		struct audit_gap gap = sink->gap;
		struct hws_event lost = audit_gap_take(&gap, event);

		if (send_one(sink, &lost))
			sink->gap = gap;
	}
	if (!sink->gap.count && send_one(sink, event)) {
		sink->sent++;
		return;
	}
	sink->lost++;
	audit_gap_add(&sink->gap, event->sequence, 1);
}

static int syslog_flush(void *self)
{
	struct syslog_sink *sink = self;

	sink->tried = false;
	return 0;
}

static void syslog_close(void *self)
{
	struct syslog_sink *sink = self;

	sys_close(sink->fd);
	free(sink);
}

static void syslog_stats(const void *self, struct hws_audit_stats *stats)
{
	const struct syslog_sink *sink = self;

	stats->syslog_sent = sink->sent;
	stats->syslog_lost = sink->lost;
}

static const struct audit_sink_ops syslog_ops = { syslog_put, syslog_flush, syslog_close,
						  syslog_stats };

int audit_syslog_open(const char *path, struct audit_sink *ret_sink)
{
	struct syslog_sink *sink = calloc(1, sizeof(*sink) + strlen(path) + 1);

	if (!sink)
		return why(-ENOMEM, "no memory for the syslog sink");
	sink->fd = -1;
	memcpy(sink->path, path, strlen(path) + 1);
	*ret_sink = (struct audit_sink) { &syslog_ops, sink };
	return 0;
}
