/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whom the helper lets wait, so that he sleeps instead of keeping the processors from others. Who
 * asks for one thing at a time, and goes on when he has it, is served at once. Who asks for several
 * at a time presses: while another one asks, he gets a part of the helper's time only, and what he
 * sends stays unread, in line, until he may have more. With nobody else there he is not slowed.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#include "helper/serve.h"

/* docs/helper.md, "Limits", tells what comes of these. */
enum {
	TICK_MS = 1000,
	MS = 1000000,
	OTHERS = MS,	   /* so long after a request of his another one counts as asking */
	TOGETHER = MS / 5, /* programs of one user that ask within it do so at a time */
	LOOKS = MS,	   /* so often it is looked whether somebody waits for his answers */
	PRESSES = 10 * MS, /* what a user is taken for lasts so long */
	PART = 6000,	   /* so long a pressing user waits for each access he has had, … */
	MOST = 5 * MS,	   /* … but no longer */
	LUMP = 120,	   /* what one who runs ahead has at a time, in accesses … */
	PAUSE = 5 * MS,	   /* … and how long he waits then */
	BARRED = MS,	   /* who has had his rate waits for the next refusal */
	COMING = 800,	   /* what a connection costs, in accesses … */
	LOOK = 350,	   /* … and the look what program it is */
	DOOR = 3 * MS,	   /* the door stays closed for so long … */
	COMERS = 8,	   /* … after so many whom the helper lets wait, or sends away */
};

void pace_due(struct server *server, uint64_t when)
{
	server->due = when < server->due ? when : server->due;
}

static bool presses(const struct server *server, const struct account *account)
{
	return account->pressed && server->now - account->pressed <= PRESSES;
}

static bool runs_ahead(const struct server *server, const struct account *account)
{
	return account->ahead && server->now - account->ahead <= PRESSES;
}

/* Somebody else, and one thing at a time. */
static bool others_ask(const struct server *server, const struct account *account)
{
	return server->asker && server->asker != account && server->now - server->asked <= OTHERS;
}

/* When it may be served again; what is past: now. */
static uint64_t when(const struct server *server, const struct account *account)
{
	uint64_t others = others_ask(server, account) ? server->asked + OTHERS : 0;
	uint64_t own = presses(server, account) ? account->next : 0;
	uint64_t paced = own < others ? own : others;

	return account->barred > paced ? account->barred : paced;
}

bool pace_allows(struct server *server, const struct account *account)
{
	uint64_t at = when(server, account);

	if (at <= server->now)
		return true;
	pace_due(server, at);
	return false;
}

void pace_ahead(const struct server *server, struct account *account)
{
	account->pressed = account->ahead = server->now;
}

void pace_look_ahead(const struct server *server, const struct peer *peer)
{
	struct account *account = peer->account;

	if (server->now - account->looked < LOOKS)
		return;
	account->looked = server->now;
	if (sys_poll_one(peer->fd, POLLIN) > 0)
		pace_ahead(server, account);
}

static void charge(const struct server *server, struct account *account, uint64_t accesses)
{
	uint64_t from = account->next > server->now ? account->next : server->now;
	uint64_t most = server->now + MOST;

	/* what it had before it pressed is not held against it */
	if (presses(server, account))
		account->next = from + accesses * PART < most ? from + accesses * PART : most;
}

/*
 * Who waits for his answers has one at a time, and soon the next. Who doesn't, has many and then a
 * long time none: of those who ask meanwhile, few meet him.
 */
static void charge_served(const struct server *server, struct account *account, uint32_t accesses)
{
	if (!runs_ahead(server, account)) {
		charge(server, account, accesses);
		return;
	}
	account->had += accesses;
	if (account->had < LUMP)
		return;
	account->had = 0;
	account->next = server->now + PAUSE;
}

bool pace_goes_on(const struct server *server, const struct account *account)
{
	return others_ask(server, account) && runs_ahead(server, account) &&
	       account->next <= server->now;
}

void pace_served(struct server *server, const struct peer *peer, uint32_t accesses)
{
	struct account *account = peer->account;

	/* compared only: it may be gone */
	if (account->asker && account->asker != peer && server->now - account->last < TOGETHER)
		account->pressed = server->now;
	account->asker = peer;
	account->last = server->now;
	charge_served(server, account, accesses);
	if (presses(server, account))
		return;
	server->asker = account;
	server->asked = server->now;
}

void pace_came(const struct server *server, struct account *account)
{
	if (account->came && server->now - account->came < PRESSES)
		account->pressed = server->now;
	account->came = server->now;
	charge(server, account, COMING);
}

void pace_looked(const struct server *server, struct account *account)
{
	charge(server, account, LOOK);
}

void pace_bar(const struct server *server, struct account *account)
{
	account->barred = server->now + BARRED;
}

/* At the end of its user's line: nothing more is read of it until it comes to its turn. */
static void join(struct server *server, struct peer *peer)
{
	struct account *account = peer->account;

	if (!account->line) {
		account->line_end = &account->line;
		account->line_next = server->lines;
		server->lines = account;
	}
	peer->in_line = true;
	peer->behind = NULL;
	*account->line_end = peer;
	account->line_end = &peer->behind;
}

static void forget_line(struct server *server, const struct account *account)
{
	struct account **at = &server->lines;

	while (*at != account)
		at = &(*at)->line_next;
	*at = account->line_next;
}

void line_leave(struct server *server, struct peer *peer)
{
	struct account *account = peer->account;
	struct peer **at = &account->line;

	if (!peer->in_line)
		return;
	while (*at != peer)
		at = &(*at)->behind;
	*at = peer->behind;
	if (!*at)
		account->line_end = at;
	if (!account->line)
		forget_line(server, account);
	peer->in_line = false;
}

void line_join(struct server *server, struct peer *peer)
{
	/* one that hasn't come in yet is not there */
	(void)epoll_ctl(server->poller, EPOLL_CTL_DEL, peer->fd, NULL);
	join(server, peer);
}

static void serve_first(struct server *server, struct peer *peer)
{
	line_leave(server, peer);
	if (!peer->came_in)
		peer_come_in(server, peer);
	else if (serve_watch(server->poller, peer->fd, EPOLLIN, peer) < 0)
		peer_end(server, peer, "dropped: no memory to wait for it");
	else
		peer_readable(server, peer);
}

void lines_serve(struct server *server)
{
	for (struct account *one = server->lines, *next; one; one = next) {
		next = one->line_next;
		while (one->line && pace_allows(server, one) && account_turn(server, one))
			serve_first(server, one->line);
		if (one->line && pace_allows(server, one))
			pace_due(server, server->now);
	}
}

static void set_door(struct server *server, bool open)
{
	struct epoll_event event = { .events = open ? EPOLLIN : 0, .data.ptr = &server->listener };

	/* best effort: open when it should be closed is only more work */
	(void)epoll_ctl(server->poller, EPOLL_CTL_MOD, server->listener, &event);
	server->door = open ? 0 : server->now + DOOR;
	server->comers = 0;
	/* whoever was only sent away leaves nothing else to be done by then */
	if (!open)
		pace_due(server, server->door);
}

void door_mind(struct server *server)
{
	if (++server->comers >= COMERS)
		set_door(server, false);
}

void door_look(struct server *server)
{
	if (server->door && server->door <= server->now)
		set_door(server, true);
	else if (server->door)
		pace_due(server, server->door);
}

/* epoll_wait() counts milliseconds; these waits are shorter. */
int pace_wait(struct server *server)
{
	uint64_t now;
	struct timespec left = { 0 };

	if (server->due == PACE_NONE)
		return TICK_MS;
	if (sys_clock(CLOCK_MONOTONIC, &now) == 0 && server->due > now) {
		left.tv_nsec = (long)(server->due - now);
		(void)ppoll(&(struct pollfd) { server->poller, POLLIN, 0 }, 1, &left, NULL);
	}
	return 0;
}
