/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream of a ring in a GLib loop, beside a timer: says back each line that comes. */
#include <errno.h>
#include <glib-unix.h>
#include <hwsafe.h>
#include <stdio.h>

struct job {
	struct hws_stream *stream;
	GMainLoop *loop;
	GString *line;
	unsigned int ticks;
	int64_t result;
};

static gboolean on_tick(gpointer context)
{
	((struct job *)context)->ticks++;
	return G_SOURCE_CONTINUE;
}

static void take(struct job *job, const char *bytes, int64_t size)
{
	for (int64_t i = 0; i < size; i++) {
		if (bytes[i] != '\n') {
			g_string_append_c(job->line, bytes[i]);
			continue;
		}
		printf("heard %s\n", job->line->str);
		fflush(stdout);
		g_string_truncate(job->line, 0);
	}
}

static gboolean on_ready(gint fd, GIOCondition condition, gpointer context)
{
	struct job *job = context;
	char bytes[256];

	(void)fd, (void)condition;
	while ((job->result = hws_stream_read(job->stream, bytes, sizeof(bytes))) > 0)
		take(job, bytes, job->result);
	if (job->result == -EAGAIN)
		return G_SOURCE_CONTINUE;
	g_main_loop_quit(job->loop);
	return G_SOURCE_REMOVE;
}

int main(void)
{
	struct hws_stream_options options = { .flags = HWS_STREAM_NONBLOCK };
	struct hws_ring *ring = NULL;
	struct job job = { 0 };
	struct hws_ring_options polled = { .flags = HWS_RING_POLLED };
	int r = hws_ring_open(NULL, &polled, &ring);

	if (r == 0)
		r = hws_stream_open(ring, 0, &options, &job.stream);
	if (r < 0)
		return hws_explain(r, stderr);
	job.loop = g_main_loop_new(NULL, FALSE);
	job.line = g_string_new(NULL);
	g_timeout_add(10, on_tick, &job);
	/* begins to read; from then on the ring's descriptor tells */
	if (on_ready(-1, 0, &job) == G_SOURCE_CONTINUE) {
		g_unix_fd_add(hws_ring_fd(ring), G_IO_IN, on_ready, &job);
		g_main_loop_run(job.loop);
	}
	if (job.result == 0)
		printf("the timer %s\n", job.ticks ? "ran" : "never ran");
	g_string_free(job.line, TRUE);
	g_main_loop_unref(job.loop);
	hws_stream_close(job.stream);
	hws_ring_close(ring, HWS_FOREVER);
	return hws_explain((int)job.result, stderr);
}
