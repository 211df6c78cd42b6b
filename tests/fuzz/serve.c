/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper's dispatcher with all that it keeps: connections come and go, send requests by message
 * and by ring, in form or out of it, while time passes and the policy changes. Whatever they do,
 * replies are well-formed, and nothing is left of them when they are gone.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/serve-kit.h"

enum { CLIENTS = 3, ACTIONS = 100, RING = sizeof(struct hws_wire_ring) };

struct client {
	int fd; /* -1: not connected */
	struct peer *peer;
	struct hws_wire_ring *ring;
	uint32_t sequence;
};

static const struct serve_options options = {
	.connections = 2, .total = 3, .rings = 1, .rate = 300, .mapped = 1 << 20, .patience = 1
};
static struct server *server;
static struct hws_policy *policies[2];
static struct client clients[CLIENTS];

/* Once: as serve.c does it, but for privileges and the loop. */
static void begin(void)
{
	policies[0] =
		serve_kit_parse("port = 0x70-0x71 rw\nmsr = 0x199 rw\nmsr = 0x19c r, rate 20/s\n"
				"msr = 0x610 rw, mask 0xff\npci = 1234:11e8 rw\n"
				"bar = 1234:11e8 0 0x00-0xff rw, width 4\n");
	policies[1] = serve_kit_parse("msr = 0x199 r\nport = 0x71 r\nbar = 1234:11e8 0 r\n");
	server = serve_kit_begin(&options, policies[0]);
	for (int i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
}

static void forget(struct client *client)
{
	if (client->ring)
		sys_munmap(client->ring, RING);
	*client = (struct client) { .fd = sys_close(client->fd) };
}

/* Replies are taken, and are what replies are; of a ring's memory the program maps it. */
static void take_replies(struct client *client)
{
	union wire_reply reply;
	ssize_t size;
	int fd;

	while (client->fd >= 0 && sys_poll_one(client->fd, 1) & 1) {
		const struct hws_wire_answer *answer = &reply.answer;
		void *address;

		size = sys_receive_message(client->fd, &reply, sizeof(reply), &fd);
		if (size <= 0)
			return;
		fuzz_must((size_t)size >= sizeof(*answer) && answer->head.size == (size_t)size);
		fuzz_must(answer->code <= 0 && answer->code > -4096);
		fuzz_must(!answer->why[sizeof(answer->why) - 1]);
		if (fd >= 0 && answer->head.op == HWS_WIRE_RING && !client->ring &&
		    sys_mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, &address) == 0)
			client->ring = address;
		sys_close(fd);
	}
}

/* A turn of the loop. */
static void turn(void)
{
	server->turn++;
	lines_serve(server);
	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &clients[i];

		if (client->fd < 0 || client->peer->gone)
			continue;
		if (client->peer->waiting)
			peer_writable(server, client->peer);
		else
			peer_readable(server, client->peer);
	}
	rings_serve(server);
	peers_impatient(server);
	accounts_tell(server);
	for (int i = 0; i < CLIENTS; i++) {
		take_replies(&clients[i]);
		if (clients[i].fd >= 0 && clients[i].peer->gone)
			forget(&clients[i]);
	}
	peers_sweep(server);
}

static void come(struct client *client, bool polite)
{
	union wire_request request;
	uint32_t before = server->peer_count;

	if (client->fd >= 0)
		return;
	client->fd = sys_message_socket(serve_kit_path(), 1);
	fuzz_must(client->fd >= 0);
	peer_accept(server);
	if (server->peer_count == before) { /* one too many */
		forget(client);
		return;
	}
	client->peer = server->peers;
	if (polite)
		fuzz_must(sys_send(client->fd, &request, serve_kit_hello(&request)) > 0);
	turn();
}

/* A request whose head is right; what follows is the input's. */
static size_t make(struct fuzz *input, struct client *client, union wire_request *request)
{
	enum hws_wire_op op = (enum hws_wire_op)(fuzz_number(input, 1) % HWS_WIRE_OPS);
	uint32_t steps = op == HWS_WIRE_RUN ? 1 + (uint32_t)fuzz_number(input, 1) % 4 : 0;
	size_t size = wire_begin(request, op, steps, client->sequence++);
	size_t room = size - sizeof(request->head);
	size_t have = room < input->left ? room : input->left;

	memcpy(request->bytes + sizeof(request->head), input->at, have);
	input->at += have;
	input->left -= have;
	if (op == HWS_WIRE_RUN)
		((struct hws_wire_run *)(request->bytes + sizeof(request->head)))->count = steps;
	return size;
}

/* Anything at all. */
static size_t make_bytes(struct fuzz *input, union wire_request *request)
{
	size_t size = (size_t)fuzz_number(input, 1) * 11 % sizeof(*request);
	size_t have = size < input->left ? size : input->left;

	memset(request, 0, sizeof(*request));
	memcpy(request, input->at, have);
	input->at += have;
	input->left -= have;
	return size;
}

static void send_one(struct fuzz *input, struct client *client, bool in_form)
{
	union wire_request request;
	size_t size = in_form ? make(input, client, &request) : make_bytes(input, &request);

	if (client->fd >= 0)
		(void)!sys_send(client->fd, &request, size);
}

static void put_one(struct fuzz *input, struct client *client)
{
	union wire_request request;
	size_t size = make(input, client, &request);
	struct hws_wire_ring *ring = client->ring;

	if (!ring)
		return;
	memcpy(ring->slots[ring->asked % HWS_WIRE_SLOTS].request, &request, size);
	ring->asked++;
}

static void scribble(struct fuzz *input, const struct client *client)
{
	size_t at = (size_t)fuzz_number(input, 3) % RING;
	uint64_t bytes = fuzz_number(input, 8);

	if (client->ring)
		memcpy((char *)client->ring + (at & ~(size_t)7), &bytes, sizeof(bytes));
}

static void change_policy(void)
{
	server->policy = server->policy == policies[0] ? policies[1] : policies[0];
	accounts_new_policy(server);
	fuzz_must(machine_learn(server) == 0);
	peers_recheck(server);
}

static void act(struct fuzz *input)
{
	uint64_t what = fuzz_number(input, 1);
	struct client *client =
		&clients[what >> 4 & 3] < clients + CLIENTS ? &clients[what >> 4 & 3] : clients;

	switch (what & 15) {
	case 0:
	case 1:
		come(client, what & 1);
		break;
	case 2:
		if (client->fd >= 0)
			peer_end(server, client->peer, "the input ends it");
		break;
	case 3:
		change_policy();
		break;
	case 4:
		server->now += fuzz_number(input, 2) * 1000000;
		break;
	case 5:
		scribble(input, client);
		break;
	case 6:
		send_one(input, client, false);
		break;
	case 7:
	case 8:
	case 9:
		put_one(input, client);
		break;
	case 10:
		if (client->fd >= 0)
			ring_doorbell(server, client->peer);
		break;
	default:
		send_one(input, client, true);
		break;
	}
	if (what & 64)
		turn();
}

/* Nothing is left: no peer, nothing charged, no descriptor. */
static void end(int lowest)
{
	int fd;

	for (struct peer *peer = server->peers; peer; peer = peer->next)
		peer_end(server, peer, "the input is over");
	turn();
	for (int i = 0; i < CLIENTS; i++)
		forget(&clients[i]);
	fuzz_must(!server->peers && !server->peer_count && !server->users && !server->busy &&
		  !server->kept && !server->gone);
	for (const struct account *one = server->accounts; one < server->accounts + SERVE_ACCOUNTS;
	     one++)
		fuzz_must(!one->connections && !one->rings && !one->mapped);
	fd = sys_dup(server->listener);
	fuzz_must(fd == lowest);
	sys_close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	int lowest;

	if (!server)
		begin();
	server->now += UINT64_C(10000000000); /* of a new second, and a full bucket */
	server->policy = policies[0];
	accounts_new_policy(server);
	lowest = sys_dup(server->listener);
	sys_close(lowest);
	for (int i = 0; i < ACTIONS && input.left > 0; i++)
		act(&input);
	turn();
	end(lowest);
	return 0;
}
