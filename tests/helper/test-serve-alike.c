/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Denied, or not there: whoever asks can't tell, neither by the answer nor by what it costs. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/sys-internal.h"
#include "tests/helper/serve-kit.h"

#define POLICY                                                                        \
	"[alice]\nuser = 41000\nport = 0x70-0x71 rw\nmsr = 0x19c r\nmsr = 0x199 rw\n" \
	"pci = 1234:11e8 r\nbar = 1234:11e8 0 rw\n[dave]\nuser = 41003\npci = 8086:* r\n"

enum { DAVE = 41003 };

static struct hws_wire_step *step_of(union wire_request *request)
{
	return (void *)(request->bytes + sizeof(request->head) + sizeof(struct hws_wire_run));
}

struct pair {
	const char *what;
	void (*make)(union wire_request *request, bool absent);
};

/* 00:02.0 is there, but not for her; 00:09.0 isn't. */
static struct hws_wire_bdf function(bool absent)
{
	return (struct hws_wire_bdf) { .device = absent ? 9 : 2 };
}

static void make_pci(union wire_request *request, bool absent)
{
	make_good(request, 1);
	*step_of(request) = (struct hws_wire_step) { .kind = HWS_KIND_PCI,
						     .width = 4,
						     .bdf = function(absent) };
}

static void make_bar(union wire_request *request, bool absent)
{
	make_good(request, 1);
	*step_of(request) = (struct hws_wire_step) {
		.kind = HWS_KIND_BAR, .verb = HWS_WIRE_WRITE, .width = 4, .bdf = function(absent)
	};
}

static void make_window(union wire_request *request, bool absent)
{
	wire_begin(request, HWS_WIRE_BAR, 0, 1);
	*(struct hws_wire_bar *)(request->bytes + sizeof(request->head)) =
		(struct hws_wire_bar) { .bdf = function(absent), .rights = HWS_RW };
}

/* The clock's third port is there in some machines; 0x9000 is nothing's. */
static void make_port(union wire_request *request, bool absent)
{
	make_good(request, 1);
	*step_of(request) = (struct hws_wire_step) { .kind = HWS_KIND_PORT,
						     .verb = HWS_WIRE_WRITE,
						     .width = 1,
						     .at = absent ? 0x9000 : 0x72 };
}

static void make_ports(union wire_request *request, bool absent)
{
	wire_begin(request, HWS_WIRE_PORTS, 0, 1);
	*(struct hws_wire_ports *)(request->bytes + sizeof(request->head)) =
		(struct hws_wire_ports) { absent ? 0x9000 : 0x72, 1, HWS_RW, 0 };
}

static const struct pair pairs[] = { { "pci", make_pci },
				     { "bar", make_bar },
				     { "window", make_window },
				     { "port", make_port },
				     { "ports", make_ports } };
enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]), ROUNDS = 31, ASKS = 40, TRIES = 5 };

struct meter {
	int counter; /* of instructions; -1: this machine has none */
	pid_t pid;
};

/* Of the helper, in user space; or -1. */
static int count_instructions(const struct daemon *daemon)
{
	struct perf_event_attr attributes = { .type = PERF_TYPE_HARDWARE,
					      .size = sizeof(attributes),
					      .config = PERF_COUNT_HW_INSTRUCTIONS,
					      .exclude_kernel = 1,
					      .exclude_hv = 1 };

	return (int)syscall(SYS_perf_event_open, &attributes, daemon->pid, -1, -1, 0);
}

/* What the helper has spent so far: instructions, or else time on a processor: no clock's. */
static uint64_t spent(const struct meter *meter)
{
	char path[64];
	char text[128];
	uint64_t value;

	if (meter->counter >= 0) {
		must(read(meter->counter, &value, sizeof(value)) == sizeof(value));
		return value;
	}
	snprintf(path, sizeof(path), "/proc/%d/schedstat", meter->pid);
	must(sys_read_file(SYS_REAL_ROOT, path, text, sizeof(text)) > 0);
	return strtoull(text, NULL, 10);
}

/* What so many refusals cost. */
static uint64_t cost(int fd, const struct meter *meter, const union wire_request *request,
		     union wire_reply *reply)
{
	uint64_t begin = spent(meter);

	for (int i = 0; i < ASKS; i++)
		must(bare_ask(fd, request, reply) == -EACCES);
	return spent(meter) - begin;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The middle of many paired ratios; answers are the same to the byte. */
static double compare(int fd, const struct meter *meter, const struct pair *pair)
{
	union wire_request requests[2];
	union wire_reply replies[2];
	double ratios[ROUNDS];

	memset(replies, 0, sizeof(replies));
	for (int i = 0; i < 2; i++) {
		pair->make(&requests[i], i);
		cost(fd, meter, &requests[i], &replies[i]); /* once, unmeasured */
	}
	must(!memcmp(&replies[0], &replies[1], sizeof(replies[0])));
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t costs[2];
		int first = i & 1;

		costs[first] = cost(fd, meter, &requests[first], &replies[0]);
		costs[!first] = cost(fd, meter, &requests[!first], &replies[0]);
		ratios[i] = (double)costs[0] / (double)costs[1];
	}
	qsort(ratios, ROUNDS, sizeof(ratios[0]), by_size);
	return ratios[ROUNDS / 2];
}

static int compares(const struct daemon *daemon, void *context)
{
	const struct meter *meter = context;
	/* of a counter the last digits differ; time has noise, of which the best try has least */
	double most = meter->counter < 0 ? 0.1 : 0.003;
	int fd = bare_hello(daemon);
	int wrong = 0;

	must(fd >= 0);
	for (int i = 0; i < PAIRS; i++) {
		double ratio = 0;

		for (int try = 0; try < TRIES && (ratio < 1 - most || ratio > 1 + most); try++)
			ratio = compare(fd, meter, &pairs[i]);
		printf("# %s: denied / absent %.5f by %s\n", pairs[i].what, ratio,
		       meter->counter < 0 ? "time on a processor" : "instructions");
		wrong += ratio < 1 - most || ratio > 1 + most;
	}
	fflush(stdout);
	return wrong;
}

START_TEST(p16_denied_and_absent_cost_the_same)
{
	static const char *const any[] = { "--rate", "0", NULL };
	static const uid_t users[] = { ALICE, BOB, DAVE };
	struct daemon daemon = { 0 };
	struct meter meter;

	daemon_start(&daemon, POLICY, any);
	meter = (struct meter) { count_instructions(&daemon), daemon.pid };
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(as_user(users[i], compares, &daemon, &meter), 0);
	daemon_stop(&daemon);
}
END_TEST

int main(void)
{
	return suite_run("helper/serve-alike",
			 (const TTest *[]) { p16_denied_and_absent_cost_the_same, NULL });
}
