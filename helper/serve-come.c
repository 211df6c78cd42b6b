/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The door: who connects is asked who he is, and in which line he stands, before all else. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "guardian/policy-internal.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

enum { SEND_BUFFER = 16384 }; /* replies that nobody reads stay this small */

int peer_choose_rules(struct server *server, struct peer *peer)
{
	struct hws_principal who = { .uid = peer->uid,
				     .gid = peer->gid,
				     .groups = peer->groups,
				     .group_count = peer->group_count,
				     .exe = exe_for_rules(server, peer) };
	struct hws_policy_view *view;
	int r = hws_policy_view_open(server->policy, &who, &view);

	if (r < 0)
		return r;
	hws_policy_view_unref(peer->view);
	peer->view = view;
	return 0;
}

/* Numbers that no rule gives anything, of which one user may have thousands, count as one. */
static uint32_t account_uid(const struct server *server, const struct peer *peer)
{
	const struct hws_principal who = { .uid = peer->uid,
					   .gid = peer->gid,
					   .groups = peer->groups,
					   .group_count = peer->group_count };

	return policy_knows(server->policy, &who) ? peer->uid : POLICY_NO_ID;
}

static int within_limits(struct server *server, struct peer *peer)
{
	struct account *account = account_of(server, account_uid(server, peer));

	if (!account)
		return why(-EDQUOT, "too many users");
	peer->account = account;
	if (account->connections >= server->options->connections)
		return why(-EDQUOT, "too many connections of the user");
	if (server->peer_count >= server->options->total)
		return why(-EDQUOT, "too many connections");
	return 0;
}

static int watch(struct server *server, struct peer *peer)
{
	int r = serve_watch(server->poller, peer->fd, EPOLLIN, peer);

	/* the same tag: it is readable when the process is gone */
	if (r == 0 && peer->pidfd >= 0)
		r = serve_watch(server->poller, peer->pidfd, EPOLLIN,
				(char *)peer + SERVE_TAG_PROCESS);
	return r;
}

static int admit(struct server *server, struct peer *peer)
{
	const int size = SEND_BUFFER;
	int r = who_is(peer);

	if (r == 0 && setsockopt(peer->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
		r = -errno;
	return r < 0 ? r : watch(server, peer);
}

void peer_come_in(struct server *server, struct peer *peer)
{
	struct pollfd one = { .fd = peer->fd }; /* a hang-up is told unasked */
	unsigned int said = why_times();
	int r;

	pace_came(server, peer->account);
	if (poll(&one, 1, 0) == 1) {
		peer_end(server, peer, "closed before it was heard");
		return;
	}
	r = admit(server, peer);
	peer->came_in = r == 0;
	if (r < 0) {
		serve_say(server, peer, HWS_LEVEL_WARNING, r, serve_cause(said, r));
		peer_end(server, peer, NULL);
	}
}

static void add(struct server *server, struct peer *peer)
{
	peer->next = server->peers;
	peer->link = &server->peers;
	if (peer->next)
		peer->next->link = &peer->next;
	server->peers = peer;
	server->peer_count++;
	server->users += peer->account->connections++ == 0;
}

static void receive_peer(struct server *server, struct peer *peer)
{
	unsigned int said = why_times();
	int r = who_connected(peer);

	r = r < 0 ? r : within_limits(server, peer);
	if (r < 0) {
		serve_say(server, peer, HWS_LEVEL_WARNING, r, serve_cause(said, r));
		door_mind(server);
		peer_free(peer);
		return;
	}
	add(server, peer);
	if (pace_allows(server, peer->account)) {
		peer_come_in(server, peer);
	} else {
		line_join(server, peer);
		door_mind(server);
	}
}

static void add_peer(struct server *server, int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer) {
		sys_close(fd);
		return;
	}
	peer->fd = fd;
	peer->pidfd = peer->waiting_fd = -1;
	peer->ring = (struct peer_ring) { .memory = -1, .doorbell = -1 };
	peer->journal = JOURNAL_NONE;
	receive_peer(server, peer);
}

/* Without a descriptor left the connection could neither be served nor refused. */
static void refuse_one(struct server *server)
{
	server->spare = sys_close(server->spare);
	sys_close(accept4(server->listener, NULL, NULL, SOCK_CLOEXEC));
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (account_may_note(server, &server->nobody))
		serve_say(server, NULL, HWS_LEVEL_ERROR, -EMFILE, "no descriptor left for a peer");
	door_mind(server);
}

void peer_accept(struct server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		add_peer(server, fd);
	else if (errno == EMFILE || errno == ENFILE)
		refuse_one(server);
}
