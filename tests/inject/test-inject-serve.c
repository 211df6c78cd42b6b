/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper's side of a session: a client comes, is granted things, writes in a transaction, dies.
 * Each request is answered with a code and a sentence, or its connection ends; what was written
 * stands, or what stood before; and nothing stays of who is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helper/serve.h"
#include "tests/hw/tree-kit.h"
#include "tests/inject/inject.h"

#define BDF ((struct hws_bdf) { 0, 0, 5, 0 })
enum { MSR = 0x610, OLD = 5, NEW = 0x35, RING = sizeof(struct hws_wire_ring) };

static char socket_path[64];
static char journals[64];
static const struct serve_options options = { .connections = 2,
					      .total = 3,
					      .rings = 1,
					      .rate = 100000,
					      .mapped = 1 << 20,
					      .patience = 1,
					      .journals = journals };

struct session {
	struct server *server;
	int fd; /* the client's; -1: dropped */
	struct hws_wire_ring *ring;
	uint32_t sequence;
};

static void make_place(void)
{
	static const uint8_t registers[0x6ff * 8 + 8];

	tree_begin();
	tree_function("0000:00:05.0", 0x1234, 1, 0x00ff00);
	tree_bytes("/dev/cpu/0/msr", registers, sizeof(registers));
	snprintf(journals, sizeof(journals), "%s/journals", tree_root);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", tree_root);
}

static uint64_t stored(void)
{
	uint64_t value = 0;
	int fd = open(tree_path("/dev/cpu/0/msr"), O_RDONLY);

	ck_assert_int_eq(pread(fd, &value, sizeof(value), MSR), sizeof(value));
	close(fd);
	return value;
}

static void store(uint64_t value)
{
	int fd = open(tree_path("/dev/cpu/0/msr"), O_WRONLY);

	ck_assert_int_eq(pwrite(fd, &value, sizeof(value), MSR), sizeof(value));
	close(fd);
}

static int load_rules(struct server *server)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "[all]\nuser = %u\nmsr = * rw\npci = * rw danger\nbar = 1234:0001 0 rw\n",
		 (unsigned int)geteuid());
	return hws_policy_parse(NULL, "rules", text, strlen(text), &server->policy);
}

/* As serve.c does it, but for privileges and the loop. */
static int begin(struct session *s)
{
	struct hws_audit_options audit = { .size = sizeof(audit) };
	struct hws_options context = {
		.size = sizeof(context),
		.backend = "native",
		.sysroot = tree_root,
		.policy_directory = "/nowhere/policy.d",
		.audit = &audit,
	};
	struct server *server = s->server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->options = &options;
	server->listener = server->poller = server->signals = server->spare = -1;
	server->exe_reader = server->notify = -1;
	r = inject_step(hws_open(&context, &server->hw));
	if (r == 0)
		r = load_rules(server);
	if (r == 0)
		r = server->listener = serve_listen(socket_path);
	if (r >= 0)
		r = server->poller = sys_epoll_create();
	r = r < 0 ? r : machine_learn(server);
	return r < 0 ? r : txn_replay(server);
}

static void end(struct session *s)
{
	struct server *server = s->server;

	if (!server)
		return;
	for (struct peer *peer = server->peers; peer; peer = peer->next)
		peer_end(server, peer, "the helper ends");
	peers_sweep(server);
	inject_check(!server->peers && !server->peer_count && !server->users && !server->busy &&
		     !server->kept && !server->gone);
	for (const struct account *one = server->accounts; one < server->accounts + SERVE_ACCOUNTS;
	     one++)
		inject_check(!one->connections && !one->rings && !one->mapped);
	machine_forget(server);
	accounts_free(server);
	hws_policy_unref(server->policy);
	hws_close(server->hw);
	sys_close(server->listener);
	sys_close(server->poller);
	sys_close(server->spare);
	free(server);
}

static bool is_served(const struct session *s)
{
	return s->fd >= 0 && s->server->peers && !s->server->peers->gone;
}

/* What came back: its code; -EPIPE: the connection was ended. */
static int take_reply(struct session *s, const union wire_request *request, int *ret_fd)
{
	union wire_reply reply;
	ssize_t size = sys_receive_message(s->fd, &reply, sizeof(reply), ret_fd);

	if (size <= 0)
		return -EPIPE;
	inject_check(wire_check_reply(request, &reply, (size_t)size) == 0);
	if (reply.answer.code < 0 && !reply.answer.why[0])
		inject_bad("request %u was refused with %d and no word", request->head.op,
			   reply.answer.code);
	if (reply.answer.code == 0 && request->head.op == HWS_WIRE_RUN)
		return ((const struct hws_wire_end *)wire_reply_body(&reply))->status;
	return reply.answer.code;
}

/* The client asks, the helper takes its turn, the client looks what came. */
static int ask(struct session *s, union wire_request *request, size_t size, int *ret_fd)
{
	int fd = -1;
	int r = -EPIPE;

	if (!is_served(s))
		return r;
	inject_mute(true);
	inject_check(sys_send_message(s->fd, request, size) == (ssize_t)size);
	inject_mute(false);
	s->server->turn++;
	peer_readable(s->server, s->server->peers);
	/* what was said to come later is asked for once more */
	if (!s->server->peers->gone)
		peer_readable(s->server, s->server->peers);
	if (!s->server->peers->gone && s->server->peers->waiting)
		peer_writable(s->server, s->server->peers);
	inject_mute(true);
	r = take_reply(s, request, &fd);
	if (ret_fd)
		*ret_fd = fd;
	else
		sys_close(fd);
	inject_mute(false);
	return r;
}

static void *body(union wire_request *request)
{
	return request->bytes + sizeof(request->head);
}

static int come(struct session *s)
{
	union wire_request request;
	size_t size = wire_begin(&request, HWS_WIRE_HELLO, 0, s->sequence++);

	*(struct hws_wire_hello *)body(&request) =
		(struct hws_wire_hello) { HWS_WIRE_OLDEST, HWS_WIRE_VERSION, 0 };
	inject_mute(true);
	s->fd = sys_message_socket(socket_path, 1);
	inject_check(s->fd >= 0);
	inject_mute(false);
	peer_accept(s->server);
	return ask(s, &request, size, NULL);
}

static void leave(struct session *s)
{
	inject_mute(true);
	if (s->ring)
		sys_munmap(s->ring, RING);
	s->ring = NULL;
	s->fd = sys_close(s->fd);
	inject_mute(false);
}

static size_t put_run(union wire_request *request, uint32_t sequence, bool write, uint64_t value)
{
	size_t size = wire_begin(request, HWS_WIRE_RUN, 1, sequence);
	struct hws_wire_run *run = body(request);

	run->count = 1;
	*(struct hws_wire_step *)(void *)(run + 1) =
		(struct hws_wire_step) { .kind = HWS_KIND_MSR,
					 .verb = write ? HWS_WIRE_WRITE : HWS_WIRE_READ,
					 .width = 8,
					 .at = MSR,
					 .value = value };
	return size;
}

static int run(struct session *s, bool write, uint64_t value)
{
	union wire_request request;
	size_t size = put_run(&request, s->sequence++, write, value);

	return ask(s, &request, size, NULL);
}

static int transact(struct session *s, uint32_t start)
{
	union wire_request request;
	size_t size = wire_begin(&request, HWS_WIRE_TXN, 0, s->sequence++);

	((struct hws_wire_txn *)body(&request))->begin = start;
	return ask(s, &request, size, NULL);
}

static int get_bar(struct session *s)
{
	union wire_request request;
	size_t size = wire_begin(&request, HWS_WIRE_BAR, 0, s->sequence++);

	*(struct hws_wire_bar *)body(&request) =
		(struct hws_wire_bar) { .bdf = wire_put_bdf(BDF), .rights = HWS_RW };
	return ask(s, &request, size, NULL);
}

static int share(struct session *s, uint32_t start)
{
	union wire_request request;
	size_t size = wire_begin(&request, HWS_WIRE_RING, 0, s->sequence++);
	void *address;
	int fd = -1;
	int r;

	((struct hws_wire_share *)body(&request))->start = start;
	r = ask(s, &request, size, &fd);
	inject_mute(true);
	if (r == 0 && !start &&
	    sys_mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, &address) == 0)
		s->ring = address;
	if (r == 0)
		inject_check(fd >= 0);
	sys_close(fd);
	inject_mute(false);
	return r;
}

/* A read by the ring; its answer is there, or the connection is over. */
static int run_in_ring(struct session *s)
{
	union wire_request request;
	size_t size = put_run(&request, s->sequence++, false, 0);

	if (!is_served(s) || !s->ring)
		return -EPIPE;
	memcpy(s->ring->slots[0].request, &request, size);
	s->ring->asked = 1;
	ring_doorbell(s->server, s->server->peers);
	s->server->turn++;
	rings_serve(s->server);
	inject_check(s->server->peers->gone || s->ring->answered == 1);
	return 0;
}

/* Kept only if it was said to be; else as it was, now or when the next helper starts. */
static int write_and_die(struct session *s, bool keep)
{
	uint64_t now;
	int r = transact(s, 1);

	r = r < 0 ? r : run(s, true, NEW);
	if (r == 0 && keep)
		r = transact(s, 0);
	if (s->server->peers)
		peer_end(s->server, s->server->peers, "closed");
	peers_sweep(s->server);
	leave(s);
	inject_mute(true);
	if (!inject_all_fails())
		inject_check(txn_replay(s->server) == 0);
	now = stored();
	/* who isn't told any more that it was kept has to look */
	if (!inject_all_fails() && !(keep && r == -EPIPE))
		inject_check(now == (keep && r == 0 ? NEW : OLD));
	store(OLD);
	inject_mute(false);
	return r;
}

static int use(struct session *s)
{
	int r = come(s);
	int next;

	if (r == 0)
		r = run(s, false, 0);
	next = get_bar(s);
	r = r < 0 ? r : next;
	next = share(s, 0);
	r = r < 0 ? r : next;
	next = s->ring ? share(s, 1) : 0;
	r = r < 0 ? r : next;
	next = next == 0 ? run_in_ring(s) : 0;
	r = r < 0 ? r : next;
	peers_recheck(s->server);
	next = write_and_die(s, false);
	r = r < 0 ? r : next;
	if (r < 0)
		return r;
	r = come(s);
	next = write_and_die(s, true);
	return r < 0 ? r : next;
}

static void remove_journals(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", journals);
	ck_assert_int_eq(system(command), 0);
}

static int serve(void)
{
	struct session s = { .fd = -1 };
	int r;

	inject_mute(true);
	unlink(socket_path);
	ck_ok(mkdir(journals, 0700));
	store(OLD);
	inject_mute(false);
	r = begin(&s);
	if (r == 0)
		r = use(&s);
	end(&s);
	leave(&s);
	inject_mute(true);
	if (rmdir(journals) < 0) {
		if (!inject_all_fails())
			inject_bad("a journal is left");
		remove_journals();
	}
	inject_mute(false);
	return r;
}

START_TEST(session_is_served_or_ends)
{
	make_place();
	inject_sweep(&(struct inject_flow) { "serve", serve, 100, false });
	tree_end();
}
END_TEST

int main(void)
{
	return suite_run_for("inject/serve", (const TTest *[]) { session_is_served_or_ends, NULL },
			     600);
}
