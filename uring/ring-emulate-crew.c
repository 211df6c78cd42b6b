/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The threads that block in system calls so that the ring's own doesn't have
 * to. They start when there is something to do and end with the ring. One that
 * never comes back from its call owns what it works on, for ever if need be.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shim/pkey-internal.h"
#include "shim/sys-internal.h"
#include "uring/ring-emulate-internal.h"

enum { CREW = 4, PATIENCE_NS = 2000000 };

struct crew {
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t work;
	struct emu_node todo, done;
	uint32_t waiting; /* of the todo */
	uint32_t idle;
	uint32_t count;
	uint32_t users; /* the ring and each thread: the last one frees it */
	bool ending;
	int bell;
	struct sailor {
		struct crew *crew;
		pthread_t thread;
		struct emu_op *op; /* what it is in */
	} sailors[CREW];
};

static void leave(struct crew *crew)
{
	uint32_t left = --crew->users;

	pthread_mutex_unlock(&crew->lock);
	if (left)
		return;
	pthread_cond_destroy(&crew->work);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

static int64_t carry_out(struct emu_op *op)
{
	int64_t result;

	if (!(op->kind->traits & EMU_PATIENT))
		return op->kind->run(op, true);
	/* relaxed: a hint, no more */
	while ((result = op->kind->run(op, false)) == -EAGAIN) {
		sys_sleep(PATIENCE_NS);
		if (atomic_load_explicit(&op->stop, memory_order_relaxed))
			return -ECANCELED;
	}
	return result;
}

/* The ring was closed before its call came back: what it made is nobody's. With the lock held. */
static void abandon(struct emu_op *op, int64_t result)
{
	if (op->sqe.opcode == IORING_OP_OPENAT && result >= 0)
		sys_close((int)result);
	emu_disown(op);
	emu_file_abandon(op);
	free(op);
}

/* With the lock held before and after; false: the ring is gone, and with it all but the op. */
static bool do_one(struct crew *crew, struct sailor *sailor, struct emu_op *op)
{
	int64_t result;
	bool opened;

	node_take(&op->at);
	crew->waiting--;
	sailor->op = op;
	/* not later: the ring may be closed, and its pool, as soon as the lock is free */
	result = emu_open_memory(op);
	opened = result == 0;
	pthread_mutex_unlock(&crew->lock);
	if (opened)
		result = carry_out(op);
	pthread_mutex_lock(&crew->lock);
	sailor->op = NULL;
	if (crew->ending) {
		abandon(op, result);
		return false;
	}
	if (opened)
		emu_close_memory(op);
	op->result = result;
	if (node_alone(&crew->done))
		sys_eventfd_ring(crew->bell);
	node_put(&crew->done, &op->at);
	return true;
}

static void *serve(void *context)
{
	struct sailor *sailor = context;
	struct crew *crew = sailor->crew;
	bool goes_on = true;

	pkey_start();
	pthread_mutex_lock(&crew->lock);
	while (goes_on && !crew->ending) {
		if (!node_alone(&crew->todo)) {
			goes_on = do_one(crew, sailor, EMU_OP(crew->todo.next));
			continue;
		}
		crew->idle++;
		pthread_cond_wait(&crew->work, &crew->lock);
		crew->idle--;
	}
	leave(crew);
	return NULL;
}

static struct crew *open_crew(int bell)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return NULL;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->work, NULL);
	node_init(&crew->todo);
	node_init(&crew->done);
	crew->users = 1;
	crew->bell = bell;
	return crew;
}

/* With the lock held. The program's signals are for its own threads. */
static int add_thread(struct crew *crew)
{
	struct sailor *sailor = &crew->sailors[crew->count];
	sigset_t all;
	sigset_t old;
	int r;

	sailor->crew = crew;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&sailor->thread, NULL, serve, sailor);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return -r;
	crew->count++;
	crew->users++;
	return 0;
}

int crew_give(struct emu *emu, struct emu_op *op)
{
	struct crew *crew = emu->crew;
	int r = 0;

	if (!crew)
		crew = emu->crew = open_crew(emu->bell);
	if (!crew)
		return -ENOMEM;
	pthread_mutex_lock(&crew->lock);
	if (crew->idle <= crew->waiting && crew->count < CREW)
		r = add_thread(crew);
	if (crew->count) {
		r = 0; /* fewer will do */
		op->place = EMU_CREW;
		node_put(&crew->todo, &op->at);
		crew->waiting++;
		pthread_cond_signal(&crew->work);
	}
	pthread_mutex_unlock(&crew->lock);
	return r;
}

bool crew_take(struct crew *crew, struct emu_op *op)
{
	bool taken = false;

	pthread_mutex_lock(&crew->lock);
	for (struct emu_node *node = crew->todo.next; node != &crew->todo; node = node->next)
		if (node == &op->at) {
			node_take(node);
			crew->waiting--;
			taken = true;
			break;
		}
	if (!taken)
		atomic_store_explicit(&op->stop, true, memory_order_relaxed);
	pthread_mutex_unlock(&crew->lock);
	return taken;
}

void crew_collect(struct crew *crew, struct emu_node *done)
{
	pthread_mutex_lock(&crew->lock);
	while (!node_alone(&crew->done)) {
		struct emu_node *node = crew->done.next;

		node_take(node);
		node_put(done, node);
	}
	pthread_mutex_unlock(&crew->lock);
}

void crew_end(struct crew *crew)
{
	pthread_t idle[CREW];
	uint32_t count = 0;

	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->ending = true;
	pthread_cond_broadcast(&crew->work);
	for (uint32_t i = 0; i < crew->count; i++) {
		if (crew->sailors[i].op) {
			node_take(&crew->sailors[i].op->all);
			emu_file_leave_to(crew->sailors[i].op);
			atomic_store_explicit(&crew->sailors[i].op->stop, true,
					      memory_order_relaxed);
			pthread_detach(crew->sailors[i].thread);
			continue;
		}
		idle[count++] = crew->sailors[i].thread;
	}
	pthread_mutex_unlock(&crew->lock);
	for (uint32_t i = 0; i < count; i++)
		pthread_join(idle[i], NULL);
	pthread_mutex_lock(&crew->lock);
	leave(crew);
}
