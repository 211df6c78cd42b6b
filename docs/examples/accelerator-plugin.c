/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plug-in: an accelerator whose memory is this process's, and whose engine is a thread. It
 * copies, fills and sums; each job ends with its event. docs/plugins.md explains the parts.
 */
#include <hwsafe/shim/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 64, JOBS = 256, MOST = 64 << 20 };

struct piece {
	char *bytes;
	uint64_t size;
	int borrowed; /* the program's: not ours to free */
};

struct device;

struct job {
	void (*work)(struct device *device, const struct job *job);
	char *to;
	const char *from;
	uint64_t size;
	int64_t value;
	struct hws_chunk chunk;
	uint64_t event;
};

struct device {
	const struct hws_host *host;
	uint64_t instance;
	uint64_t limit; /* bytes of all pieces */
	pthread_t engine;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;
	int ends;
	uint64_t used;
	struct piece pieces[PIECES]; /* named by their place, from 1 */
	struct job jobs[JOBS];	     /* a circle */
	unsigned int first, count;
};

static struct hws_error *error(const struct device *device, enum hws_code code, const char *message)
{
	return device->host->error(device->instance, code, "accelerator", message);
}

static void over(const struct device *device, uint64_t event)
{
	device->host->event_set(device->instance, event, NULL);
}

static void work_copy(struct device *device, const struct job *job)
{
	memcpy(job->to, job->from, (size_t)job->size);
	if (job->chunk.done)
		job->chunk.done(job->chunk.context, job->chunk.data, job->chunk.size);
	over(device, job->event);
}

static void work_fill(struct device *device, const struct job *job)
{
	memset(job->to, (int)job->value, (size_t)job->size);
	over(device, job->event);
}

/* The sum of the bytes goes to the first eight of them. */
static void work_sum(struct device *device, const struct job *job)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < job->size; i++)
		sum += (unsigned char)job->to[i];
	memcpy(job->to, &sum, sizeof(sum));
	over(device, job->event);
}

static void *engine(void *self)
{
	struct device *device = self;

	pthread_mutex_lock(&device->lock);
	while (!device->ends || device->count) {
		struct job job;

		if (!device->count) {
			pthread_cond_wait(&device->more, &device->lock);
			continue;
		}
		job = device->jobs[device->first];
		device->first = (device->first + 1) % JOBS;
		device->count--;
		pthread_mutex_unlock(&device->lock);
		job.work(device, &job);
		pthread_mutex_lock(&device->lock);
	}
	pthread_mutex_unlock(&device->lock);
	return NULL;
}

static struct hws_error *submit(struct device *device, const struct job *job)
{
	int full;

	pthread_mutex_lock(&device->lock);
	full = device->count == JOBS;
	if (!full)
		device->jobs[(device->first + device->count++) % JOBS] = *job;
	pthread_cond_signal(&device->more);
	pthread_mutex_unlock(&device->lock);
	return full ? error(device, HWS_CODE_RESOURCE_EXHAUSTED, "too many jobs") : NULL;
}

static struct hws_error *create(struct hws_call_create *call)
{
	struct device *device = calloc(1, sizeof(*device));
	int64_t limit = MOST;

	if (!device)
		return call->host->error(call->instance, HWS_CODE_RESOURCE_EXHAUSTED, "create",
					 "no memory");
	device->host = call->host;
	device->instance = call->instance;
	if (hws_value_int(hws_value_find(&call->options, "limit"), &limit) == -EBADMSG ||
	    limit < 1 || (uint64_t)limit > SIZE_MAX) {
		free(device);
		return call->host->error(call->instance, HWS_CODE_INVALID_ARGUMENT, "create",
					 "'limit' is a number of bytes");
	}
	device->limit = (uint64_t)limit;
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->more, NULL);
	if (pthread_create(&device->engine, NULL, engine, device) != 0) {
		free(device);
		return call->host->error(call->instance, HWS_CODE_UNAVAILABLE, "create",
					 "no thread");
	}
	call->host->log(call->instance, "the engine runs");
	call->ret_self = device;
	return NULL;
}

/* What was submitted is done first. */
static void destroy(void *self)
{
	struct device *device = self;

	pthread_mutex_lock(&device->lock);
	device->ends = 1;
	pthread_cond_signal(&device->more);
	pthread_mutex_unlock(&device->lock);
	pthread_join(device->engine, NULL);
	for (int i = 0; i < PIECES; i++)
		if (!device->pieces[i].borrowed)
			free(device->pieces[i].bytes);
	free(device);
}

static struct hws_error *attributes(void *self, struct hws_call_attributes *call)
{
	static const int64_t widths[] = { 1, 2, 4, 8 };
	static const struct hws_value values[] = {
		{ sizeof(values[0]), "kind", HWS_VALUE_STRING, 0, 6, { .string = "memory" } },
		{ sizeof(values[0]), "most", HWS_VALUE_INT, 0, 1, { .integer = MOST } },
		{ sizeof(values[0]), "widths", HWS_VALUE_INTS, 0, 4, { .integers = widths } },
		{ sizeof(values[0]), "asynchronous", HWS_VALUE_BOOL, 0, 1, { .boolean = 1 } },
		{ sizeof(values[0]), "speed", HWS_VALUE_FLOAT, 0, 1, { .floating = 1.0 } },
	};

	(void)self;
	call->ret_values = (struct hws_values) { values, sizeof(values) / sizeof(values[0]) };
	return NULL;
}

/* A place for it, or -1; what it takes is counted. */
static int take_place(struct device *device, const struct hws_call_alloc *call)
{
	int place = -1;

	pthread_mutex_lock(&device->lock);
	for (int i = 0; i < PIECES && call->size <= device->limit - device->used; i++)
		if (!device->pieces[i].bytes)
			place = i;
	if (place >= 0) {
		struct piece *piece = &device->pieces[place];

		piece->bytes = call->host ? call->host : calloc(1, (size_t)call->size);
		piece->borrowed = call->host != NULL;
		piece->size = call->size;
		if (piece->bytes)
			device->used += call->size;
		else
			place = -1;
	}
	pthread_mutex_unlock(&device->lock);
	return place;
}

static struct hws_error *alloc_piece(void *self, struct hws_call_alloc *call)
{
	struct device *device = self;
	int place = take_place(device, call);

	if (place < 0)
		return error(device, HWS_CODE_RESOURCE_EXHAUSTED, "no memory is left");
	call->ret_memory = (uint64_t)place + 1;
	return NULL;
}

static void free_piece(void *self, uint64_t memory)
{
	struct device *device = self;
	struct piece *piece = &device->pieces[memory - 1];

	pthread_mutex_lock(&device->lock);
	if (!piece->borrowed)
		free(piece->bytes);
	device->used -= piece->size;
	*piece = (struct piece) { 0 };
	pthread_mutex_unlock(&device->lock);
}

/* The library has checked that memory, offset and size fit. */
static char *place_of(struct device *device, uint64_t memory, uint64_t offset)
{
	return device->pieces[memory - 1].bytes + offset;
}

static struct hws_error *copy(struct device *device, const struct hws_call_copy *call, char *to,
			      const char *from)
{
	const struct job job = {
		.work = work_copy,
		.to = to,
		.from = from,
		.size = call->size,
		.event = call->event,
	};

	if (call->share == HWS_SHARE_TRANSFER)
		return submit(device, &job);
	memcpy(to, from, (size_t)call->size);
	return NULL;
}

static struct hws_error *copy_in(void *self, struct hws_call_copy *call)
{
	return copy(self, call, place_of(self, call->memory, call->offset), call->host);
}

static struct hws_error *copy_out(void *self, struct hws_call_copy *call)
{
	return copy(self, call, call->host, place_of(self, call->memory, call->offset));
}

static struct hws_error *run(void *self, struct hws_call_run *call)
{
	struct device *device = self;
	struct job job = { .event = call->event };

	if (call->memory_count != 1)
		return error(device, HWS_CODE_INVALID_ARGUMENT, "one piece of memory at a time");
	job.to = place_of(device, call->memories[0], 0);
	job.size = device->pieces[call->memories[0] - 1].size;
	if (strcmp(call->name, "sum") == 0 && job.size >= sizeof(uint64_t))
		job.work = work_sum;
	else if (strcmp(call->name, "fill") == 0 &&
		 hws_value_int(hws_value_find(&call->values, "value"), &job.value) == 0)
		job.work = work_fill;
	else
		return error(device, HWS_CODE_UNIMPLEMENTED,
			     "there are sum, and fill with 'value'");
	return submit(device, &job);
}

/* Whatever comes of it, the chunk is done with once. */
static struct hws_error *chunk_in(void *self, struct hws_call_chunk *call)
{
	struct device *device = self;
	const struct hws_chunk *chunk = &call->chunk;
	const struct job job = {
		.work = work_copy,
		.to = place_of(device, call->memory, call->offset),
		.from = chunk->data,
		.size = chunk->size,
		.chunk = *chunk,
		.event = call->event,
	};
	struct hws_error *full = submit(device, &job);

	if (full)
		chunk->done(chunk->context, chunk->data, chunk->size);
	return full;
}

static void saved(uint64_t context, void *data, uint64_t size)
{
	(void)context;
	(void)size;
	free(data);
}

/* As it is: bytes. */
static struct hws_error *save(void *self, struct hws_call_save *call)
{
	struct device *device = self;
	const struct piece *piece = &device->pieces[call->memory - 1];
	void *bytes = malloc((size_t)piece->size);

	if (!bytes)
		return error(device, HWS_CODE_RESOURCE_EXHAUSTED, "no memory is left");
	memcpy(bytes, piece->bytes, (size_t)piece->size);
	call->ret_chunk = (struct hws_chunk) {
		.struct_size = sizeof(call->ret_chunk),
		.data = bytes,
		.size = piece->size,
		.done = saved,
	};
	return NULL;
}

/* It reaches all of this process's memory: an address is its own. */
static struct hws_error *dma_map(void *self, struct hws_call_map *call)
{
	(void)self;
	call->address = (uintptr_t)call->host;
	return NULL;
}

static struct hws_error *dma_unmap(void *self, struct hws_call_map *call)
{
	struct device *device = self;

	return call->address == (uintptr_t)call->host
		       ? NULL
		       : error(device, HWS_CODE_NOT_FOUND, "nothing is mapped there");
}

static const struct hws_ext_device device_ops = {
	.ext = { .struct_size = sizeof(device_ops), .type = HWS_EXT_DEVICE, .version = 1 },
	.attributes = attributes,
	.alloc = alloc_piece,
	.free = free_piece,
	.copy_in = copy_in,
	.copy_out = copy_out,
	.run = run,
	.chunk_in = chunk_in,
	.save = save,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
};

static const struct hws_plugin_table table = {
	.struct_size = sizeof(table),
	.abi = HWS_PLUGIN_ABI,
	.flags = HWS_PLUGIN_THREAD_SAFE,
	.next = &device_ops.ext,
	.create = create,
	.destroy = destroy,
};

HWS_PLUGIN("accelerator", "1.0", &table)
