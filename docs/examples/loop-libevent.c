/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams of a ring in a libevent loop: copies standard input to standard output. */
#include <errno.h>
#include <event2/event.h>
#include <hwsafe.h>
#include <stdio.h>

struct job {
	struct hws_stream *in, *out;
	struct event_base *base;
	const void *bytes; /* of the stream's buffer: nothing is copied in between */
	size_t size;
	int64_t result;
};

/* 1: a piece is copied; 0: the end; -EAGAIN: not now. */
static int64_t copy(struct job *job)
{
	int64_t n = job->size ? 0 : hws_stream_peek(job->in, &job->bytes, &job->size);

	if (n < 0 || job->size == 0)
		return n;
	n = hws_stream_write(job->out, job->bytes, job->size);
	if (n < 0)
		return n;
	job->size = 0;
	n = hws_stream_consume(job->in, (size_t)n);
	return n < 0 ? n : 1;
}

static void on_ready(evutil_socket_t fd, short events, void *context)
{
	struct job *job = context;

	(void)fd, (void)events;
	do
		job->result = copy(job);
	while (job->result > 0);
	if (job->result != -EAGAIN)
		event_base_loopbreak(job->base);
}

int main(void)
{
	struct hws_stream_options options = { .flags = HWS_STREAM_NONBLOCK };
	struct hws_ring *ring = NULL;
	struct event *event = NULL;
	struct job job = { 0 };
	struct hws_ring_options polled = { .flags = HWS_RING_POLLED };
	int r = hws_ring_open(NULL, &polled, &ring);

	if (r == 0)
		r = hws_stream_open(ring, 0, &options, &job.in);
	if (r == 0)
		r = hws_stream_open(ring, 1, &options, &job.out);
	job.base = event_base_new();
	if (r == 0 && job.base)
		event = event_new(job.base, hws_ring_fd(ring), EV_READ | EV_PERSIST, on_ready,
				  &job);
	if (event && event_add(event, NULL) == 0) {
		on_ready(-1, 0, &job); /* the first time nobody else would begin */
		if (job.result == -EAGAIN)
			event_base_dispatch(job.base);
		r = (int)job.result;
	} else if (r == 0) {
		r = -ENOMEM;
	}
	if (event)
		event_free(event);
	if (job.base)
		event_base_free(job.base);
	hws_stream_close(job.in);
	hws_stream_close(job.out);
	hws_ring_close(ring, HWS_FOREVER);
	return hws_explain(r, stderr);
}
