/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/accel.h"

#include <errno.h>
#include <stdlib.h>

#include "hw/domain-internal.h"
#include "shim/plugin-internal.h"
#include "shim/why-internal.h"
#include "uring/pool-internal.h"

/* Memory that is made of a buffer. */
struct loan {
	struct loan *next;
	uint64_t memory;
	struct hws_buf buf;
};

struct hws_accel {
	struct hws_plugin *plugin;
	struct hws_pool *pool;
	uint32_t number; /* who owns its buffers */
	bool guarded;	 /* only the thread that calls may touch a buffer */
	struct hws_values *attributes;
	pthread_mutex_t lock; /* of what follows */
	struct loan *loans;
};

int hws_accel_open(struct hws_plugin *plugin, struct hws_pool *pool, struct hws_accel **ret_accel)
{
	struct hws_pool_stats stats = { .size = sizeof(stats) };
	struct hws_accel *accel = calloc(1, sizeof(*accel));
	int r = accel ? hws_pool_read_stats(pool, &stats)
		      : why(-ENOMEM, "no memory for an accelerator");

	r = r < 0 ? r : plugin_attributes(plugin, &accel->attributes);
	if (r < 0) {
		free(accel);
		return r;
	}
	accel->plugin = plugin;
	accel->pool = pool;
	pool_ref(pool);
	accel->number = domain_number();
	accel->guarded = stats.guard != HWS_POOL_GUARD_NONE;
	pthread_mutex_init(&accel->lock, NULL);
	*ret_accel = accel;
	return 0;
}

/* To its user; where nobody knows what the device still does with it, to nobody. */
static void give_back(struct hws_accel *accel, struct hws_buf buf, bool trusted)
{
	if (trusted && buf_from_device(accel->pool, buf, accel->number) == 0)
		return;
	if (buf_quarantine_device(accel->pool, buf, accel->number) < 0)
		return; /* its pages could not be shut: it is nobody's all the same */
}

void hws_accel_close(struct hws_accel *accel)
{
	bool trusted;

	if (!accel)
		return;
	trusted = hws_plugin_check(accel->plugin) == 0;
	/* from here on nothing of it runs; what was in flight has come back by its event */
	hws_plugin_close(accel->plugin);
	for (struct loan *loan = accel->loans, *next; loan; loan = next) {
		next = loan->next;
		give_back(accel, loan->buf, trusted);
		free(loan);
	}
	pool_unref(accel->pool);
	plugin_free_values(accel->attributes);
	pthread_mutex_destroy(&accel->lock);
	free(accel);
}

const struct hws_values *hws_accel_attributes(const struct hws_accel *accel)
{
	return accel->attributes;
}

int hws_accel_alloc(struct hws_accel *accel, uint64_t size, uint64_t *ret_memory)
{
	return plugin_alloc(accel->plugin, size, NULL, HWS_SHARE_CALL, ret_memory);
}

static int refuse_guarded(const struct hws_accel *accel)
{
	return accel->guarded ? why(-EOPNOTSUPP,
				    "the pool is guarded, which would stop the device's threads: "
				    "open it with HWS_POOL_GUARD_NONE, or do without the event")
			      : 0;
}

static void keep_loan(struct hws_accel *accel, struct loan *loan)
{
	pthread_mutex_lock(&accel->lock);
	loan->next = accel->loans;
	accel->loans = loan;
	pthread_mutex_unlock(&accel->lock);
}

/* NULL: that memory is made of no buffer. */
static struct loan *take_loan(struct hws_accel *accel, uint64_t memory)
{
	struct loan **link = &accel->loans;
	struct loan *loan;

	pthread_mutex_lock(&accel->lock);
	while (*link && (*link)->memory != memory)
		link = &(*link)->next;
	loan = *link;
	if (loan)
		*link = loan->next;
	pthread_mutex_unlock(&accel->lock);
	return loan;
}

int hws_accel_alloc_of(struct hws_accel *accel, struct hws_buf buf, enum hws_share share,
		       uint64_t *ret_memory)
{
	struct buf_memory memory;
	struct loan *loan;
	int r = refuse_guarded(accel);

	if (r < 0)
		return r;
	loan = malloc(sizeof(*loan));
	if (!loan)
		return why(-ENOMEM, "no memory for a loan");
	*loan = (struct loan) { .buf = buf };
	r = buf_to_device(accel->pool, buf, accel->number, &memory);
	if (r == 0) {
		r = plugin_alloc(accel->plugin, memory.size, memory.address, share, &loan->memory);
		if (r < 0)
			give_back(accel, buf, r != -EPROTO);
	}
	if (r < 0) {
		free(loan);
		return r;
	}
	*ret_memory = loan->memory;
	keep_loan(accel, loan);
	return 0;
}

int hws_accel_free(struct hws_accel *accel, uint64_t memory)
{
	int r = plugin_free(accel->plugin, memory);
	struct loan *loan;

	if (r < 0)
		return r;
	loan = take_loan(accel, memory);
	if (loan)
		give_back(accel, loan->buf, true);
	free(loan);
	return 0;
}

/* A transfer that outlives its call: the plug-in sets one event, the program sees the other. */
struct transfer {
	struct hws_accel *accel;
	struct hws_buf buf;
	struct hws_event *seen;
};

/* The buffer comes back first. */
static void arrived(void *context, int code)
{
	struct transfer *transfer = context;
	struct hws_accel *accel = transfer->accel;

	give_back(accel, transfer->buf, hws_plugin_check(accel->plugin) == 0);
	if (code < 0)
		why(code, "plug-in %s: the transfer failed", hws_plugin_name(accel->plugin));
	hws_event_set(transfer->seen, code);
}

static void transfer_release(void *context)
{
	struct transfer *transfer = context;

	hws_event_close(transfer->seen);
	free(transfer);
}

static int make_transfer(struct hws_accel *accel, struct hws_buf buf, struct hws_event **ret_inner,
			 struct hws_event **ret_seen)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));
	int r = transfer ? hws_event_open(&transfer->seen) : why(-ENOMEM, "no memory to transfer");

	if (r < 0) {
		free(transfer);
		return r;
	}
	transfer->accel = accel;
	transfer->buf = buf;
	*ret_seen = transfer->seen;
	r = hws_event_open(ret_inner);
	if (r == 0) {
		r = hws_event_then(*ret_inner, arrived, transfer_release, transfer);
		if (r == 0)
			return 0;
		hws_event_close(*ret_inner);
	}
	transfer_release(transfer);
	return r;
}

typedef int copy_fn(struct hws_plugin *plugin, const struct plugin_copy *copy,
		    struct hws_event *event);

/* In this call: the buffer is open to this thread, and to no other. */
static int copy_now(struct hws_accel *accel, copy_fn *fn, struct plugin_copy *copy,
		    struct hws_buf buf)
{
	int r = buf_open_for_kernel(accel->pool, buf);

	if (r == 0) {
		r = fn(accel->plugin, copy, NULL);
		buf_close_for_kernel(accel->pool, buf);
	}
	give_back(accel, buf, r != -EPROTO);
	return r;
}

static int copy_later(struct hws_accel *accel, copy_fn *fn, struct plugin_copy *copy,
		      struct hws_buf buf, struct hws_event **ret_event)
{
	struct hws_event *inner, *seen;
	int r = make_transfer(accel, buf, &inner, &seen);

	if (r < 0) {
		give_back(accel, buf, true);
		return r;
	}
	hws_event_share(seen);
	r = fn(accel->plugin, copy, inner);
	if (r == 0) {
		*ret_event = seen;
	} else {
		give_back(accel, buf, r != -EPROTO);
		hws_event_close(seen);
	}
	/* one that nobody will set is released here, and the transfer with it */
	hws_event_close(inner);
	return r;
}

static int copy(struct hws_accel *accel, copy_fn *fn, struct plugin_copy *copy, struct hws_buf buf,
		struct hws_event **ret_event)
{
	struct buf_memory memory;
	int r = ret_event ? refuse_guarded(accel) : 0;

	r = r < 0 ? r : buf_to_device(accel->pool, buf, accel->number, &memory);
	if (r < 0)
		return r;
	if (copy->size > memory.size) {
		give_back(accel, buf, true);
		return why(-ERANGE, "%llu bytes of a buffer that has %llu",
			   (unsigned long long)copy->size, (unsigned long long)memory.size);
	}
	copy->host = memory.address;
	return ret_event ? copy_later(accel, fn, copy, buf, ret_event)
			 : copy_now(accel, fn, copy, buf);
}

int hws_accel_put(struct hws_accel *accel, uint64_t memory, uint64_t offset, struct hws_buf buf,
		  uint64_t size, struct hws_event **ret_event)
{
	struct plugin_copy one = { .memory = memory, .offset = offset, .size = size };

	return copy(accel, plugin_copy_in, &one, buf, ret_event);
}

int hws_accel_get(struct hws_accel *accel, uint64_t memory, uint64_t offset, struct hws_buf buf,
		  uint64_t size, struct hws_event **ret_event)
{
	struct plugin_copy one = { .memory = memory, .offset = offset, .size = size };

	return copy(accel, plugin_copy_out, &one, buf, ret_event);
}

int hws_accel_feed(struct hws_accel *accel, uint64_t memory, uint64_t offset,
		   const struct hws_chunk *chunk, struct hws_event **ret_event)
{
	struct hws_event *event;
	int r = hws_event_open(&event);

	if (r < 0) {
		if (chunk->done)
			chunk->done(chunk->context, chunk->data, chunk->size);
		return r;
	}
	r = plugin_chunk_in(accel->plugin, memory, offset, chunk, event);
	if (r < 0)
		hws_event_close(event);
	else
		*ret_event = event;
	return r;
}

int hws_accel_save(struct hws_accel *accel, uint64_t memory, void **ret_bytes, uint64_t *ret_size)
{
	return plugin_save(accel->plugin, memory, ret_bytes, ret_size);
}

int hws_accel_run(struct hws_accel *accel, const char *name, const struct hws_values *values,
		  const uint64_t *memories, uint32_t count, struct hws_event **ret_event)
{
	const struct hws_values none = { 0 };
	struct hws_event *event;
	int r = hws_event_open(&event);

	if (r < 0)
		return r;
	r = plugin_run(accel->plugin, name, values ? *values : none, memories, count, event);
	if (r < 0)
		hws_event_close(event);
	else
		*ret_event = event;
	return r;
}
