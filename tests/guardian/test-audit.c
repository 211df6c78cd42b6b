/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardian/audit-internal.h"
#include "guardian/audit-json-internal.h"
#include "guardian/audit-ring-internal.h"
#include "tests/suite.h"

enum { THREADS = 4, EACH = 100000, KEPT = 64 };

static struct hws_audit *open_with(struct hws_audit_options options)
{
	struct hws_audit *audit;

	options.size = sizeof(options);
	ck_ok(hws_audit_open(&options, &audit));
	return audit;
}

static void record(struct hws_audit *audit, enum hws_level level, enum hws_kind kind,
		   enum hws_reason reason)
{
	audit_record(audit, &(struct hws_event) { .level = level, .kind = kind, .reason = reason });
}

/* Keeps what it is given. */
struct kept {
	unsigned int count;
	uint64_t lost;
	struct hws_event events[KEPT];
};

static int keep(const struct hws_event *event, void *context)
{
	struct kept *kept = context;

	ck_assert_uint_lt(kept->count, KEPT);
	kept->events[kept->count++] = *event;
	return 0;
}

static struct kept ask(struct hws_audit *audit, struct hws_audit_filter filter)
{
	struct kept kept = { 0 };

	filter.size = sizeof(filter);
	ck_ok(hws_audit_query(audit, &filter, keep, &kept, &kept.lost));
	return kept;
}

START_TEST(audit_query_gives_what_the_filter_asks)
{
	struct hws_audit *audit = open_with((struct hws_audit_options) { .events = 16 });
	static const struct {
		struct hws_audit_filter filter;
		unsigned int count;
		uint64_t first;
	} cases[] = {
		{ { 0 }, 5, 1 },
		{ { .level = HWS_LEVEL_ERROR }, 2, 3 },
		{ { .kinds = 1u << HWS_KIND_MSR }, 2, 2 },
		{ { .kinds = 1u << HWS_KIND_PORT }, 1, 1 },
		{ { .reasons = 1u << HWS_REASON_GUARD }, 1, 3 },
		{ { .types = 1u << HWS_EVENT_POLICY }, 1, 5 },
		{ { .sequence = 4 }, 2, 4 },
		{ { .sequence = 6 }, 0, 0 },
		{ { .since = UINT64_MAX }, 0, 0 },
		{ { .level = HWS_LEVEL_WARNING, .kinds = 1u << HWS_KIND_MSR }, 1, 4 },
	};
	struct kept all;

	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	record(audit, HWS_LEVEL_INFO, HWS_KIND_MSR, HWS_REASON_NONE);
	record(audit, HWS_LEVEL_ERROR, HWS_KIND_BAR, HWS_REASON_GUARD);
	record(audit, HWS_LEVEL_WARNING, HWS_KIND_MSR, HWS_REASON_NO_RULE);
	audit_record(audit,
		     &(struct hws_event) { .level = HWS_LEVEL_CRITICAL, .type = HWS_EVENT_POLICY });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kept kept = ask(audit, cases[i].filter);

		ck_assert_msg(kept.count == cases[i].count, "case %zu: %u", i, kept.count);
		ck_assert_uint_eq(kept.lost, 0);
		if (kept.count)
			ck_assert_uint_eq(kept.events[0].sequence, cases[i].first);
	}
	all = ask(audit, (struct hws_audit_filter) { 0 });
	for (unsigned int i = 0; i < all.count; i++) {
		struct hws_event *event = &all.events[i];

		ck_assert_uint_eq(event->sequence, i + 1);
		ck_assert_int_eq(event->pid, getpid());
		ck_assert_uint_eq(event->uid, geteuid());
		ck_assert_uint_eq(event->version, HWS_EVENT_VERSION);
		ck_assert(event->time != 0 && event->clock != 0);
	}
	all = ask(audit, (struct hws_audit_filter) { .since = all.events[4].time });
	ck_assert(all.count >= 1 && all.events[all.count - 1].sequence == 5);
	hws_audit_close(audit);
}
END_TEST

static int stop_at_two(const struct hws_event *event, void *context)
{
	(void)context;
	return event->sequence == 2 ? -EINTR : 0;
}

START_TEST(audit_refuses_bad_arguments)
{
	static const char key[64];
	static const struct hws_audit_options bad[] = {
		{ .size = 1 },
		{ .size = sizeof(bad[0]), .flags = 0x80 },
		{ .size = sizeof(bad[0]), .events = (1u << 20) + 1 },
		{ .size = sizeof(bad[0]), .sink_level = HWS_LEVELS },
		{ .size = sizeof(bad[0]), .file_keep = 100 },
		{ .size = sizeof(bad[0]), .file = "" },
		{ .size = sizeof(bad[0]), .file = "/tmp/" },
		{ .size = sizeof(bad[0]), .file = "/tmp/x", .key = key, .key_size = 15 },
		{ .size = sizeof(bad[0]), .file = "/tmp/x", .key = key, .key_size = 65 },
		{ .size = sizeof(bad[0]), .file = "/tmp/x", .key_size = 16 },
	};
	struct hws_audit_filter filter = { 0 };
	struct hws_audit *audit = (struct hws_audit *)0x1;
	uint64_t lost = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(hws_audit_open(&bad[i], &audit) == -EINVAL, "took case %zu", i);
		ck_assert_ptr_eq(audit, (struct hws_audit *)0x1);
		ck_assert_str_ne(hws_why(), "");
	}
	ck_ok(hws_audit_open(NULL, &audit));
	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	ck_assert_int_eq(hws_audit_query(audit, NULL, NULL, NULL, &lost), -EINVAL);
	ck_assert_int_eq(hws_audit_query(audit, &filter, keep, NULL, &lost), -EINVAL);
	ck_assert_int_eq(hws_audit_query(audit, NULL, stop_at_two, NULL, &lost), -EINTR);
	ck_assert_uint_eq(lost, 7);
	hws_audit_close(audit);
	hws_audit_close(NULL);
	audit_record(NULL, &(struct hws_event) { 0 });
	ck_assert_str_eq(hws_level_name(HWS_LEVEL_CRITICAL), "critical");
	ck_assert_str_eq(hws_level_name(HWS_LEVELS), "?");
	ck_assert_str_eq(hws_event_type_name(HWS_EVENT_LOST), "lost");
	ck_assert_str_eq(hws_event_type_name((enum hws_event_type) - 1), "?");
}
END_TEST

START_TEST(audit_counts_what_it_overwrote)
{
	struct hws_audit *audit = open_with((struct hws_audit_options) { .events = 8 });
	struct kept kept;

	for (unsigned int i = 0; i < 21; i++)
		record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	kept = ask(audit, (struct hws_audit_filter) { 0 });
	ck_assert_uint_eq(kept.count, 8);
	ck_assert_uint_eq(kept.lost, 13);
	ck_assert_uint_eq(kept.events[0].sequence, 14);
	kept = ask(audit, (struct hws_audit_filter) { .sequence = 10 });
	ck_assert_uint_eq(kept.lost, 4);
	hws_audit_close(audit);
}
END_TEST

/* An event whose parts tell whether they belong together. */
static struct hws_event self_checking(uint64_t seed)
{
	struct hws_event event = {
		.kind = (uint32_t)(seed % HWS_KINDS),
		.has = HWS_HAS_VALUE | HWS_HAS_OLD,
		.first = seed,
		.last = ~seed,
		.value = seed * 0x9e3779b97f4a7c15u,
		.old = seed ^ 0x5555,
		.rule = (uint32_t)seed,
	};

	snprintf(event.text, sizeof(event.text), "%032llx", (unsigned long long)seed);
	return event;
}

static bool holds_together(const struct hws_event *event)
{
	struct hws_event wanted = self_checking(event->first);

	return event->last == wanted.last && event->value == wanted.value &&
	       event->old == wanted.old && event->rule == wanted.rule &&
	       event->kind == wanted.kind && !strcmp(event->text, wanted.text);
}

struct producer {
	struct hws_audit *audit;
	uint64_t seed;
};

static void *produce(void *context)
{
	struct producer *producer = context;

	for (uint64_t i = 0; i < EACH; i++) {
		struct hws_event event = self_checking(producer->seed + i);

		audit_record(producer->audit, &event);
	}
	return NULL;
}

static void produce_all(struct hws_audit *audit, void (*meanwhile)(struct hws_audit *))
{
	struct producer producers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		producers[i] = (struct producer) { audit, (uint64_t)i << 32 };
		pthread_create(&threads[i], NULL, produce, &producers[i]);
	}
	if (meanwhile)
		meanwhile(audit);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

struct tally {
	uint64_t seen;
	uint64_t lost;
	uint64_t torn;
	uint64_t unordered;
	uint64_t last;
};

static int tally_one(const struct hws_event *event, void *context)
{
	struct tally *tally = context;

	tally->unordered += event->sequence <= tally->last;
	tally->last = event->sequence;
	if (event->type == HWS_EVENT_LOST) {
		tally->lost += event->value;
		tally->last = event->sequence + event->value - 1;
		return 0;
	}
	tally->seen++;
	tally->torn += !holds_together(event);
	return 0;
}

static void query_while_busy(struct hws_audit *audit)
{
	uint64_t seen = 0;

	for (unsigned int round = 0; round < 200; round++) {
		struct tally tally = { 0 };

		ck_ok(hws_audit_query(audit, NULL, tally_one, &tally, &tally.lost));
		ck_assert_uint_eq(tally.torn, 0);
		ck_assert_uint_eq(tally.unordered, 0);
		seen += tally.seen;
	}
	ck_assert_uint_gt(seen, 0);
}

START_TEST(audit_loses_and_tears_nothing_uncounted_with_threads)
{
	/* a small ring: laps and collisions all the time */
	struct hws_audit *audit = open_with(
		(struct hws_audit_options) { .events = 64, .flags = HWS_AUDIT_NO_DETECTOR });
	struct hws_audit_stats stats;
	struct tally tally = { 0 };

	produce_all(audit, query_while_busy);
	ck_ok(hws_audit_query(audit, NULL, tally_one, &tally, &tally.lost));
	ck_assert_uint_eq(tally.seen + tally.lost, (uint64_t)THREADS * EACH);
	ck_assert_uint_eq(tally.torn, 0);
	hws_audit_stats(audit, &stats);
	ck_assert_uint_eq(stats.recorded, (uint64_t)THREADS * EACH);
	hws_audit_close(audit);
}
END_TEST

START_TEST(audit_sink_sees_every_event_or_how_many_are_missing)
{
	struct tally tally = { 0 };
	struct hws_audit_stats stats;
	struct hws_audit *audit = open_with(
		(struct hws_audit_options) { .events = 1024,
					     .flags = HWS_AUDIT_THREAD | HWS_AUDIT_NO_DETECTOR,
					     .call = tally_one,
					     .call_context = &tally });
	struct hws_event last = self_checking(1);

	produce_all(audit, NULL);
	audit_record(audit, &last);
	ck_ok(hws_audit_flush(audit));
	hws_audit_stats(audit, &stats);
	hws_audit_close(audit);
	ck_assert_uint_eq(tally.seen + tally.lost, (uint64_t)THREADS * EACH + 1);
	ck_assert_uint_eq(stats.missed, tally.lost);
	ck_assert_uint_eq(tally.torn, 0);
	ck_assert_uint_eq(tally.unordered, 0);
}
END_TEST

/* A writer that is stopped in the middle, for a lap and more, seen from the slot. */
START_TEST(audit_ring_waits_for_no_stopped_writer)
{
	struct hws_event event = { 0 };
	struct audit_ring ring;

	ck_ok(ring_init(&ring, 4));
	ring.head = 1;
	ring.slots[1].state = 1 << 2 | 1; /* sequence 1, busy */
	ck_assert_int_eq(ring_get(&ring, 1, &event), RING_PENDING);
	for (uint64_t i = 2; i <= 6; i++)
		ck_assert_uint_eq(ring_put(&ring, &event), i);
	ck_assert_int_eq(ring_get(&ring, 1, &event), RING_GONE);
	ck_assert_int_eq(ring_get(&ring, 5, &event), RING_GONE); /* dropped, not waited for */
	ck_assert_int_eq(ring_get(&ring, 6, &event), RING_HERE);
	ring.slots[1].state &= ~UINT64_C(1); /* it goes on */
	ck_assert_int_eq(ring_get(&ring, 5, &event), RING_GONE);
	for (uint64_t i = 7; i <= 9; i++)
		ring_put(&ring, &event);
	ck_assert_int_eq(ring_get(&ring, 9, &event), RING_HERE);
	ck_assert_uint_eq(event.sequence, 9);
	ring_fini(&ring);
}
END_TEST

START_TEST(audit_makes_text_harmless)
{
	static const struct {
		const char *text;
		const char *event;
	} cases[] = {
		{ "plain", "plain" },
		{ "a\nb", "a\\x0ab" },
		{ "\x1b[31m", "\\x1b[31m" },
		{ "\xff\xc3\xa4", "\\xff\\xc3\\xa4" },
		{ "quote\"back\\", "quote\"back\\" },
		/* the end of a long one, cut at a whole escape */
		{ "0123456789012345678901234567890123456789012345678901234567890end",
		  "78901234567890123456789012345678901234567890end" },
		{ "\n\n\n\n\n\n\n\n\n\n\n\n\n", "\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a\\x0a"
						"\\x0a\\x0a" },
		{ "", "" },
		{ NULL, "" },
	};
	struct hws_audit *audit = open_with((struct hws_audit_options) { .events = 16 });
	struct kept kept;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hws_event event = { 0 };

		audit_event_text(&event, cases[i].text);
		audit_record(audit, &event);
	}
	kept = ask(audit, (struct hws_audit_filter) { 0 });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(kept.events[i].text, cases[i].event);
	hws_audit_close(audit);
}
END_TEST

START_TEST(audit_json_reads_what_it_writes)
{
	struct hws_event full = {
		.version = HWS_EVENT_VERSION,
		.level = HWS_LEVEL_CRITICAL,
		.type = HWS_EVENT_GRANT,
		.kind = HWS_KIND_BAR,
		.sequence = UINT64_MAX,
		.time = 1795231383123456789,
		.clock = (UINT64_C(1) << 53) + 1,
		.rights = HWS_RW | HWS_SIDE,
		.reason = HWS_REASON_MASK,
		.code = -EACCES,
		.has = HWS_HAS_VALUE | HWS_HAS_OLD,
		.pid = 12,
		.tid = -1,
		.uid = UINT32_MAX,
		.width = 8,
		.first = UINT64_MAX - 1,
		.last = UINT64_MAX,
		.value = 1,
		.old = 0,
		.bdf = { 0x10000, 0xff, 0x1f, 7 },
		.bar = 5,
		.cpu = 6,
		.rule = 7,
		.generation = 8,
		.text = "\x01\"\\ \xff",
	};
	struct hws_event read;
	char text[AUDIT_JSON_ROOM + 2];
	size_t length;

	memset(full.text + 5, '\x7f', HWS_EVENT_TEXT - 6);
	text[0] = '{';
	length = audit_json_write(&full, text + 1);
	text[++length] = '}';
	text[++length] = '\0';
	for (size_t i = 0; i < length; i++)
		ck_assert_msg(text[i] >= 0x20 && text[i] <= 0x7e, "byte %zu of %s", i, text);
	/* json-c gives UTF-8 for what is above ASCII: none gets there from the ring */
	full.text[4] = 'x';
	length = audit_json_write(&full, text + 1) + 2;
	text[length - 1] = '}';
	ck_ok(audit_json_read(text, length, &read));
	ck_assert_mem_eq(&read, &full, sizeof(full));
	/* every cut is refused */
	for (size_t cut = 0; cut < length; cut++)
		ck_assert_int_eq(audit_json_read(text, cut, &read), -EBADMSG);
}
END_TEST

START_TEST(audit_json_refuses_what_is_no_event)
{
	static const char good[] =
		"{\"seq\":1,\"time\":\"2026-01-02T03:04:05.000000006Z\",\"mono\":7,"
		"\"level\":\"info\",\"type\":\"access\",\"reason\":\"none\","
		"\"code\":0,\"uid\":0,\"pid\":1,\"tid\":1,\"width\":4}";
	static const char *const changes[][2] = {
		{ "\"seq\":1", "\"seq\":-1" },
		{ "\"seq\":1", "\"seq\":1.5" },
		{ "\"seq\":1", "\"seq\":\"1\"" },
		{ "\"seq\":1", "\"seq\":\"0xg\"" },
		{ "\"seq\":1", "\"sek\":1" },
		{ "Z\"", "\"" },
		{ "000000006", "6" },
		{ "\"info\"", "\"loud\"" },
		{ "\"access\"", "3" },
		{ "\"none\"", "\"?\"" },
		{ "\"code\":0", "\"code\":9e9" },
		{ "\"code\":0", "\"code\":99999999999" },
		{ "\"width\":4", "\"width\":\"0x100000000\"" },
		{ "\"uid\":0", "\"uid\":{}" },
		{ "{\"seq\"", "[\"seq\"" },
		{ "\"width\":4", "\"bdf\":\"x\"" },
		{ "\"width\":4", "\"text\":\"012345678901234567890123456789012345678901234567\"" },
	};
	struct hws_event event;
	char text[512];

	ck_ok(audit_json_read(good, strlen(good), &event));
	ck_assert_uint_eq(event.time, 1767323045000000006);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *at = strstr(good, changes[i][0]);

		ck_assert_ptr_nonnull(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, changes[i][1],
			 at + strlen(changes[i][0]));
		ck_assert_msg(audit_json_read(text, strlen(text), &event) == -EBADMSG, "took %s",
			      text);
	}
}
END_TEST

static int flush_inside(const struct hws_event *event, void *context)
{
	struct hws_audit_stats stats;

	(void)event;
	ck_assert_int_eq(hws_audit_flush(*(struct hws_audit **)context), -EBUSY);
	hws_audit_stats(*(struct hws_audit **)context, &stats);
	ck_assert_uint_eq(stats.recorded, 1);
	return 0;
}

START_TEST(audit_sink_cannot_flush)
{
	struct hws_audit *audit = NULL;

	audit = open_with(
		(struct hws_audit_options) { .call = flush_inside, .call_context = &audit });
	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	ck_ok(hws_audit_flush(audit));
	hws_audit_close(audit);
}
END_TEST

START_TEST(audit_sinks_get_their_level_and_above)
{
	struct kept kept = { 0 };
	struct hws_audit *audit = open_with((struct hws_audit_options) {
		.call = keep, .call_context = &kept, .sink_level = HWS_LEVEL_WARNING });

	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	record(audit, HWS_LEVEL_WARNING, HWS_KIND_PORT, HWS_REASON_NO_RULE);
	record(audit, HWS_LEVEL_CRITICAL, HWS_KIND_MSR, HWS_REASON_NO_RULE);
	ck_ok(hws_audit_flush(audit));
	ck_assert_uint_eq(kept.count, 2);
	ck_assert_uint_eq(kept.events[0].sequence, 2);
	hws_audit_close(audit);
}
END_TEST

START_TEST(audit_child_detaches_after_fork)
{
	struct kept kept = { 0 };
	struct hws_audit *audit = open_with((struct hws_audit_options) {
		.flags = HWS_AUDIT_THREAD, .call = keep, .call_context = &kept });
	int status;
	pid_t child;

	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	child = fork();
	if (child == 0) {
		struct kept own;

		record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
		own = ask(audit, (struct hws_audit_filter) { .sequence = 2 });
		if (own.count != 1 || own.events[0].pid != getpid() ||
		    own.events[0].tid != getpid() || hws_audit_flush(audit) != -ECHILD)
			_exit(1);
		hws_audit_close(audit);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	record(audit, HWS_LEVEL_INFO, HWS_KIND_MSR, HWS_REASON_NONE);
	ck_ok(hws_audit_flush(audit));
	hws_audit_close(audit);
	ck_assert_uint_eq(kept.count, 2);
	ck_assert_int_eq(kept.events[1].pid, getpid());
	ck_assert_uint_eq(kept.events[1].kind, HWS_KIND_MSR);
}
END_TEST

START_TEST(audit_access_event_tells_what_was_asked)
{
	struct hws_access access = { .kind = HWS_KIND_RING,
				     .rights = HWS_R,
				     .last = 4095,
				     .path = "/dev/nvme0n1",
				     .has = HWS_HAS_VALUE,
				     .value = 3 };
	struct hws_event event = audit_access_event(&access, HWS_EVENT_GRANT, HWS_REASON_NO_RULE);

	ck_assert_str_eq(event.text, "/dev/nvme0n1");
	ck_assert_uint_eq(event.level, HWS_LEVEL_WARNING);
	ck_assert_int_eq(event.code, -EACCES);
	ck_assert_uint_eq(event.last, 4095);
	ck_assert_uint_eq(event.value, 3);
	event = audit_access_event(&access, HWS_EVENT_ACCESS, HWS_REASON_NONE);
	ck_assert_uint_eq(event.level, HWS_LEVEL_INFO);
	ck_assert_int_eq(event.code, 0);
}
END_TEST

static int listen_at(char path[64])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static unsigned int receive_all(int fd, const char *wanted)
{
	char text[2048];
	unsigned int count = 0;
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text) - 1, 0)) > 0) {
		text[n] = '\0';
		count++;
		ck_assert_msg(strstr(text, wanted) || strstr(text, "\"lost\""), "%s", text);
		ck_assert_ptr_null(strpbrk(text, "\n\033"));
		ck_assert_int_eq(strncmp(text, "<8", 2), 0); /* authpriv is 10 << 3 */
	}
	return count;
}

START_TEST(audit_syslog_counts_what_the_daemon_does_not_take)
{
	char folder[] = "/tmp/hwsafe-audit-XXXXXX";
	char path[64];
	struct hws_audit_stats stats;
	struct hws_event event = { .level = HWS_LEVEL_WARNING, .text = "in\njected" };
	struct hws_audit *audit;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	audit = open_with((struct hws_audit_options) { .syslog = path });
	for (unsigned int i = 0; i < 3; i++) /* nobody listens yet */
		audit_record(audit, &event);
	ck_ok(hws_audit_flush(audit));
	fd = listen_at(path);
	audit_record(audit, &event);
	ck_ok(hws_audit_flush(audit));
	ck_assert_uint_eq(receive_all(fd, "in\\\\x0ajected"), 2); /* the gap, the event */
	close(fd);
	audit_record(audit, &event); /* the daemon is gone */
	ck_ok(hws_audit_flush(audit));
	fd = listen_at(path);
	for (unsigned int i = 0; i < 2000; i++) /* more than its queue takes */
		audit_record(audit, &event);
	ck_ok(hws_audit_flush(audit));
	hws_audit_stats(audit, &stats);
	ck_assert_uint_gt(stats.syslog_lost, 4);
	ck_assert_uint_eq(stats.syslog_sent + stats.syslog_lost, 3 + 1 + 1 + 2000);
	ck_assert_uint_eq(receive_all(fd, "in\\\\x0ajected"), stats.syslog_sent);
	close(fd);
	unlink(path);
	rmdir(folder);
	hws_audit_close(audit);
}
END_TEST

START_TEST(audit_detector_raises_an_event)
{
	struct hws_audit *audit =
		open_with((struct hws_audit_options) { .events = 1 << 16, .detect_ms = 1 });
	struct kept kept = { 0 };
	struct timespec pause = { .tv_nsec = 1500000 };

	for (unsigned int i = 0; i < 40; i++) {
		audit_observe(audit, HWS_KIND_MSR, 1, 0);
		nanosleep(&pause, NULL);
	}
	audit_observe(audit, HWS_KIND_MSR, 1, 1000000);
	nanosleep(&pause, NULL);
	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	kept = ask(audit, (struct hws_audit_filter) { .types = 1u << HWS_EVENT_DETECTOR });
	ck_assert_uint_eq(kept.count, 1);
	ck_assert_uint_eq(kept.events[0].kind, HWS_KIND_MSR);
	ck_assert_uint_eq(kept.events[0].level, HWS_LEVEL_WARNING);
	ck_assert_uint_eq(kept.events[0].value, 1000000);
	ck_assert_str_eq(kept.events[0].text, "unusually many denials");
	hws_audit_close(audit);
}
END_TEST

START_TEST(audit_identity_is_looked_up_again_when_told)
{
	struct hws_audit *audit = open_with((struct hws_audit_options) { 0 });
	struct kept kept;

	need("root", geteuid() == 0, "only root may become somebody else");
	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	ck_assert_int_eq(seteuid(1), 0);
	audit_identity_changed(audit);
	record(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	kept = ask(audit, (struct hws_audit_filter) { 0 });
	ck_assert_uint_eq(kept.events[0].uid, 0);
	ck_assert_uint_eq(kept.events[1].uid, 1);
	ck_assert_int_eq(seteuid(0), 0);
	hws_audit_close(audit);
}
END_TEST

int main(void)
{
	return suite_run("guardian/audit",
			 (const TTest *[]) {
				 audit_query_gives_what_the_filter_asks,
				 audit_refuses_bad_arguments,
				 audit_counts_what_it_overwrote,
				 audit_loses_and_tears_nothing_uncounted_with_threads,
				 audit_sink_sees_every_event_or_how_many_are_missing,
				 audit_ring_waits_for_no_stopped_writer,
				 audit_makes_text_harmless,
				 audit_json_reads_what_it_writes,
				 audit_json_refuses_what_is_no_event,
				 audit_sink_cannot_flush,
				 audit_sinks_get_their_level_and_above,
				 audit_child_detaches_after_fork,
				 audit_access_event_tells_what_was_asked,
				 audit_syslog_counts_what_the_daemon_does_not_take,
				 audit_detector_raises_an_event,
				 audit_identity_is_looked_up_again_when_told,
				 NULL,
			 });
}
