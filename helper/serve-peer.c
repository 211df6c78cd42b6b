/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections: what comes over them, until the end of all that was granted. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "helper/serve.h"
#include "shim/why-internal.h"

void peer_free(struct peer *peer)
{
	sys_close(peer->fd);
	sys_close(peer->pidfd);
	hws_policy_view_unref(peer->view);
	free(peer->undos);
	free(peer->groups);
	free(peer->exe);
	free(peer);
}

static void forget_reply(struct server *server, struct peer *peer)
{
	server->kept -= peer->waiting != NULL;
	free(peer->waiting);
	peer->waiting = NULL;
	peer->waiting_fd = sys_close(peer->waiting_fd);
}

void peer_end(struct server *server, struct peer *peer, const char *cause)
{
	if (peer->gone)
		return;
	peer->gone = true;
	server->gone++;
	if (peer->in_txn)
		(void)txn_end(server, peer, true);
	holds_end(server, peer);
	peer_note_bars(server, peer, "over");
	if (cause)
		serve_say(server, peer, HWS_LEVEL_INFO, 0, cause);
	line_leave(server, peer);
	/* at once: nothing is heard of it any more; its memory goes at the end of the turn */
	peer->fd = sys_close(peer->fd);
	peer->pidfd = sys_close(peer->pidfd);
	forget_reply(server, peer);
	ring_end(server, peer);
	for (uint32_t i = 0; i < peer->bar_count; i++)
		peer->account->mapped -= peer->bars[i].last + 1;
	server->users -= --peer->account->connections == 0;
	server->peer_count--;
}

void peers_sweep(struct server *server)
{
	for (struct peer *peer = server->gone ? server->peers : NULL, *next; peer; peer = next) {
		next = peer->next;
		if (!peer->gone)
			continue;
		*peer->link = next;
		if (next)
			next->link = peer->link;
		peer_free(peer);
	}
	if (server->gone)
		machine_close_unused(server);
	server->gone = 0;
}

/* Room for who sent it, and for nothing else: a descriptor that comes along is not installed. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(struct ucred))];
};

/* Was it sent by who connected, alone? Whatever else came is closed. */
static bool is_own(const struct peer *peer, struct msghdr *message)
{
	bool own = false;
	bool more = message->msg_flags & MSG_CTRUNC;

	for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one; one = CMSG_NXTHDR(message, one)) {
		struct ucred who;

		if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_CREDENTIALS &&
		    one->cmsg_len == CMSG_LEN(sizeof(who))) {
			memcpy(&who, CMSG_DATA(one), sizeof(who));
			own = who.pid == peer->pid && who.uid == peer->uid;
			continue;
		}
		more = true;
		if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= one->cmsg_len;
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, (char *)one + at, sizeof(fd));
			sys_close(fd);
		}
	}
	return own && !more;
}

/* Bytes; 0: nothing for now; -errno: it is to be dropped, hws_why() says why. */
static ssize_t receive(struct server *server, struct peer *peer)
{
	union control control;
	struct iovec into = { &server->request, sizeof(server->request) };
	struct msghdr message = { .msg_iov = &into,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t r = recvmsg(peer->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (r < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : why(-errno, "closed");
	/* an empty message looks the same, and is none of ours either */
	if (r == 0)
		return why(-EPIPE, "closed");
	if (!is_own(peer, &message))
		return why(-EBADMSG, "dropped: descriptors, or another sender");
	if (message.msg_flags & MSG_TRUNC)
		return why(-EBADMSG, "dropped: too large a message");
	return r;
}

static int send_reply(const struct peer *peer, const union wire_reply *reply, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec from = { (void *)(uintptr_t)reply, reply->answer.head.size };
	struct msghdr message = { .msg_iov = &from, .msg_iovlen = 1 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	return sendmsg(peer->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int watch_for(struct server *server, struct peer *peer, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = peer };

	return epoll_ctl(server->poller, EPOLL_CTL_MOD, peer->fd, &event) < 0 ? -errno : 0;
}

/* It does not read: nothing more is read of it until it does, or patience ends. */
static int keep(struct server *server, struct peer *peer, int fd)
{
	peer->waiting = malloc(sizeof(*peer->waiting));
	if (!peer->waiting) {
		sys_close(fd);
		return -ENOMEM;
	}
	memcpy(peer->waiting, &server->reply, server->reply.answer.head.size);
	peer->waiting_fd = fd;
	server->kept++;
	peer->since = server->now;
	return watch_for(server, peer, EPOLLOUT);
}

static void reply(struct server *server, struct peer *peer, int fd)
{
	int r = send_reply(peer, &server->reply, fd);

	if (r == -EAGAIN) {
		r = keep(server, peer, fd);
		fd = -1;
	}
	sys_close(fd);
	if (r < 0)
		peer_end(server, peer, "dropped: no reply reaches it");
}

bool peer_answer(struct server *server, struct peer *peer, size_t size, bool ring, int *ret_fd)
{
	const union wire_request *request = &server->request;

	if (wire_check(request, size, peer->version) < 0 ||
	    (ring && !wire_in_ring((enum hws_wire_op)request->head.op))) {
		serve_say(server, peer, HWS_LEVEL_ERROR, -EBADMSG, "no message of the protocol");
		peer_end(server, peer, "dropped: no message of the protocol");
		return false;
	}
	server->asks = peer;
	serve_do(server, peer, ret_fd);
	server->asks = NULL;
	account_served(server, peer, wire_cost(request));
	return true;
}

/*
 * A process may connect and ask as one program, and then become another that is allowed more. Its
 * program is looked at when it has said HELLO; whatever came before that look was said by who knows
 * which, so nothing may have: who waits for the answer, as he must, has sent nothing. And who sends
 * garbage has not cost a look.
 */
static void settle(struct server *server, struct peer *peer)
{
	who_look(server, peer);
	pace_looked(server, peer->account);
	serve_say(server, peer, HWS_LEVEL_INFO, 0, "connected");
	if (peer_choose_rules(server, peer) < 0)
		peer_end(server, peer, "dropped: no memory for its rules");
	else if (receive(server, peer) != 0)
		peer_end(server, peer, "dropped: it spoke before it was answered");
}

/* False: there was none, or nothing more is to be read of it for now. */
static bool serve_message(struct server *server, struct peer *peer)
{
	bool first = !peer->version;
	ssize_t size = receive(server, peer);
	int fd;

	if (size < 0)
		peer_end(server, peer, hws_why());
	if (size <= 0 || !peer_answer(server, peer, (size_t)size, false, &fd))
		return false;
	if (first)
		settle(server, peer);
	else
		pace_look_ahead(server, peer);
	if (!peer->gone)
		reply(server, peer, fd);
	if (!peer->gone && !peer->version)
		peer_end(server, peer, "dropped: its HELLO was refused");
	return !peer->gone && !peer->waiting;
}

void peer_readable(struct server *server, struct peer *peer)
{
	/* what is left for the next turn is told again by then */
	if (peer->waiting || peer->in_line || !account_turn(server, peer->account))
		return;
	if (!pace_allows(server, peer->account)) {
		line_join(server, peer);
		return;
	}
	while (serve_message(server, peer) && pace_goes_on(server, peer->account))
		;
}

void peer_writable(struct server *server, struct peer *peer)
{
	int r = peer->waiting ? send_reply(peer, peer->waiting, peer->waiting_fd) : 0;

	if (r == -EAGAIN)
		return;
	forget_reply(server, peer);
	if (r == 0)
		r = watch_for(server, peer, EPOLLIN);
	if (r < 0)
		peer_end(server, peer, "dropped: no reply reaches it");
}

void peers_impatient(struct server *server)
{
	uint64_t limit = server->options->patience * UINT64_C(1000000000);

	for (struct peer *peer = server->kept ? server->peers : NULL; peer; peer = peer->next) {
		if (!peer->gone && peer->waiting && server->now - peer->since > limit)
			peer_end(server, peer, "dropped: it reads no replies");
	}
}

/* A descriptor can't be called back: the peer whose rule is gone is told by the end of it all. */
static bool still_granted(struct server *server, const struct peer *peer)
{
	struct hws_decision decision;

	if (!holds_are_granted(server, peer))
		return false;
	for (uint32_t i = 0; i < peer->bar_count; i++) {
		if (hws_policy_check(peer->view, &peer->bars[i], &decision) < 0 ||
		    decision.per_access || decision.rate)
			return false;
	}
	return true;
}

void peers_recheck(struct server *server)
{
	for (struct peer *peer = server->peers; peer; peer = peer->next) {
		if (peer->gone || !peer->came_in)
			continue;
		if (peer_choose_rules(server, peer) < 0)
			peer_end(server, peer, "dropped: no memory for its rules");
		else if (!still_granted(server, peer))
			peer_end(server, peer, "dropped: the policy took back a BAR or a device");
	}
}
