/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ring in a libuv loop: counts the bytes and lines of standard input. */
#include <hwsafe.h>
#include <stdio.h>
#include <uv.h>

struct job {
	struct hws_ring *ring;
	uv_poll_t poll;
	uint64_t bytes, lines;
	int result;
};

static int ask(struct job *job, struct hws_buf buf)
{
	int r = hws_read(job->ring, 0, buf, HWS_HERE, 4096, 0);

	return r < 0 ? r : hws_submit(job->ring); /* before the loop sleeps */
}

static int count(struct job *job, const struct hws_done *done)
{
	struct hws_view view;
	int r = hws_view_open(hws_ring_pool(job->ring), done->buf, HWS_R, &view);

	if (r < 0)
		return r;
	for (int64_t i = 0; i < done->result; i++)
		job->lines += ((const char *)view.bytes)[i] == '\n';
	job->bytes += (uint64_t)done->result;
	hws_view_close(&view);
	return ask(job, done->buf);
}

/* The ring's descriptor is readable: all that is done is taken, without waiting. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct job *job = poll->data;
	struct hws_done done;

	(void)status, (void)events;
	while (hws_wait(job->ring, &done, 1, 0) == 1) {
		job->result = done.result > 0 ? count(job, &done) : (int)done.result;
		if (done.result <= 0 || job->result < 0) {
			uv_poll_stop(poll);
			return;
		}
	}
}

int main(void)
{
	struct job job = { 0 };
	struct hws_buf buf;
	struct hws_ring_options polled = { .flags = HWS_RING_POLLED };
	int r = hws_ring_open(NULL, &polled, &job.ring);

	if (r < 0)
		return hws_explain(r, stderr);
	r = hws_buf_take(hws_ring_pool(job.ring), 4096, &buf);
	if (r == 0)
		r = ask(&job, buf);
	if (r == 0)
		r = uv_poll_init(uv_default_loop(), &job.poll, hws_ring_fd(job.ring));
	if (r == 0) {
		job.poll.data = &job;
		uv_poll_start(&job.poll, UV_READABLE, on_ready);
		uv_run(uv_default_loop(), UV_RUN_DEFAULT);
		r = job.result;
	}
	if (r == 0)
		printf("%llu bytes, %llu lines\n", (unsigned long long)job.bytes,
		       (unsigned long long)job.lines);
	hws_ring_close(job.ring, HWS_FOREVER);
	return hws_explain(r, stderr);
}
