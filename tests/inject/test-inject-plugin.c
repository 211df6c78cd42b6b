/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plug-ins: loaded, used and unloaded: in this process, in one of their own, as a back end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine-internal.h"
#include "hw/accel.h"
#include "tests/hw/hw-kit.h"
#include "tests/inject/hw-kit.h"

enum { SIZE = 4096 };

static char folder[64];
static char path[128];
static bool isolated;

static void copy_plugin(const char *from)
{
	char command[512];

	strcpy(folder, "/tmp/hwsafe-inject-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/p.so", folder);
	snprintf(command, sizeof(command), "cp '%s' %s && chmod 644 %s", from, path, path);
	ck_assert_int_eq(system(command), 0);
}

static void remove_plugin(void)
{
	ck_assert_int_eq(unlink(path) | rmdir(folder), 0);
}

static void count(void *counter)
{
	++*(int *)counter;
}

/* There and back. Where the call goes wrong the buffer is the user's all the same. */
static int use_memory(struct hws_accel *accel, struct hws_buf buf)
{
	uint64_t memory;
	int r = inject_step(hws_accel_alloc(accel, SIZE, &memory));
	int freed;

	if (r < 0)
		return r;
	r = inject_step(hws_accel_put(accel, memory, 0, buf, SIZE, NULL));
	r = inject_next(r, hws_accel_get(accel, memory, 0, buf, SIZE, NULL));
	freed = inject_step(hws_accel_free(accel, memory));
	return r < 0 ? r : freed;
}

static int use(struct hws_pool *pool, struct hws_accel *accel)
{
	struct hws_buf buf;
	int r = inject_step(hws_buf_take(pool, SIZE, &buf));
	int given;

	if (r < 0)
		return r;
	r = use_memory(accel, buf);
	given = inject_step(hws_buf_give(pool, buf));
	inject_check(given == 0);
	return r < 0 ? r : given;
}

static int open_and_use(struct hws *hw, struct hws_pool *pool)
{
	int released = 0;
	const struct hws_plugin_options options = { .size = sizeof(options),
						    .release = count,
						    .context = &released,
						    .isolate = isolated,
						    .patience_ns = UINT64_C(2000000000) };
	struct hws_plugin *plugin = NULL;
	struct hws_accel *accel = NULL;
	int r = inject_step(hws_plugin_open(hw, path, &options, &plugin));

	inject_check(r == 0 || !plugin);
	if (r == 0)
		r = inject_step(hws_accel_open(plugin, pool, &accel));
	if (accel)
		r = use(pool, accel);
	if (accel)
		hws_accel_close(accel);
	else
		hws_plugin_close(plugin);
	inject_check(released == 1);
	/* what can't be looked at in any way isn't believed; who isn't stays loaded */
	if (r == -EPROTO && inject_all_fails())
		inject_keeps();
	return r;
}

static int device(void)
{
	const struct hws_pool_options pool_options = { .size = sizeof(pool_options),
						       .classes = { { SIZE, 4 } },
						       .guard = HWS_POOL_GUARD_NONE };
	char text[256] = "";
	struct hws_options options = sim_with(text);
	struct hws_pool *pool;
	struct hws *hw;
	int r;

	snprintf(text, sizeof(text), "[test]\nplugin = %s unsigned\n", path);
	options.policy_owner = getuid();
	inject_mute(true);
	ck_works(hws_open(&options, &hw));
	ck_works(hws_pool_open(hw, &pool_options, &pool));
	inject_mute(false);
	r = open_and_use(hw, pool);
	inject_check(hws_pool_close(pool, NULL) == 0);
	close_unused(hw);
	return r;
}

static int back_end(void)
{
	struct hws_options options = sim_with("msr = * rw\n");
	struct hws_msr *msr = NULL;
	struct hws *hw = NULL;
	uint64_t value;
	int r;

	inject_mute(true);
	sim_by_plugin(path, &options);
	inject_mute(false);
	r = inject_step(hws_open(&options, &hw));
	inject_check(r == 0 || !hw);
	r = inject_next(r, hws_msr_open(hw, "0", 0x19c, 0x19c, HWS_R, &msr));
	r = inject_next(r, hws_msr_read(msr, 0, 0x19c, &value));
	hws_msr_close(msr);
	close_unused(hw);
	return r;
}

START_TEST(plugin_is_loaded_or_not)
{
	copy_plugin(ACCELERATOR);
	inject_sweep(&(struct inject_flow) { "plug-in", device, 50, false });
	remove_plugin();
}
END_TEST

START_TEST(isolated_plugin_is_loaded_or_not)
{
	need("confine", CONFINE_MACHINE, "system calls can't be filtered on this architecture");
	copy_plugin(ACCELERATOR);
	isolated = true;
	inject_sweep(&(struct inject_flow) { "plug-in, isolated", device, 50, false });
	remove_plugin();
}
END_TEST

START_TEST(plugin_is_the_back_end_or_none_is)
{
	copy_plugin(SIM);
	inject_sweep(&(struct inject_flow) { "plug-in, back end", back_end, 50, false });
	remove_plugin();
}
END_TEST

int main(void)
{
	return suite_run_for("inject/plugin",
			     (const TTest *[]) { plugin_is_loaded_or_not,
						 isolated_plugin_is_loaded_or_not,
						 plugin_is_the_back_end_or_none_is, NULL },
			     600);
}
