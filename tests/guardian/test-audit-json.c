/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guardian/audit-chain-internal.h"
#include "tests/suite.h"

/* What lies between the fields of an address is nobody's. */
static void check_same(struct hws_event *read, const struct hws_event *full)
{
	ck_assert_uint_eq(read->bdf.domain, full->bdf.domain);
	ck_assert_uint_eq(read->bdf.bus, full->bdf.bus);
	ck_assert_uint_eq(read->bdf.device, full->bdf.device);
	ck_assert_uint_eq(read->bdf.function, full->bdf.function);
	memcpy(&read->bdf, &full->bdf, sizeof(read->bdf));
	ck_assert_mem_eq(read, full, sizeof(*full));
}

START_TEST(audit_json_reads_what_it_writes)
{
	static struct hws_event full = {
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
	check_same(&read, &full);
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

START_TEST(chain_refuses_lines_of_another_form)
{
	static const char hex[] = "0123456789abcdef0123456789abcdef"
				  "0123456789abcdef0123456789abcdef";
	static const char *const bad[] = {
		"",	     "{",	   "{\"n\":",
		"{\"n\":0,", "{\"n\":01,", "{\"n\":-1,",
		"{\"n\":x,", "{\"n\":1",   "{\"n\":1234567890123456789,",
		"{\"m\":1,",
	};
	struct chain_line parsed = { .n = 77 };
	char line[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int n = snprintf(line, sizeof(line), "%s\"x\":1,\"chain\":\"%s\"}", bad[i], hex);

		ck_assert_msg(!chain_parse(line, (size_t)n, &parsed), "took %s", line);
		ck_assert(!chain_parse(bad[i], strlen(bad[i]), &parsed));
		ck_assert_uint_eq(parsed.n, 77);
	}
	snprintf(line, sizeof(line), "{\"n\":12,\"x\":1,\"chain\":\"%s\"}", hex);
	ck_assert(chain_parse(line, strlen(line), &parsed));
	ck_assert_uint_eq(parsed.n, 12);
	ck_assert_ptr_null(parsed.prev);
}
END_TEST

/* And in a time that 32 bits don't hold. Trails are carried to where they are looked at. */
START_TEST(line_is_the_same_on_all_machines)
{
	const struct hws_event event = {
		.version = HWS_EVENT_VERSION,
		.level = HWS_LEVEL_WARNING,
		.type = HWS_EVENT_ACCESS,
		.kind = HWS_KIND_MSR,
		.sequence = UINT64_C(0x123456789a),
		.time = UINT64_C(4102444800000000001),
		.reason = HWS_REASON_MASK,
		.code = -EACCES,
		.has = HWS_HAS_VALUE,
		.pid = 12,
		.width = 8,
		.first = 0x610,
		.last = 0x610,
		.value = UINT64_C(0xfedcba9876543210),
		.text = "one",
	};
	static const char expected[] =
		"{\"n\":7,\"seq\":78187493530,\"time\":\"2100-01-01T00:00:00.000000001Z\","
		"\"mono\":0,\"level\":\"warning\",\"type\":\"access\",\"kind\":\"msr\","
		"\"first\":\"0x610\",\"last\":\"0x610\",\"width\":8,"
		"\"value\":\"0xfedcba9876543210\",\"reason\":\"mask\",\"code\":-13,"
		"\"uid\":0,\"pid\":12,\"tid\":0,\"text\":\"one\",\"chain\":"
		"\"cbf47e0ea36651925f11fb2e9259f6cde5007df5839765feb90d559811ce338e\"}\n";
	const struct chain_key key = { .bytes = "0123456789abcdef", .size = 16 };
	struct chain chain = { .n = 6 };
	char fields[AUDIT_JSON_ROOM];
	char line[CHAIN_LINE];
	size_t length = audit_json_write(&event, fields);

	length = chain_append(&chain, &key, fields, length, line);
	ck_assert_msg(length == strlen(expected) && !memcmp(line, expected, length), "%.*s",
		      (int)length, line);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		audit_json_reads_what_it_writes,
		audit_json_refuses_what_is_no_event,
		chain_refuses_lines_of_another_form,
		line_is_the_same_on_all_machines,
		NULL,
	};

	return suite_run("guardian/audit-json", tests);
}
