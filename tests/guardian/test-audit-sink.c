/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guardian/test-audit-common.h"

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
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	ck_ok(hws_audit_flush(audit));
	hws_audit_close(audit);
}
END_TEST

START_TEST(audit_sinks_get_their_level_and_above)
{
	struct kept kept = { 0 };
	struct hws_audit *audit = open_with((struct hws_audit_options) {
		.call = keep, .call_context = &kept, .sink_level = HWS_LEVEL_WARNING });

	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	record_one(audit, HWS_LEVEL_WARNING, HWS_KIND_PORT, HWS_REASON_NO_RULE);
	record_one(audit, HWS_LEVEL_CRITICAL, HWS_KIND_MSR, HWS_REASON_NO_RULE);
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

	need_kernel("MADV_WIPEONFORK");
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
	child = fork();
	if (child == 0) {
		struct kept own;

		record_one(audit, HWS_LEVEL_INFO, HWS_KIND_PORT, HWS_REASON_NONE);
		own = ask(audit, (struct hws_audit_filter) { .sequence = 2 });
		if (own.count != 1 || own.events[0].pid != getpid() ||
		    own.events[0].tid != getpid() || hws_audit_flush(audit) != -ECHILD)
			_exit(1);
		hws_audit_close(audit);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	record_one(audit, HWS_LEVEL_INFO, HWS_KIND_MSR, HWS_REASON_NONE);
	ck_ok(hws_audit_flush(audit));
	hws_audit_close(audit);
	ck_assert_uint_eq(kept.count, 2);
	ck_assert_int_eq(kept.events[1].pid, getpid());
	ck_assert_uint_eq(kept.events[1].kind, HWS_KIND_MSR);
}
END_TEST

static int listen_there(void)
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
	struct hws_audit_stats stats;
	struct hws_event event = { .level = HWS_LEVEL_WARNING, .text = "in\njected" };
	struct hws_audit *audit;
	int fd;

	set_up();
	audit = open_with((struct hws_audit_options) { .syslog = path });
	for (unsigned int i = 0; i < 3; i++) /* nobody listens yet */
		audit_record(audit, &event);
	ck_ok(hws_audit_flush(audit));
	fd = listen_there();
	audit_record(audit, &event);
	ck_ok(hws_audit_flush(audit));
	ck_assert_uint_eq(receive_all(fd, "in\\\\x0ajected"), 2); /* the gap, the event */
	close(fd);
	audit_record(audit, &event); /* the daemon is gone */
	ck_ok(hws_audit_flush(audit));
	fd = listen_there();
	for (unsigned int i = 0; i < 2000; i++) /* more than its queue takes */
		audit_record(audit, &event);
	ck_ok(hws_audit_flush(audit));
	hws_audit_stats(audit, &stats);
	ck_assert_uint_gt(stats.syslog_lost, 4);
	ck_assert_uint_eq(stats.syslog_sent + stats.syslog_lost, 3 + 1 + 1 + 2000);
	ck_assert_uint_eq(receive_all(fd, "in\\\\x0ajected"), stats.syslog_sent);
	close(fd);
	tear_down();
	hws_audit_close(audit);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		audit_sink_cannot_flush,
		audit_sinks_get_their_level_and_above,
		audit_child_detaches_after_fork,
		audit_syslog_counts_what_the_daemon_does_not_take,
		NULL,
	};

	return suite_run("guardian/audit-sink", tests);
}
