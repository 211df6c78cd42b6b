/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who waits, and how long, by a clock that stands still unless it is told. */
#include <stdlib.h>

#include "helper/serve.h"
#include "tests/suite.h"

enum { US = 1000, MS = 1000 * US, REQUEST = SERVE_REQUEST + 1 };

/* What the loop has besides is not asked here. */
int serve_watch(int poller, int fd, uint32_t events, void *tag)
{
	(void)poller, (void)fd, (void)events, (void)tag;
	return 0;
}

bool account_turn(const struct server *server, struct account *account)
{
	(void)server, (void)account;
	return true;
}

static int heard; /* in lines_serve(): the number of the peer */

void peer_readable(struct server *server, struct peer *peer)
{
	heard = heard * 10 + peer->pid;
	pace_served(server, peer, REQUEST);
}

void peer_come_in(struct server *server, struct peer *peer)
{
	peer->came_in = true;
	heard = heard * 10 + peer->pid;
	pace_came(server, peer->account);
}

void peer_end(struct server *server, struct peer *peer, const char *cause)
{
	(void)cause;
	line_leave(server, peer);
}

enum { PEERS = 4 };

/* Alice has the first program, Bob the others. */
struct scene {
	struct server server;
	struct peer peers[PEERS];
};

static struct scene *begin(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	ck_assert_ptr_nonnull(scene);
	scene->server.now = 1000 * (uint64_t)MS;
	scene->server.due = PACE_NONE;
	scene->server.poller = scene->server.listener = -1;
	for (int i = 0; i < PEERS; i++)
		scene->peers[i] = (struct peer) { .fd = -1,
						  .pid = i,
						  .came_in = true,
						  .account = &scene->server.accounts[i > 0] };
	return scene;
}

/* It asks, if it may. */
static bool asks(struct scene *scene, int who)
{
	struct peer *peer = &scene->peers[who];

	if (!pace_allows(&scene->server, peer->account))
		return false;
	pace_served(&scene->server, peer, REQUEST);
	return true;
}

START_TEST(pace_lets_nobody_wait_who_is_alone)
{
	struct scene *scene = begin();

	for (int i = 0; i < 1000; i++) {
		ck_assert(asks(scene, 1 + i % 3));
		if (i % 7 == 0)
			pace_ahead(&scene->server, scene->peers[1].account);
		if (i % 5 == 0)
			pace_came(&scene->server, scene->peers[1].account);
		scene->server.now += (uint64_t)(i % 3) * US;
		/* what he asked with one program, before he had several, slows him for no longer */
		if (i % 100 == 50)
			scene->server.now += 20 * MS;
	}
	ck_assert_uint_eq(scene->server.due, PACE_NONE);
	free(scene);
}
END_TEST

START_TEST(pace_lets_nobody_wait_who_asks_one_thing_at_a_time)
{
	struct scene *scene = begin();

	for (int i = 0; i < 1000; i++) {
		ck_assert(asks(scene, 0));
		(void)asks(scene, 1 + i % 3);
		scene->server.now += 5 * US;
	}
	/* both of them */
	scene->server.now += 20 * MS;
	for (int i = 0; i < 1000; i++) {
		ck_assert(asks(scene, 0));
		ck_assert(asks(scene, 1));
		scene->server.now += 5 * US;
	}
	free(scene);
}
END_TEST

START_TEST(pace_gives_several_programs_of_a_user_a_part)
{
	struct scene *scene = begin();

	ck_assert(asks(scene, 1) && asks(scene, 2) && asks(scene, 0));
	ck_assert(!asks(scene, 1) && !asks(scene, 2));
	ck_assert_uint_eq(scene->server.due, scene->server.now + REQUEST * 6 * US);
	scene->server.now = scene->server.due;
	ck_assert(asks(scene, 0) && asks(scene, 1) && !asks(scene, 2));
	free(scene);
}
END_TEST

START_TEST(pace_gives_who_runs_ahead_many_and_then_none)
{
	struct scene *scene = begin();
	int had = 0;

	ck_assert(asks(scene, 0));
	pace_ahead(&scene->server, scene->peers[1].account);
	ck_assert(pace_goes_on(&scene->server, scene->peers[1].account));
	while (asks(scene, 1))
		had++;
	ck_assert_int_eq(had, (120 + REQUEST - 1) / REQUEST);
	ck_assert(!pace_goes_on(&scene->server, scene->peers[1].account));
	/* when nobody asks any more, that is over */
	ck_assert_uint_eq(scene->server.due, scene->server.now + MS);
	scene->server.now = scene->server.due;
	ck_assert(asks(scene, 0) && !asks(scene, 1));
	for (int i = 0; i < 4; i++) {
		scene->server.now += MS;
		ck_assert(asks(scene, 0));
	}
	ck_assert(asks(scene, 1));
	free(scene);
}
END_TEST

START_TEST(pace_ends_when_nobody_else_asks)
{
	struct scene *scene = begin();

	ck_assert(asks(scene, 0));
	pace_ahead(&scene->server, scene->peers[1].account);
	while (asks(scene, 1))
		;
	scene->server.now += MS + 1;
	for (int i = 0; i < 100; i++)
		ck_assert(asks(scene, 1));
	free(scene);
}
END_TEST

START_TEST(pace_lets_comers_wait_who_come_often)
{
	struct scene *scene = begin();
	struct account *bob = scene->peers[1].account;

	ck_assert(asks(scene, 0));
	pace_came(&scene->server, bob);
	ck_assert(pace_allows(&scene->server, bob)); /* the first one */
	pace_came(&scene->server, bob);
	ck_assert(!pace_allows(&scene->server, bob));
	free(scene);
}
END_TEST

START_TEST(pace_bars_who_has_had_his_rate_even_alone)
{
	struct scene *scene = begin();

	ck_assert(asks(scene, 1));
	pace_bar(&scene->server, scene->peers[1].account);
	ck_assert(!asks(scene, 1));
	ck_assert_uint_eq(scene->server.due, scene->server.now + MS);
	scene->server.now = scene->server.due;
	ck_assert(asks(scene, 1));
	free(scene);
}
END_TEST

START_TEST(lines_are_served_in_order_and_can_be_left)
{
	struct scene *scene = begin();
	struct server *server = &scene->server;
	struct account *bob = scene->peers[1].account;

	pace_bar(server, bob);
	scene->peers[3].came_in = false;
	for (int i = 1; i < PEERS; i++)
		line_join(server, &scene->peers[i]);
	lines_serve(server);
	ck_assert_int_eq(heard, 0);
	ck_assert_uint_eq(server->due, server->now + MS);
	line_leave(server, &scene->peers[1]);
	line_leave(server, &scene->peers[1]); /* who is in none leaves none */
	line_join(server, &scene->peers[1]);
	server->now += MS;
	lines_serve(server);
	ck_assert_int_eq(heard, 231);
	ck_assert(scene->peers[3].came_in);
	ck_assert_ptr_null(server->lines);
	ck_assert_ptr_null(bob->line);
	/* the last one of two leaves, and another comes */
	line_join(server, &scene->peers[1]);
	line_join(server, &scene->peers[2]);
	line_leave(server, &scene->peers[2]);
	line_join(server, &scene->peers[3]);
	heard = 0;
	lines_serve(server);
	ck_assert_int_eq(heard, 13);
	free(scene);
}
END_TEST

START_TEST(door_closes_after_many_and_opens_again)
{
	struct scene *scene = begin();
	struct server *server = &scene->server;
	int comers = 0;

	do
		door_mind(server);
	while (++comers < 100 && !server->door);
	ck_assert_int_eq(comers, 8);
	/* by itself: with nothing else to do the next turn would be a second away */
	ck_assert_uint_eq(server->due, server->now + 3 * (uint64_t)MS);
	server->due = PACE_NONE;
	door_look(server);
	ck_assert_uint_eq(server->due, server->now + 3 * (uint64_t)MS);
	server->now = server->due;
	door_look(server);
	ck_assert_uint_eq(server->door, 0);
	ck_assert_uint_eq(server->comers, 0);
	free(scene);
}
END_TEST

int main(void)
{
	return suite_run("helper/pace", (const TTest *[]) {
						pace_lets_nobody_wait_who_is_alone,
						pace_lets_nobody_wait_who_asks_one_thing_at_a_time,
						pace_gives_several_programs_of_a_user_a_part,
						pace_gives_who_runs_ahead_many_and_then_none,
						pace_ends_when_nobody_else_asks,
						pace_lets_comers_wait_who_come_often,
						pace_bars_who_has_had_his_rate_even_alone,
						lines_are_served_in_order_and_can_be_left,
						door_closes_after_many_and_opens_again,
						NULL,
					});
}
