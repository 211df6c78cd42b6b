/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy that changes under a running context. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "guardian/context-internal.h"
#include "tests/guardian/gate-kit.h"

static char folder[] = "/tmp/hwsafe-reload-XXXXXX";

static void write_policy(const char *text)
{
	char path[sizeof(folder) + 16];
	FILE *file;

	snprintf(path, sizeof(path), "%s/a.conf", folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void remove_policy(void)
{
	char path[sizeof(folder) + 16];

	snprintf(path, sizeof(path), "%s/a.conf", folder);
	unlink(path);
	rmdir(folder);
}

static struct hws *open_with_file(const char *text)
{
	struct hws_options options = sim_with(NULL);
	struct hws *hw;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
	write_policy(text);
	options.policy_directory = folder;
	options.policy_owner = geteuid();
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	return hw;
}

START_TEST(reload_ends_rights_at_the_next_access_and_gives_them_back)
{
	struct hws *hw = open_with_file("[all]\n" ALL_OF_IT "\n");
	struct hws_mmio *mmio = map(hw, HWS_RW);
	uint32_t value;

	ck_ok(hws_mmio_read32(mmio, ID, &value));
	write_policy("[all]\nbar = 1234:11ea 0 0x00-0x0f rw\n");
	ck_ok(hws_reload(hw));
	ck_assert_int_eq(hws_mmio_read32(mmio, ID, &value), -EACCES);
	check_denial(HWS_REASON_STALE, -EACCES);
	ck_assert_uint_eq(hws_mmio_get32(mmio, ID), UINT32_MAX);
	write_policy("[all]\nbar = nonsense\n");
	ck_assert_int_eq(hws_reload(hw), -EBADMSG);
	ck_assert_int_eq(hws_mmio_read32(mmio, ID, &value), -EACCES);
	write_policy("[all]\n" ALL_OF_IT "\n");
	ck_ok(hws_reload(hw));
	ck_ok(hws_mmio_read32(mmio, ID, &value));
	hws_mmio_unmap(mmio);
	hws_close(hw);
	remove_policy();
}
END_TEST

START_TEST(refusal_after_a_reload_names_the_policy_in_force)
{
	struct hws *hw = open_with_file("[all]\n" ALL_OF_IT "\n");
	struct hws_mmio *mmio = map(hw, HWS_RW);
	uint32_t value;

	/* nobody else holds the old one: at the next access it is gone */
	write_policy("[all]\n\n" ALL_OF_IT "\n");
	ck_ok(hws_reload(hw));
	ck_assert_int_eq(hws_mmio_read32(mmio, 0x100, &value), -ERANGE);
	ck_assert_msg(strstr(hws_last_denial()->place, "a.conf:3"), "%s", hws_last_denial()->place);
	hws_mmio_unmap(mmio);
	hws_close(hw);
	remove_policy();
}
END_TEST

struct reloads {
	struct hws *hw;
	_Atomic uint32_t running;
};

static void *reload_often(void *context)
{
	struct reloads *reloads = context;

	for (int i = 0; i < suite_rounds(300); i++)
		ck_assert_msg(hws_reload(reloads->hw) == 0, "%s", hws_why());
	reloads->running--;
	return NULL;
}

START_TEST(policy_in_force_is_never_replaced_by_an_older_one)
{
	enum { THREADS = 3 };
	struct reloads reloads = { open_with_file("[all]\n" ALL_OF_IT "\n"), THREADS };
	pthread_t thread[THREADS];
	uint64_t latest = 0;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, reload_often, &reloads), 0);
	while (reloads.running) {
		struct rules *rules = context_rules(reloads.hw);

		ck_assert_uint_ge(rules->generation, latest);
		latest = rules->generation;
		rules_unref(rules);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	hws_close(reloads.hw);
	remove_policy();
}
END_TEST

struct reader {
	struct hws_mmio *mmio;
	_Atomic bool *stop;
	_Atomic uint64_t done;
	_Atomic uint64_t wrong;
};

static void *read_on(void *context)
{
	struct reader *reader = context;

	while (!*reader->stop) {
		uint32_t value = 0;
		int r = hws_mmio_read32(reader->mmio, ID, &value);

		if (r == 0 ? value != DEVICE_ID : r != -EACCES && r != -EDQUOT)
			reader->wrong++;
		reader->done++;
	}
	return NULL;
}

static int keep_uid(const struct hws_event *event, void *context)
{
	uint32_t *uid = context;

	*uid = event->uid;
	return 0;
}

static int reload_in_log;

static void reload_again(enum hws_level level, const char *line, void *context)
{
	struct hws **hw = context;

	(void)level, (void)line;
	if (*hw)
		reload_in_log = hws_reload(*hw);
}

START_TEST(reload_from_its_own_log_is_refused)
{
	struct hws_options options = sim_with(NULL);
	struct hws *hw = NULL;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	write_policy("[all]\n" ALL_OF_IT "\n");
	options.policy_directory = folder;
	options.policy_owner = geteuid();
	options.log = reload_again;
	options.log_context = &hw;
	ck_assert_msg(hws_open(&options, &hw) == 0, "%s", hws_why());
	write_policy("nonsense\n");
	ck_assert_int_lt(hws_reload(hw), 0);
	ck_assert_int_eq(reload_in_log, -EDEADLK);
	write_policy("[all]\n" ALL_OF_IT "\n");
	ck_ok(hws_reload(hw));
	hws_close(hw);
	remove_policy();
}
END_TEST

START_TEST(reload_looks_up_who_the_process_has_become)
{
	struct hws *hw;
	uint32_t uid = 0;

	need("root", geteuid() == 0, "only root may become somebody else");
	hw = open_with(ALL_OF_IT);
	hws_mmio_unmap(map(hw, HWS_R));
	ck_assert_int_eq(seteuid(1), 0);
	ck_ok(hws_reload(hw));
	hws_mmio_unmap(map(hw, HWS_R));
	ck_assert_int_eq(seteuid(0), 0);
	ck_ok(hws_audit_query(hws_trail(hw), NULL, keep_uid, &uid, NULL));
	ck_assert_uint_eq(uid, 1);
	hws_close(hw);
}
END_TEST

START_TEST(context_opened_as_somebody_else_records_him)
{
	struct hws *hw;
	uint32_t uid = 0;

	need("root", geteuid() == 0, "only root may become somebody else");
	hw = open_with(ALL_OF_IT);
	hws_mmio_unmap(map(hw, HWS_R));
	hws_close(hw);
	ck_assert_int_eq(seteuid(1), 0);
	hw = open_with(ALL_OF_IT);
	hws_mmio_unmap(map(hw, HWS_R));
	ck_assert_int_eq(seteuid(0), 0);
	ck_ok(hws_audit_query(hws_trail(hw), NULL, keep_uid, &uid, NULL));
	ck_assert_uint_eq(uid, 1);
	hws_close(hw);
}
END_TEST

START_TEST(reload_and_rearm_while_threads_access)
{
	enum { THREADS = 4 };
	struct hws *hw = open_with_file("[all]\n" ALL_OF_IT "\n");
	_Atomic bool stop = false;
	struct reader readers[THREADS] = { 0 };
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++) {
		readers[i].mmio = map(hw, HWS_R);
		readers[i].stop = &stop;
		ck_assert_int_eq(pthread_create(&thread[i], NULL, read_on, &readers[i]), 0);
	}
	for (int i = 0; i < suite_rounds(200); i++) {
		write_policy(i & 1 ? "[all]\n" ALL_OF_IT "\n" : "[all]\ncpuid = * r\n");
		ck_ok(hws_reload(hw));
		ck_ok(hws_guard_rearm(hw, HWS_GUARD_MMIO_READ));
	}
	stop = true;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		ck_assert_uint_eq(readers[i].wrong, 0);
		ck_assert_uint_gt(readers[i].done, 0);
		hws_mmio_unmap(readers[i].mmio);
	}
	hws_close(hw);
	remove_policy();
}
END_TEST

int main(void)
{
	return suite_run("guardian/reload",
			 (const TTest *[]) {
				 reload_ends_rights_at_the_next_access_and_gives_them_back,
				 refusal_after_a_reload_names_the_policy_in_force,
				 policy_in_force_is_never_replaced_by_an_older_one,
				 reload_from_its_own_log_is_refused,
				 reload_looks_up_who_the_process_has_become,
				 context_opened_as_somebody_else_records_him,
				 reload_and_rearm_while_threads_access,
				 NULL,
			 });
}
