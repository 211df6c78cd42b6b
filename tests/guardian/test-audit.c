/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/guardian/test-audit-common.h"

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

	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_MSR, HWS_REASON_NONE);
	record_one(audit, HWS_LEVEL_ERROR, HWS_KIND_BAR, HWS_REASON_GUARD);
	record_one(audit, HWS_LEVEL_WARNING, HWS_KIND_MSR, HWS_REASON_NO_RULE);
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
	struct hws_audit_stats stats;
	struct hws_audit *audit = (struct hws_audit *)0x1;
	uint64_t lost = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(hws_audit_open(&bad[i], &audit) == -EINVAL, "took case %zu", i);
		ck_assert_ptr_eq(audit, (struct hws_audit *)0x1);
		ck_assert_str_ne(hws_why(), "");
	}
	ck_ok(hws_audit_open(NULL, &audit));
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	ck_assert_int_eq(hws_audit_query(audit, NULL, NULL, NULL, &lost), -EINVAL);
	ck_assert_int_eq(hws_audit_query(NULL, NULL, keep, NULL, &lost), -EINVAL);
	ck_assert_int_eq(hws_audit_flush(NULL), -EINVAL);
	hws_audit_stats(NULL, &stats);
	ck_assert_uint_eq(stats.recorded, 0);
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
		record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	kept = ask(audit, (struct hws_audit_filter) { 0 });
	ck_assert_uint_eq(kept.count, 8);
	ck_assert_uint_eq(kept.lost, 13);
	ck_assert_uint_eq(kept.events[0].sequence, 14);
	kept = ask(audit, (struct hws_audit_filter) { .sequence = 10 });
	ck_assert_uint_eq(kept.lost, 4);
	hws_audit_close(audit);
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
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
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
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	ck_assert_int_eq(seteuid(1), 0);
	audit_identity_changed(audit);
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	kept = ask(audit, (struct hws_audit_filter) { 0 });
	ck_assert_uint_eq(kept.events[0].uid, 0);
	ck_assert_uint_eq(kept.events[1].uid, 1);
	ck_assert_int_eq(seteuid(0), 0);
	hws_audit_close(audit);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		audit_query_gives_what_the_filter_asks,
		audit_refuses_bad_arguments,
		audit_counts_what_it_overwrote,
		audit_makes_text_harmless,
		audit_access_event_tells_what_was_asked,
		audit_detector_raises_an_event,
		audit_identity_is_looked_up_again_when_told,
		NULL,
	};

	return suite_run("guardian/audit", tests);
}
