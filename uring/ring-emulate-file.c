/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open files and waiting for them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "shim/sys-internal.h"
#include "uring/ring-emulate-internal.h"

_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR &&
		       POLLHUP == EPOLLHUP && POLLPRI == EPOLLPRI,
	       "both kinds of waiting speak of the same events");

#define FILE_OF(node, member) \
	((struct emu_file *)((char *)(node)-offsetof(struct emu_file, member)))

int emu_fd(const struct emu *emu, int fd, bool fixed)
{
	if (!fixed)
		return fd;
	return fd >= 0 && (uint32_t)fd < emu->fixed_count ? emu->fixed[fd] : -1;
}

/* For these whoever opened them is told by inode and flags, or makes no difference. */
static bool can_share(const struct emu_op *op, const struct stat *of)
{
	return S_ISFIFO(of->st_mode) || S_ISSOCK(of->st_mode) ||
	       (S_ISREG(of->st_mode) && op->sqe.off != HWS_HERE);
}

static struct emu_node *bucket(struct emu *emu, uint64_t inode)
{
	return &emu->files[inode % EMU_BUCKETS];
}

static struct emu_file *find(struct emu *emu, const struct stat *of, int flags)
{
	struct emu_node *head = bucket(emu, of->st_ino);

	for (struct emu_node *node = head->next; node != head; node = node->next) {
		struct emu_file *file = FILE_OF(node, hash);

		if (file->shared && file->inode == of->st_ino && file->device == of->st_dev &&
		    file->flags == flags)
			return file;
	}
	return NULL;
}

static int make(struct emu_op *op, const struct stat *of, int flags)
{
	struct emu_file *file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->fd = sys_dup(op->fd);
	if (file->fd < 0) {
		int r = file->fd;

		free(file);
		return r;
	}
	file->device = of->st_dev;
	file->inode = of->st_ino;
	file->flags = flags;
	file->shared = can_share(op, of);
	node_init(&file->dead);
	node_init(&file->waiting);
	node_put(bucket(op->emu, file->inode), &file->hash);
	op->file = file;
	return 0;
}

int emu_file_take(struct emu_op *op)
{
	struct stat of;
	int flags = sys_get_flags(op->fd);
	int r = flags < 0 ? flags : sys_fstat(op->fd, &of);

	if (r < 0)
		return r;
	if (can_share(op, &of))
		op->file = find(op->emu, &of, flags);
	if (!op->file)
		r = make(op, &of, flags);
	if (r < 0)
		return r;
	op->file->users++;
	op->fd = op->file->fd;
	return 0;
}

/* Has the poller tell of these events: 0, -EPERM … */
static int watch(struct emu *emu, struct emu_file *file, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = file };
	int how = !file->events ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
	int r = events == file->events ? 0 : sys_epoll_ctl(emu->poller, how, file->fd, &event);

	if (r == 0)
		file->events = events;
	return r;
}

static uint32_t wanted(const struct emu_file *file)
{
	uint32_t events = 0;

	for (const struct emu_node *node = file->waiting.next; node != &file->waiting;
	     node = node->next)
		events |= EMU_OP(node)->events;
	return events;
}

int emu_file_wait(struct emu_op *op)
{
	int r = watch(op->emu, op->file, op->file->events | op->events);

	if (r < 0)
		return r;
	op->place = EMU_WAITING;
	node_put(&op->file->waiting, &op->at);
	return 0;
}

void emu_file_leave(struct emu_op *op)
{
	struct emu_node *next = op->at.next;

	if (op->place != EMU_WAITING)
		return;
	node_take(&op->at);
	/* with others of the kind there nothing changes: so it costs the same however many wait */
	if (next != &op->file->waiting && EMU_OP(next)->events == op->events)
		return;
	/* to want less can't fail */
	(void)watch(op->emu, op->file, wanted(op->file));
}

void emu_file_put(struct emu *emu, struct emu_file *file)
{
	if (--file->users)
		return;
	node_take(&file->hash);
	/* events that are being looked at may name it still */
	node_put(&emu->dead, &file->dead);
	sys_close(file->fd);
}

void emu_file_drop(struct emu_op *op)
{
	struct emu_file *file = op->file;

	if (!file)
		return;
	emu_file_leave(op);
	op->file = NULL;
	emu_file_put(op->emu, file);
}

void emu_bury(struct emu *emu)
{
	while (!node_alone(&emu->dead)) {
		struct emu_file *file = FILE_OF(emu->dead.next, dead);

		node_take(&file->dead);
		free(file);
	}
}

void emu_files_end(struct emu *emu)
{
	emu_bury(emu);
	for (size_t i = 0; i < EMU_BUCKETS; i++)
		while (!node_alone(&emu->files[i])) {
			struct emu_file *file = FILE_OF(emu->files[i].next, hash);

			node_take(&file->hash);
			sys_close(file->fd);
			free(file);
		}
}

void emu_file_leave_to(struct emu_op *op)
{
	struct emu_file *file = op->file;

	if (!file)
		return;
	/* the first one: all other users end with the ring */
	if (!node_alone(&file->hash))
		file->users = 0;
	node_take(&file->hash);
	file->users++;
}

void emu_file_abandon(struct emu_op *op)
{
	struct emu_file *file = op->file;

	if (!file || --file->users)
		return;
	sys_close(file->fd);
	free(file);
}

static void collect(struct emu *emu)
{
	struct emu_node done;

	node_init(&done);
	sys_eventfd_still(emu->bell);
	if (emu->crew)
		crew_collect(emu->crew, &done);
	while (!node_alone(&done)) {
		struct emu_op *op = EMU_OP(done.next);

		node_take(&op->at);
		emu_end(op, op->result, 0);
	}
}

static void look(struct emu *emu)
{
	struct epoll_event events[64];
	int count = sys_epoll_get(emu->poller, events, 64);

	for (int i = 0; i < count; i++) {
		void *who = events[i].data.ptr;

		if (who == &emu->bell)
			collect(emu);
		else if (who == &emu->clock)
			sys_eventfd_still(emu->clock);
		else
			emu_try(emu, who, events[i].events);
	}
}

int emu_look(struct emu *emu, uint64_t deadline_ns)
{
	struct pollfd poller = { .fd = emu->poller, .events = POLLIN };
	int r = 0;

	if (deadline_ns)
		r = sys_poll_until(&poller, 1, deadline_ns);
	if (r >= 0)
		look(emu);
	return r < 0 ? r : 0;
}
