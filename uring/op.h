/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations: queue them, have them carried out together, take what is done.
 *
 *	r = hws_read(ring, fd, buf, 0, 4096, tag);        the buffer is the kernel's now
 *	r = hws_write(ring, fd, other, 0, 4096, tag2);
 *	n = hws_wait(ring, done, 8, HWS_FOREVER);         submits both, waits for the first
 *	for (i = 0; i < n; i++)
 *		use(done[i].tag, done[i].result, done[i].buf);    the buffer is yours again
 *
 * A function that queues gives 0, and then there will be exactly one final done
 * for it, or it is refused: a negative errno, hws_why() says why, and the buffer
 * is still yours. The result of what was done is done.result, negative when it
 * failed; the buffer comes back whatever the result is.
 *
 * Context: a ring belongs to the thread that opened it. Others get -EBUSY, a
 * forked child -ECHILD.
 */
#ifndef HWSAFE_URING_OP_H
#define HWSAFE_URING_OP_H

#include "buf.h"

HWS_BEGIN_DECLS

struct hws_group;
struct hws_ring;
struct sockaddr;

/** HWS_HERE - as an offset: where the file stands, as read(2) does. */
#define HWS_HERE UINT64_MAX
/** HWS_FILE() - a registered file in the place of a descriptor, by its number. */
#define HWS_FILE(number) (0x40000000 + (int)(number))

/** enum hws_op_kind - what an operation does. The comment names what it takes of a request. */
enum hws_op_kind {
	HWS_OP_NOP = 0,
	HWS_OP_READ,	  /* fd buf buf_offset length offset how: RWF_… */
	HWS_OP_WRITE,	  /* the same */
	HWS_OP_READV,	  /* fd bufs count offset how; each buffer whole */
	HWS_OP_WRITEV,	  /* the same */
	HWS_OP_FSYNC,	  /* fd how: IORING_FSYNC_DATASYNC */
	HWS_OP_FALLOCATE, /* fd how: the mode, offset length */
	HWS_OP_STATX,  /* fd: directory, data: path, how: AT_…, mode: mask; buf: a struct statx */
	HWS_OP_OPENAT, /* fd: directory, data: path, how: O_…, mode; gives a descriptor */
	HWS_OP_CLOSE,  /* fd */
	HWS_OP_SOCKET, /* fd: domain, offset: type, length: protocol; gives a descriptor */
	HWS_OP_ACCEPT, /* fd how: SOCK_…; gives a descriptor */
	HWS_OP_ACCEPT_MANY, /* the same; a descriptor with each done, HWS_DONE_MORE but the last */
	HWS_OP_CONNECT,	    /* fd data data_size: the address */
	HWS_OP_SHUTDOWN,    /* fd length: SHUT_… */
	HWS_OP_SEND,	    /* fd buf buf_offset length how: MSG_…, not MSG_ZEROCOPY; never raises
			     * SIGPIPE */
	HWS_OP_SEND_ZC,	    /* the same, not copied: done when the network lets go of the buffer */
	HWS_OP_RECV,	    /* fd buf buf_offset length how */
	HWS_OP_RECV_MANY, /* fd group; a buffer of it with each done, HWS_DONE_MORE but the last */
	HWS_OP_POLL,	  /* fd how: POLLIN …; gives the events */
	HWS_OP_TIMEOUT,	  /* offset: CLOCK_MONOTONIC ns; gives -ETIME */
	HWS_OP_LINK_TIMEOUT, /* the same, for the linked operation before it */
	HWS_OP_SPLICE,	     /* fd2 offset2 → fd offset, length, how: SPLICE_F_… */
	HWS_OP_NVME, /* fd how: NVME_URING_CMD_IO or _ADMIN, data: the command, without address,
		      * length and metadata, buf, buf_offset, length: no less than the command says
		      * that it moves; gives the device's status. See hws_queue() */
	HWS_OP_KINDS /* how many */
};

/**
 * hws_op_name() - the kind's word in reports: "read", "accept" …
 * @kind: the kind
 *
 * Return: a constant string; "?" for a value that is no kind.
 */
HWS_API const char *hws_op_name(uint32_t kind);

/** enum hws_op_flags - how an operation is to be carried out. Values combine. */
enum hws_op_flags {
	HWS_EXACT = 1, /* go on after a short transfer: until all is done, the end, or an error */
	HWS_AFTER = 2, /* not before all that was queued earlier is done; what is queued later waits
			* with it, for this thread to wait, submit or use a stream */
	HWS_LINK = 4,  /* the next one starts when this one has succeeded in full; a chain ends
			* where it is submitted */
	HWS_HARDLINK = 8, /* the next one starts when this one is done, failed or not */
	HWS_ASYNC = 16,	  /* straight to a thread of the kernel's; reads and writes: only of plain
			   * files and block devices by their descriptor, else it is ignored */
};

/** struct hws_request - one operation. All zero but for what its kind takes. */
struct hws_request {
	uint32_t kind;	/* enum hws_op_kind */
	uint32_t flags; /* enum hws_op_flags */
	int32_t fd;	/* a descriptor or HWS_FILE() */
	uint32_t how;	/* flags of the kind's own */
	struct hws_buf buf;
	uint64_t buf_offset; /* where in the buffer */
	uint64_t offset;     /* where in the file, or HWS_HERE */
	uint64_t length;
	uint64_t tag; /* comes back with the done */
	uint32_t mode;
	uint32_t data_size;
	const void *data;	    /* borrowed, copied */
	const struct hws_buf *bufs; /* borrowed, copied */
	uint32_t count;
	int32_t fd2;
	uint64_t offset2;
	struct hws_group *group; /* borrowed */
};

/** struct hws_op - an operation's handle; all zero: none. An old one is -ESTALE. */
struct hws_op {
	uint64_t id;
};

/** enum hws_done_flags - more about a done. */
enum hws_done_flags {
	HWS_DONE_MORE = 1, /* not the last of its operation */
	HWS_DONE_LOST = 2, /* the ring broke: the kernel may own the buffer for ever */
};

/** struct hws_done - how an operation ended. */
struct hws_done {
	uint64_t tag;
	int64_t result;	    /* bytes, a descriptor, events or 0; negative: an errno */
	struct hws_buf buf; /* the user's again; the first one of a list; all zero: it had none */
	uint32_t kind;	    /* enum hws_op_kind */
	uint32_t flags;	    /* enum hws_done_flags */
};

/**
 * hws_queue() - queue any operation.
 * @ring: borrowed
 * @request: borrowed; copied, with all it points to
 * @ret_op: out; its handle, for cancelling and forgetting; may be NULL
 *
 * The kernel starts it at the next hws_submit() or hws_wait(). What starts later than that, behind
 * HWS_AFTER or in a chain, may look for its descriptor only then; what moves bytes does so again
 * when it goes on after a short move or is tried again: leave it open until the done.
 *
 * An NVMe device goes by its command alone: told to move more than the buffer has, it would go on
 * in memory that is somebody else's, and neither Linux nor the device need notice. So what a
 * command says that it moves must fit into @length; the first one that moves blocks asks the
 * namespace for their size, and waits for the answer. A command of which that can't be told is
 * taken only by a ring with HWS_RING_NVME_ANY; docs/limits.md has which.
 *
 * Safety: WRITES as HWS_OP_NVME: the device does what the command says, to its media and to itself.
 * Checked is how much memory it moves, not what that means.
 *
 * Return: 0; -EAGAIN as many as the ring is deep are in flight: wait for some; -ESTALE an old
 * buffer; -EBUSY the buffer is viewed or somebody else's, or the ring is another thread's;
 * -ERANGE it doesn't fit into the buffer; -EINVAL no such kind or flag, or one that doesn't suit,
 * or a command of which nobody can tell how much it moves;
 * -ENOMEM; -ECHILD in a forked child; -EIO the ring is broken. The buffer is still yours then.
 */
HWS_API HWS_MUST int hws_queue(struct hws_ring *ring, const struct hws_request *request,
			       struct hws_op *ret_op);

/**
 * hws_chain() - queue operations of which each starts when the one before has succeeded in full.
 * @ring: borrowed
 * @requests: borrowed; an array
 * @count: how many
 *
 * When one fails, those behind it are done with -ECANCELED.
 *
 * Return: as hws_queue(), and -EINVAL for more than the ring is deep; all are queued or none is.
 */
HWS_API HWS_MUST int hws_chain(struct hws_ring *ring, const struct hws_request *requests,
			       uint32_t count);

/**
 * hws_read() - queue a read into the buffer's first bytes.
 * @ring: borrowed
 * @fd: a descriptor or HWS_FILE()
 * @buf: yours now; the kernel's until the done
 * @offset: where in the file, or HWS_HERE
 * @length: how many bytes at most
 * @tag: comes back with the done
 *
 * Return: as hws_queue().
 */
HWS_API HWS_MUST int hws_read(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset,
			      uint64_t length, uint64_t tag);

/**
 * hws_write() - queue a write of the buffer's first bytes.
 * @ring: borrowed
 * @fd: a descriptor or HWS_FILE()
 * @buf: yours now; the kernel's until the done
 * @offset: where in the file, or HWS_HERE
 * @length: how many bytes
 * @tag: comes back with the done
 *
 * Return: as hws_queue().
 */
HWS_API HWS_MUST int hws_write(struct hws_ring *ring, int fd, struct hws_buf buf, uint64_t offset,
			       uint64_t length, uint64_t tag);

/**
 * hws_nop() - queue an operation that does nothing.
 * @ring: borrowed
 * @tag: comes back with the done
 *
 * Return: as hws_queue().
 */
HWS_API HWS_MUST int hws_nop(struct hws_ring *ring, uint64_t tag);

/**
 * hws_op_last() - the handle of what this ring queued last.
 * @ring: borrowed
 *
 * Return: the handle; all zero when nothing was queued yet.
 */
HWS_API struct hws_op hws_op_last(const struct hws_ring *ring);

/**
 * hws_op_cancel() - try to stop an operation.
 * @ring: borrowed
 * @op: which
 *
 * An attempt only: the operation ends by its own done, -ECANCELED or whatever came first; what
 * waits by HWS_AFTER does so once it begins.
 *
 * Return: 0: the attempt is queued; -ESTALE: it is done already; -EALREADY: an attempt is under
 * way; -EBUSY also: what was queued last is linked to what comes next: queue that first, or submit;
 * -EAGAIN, -EBUSY, -ENOMEM as hws_submit(); -ECHILD, -EIO as hws_queue().
 */
HWS_API HWS_MUST int hws_op_cancel(struct hws_ring *ring, struct hws_op op);

/**
 * hws_op_forget() - nobody waits for this operation any more.
 * @ring: borrowed
 * @op: which; stale from now on
 *
 * Takes the same short time always and never blocks. The operation goes on as an orphan: there
 * will be no done; its buffer returns to the pool and a descriptor it makes is closed when the
 * kernel is done with it.
 *
 * Return: 0; -ESTALE: it is done already; -EBUSY, -ECHILD, -EIO as hws_queue().
 */
HWS_API HWS_MUST int hws_op_forget(struct hws_ring *ring, struct hws_op op);

/** struct hws_orphan - an operation that was forgotten while in flight. */
struct hws_orphan {
	uint32_t kind; /* enum hws_op_kind */
	int32_t fd;
	uint64_t bytes;	 /* that it may still touch */
	uint64_t age_ns; /* since it was forgotten */
};

/**
 * hws_ring_orphans() - which operations are forgotten but not done.
 * @ring: borrowed
 * @ret_orphans: out; an array; may be NULL when @size is 0
 * @size: how many fit there
 *
 * Return: how many there are, which may be more than @size; -EBUSY, -ECHILD.
 */
HWS_API HWS_MUST int hws_ring_orphans(struct hws_ring *ring, struct hws_orphan *ret_orphans,
				      uint32_t size);

/**
 * hws_submit() - have the kernel start what is queued, without waiting.
 * @ring: borrowed
 *
 * What HWS_AFTER holds back stays queued until this is called again, or hws_wait(), once all before
 * it is done.
 *
 * Return: 0; -EAGAIN, -EBUSY, -ENOMEM the kernel can't now: what is queued stays so, try again
 * after hws_wait(); -EBUSY, -ECHILD, -EIO as hws_queue().
 */
HWS_API HWS_MUST int hws_submit(struct hws_ring *ring);

/**
 * hws_wait() - submit what is queued and take what is done, at least one.
 * @ring: borrowed
 * @ret_done: out; an array
 * @size: how many fit there
 * @deadline_ns: CLOCK_MONOTONIC; 0: don't wait; HWS_FOREVER
 *
 * Signals don't end the wait.
 *
 * Return: how many were taken; 0: nothing is in flight that could be taken; -ETIME: the deadline
 * came first; else as hws_submit().
 */
HWS_API HWS_MUST int hws_wait(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size,
			      uint64_t deadline_ns);

/**
 * hws_wait_many() - hws_wait() for more than one.
 * @ring: borrowed
 * @ret_done: out; an array
 * @size: how many fit there
 * @least: how many to wait for; no more than @size count
 * @deadline_ns: CLOCK_MONOTONIC; 0: don't wait; HWS_FOREVER
 *
 * Return: as hws_wait(); fewer than @least when the deadline came or no more are in flight.
 */
HWS_API HWS_MUST int hws_wait_many(struct hws_ring *ring, struct hws_done *ret_done, uint32_t size,
				   uint32_t least, uint64_t deadline_ns);

HWS_END_DECLS

#endif
