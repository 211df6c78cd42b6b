/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands in for io_uring where the kernel refuses it: it consumes the same
 * entries and makes the same completions, by ordinary system calls.
 *
 * An operation that can't block is done at once. One that has to wait for a
 * descriptor is tried without blocking whenever that is ready. What the kernel
 * would block in (files, paths) goes to a crew of threads, or is done at once
 * where there is none. All but the crew's system calls happens in the thread
 * that enters the ring.
 */
#ifndef HWSAFE_URING_RING_EMULATE_INTERNAL_H
#define HWSAFE_URING_RING_EMULATE_INTERNAL_H

#include <poll.h>

#include "uring/ring-internal.h"

#define EMU_BUCKETS 256

/* A circular list; the head is one of its nodes. */
struct emu_node {
	struct emu_node *next, *prev;
};

/*
 * A descriptor of our own for an open file, so that closing the caller's, or using its number
 * again, doesn't matter to what is in flight.
 */
struct emu_file {
	struct emu_node hash;
	struct emu_node dead;	 /* of emu->dead */
	struct emu_node waiting; /* operations, in order */
	uint64_t device, inode;
	int fd;
	int flags; /* O_… */
	uint32_t users;
	uint32_t events; /* that are watched for; 0: it isn't watched */
	bool shared;	 /* found by device and inode */
};

struct emu_op;

/* What is known of an opcode. */
struct emu_kind {
	/* Tries; a result, or -EAGAIN when it had to wait. */
	int64_t (*run)(struct emu_op *op, bool block);
	uint32_t events; /* what it waits for */
	uint32_t traits; /* enum emu_traits */
};

enum emu_traits {
	EMU_FD = 1,	  /* has a descriptor, which is looked at first */
	EMU_BLOCKS = 2,	  /* is the crew's */
	EMU_MOVES = 4,	  /* is the crew's if it is about a file; breaks a chain when short */
	EMU_ALWAYS = 8,	  /* waits, even if the descriptor doesn't want to */
	EMU_MESSAGE = 16, /* takes MSG_ flags */
	EMU_PATIENT = 32, /* a thread tries it again and again: so it can be cancelled */
	EMU_PLAIN = 64,	  /* takes descriptors only, no registered files */
};

/* Where an operation is. */
enum emu_place {
	EMU_READY,   /* about to start */
	EMU_WAITING, /* for a descriptor */
	EMU_TIMED,   /* for a moment */
	EMU_LINKED,  /* for the one before it */
	EMU_CREW,    /* with the crew */
	EMU_DONE,    /* for room among the completions */
};

struct emu {
	struct hws_ring *ring;
	struct crew *crew; /* NULL: none, or not yet */
	bool threads;	   /* there may be a crew */
	bool polled;	   /* the program has the descriptor: it is to say what is there */
	int poller;	   /* the epoll descriptor */
	int bell;  /* an eventfd: the crew has results, or completions are there to be taken */
	int clock; /* a timerfd, for who polls the ring */
	uint64_t clock_at; /* what it is set to */
	int *fixed;	   /* registered files; -1: none */
	uint32_t fixed_count;
	struct emu_node ready, timers, done, all;
	struct emu_node dead; /* files */
	struct emu_node files[EMU_BUCKETS];
	struct emu_op *spare; /* to be used again */
	struct emu_group *groups;
	unsigned queues[6]; /* heads, tails, flags */
};

struct emu_group {
	struct emu_group *next;
	struct io_uring_buf_ring *queue;
	uint32_t mask;
	uint16_t number;
	uint16_t head;
};

struct emu_op {
	struct emu_node at;  /* of the list of its place */
	struct emu_node all; /* of all that are not ended */
	struct io_uring_sqe sqe;
	const struct emu_kind *kind;
	struct emu *emu;
	struct emu_file *file;	/* NULL: it has none of its own yet */
	struct hws_buf buf;	/* to be opened for the system call; all zero: none */
	struct emu_op *link;	/* starts after this one */
	struct emu_op *limit;	/* the timeout that ends this one */
	struct emu_op *limited; /* the reverse */
	uint64_t deadline_ns;
	int64_t result;
	uint64_t expected; /* less breaks a chain */
	uint32_t moved;	   /* so far, where the call itself doesn't count */
	uint32_t events;   /* what it waits for */
	uint32_t flags;	   /* of the completion, when it waits for room */
	int fd;
	int fd2; /* that splice takes from */
	enum emu_place place;
	bool begun;	   /* something of a connection is under way */
	bool owns;	   /* fd and fd2 are descriptors of its own */
	_Atomic bool stop; /* a thread that can is to give it up */
};

#define EMU_OP(node)	 ((struct emu_op *)((char *)(node)-offsetof(struct emu_op, at)))
#define EMU_OP_ALL(node) ((struct emu_op *)((char *)(node)-offsetof(struct emu_op, all)))

static inline void node_init(struct emu_node *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool node_alone(const struct emu_node *node)
{
	return node->next == node;
}

/* Takes it out of its list, if any. */
static inline void node_take(struct emu_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node_init(node);
}

/* At the end. */
static inline void node_put(struct emu_node *head, struct emu_node *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* ring-emulate-tell.c: as io_uring_register(2) */
int emu_tell(struct hws_ring *ring, uint32_t what, const void *arg, uint32_t count);

/* ring-emulate.c: the queues */
struct emu *emu_of(const struct hws_ring *ring);
bool emu_room(const struct emu *emu);
/* Posts when there is room, as there must be. */
void emu_post(struct emu *emu, const struct io_uring_sqe *sqe, int64_t result, uint32_t flags);

/* ring-emulate-run.c: operations from start to end */
/* Closes the descriptors that it owns. */
void emu_disown(struct emu_op *op);
/* A copy of the entry, or NULL; it is to be started or linked. */
struct emu_op *emu_op_new(struct emu *emu, const struct io_uring_sqe *sqe);
/* To be used again. */
void emu_op_free(struct emu_op *op);
/* As if it came from the queue, with all that are linked to it. */
void emu_begin(struct emu_op *op);
/* Starts what is ready, until nothing is. */
void emu_run(struct emu *emu);
/* It is over; @op is gone, or waits for room. */
void emu_end(struct emu_op *op, int64_t result, uint32_t flags);
/* Tries those that wait for these events of the file. */
void emu_try(struct emu *emu, struct emu_file *file, uint32_t events);
/* Ends timeouts that are due; the next one's time, or HWS_FOREVER. */
uint64_t emu_expire(struct emu *emu);
/* Posts what had no room. */
void emu_flush(struct emu *emu);

/* ring-emulate-cancel.c */
int64_t emu_cancel(struct emu_op *op, bool block);
/* Ends it if it can be ended: 0; -EALREADY. */
int emu_stop(struct emu_op *op, int result);

/* ring-emulate-op.c: what each opcode is */
/* NULL: none such. */
const struct emu_kind *emu_kind(uint32_t opcode);
/* What of @events is there; -EAGAIN: nothing, a call would wait; or why that can't be told. */
HWS_MUST int emu_ready(const struct emu_op *op, uint32_t events);

/* ring-emulate-move.c: those that go by a buffer's memory, and accept */
int64_t emu_move(struct emu_op *op, bool block);
int64_t emu_message(struct emu_op *op, bool block);
int64_t emu_accept(struct emu_op *op, bool block);

/* ring-emulate-file.c */
/* The descriptor an entry names, or -EBADF. */
int emu_fd(const struct emu *emu, int fd, bool fixed);
/* Gives the operation a descriptor of its own. 0 or -errno. */
HWS_MUST int emu_file_take(struct emu_op *op);
void emu_file_drop(struct emu_op *op);
/* One user less: with the last it is closed. */
void emu_file_put(struct emu *emu, struct emu_file *file);
/* Waits for its events: 0 or -errno; -EPERM: the file can't be waited for. */
HWS_MUST int emu_file_wait(struct emu_op *op);
/* It waits no more. */
void emu_file_leave(struct emu_op *op);
/* Waits until something is ready or the deadline, and tries what waits: 0, -ETIME, -EINTR … */
HWS_MUST int emu_look(struct emu *emu, uint64_t deadline_ns);
/* Closes files that nobody uses any more. */
void emu_bury(struct emu *emu);
/* Closes all, without telling the poller, but what threads that are stuck in a call have. */
void emu_files_end(struct emu *emu);
/* It is such a thread's: from now on its file outlives the ring; and is no longer needed. */
void emu_file_leave_to(struct emu_op *op);
void emu_file_abandon(struct emu_op *op);

/* ring-emulate-crew.c: the threads */
/* Has it done: 0, or -errno when there can be no thread. */
HWS_MUST int crew_give(struct emu *emu, struct emu_op *op);
/* Takes it back unless a thread has begun it. */
bool crew_take(struct crew *crew, struct emu_op *op);
/* Moves what is done to @done. */
void crew_collect(struct crew *crew, struct emu_node *done);
/* Joins the threads but those that are stuck; these own what they work on. */
void crew_end(struct crew *crew);

/* The memory of the operation's buffer is open to this thread in between. */
/* Tries it, with its memory open. */
int64_t emu_attempt(struct emu_op *op, bool block);
HWS_MUST int emu_open_memory(const struct emu_op *op);
void emu_close_memory(const struct emu_op *op);

#endif
