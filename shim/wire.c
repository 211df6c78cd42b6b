/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/wire-internal.h"

#include <errno.h>
#include <string.h>

#include "shim/size-internal.h"

/* As guardian/access.h numbers them: a floor above. */
enum { KIND_PORT = 0, KIND_MSR, KIND_PCI, KIND_BAR, KINDS };
enum { PORTS = 0x10000, CONFIG = 4096, CPUS = 8192, BARS = 6 };

_Static_assert(sizeof(struct hws_wire_head) == 16, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_answer) == 128, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_bdf) == 8, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_hello) == 8, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_welcome) == 8, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_cpu) == 96, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_topology) == 16, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_leaf) == 8, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_regs) == 16, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_info) == 216, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_next) == 16, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_ports) == 16, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_bar) == 32, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_window) == 16, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_run) == 8, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_step) == 40, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_end) == 16, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_txn) == 8, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_share) == 8, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_shared) == 8, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_slot) == 4096, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_ring) == (1 + HWS_WIRE_SLOTS) * 4096, "the same everywhere");
_Static_assert(offsetof(struct hws_wire_ring, answered) == 64, "a cache line of each side");
_Static_assert(sizeof(union wire_request) <= sizeof(((struct hws_wire_slot *)0)->request) &&
		       sizeof(union wire_reply) <= sizeof(((struct hws_wire_slot *)0)->reply),
	       "each has room in a slot");
_Static_assert(sizeof(struct hws_wire_hold) == 16, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_held) == 24, "the same everywhere");
_Static_assert(sizeof(struct hws_wire_rights) == 72, "the same everywhere");

/*@ assigns \nothing;
  @ ensures \result <==> bdf.device < 32 && bdf.function < 8 && bdf.zero == 0; */
static bool bdf_ok(struct hws_wire_bdf bdf)
{
	return bdf.device < 32 && bdf.function < 8 && bdf.zero == 0;
}

/*@ assigns \nothing; */
static bool bdf_zero(struct hws_wire_bdf bdf)
{
	return !bdf.domain && !bdf.bus && !bdf.device && !bdf.function && !bdf.zero;
}

static bool hello_ok(const void *body)
{
	const struct hws_wire_hello *hello = body;

	return hello->oldest <= hello->newest && hello->zero == 0;
}

/* Any numbers are good. */
static bool any_ok(const void *body)
{
	(void)body;
	return true;
}

static bool next_ok(const void *body)
{
	const struct hws_wire_next *next = body;

	return next->zero == 0 &&
	       (next->first == 1 ? bdf_zero(next->after) : next->first == 0 && bdf_ok(next->after));
}

static bool function_ok(const void *body)
{
	const struct hws_wire_bdf *bdf = body;

	return bdf_ok(*bdf);
}

static bool rights_ok(uint32_t rights)
{
	return rights && !(rights & ~(uint32_t)HWS_RW);
}

static bool ports_ok(const void *body)
{
	const struct hws_wire_ports *ports = body;

	return ports->count && hws_range_ok(ports->first, ports->count, PORTS) &&
	       rights_ok(ports->rights) && ports->zero == 0;
}

static bool bar_ok(const void *body)
{
	const struct hws_wire_bar *bar = body;

	return bdf_ok(bar->bdf) && bar->bar < BARS && rights_ok(bar->rights) &&
	       hws_range_ok(bar->first, bar->size, INT64_MAX);
}

static bool txn_ok(const void *body)
{
	const struct hws_wire_txn *txn = body;

	return txn->begin <= 1 && txn->zero == 0;
}

static bool share_ok(const void *body)
{
	const struct hws_wire_share *share = body;

	return share->start <= 1 && share->zero == 0;
}

static bool hold_ok(const void *body)
{
	const struct hws_wire_hold *hold = body;

	return bdf_ok(hold->bdf) && hold->which < HWS_HOLD_FDS && hold->zero == 0;
}

/* What a step of each kind may say, beside verb, value and mask. */
static const struct {
	uint64_t room;	 /* of addresses */
	uint32_t widths; /* their sum */
	uint32_t cpus;
	bool device;
	uint8_t bars;
} kinds[KINDS] = {
	[KIND_PORT] = { PORTS, 1 | 2 | 4, 1, false, 1 },
	[KIND_MSR] = { UINT64_C(1) << 32, 8, CPUS, false, 1 },
	[KIND_PCI] = { CONFIG, 1 | 2 | 4, 1, true, 1 },
	[KIND_BAR] = { INT64_MAX, 1 | 2 | 4 | 8, 1, true, BARS },
};

/*@ requires \valid_read(step);
  @ assigns \nothing;
  @ ensures \result && step->verb != HWS_WIRE_UPDATE ==> step->mask == 0;
  @ ensures \result && step->verb == HWS_WIRE_READ ==> step->value == 0; */
static bool values_ok(const struct hws_wire_step *step)
{
	uint64_t ones = step->width < 8 ? (UINT64_C(1) << 8 * step->width) - 1 : UINT64_MAX;

	if ((step->value | step->mask) & ~ones)
		return false;
	if (step->verb == HWS_WIRE_UPDATE)
		return !(step->value & ~step->mask);
	return !step->mask && (step->verb == HWS_WIRE_WRITE || !step->value);
}

/*@ requires \valid_read(step);
  @ assigns \nothing;
  @ ensures \result ==> step->kind < KINDS && step->verb < HWS_WIRE_VERBS;
  @ ensures \result ==> step->cpu < kinds[step->kind].cpus && step->bar < kinds[step->kind].bars;
  @ ensures \result && step->kind != KIND_MSR ==>
  @	step->at + step->width <= kinds[step->kind].room;
  @ ensures \result && step->kind == KIND_MSR ==> step->at < kinds[step->kind].room;
  @ ensures \result && step->kind >= KIND_PCI ==> step->at % step->width == 0; */
bool wire_step_ok(const struct hws_wire_step *step)
{
	if (step->kind >= KINDS || step->verb >= HWS_WIRE_VERBS)
		return false;
	/* one bit set of those allowed */
	if (!(kinds[step->kind].widths & step->width) || step->width & (step->width - 1))
		return false;
	/* a register is one number, whatever its width */
	if (!hws_range_ok(step->at, step->kind == KIND_MSR ? 1 : step->width,
			  kinds[step->kind].room))
		return false;
	if (step->kind >= KIND_PCI && step->at % step->width)
		return false;
	return step->cpu < kinds[step->kind].cpus && step->bar < kinds[step->kind].bars &&
	       (kinds[step->kind].device ? bdf_ok(step->bdf) : bdf_zero(step->bdf)) &&
	       values_ok(step);
}

static const struct hws_wire_step *steps_of(const void *body)
{
	return (const void *)((const char *)body + sizeof(struct hws_wire_run));
}

static bool run_ok(const void *body)
{
	const struct hws_wire_run *run = body;

	if (run->flags & ~(uint32_t)HWS_WIRE_GO_ON)
		return false;
	for (uint32_t i = 0; i < run->count; i++) {
		if (!wire_step_ok(&steps_of(body)[i]))
			return false;
	}
	return true;
}

static const struct {
	bool (*ok)(const void *body);
	uint32_t request; /* sizes of what follows the head … */
	uint32_t reply;
	uint32_t step; /* … and for each step */
	uint32_t end;
	uint16_t since;	 /* which version; 0: any */
	uint16_t cost;	 /* in accesses, where it has no steps; 0: 1 */
	bool by_message; /* never in a ring */
} ops[HWS_WIRE_OPS] = {
	[HWS_WIRE_HELLO] = { hello_ok, sizeof(struct hws_wire_hello),
			     sizeof(struct hws_wire_welcome), .by_message = true },
	[HWS_WIRE_IDENTIFY] = { any_ok, 0, sizeof(struct hws_wire_cpu) },
	[HWS_WIRE_TOPOLOGY] = { any_ok, 0, sizeof(struct hws_wire_topology) },
	[HWS_WIRE_CPUID] = { any_ok, sizeof(struct hws_wire_leaf), sizeof(struct hws_wire_regs) },
	[HWS_WIRE_NEXT] = { next_ok, sizeof(struct hws_wire_next), sizeof(struct hws_wire_bdf) },
	[HWS_WIRE_INFO] = { function_ok, sizeof(struct hws_wire_bdf), sizeof(struct hws_wire_info),
			    .cost = 8 },
	[HWS_WIRE_PORTS] = { ports_ok, sizeof(struct hws_wire_ports), 0 },
	[HWS_WIRE_BAR] = { bar_ok, sizeof(struct hws_wire_bar), sizeof(struct hws_wire_window),
			   .cost = 8, .by_message = true },
	[HWS_WIRE_RUN] = { run_ok, sizeof(struct hws_wire_run), 0, sizeof(struct hws_wire_step),
			   sizeof(struct hws_wire_end) },
	[HWS_WIRE_TXN] = { txn_ok, sizeof(struct hws_wire_txn), 0 },
	[HWS_WIRE_RING] = { share_ok, sizeof(struct hws_wire_share), sizeof(struct hws_wire_shared),
			    .since = 2, .cost = 16, .by_message = true },
	[HWS_WIRE_HOLD] = { hold_ok, sizeof(struct hws_wire_hold), sizeof(struct hws_wire_held),
			    .since = 2, .cost = 16, .by_message = true },
	[HWS_WIRE_RIGHTS] = { any_ok, 0, sizeof(struct hws_wire_rights), .since = 3, .cost = 16 },
};

/*@ requires op < HWS_WIRE_OPS && steps <= HWS_WIRE_STEPS;
  @ assigns \nothing;
  @ ensures \result == sizeof(struct hws_wire_head) + ops[op].request + steps * ops[op].step; */
static size_t request_size(uint32_t op, uint32_t steps)
{
	return sizeof(struct hws_wire_head) + ops[op].request + (size_t)steps * ops[op].step;
}

/*@ requires op < HWS_WIRE_OPS && steps <= HWS_WIRE_STEPS;
  @ assigns \nothing;
  @ ensures \result == sizeof(struct hws_wire_answer) + ops[op].reply + steps * ops[op].end; */
static size_t reply_size(uint32_t op, uint32_t steps)
{
	return sizeof(struct hws_wire_answer) + ops[op].reply + (size_t)steps * ops[op].end;
}

/* How many steps a request has; 0: its operation has none, or none were said. */
static uint32_t steps_in(const union wire_request *request)
{
	const struct hws_wire_run *run = wire_body(request);

	return ops[request->head.op].step ? run->count : 0;
}

/* The size is checked before anything behind it is read. */
static bool size_ok(const union wire_request *request, size_t size)
{
	const struct hws_wire_head *head = &request->head;
	uint32_t steps;

	if (head->size != size || size < sizeof(*head) + ops[head->op].request)
		return false;
	steps = steps_in(request);
	if (steps > HWS_WIRE_STEPS || (ops[head->op].step && !steps))
		return false;
	return size == request_size(head->op, steps);
}

int wire_check(const union wire_request *request, size_t size, uint16_t version)
{
	const struct hws_wire_head *head = &request->head;

	if (size < sizeof(*head) || size > sizeof(*request) || head->magic != HWS_WIRE_MAGIC ||
	    head->op >= HWS_WIRE_OPS)
		return -EBADMSG;
	/* exactly once, and first */
	if ((head->op == HWS_WIRE_HELLO) != (version == 0))
		return -EBADMSG;
	if (head->version != (version ? version : HWS_WIRE_OLDEST) ||
	    head->version < ops[head->op].since || !size_ok(request, size))
		return -EBADMSG;
	return ops[head->op].ok(wire_body(request)) ? 0 : -EBADMSG;
}

uint16_t wire_since(enum hws_wire_op op)
{
	return ops[op].since;
}

bool wire_in_ring(enum hws_wire_op op)
{
	return !ops[op].by_message;
}

/* Each word is fetched once, whatever becomes of it there; relaxed: any value will do. */
static void take_words(uint64_t *to, const uint64_t *from, size_t first, size_t end)
{
	const shared64 *words = from;

	for (size_t i = first; i < end; i++)
		to[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
}

size_t wire_take(const struct hws_wire_slot *slot, union wire_request *ret_request)
{
	uint64_t *to = (uint64_t *)ret_request->bytes;
	size_t head = sizeof(ret_request->head) / sizeof(*to);
	size_t size;

	take_words(to, slot->request, 0, head);
	size = ret_request->head.size;
	if (size > sizeof(*ret_request))
		return 0;
	take_words(to, slot->request, head, (size + sizeof(*to) - 1) / sizeof(*to));
	return size;
}

uint32_t wire_cost(const union wire_request *request)
{
	uint32_t cost = ops[request->head.op].cost;
	uint32_t steps = steps_in(request);

	return steps ? steps : cost ? cost : 1;
}

size_t wire_reply_size(const union wire_request *request)
{
	return reply_size(request->head.op, steps_in(request));
}

int wire_check_reply(const union wire_request *request, const union wire_reply *reply, size_t size)
{
	const struct hws_wire_answer *answer = &reply->answer;

	if (size != wire_reply_size(request) || answer->head.magic != HWS_WIRE_MAGIC ||
	    answer->head.size != size || answer->head.op != request->head.op ||
	    answer->head.sequence != request->head.sequence)
		return -EBADMSG;
	return answer->code > 0 || answer->code < -4095 ||
			       answer->why[sizeof(answer->why) - 1] != '\0'
		       ? -EBADMSG
		       : 0;
}

size_t wire_begin(union wire_request *request, enum hws_wire_op op, uint32_t steps,
		  uint32_t sequence)
{
	size_t size = request_size(op, steps);

	memset(request->bytes, 0, size);
	request->head = (struct hws_wire_head) {
		.magic = HWS_WIRE_MAGIC,
		/* before a version is agreed on every helper must know it */
		.version = op == HWS_WIRE_HELLO ? HWS_WIRE_OLDEST : HWS_WIRE_VERSION,
		.op = (uint16_t)op,
		.size = (uint32_t)size,
		.sequence = sequence,
	};
	return size;
}
