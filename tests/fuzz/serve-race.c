/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A ring whose program writes to it while the helper reads: a thread turns words of the requests,
 * and of the counters, to and fro between two values. Whatever mixture the helper sees, nothing is
 * written that the policy doesn't allow, and the helper's books are in order afterwards.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/serve-kit.h"

enum { TURNS = 8, EDITS = 8, STEPS = 4, WORDS = 352, RING = sizeof(struct hws_wire_ring) };

/* A word that the thread turns. */
struct edit {
	uint64_t *at;
	uint64_t values[2];
};

static const struct serve_options options = {
	.connections = 2, .total = 2, .rings = 1, .rate = 1000000, .mapped = 1 << 20, .patience = 1
};
static struct server *server;
static struct peer *peer;
static struct hws_wire_ring *ring;
static int fd = -1;
static struct edit edits[EDITS];
static uint32_t edit_count;
static _Atomic uint32_t heats; /* begun and over; a race is on while it is odd */
static _Atomic uint32_t seen;  /* of them, by the thread, which then keeps to what they say */

/* It is not what is tested: it shall turn quickly, and what it does leads no fuzzer anywhere. */
#ifdef __clang__
__attribute__((no_sanitize("coverage")))
#endif
static void *
turn_words(void *unused)
{
	(void)unused;
	for (uint32_t round = 0;; round++) {
		/* acquire: pairs with turn_thread(); the edits are there */
		uint32_t heat = atomic_load_explicit(&heats, memory_order_acquire);

		/* release: pairs with turn_thread(); the edits are left alone */
		atomic_store_explicit(&seen, heat, memory_order_release);
		if (!(heat & 1)) {
			usleep(20);
			continue;
		}
		for (uint32_t i = 0; i < edit_count; i++)
			__atomic_store_n(edits[i].at, edits[i].values[(round + i) & 1],
					 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void begin(void)
{
	pthread_t thread;

	server = serve_kit_begin(&options,
				 serve_kit_parse("msr = 0x199 rw\nmsr = 0x610 rw, mask 0xff\n"
						 "msr = 0x19c r\nport = 0x70-0x71 rw\n"));
	fuzz_must(pthread_create(&thread, NULL, turn_words, NULL) == 0);
	fuzz_must(pthread_detach(thread) == 0);
}

/* Sends it, has it served, and takes the reply, which may bring a descriptor. */
static int ask(const union wire_request *request, size_t size)
{
	union wire_reply reply;
	int got = -1;

	fuzz_must(sys_send(fd, request, size) > 0);
	server->turn++;
	peer_readable(server, peer);
	fuzz_must(sys_receive_message(fd, &reply, sizeof(reply), &got) > 0);
	fuzz_must(reply.answer.code == 0);
	return got;
}

static size_t put_share(union wire_request *request, bool start)
{
	struct hws_wire_share *share = (void *)(request->bytes + sizeof(request->head));
	size_t size = wire_begin(request, HWS_WIRE_RING, 0, 1);

	memset(share, 0, sizeof(*share));
	share->start = start;
	return size;
}

static void come(void)
{
	union wire_request request;
	void *address;
	int memory;

	fd = sys_message_socket(serve_kit_path(), 1);
	fuzz_must(fd >= 0);
	peer_accept(server);
	peer = server->peers;
	fuzz_must(peer);
	ask(&request, serve_kit_hello(&request));
	memory = ask(&request, put_share(&request, false));
	fuzz_must(memory >= 0);
	fuzz_must(sys_mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0, &address) ==
		  0);
	ring = address;
	sys_close(memory);
	sys_close(ask(&request, put_share(&request, true)));
}

static void go(void)
{
	peer_end(server, peer, "the input is over");
	server->turn++;
	peers_sweep(server);
	sys_munmap(ring, RING);
	fd = sys_close(fd);
	fuzz_must(!server->peers && !server->busy && !server->kept);
}

/* A request in form, most of the time; its words are the input's. */
static void put(struct fuzz *input)
{
	static const struct hws_wire_step allowed[] = {
		{ .kind = HWS_KIND_MSR,
		  .verb = HWS_WIRE_WRITE,
		  .width = 8,
		  .at = 0x199,
		  .value = 5 },
		{ .kind = HWS_KIND_MSR, .verb = HWS_WIRE_READ, .width = 8, .at = 0x19c },
		{ .kind = HWS_KIND_PORT,
		  .verb = HWS_WIRE_WRITE,
		  .width = 1,
		  .at = 0x70,
		  .value = 1 },
		{ .kind = HWS_KIND_MSR,
		  .verb = HWS_WIRE_WRITE,
		  .width = 8,
		  .at = 0x610,
		  .value = 1 },
	};
	uint32_t count = 1 + (uint32_t)fuzz_number(input, 1) % STEPS;
	struct hws_wire_slot *slot = &ring->slots[ring->asked % HWS_WIRE_SLOTS];
	union wire_request request;
	struct hws_wire_run *run = (void *)(request.bytes + sizeof(request.head));
	struct hws_wire_step *steps = (void *)(run + 1);
	size_t size = wire_begin(&request, HWS_WIRE_RUN, count, ring->asked);

	memset(run, 0, sizeof(*run));
	run->count = count;
	for (uint32_t i = 0; i < count; i++)
		steps[i] = allowed[fuzz_number(input, 1) % 4];
	memcpy(slot->request, &request, size);
	for (uint64_t more = fuzz_number(input, 1) % 4; more && edit_count < EDITS; more--) {
		struct edit *edit = &edits[edit_count++];

		edit->at = &slot->request[fuzz_number(input, 1) % (size / 8 + 2) % WORDS];
		edit->values[0] = *edit->at;
		edit->values[1] = *edit->at ^ fuzz_odd_number(input)
						      << 8 * (fuzz_number(input, 1) % 8);
	}
	ring->asked++;
}

static uint64_t msr_now(uint32_t reg)
{
	struct hws_shim *shim = &server->hw->shim;
	uint64_t value = 0;

	(void)!shim_ops(shim)->msr_read(shim->self, 0, reg, &value);
	return value;
}

/* A race begins, or is over: then the thread has seen it on return. */
static void turn_thread(void)
{
	/* release, acquire: pair with turn_words() */
	uint32_t heat = atomic_fetch_add_explicit(&heats, 1, memory_order_release) + 1;

	while (!(heat & 1) && atomic_load_explicit(&seen, memory_order_acquire) != heat)
		usleep(20);
}

static void race(struct fuzz *input)
{
	edit_count = 0;
	for (uint64_t many = 1 + fuzz_number(input, 1) % 6; many; many--)
		put(input);
	turn_thread();
	ring_doorbell(server, peer);
	for (int i = 0; i < TURNS && !peer->gone; i++) {
		server->turn++;
		server->now += 1000000;
		rings_serve(server);
	}
	turn_thread();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	uint64_t status;
	uint64_t limit;

	if (!server)
		begin();
	server->now += UINT64_C(10000000000); /* of a new second, and a full bucket */
	status = msr_now(0x19c);
	limit = msr_now(0x610) & ~UINT64_C(0xff);
	come();
	while (input.left && !peer->gone)
		race(&input);
	go();
	fuzz_must(msr_now(0x19c) == status);
	fuzz_must((msr_now(0x610) & ~UINT64_C(0xff)) == limit);
	return 0;
}
