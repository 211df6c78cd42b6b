/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sink that writes chained JSON lines.
 *
 * Lines go to the file before the head that names them, so that a kill at any
 * moment leaves a torn line or a head that lags behind, never more. A new file
 * gets its header before it gets its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/audit-sink-internal.h"
#include "guardian/audit-verify-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum {
	BATCH_BYTES = 32768,
	DEFAULT_MAX = 16 << 20,
	DEFAULT_KEEP = 4,
};

struct file_sink {
	struct files files;
	struct chain_key key;
	int lock;
	int fd;
	bool fsync;
	bool dirty; /* the file may have a piece of line behind its @size */
	int keep;
	uint64_t max;
	uint64_t size;		/* of its whole lines */
	struct files_head head; /* after them */
	struct chain chain;	/* after the batch */
	struct hws_event last;	/* that was put */
	struct audit_gap gap;
	uint64_t batch_first; /* sequence of its first event */
	uint64_t batch_count; /* events it stands for */
	uint64_t batch_events;
	uint64_t lines;
	uint64_t lost;
	uint64_t rotations;
	size_t used;
	char batch[BATCH_BYTES];
};

static void batch_clear(struct file_sink *sink)
{
	sink->used = 0;
	sink->batch_count = 0;
	sink->batch_events = 0;
}

/* The batch was not written: as if it had never been made, but for the gap. */
static void batch_lose(struct file_sink *sink)
{
	audit_gap_add(&sink->gap, sink->batch_first, sink->batch_count);
	sink->lost += sink->batch_events;
	sink->chain = sink->head.chain;
	batch_clear(sink);
}

static int write_all(int fd, const char *bytes, size_t size, bool fsync)
{
	ssize_t n = sys_write(fd, bytes, size);

	if (n < 0)
		return (int)n;
	if ((size_t)n != size)
		return -ENOSPC;
	return fsync ? sys_fsync(fd) : 0;
}

/* Cuts off what a failed write left. */
static int clean(struct file_sink *sink)
{
	int r = sink->dirty ? sys_ftruncate(sink->fd, sink->size) : 0;

	sink->dirty = r < 0;
	return r;
}

static int commit(struct file_sink *sink)
{
	int r;

	if (sink->used == 0)
		return 0;
	r = clean(sink);
	if (r == 0) {
		sink->dirty = true;
		r = write_all(sink->fd, sink->batch, sink->used, sink->fsync);
	}
	if (r < 0) {
		batch_lose(sink);
		(void)clean(sink); /* or before the next write */
		return why(r, "cannot write the audit file %s: %s", sink->files.name, strerror(-r));
	}
	sink->dirty = false;
	sink->size += sink->used;
	sink->lines += sink->batch_events;
	sink->head.chain = sink->chain;
	batch_clear(sink);
	return files_head_write(&sink->files, &sink->key, &sink->head, sink->fsync);
}

static void append(struct file_sink *sink, const struct hws_event *event)
{
	bool lost = event->type == HWS_EVENT_LOST;
	char json[AUDIT_JSON_ROOM];
	size_t size = audit_json_write(event, json);

	if (sink->batch_count == 0)
		sink->batch_first = event->sequence;
	sink->batch_count += lost ? event->value : 1;
	sink->batch_events += !lost;
	sink->used += chain_append(&sink->chain, &sink->key, json, size, sink->batch + sink->used);
}

static void append_gap(struct file_sink *sink, const struct hws_event *stamp)
{
	if (sink->gap.count) {
		struct hws_event lost = audit_gap_take(&sink->gap, stamp);

		append(sink, &lost);
	}
}

/* A new file with its header, still without its name. */
static int prepare(struct file_sink *sink, struct chain *ret_chain, uint64_t *ret_size)
{
	struct chain chain = sink->chain;
	char line[CHAIN_LINE];
	size_t length;
	HWS_CLEANUP_FD int fd = -1;
	int r = chain_header(&chain, &sink->key, line, &length);

	if (r < 0)
		return r;
	fd = files_open_one(&sink->files, FILES_NEW, O_RDWR | O_APPEND | O_CREAT | O_TRUNC);
	if (fd < 0)
		return fd;
	r = write_all(fd, line, length, sink->fsync);
	if (r < 0)
		return why(r, "cannot begin the audit file %s: %s", sink->files.name, strerror(-r));
	*ret_chain = chain;
	*ret_size = length;
	return HWS_TAKE_FD(fd);
}

/* The n that the files begin with once FILE.keep is overwritten. */
static int first_after_drop(const struct file_sink *sink, uint64_t *ret_first)
{
	int r = -ENOENT;

	for (int which = sink->keep - 1; which >= 0 && r == -ENOENT; which--)
		r = files_first(&sink->files, which, ret_first);
	return r;
}

/* The head must know which files go before they are gone. */
static int drop_oldest(struct file_sink *sink)
{
	struct files_head head = sink->head;
	uint64_t oldest;
	int r = files_first(&sink->files, sink->keep, &oldest);

	if (r == -ENOENT)
		return 0;
	r = first_after_drop(sink, &head.first);
	if (r == 0)
		r = files_head_write(&sink->files, &sink->key, &head, sink->fsync);
	if (r == 0)
		sink->head = head;
	return r;
}

static int shift(const struct file_sink *sink)
{
	for (int which = sink->keep - 1; which >= 0; which--) {
		int r = files_rename(&sink->files, which, which + 1);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

/* Begins a new file; what FILE is now becomes FILE.1. */
static int begin(struct file_sink *sink, bool rotate)
{
	struct chain chain = { 0 };
	uint64_t size = 0;
	HWS_CLEANUP_FD int fd = prepare(sink, &chain, &size);
	int r = fd < 0 ? fd : 0;

	if (r == 0 && rotate)
		r = drop_oldest(sink);
	if (r == 0 && rotate)
		r = shift(sink);
	if (r == 0)
		r = files_rename(&sink->files, FILES_NEW, 0);
	if (r < 0)
		return r;
	sys_close(sink->fd);
	sink->fd = HWS_TAKE_FD(fd);
	sink->size = size;
	sink->chain = chain;
	sink->head.chain = chain;
	if (sink->head.first == 0)
		sink->head.first = chain.n;
	return files_head_write(&sink->files, &sink->key, &sink->head, sink->fsync);
}

static int file_flush(void *self)
{
	struct file_sink *sink = self;
	int r;

	if (sink->used == 0)
		append_gap(sink, &sink->last);
	r = commit(sink);
	if (r < 0 || sink->dirty || sink->size < sink->max)
		return r;
	r = begin(sink, true);
	sink->rotations += r == 0;
	return r;
}

static void file_put(void *self, const struct hws_event *event)
{
	struct file_sink *sink = self;

	if (sizeof(sink->batch) - sink->used < 2 * (size_t)CHAIN_LINE)
		(void)file_flush(sink); /* what is lost is told of by the gap */
	append_gap(sink, event);
	append(sink, event);
	sink->last = *event;
}

static void file_close(void *self)
{
	struct file_sink *sink = self;

	sys_close(sink->fd);
	sys_close(sink->lock);
	files_close(&sink->files);
	sodium_memzero(&sink->key, sizeof(sink->key));
	free(sink);
}

static void file_stats(const void *self, struct hws_audit_stats *stats)
{
	const struct file_sink *sink = self;

	stats->file_lines = sink->lines;
	stats->file_lost = sink->lost;
	stats->rotations = sink->rotations;
}

static const struct audit_sink_ops file_ops = { file_put, file_flush, file_close, file_stats };

/* One process writes a trail. */
static int lock(struct file_sink *sink)
{
	int r;

	sink->lock = files_open_one(&sink->files, FILES_LOCK, O_RDWR | O_CREAT);
	if (sink->lock < 0)
		return sink->lock;
	r = sys_lock(sink->lock);
	return r == -EWOULDBLOCK
		       ? why(-EBUSY, "another process writes the audit file %s", sink->files.name)
		       : r;
}

/* Rotation would leave a hole before files that are older than it keeps. */
static int keep_what_is_there(const struct files *files, int keep)
{
	uint64_t first;
	int which = FILES_KEEP_MAX;

	while (which > keep && files_first(files, which, &first) < 0)
		which--;
	return which;
}

static int tampered(void)
{
	char cause[160];

	snprintf(cause, sizeof(cause), "%s", hws_why());
	return why(-EBADMSG, "%s; keep the files as evidence elsewhere to begin a new trail",
		   cause);
}

/* Goes on where the files end. */
static int resume(struct file_sink *sink, bool *ret_torn)
{
	struct audit_verified verified = { 0 };
	int r = audit_verify(&sink->files, &sink->key, NULL, NULL, &verified);

	if (r == -EBADMSG)
		return tampered();
	if (r < 0 && r != -ENOENT)
		return r;
	sink->head = verified.end;
	sink->chain = verified.end.chain;
	sink->keep = keep_what_is_there(&sink->files, sink->keep);
	if (verified.size == 0)
		return begin(sink, false);
	sink->size = verified.size;
	sink->fd = files_open_one(&sink->files, 0, O_RDWR | O_APPEND);
	if (sink->fd < 0)
		return sink->fd;
	sink->dirty = verified.torn;
	*ret_torn = verified.torn;
	r = clean(sink);
	/* a kill may have left the first lines without a head */
	return r < 0 ? r : files_head_write(&sink->files, &sink->key, &sink->head, sink->fsync);
}

int audit_file_open(const struct hws_audit_options *options, struct audit_sink *ret_sink,
		    bool *ret_torn)
{
	struct file_sink *sink = calloc(1, sizeof(*sink));
	int r;

	if (!sink)
		return why(-ENOMEM, "no memory for the audit file's batch");
	sink->files.dir = sink->lock = sink->fd = -1;
	sink->fsync = options->flags & HWS_AUDIT_FSYNC;
	sink->max = options->file_max ? options->file_max : DEFAULT_MAX;
	sink->keep = options->file_keep ? (int)options->file_keep : DEFAULT_KEEP;
	r = chain_key_set(&sink->key, options->key, options->key_size);
	if (r == 0)
		r = files_open(&sink->files, options->sysroot, options->file);
	if (r == 0)
		r = lock(sink);
	if (r == 0)
		r = resume(sink, ret_torn);
	if (r < 0) {
		file_close(sink);
		return r;
	}
	*ret_sink = (struct audit_sink) { &file_ops, sink };
	return 0;
}
