/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An accelerator sums what is in a buffer: "accelerator /path/accelerator-plugin.so". The plug-in's
 * file must be yours alone, as must the directories above it; root's may stand there, too.
 */
#include <hwsafe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "what is the sum of this?";

static int finished(int r, struct hws_event *event)
{
	int code;

	if (r < 0)
		return r;
	r = hws_event_wait(event, HWS_FOREVER, &code);
	hws_event_close(event);
	return r < 0 ? r : code;
}

static int sum(struct hws_accel *accel, struct hws_pool *pool, uint64_t *ret_sum)
{
	struct hws_event *event = NULL;
	uint64_t memory;
	struct hws_buf buf;
	HWS_VIEW(view);
	int r = hws_accel_alloc(accel, 4096, &memory);

	if (r == 0)
		r = hws_buf_take(pool, 4096, &buf);
	if (r == 0)
		r = hws_view_open(pool, buf, HWS_RW, &view);
	if (r < 0)
		return r;
	strcpy(memset(view.bytes, 0, view.size), text);
	hws_view_close(&view);
	/* the device's until the event, then ours again */
	r = hws_accel_put(accel, memory, 0, buf, 4096, &event);
	r = finished(r, event);
	if (r == 0) {
		r = hws_accel_run(accel, "sum", NULL, &memory, 1, &event);
		r = finished(r, event);
	}
	if (r == 0)
		r = hws_accel_get(accel, memory, 0, buf, sizeof(*ret_sum), NULL);
	if (r == 0)
		r = hws_view_open(pool, buf, HWS_R, &view);
	if (r == 0)
		memcpy(ret_sum, view.bytes, sizeof(*ret_sum));
	return r;
}

static int use(struct hws *hw, const char *path)
{
	/* the engine is a thread of its own: keys would stop it */
	const struct hws_pool_options unguarded = { .size = sizeof(unguarded),
						    .guard = HWS_POOL_GUARD_NONE };
	struct hws_plugin *plugin;
	struct hws_accel *accel;
	struct hws_pool *pool;
	uint64_t result;
	int r = hws_plugin_open(hw, path, NULL, &plugin);

	if (r < 0)
		return r;
	r = hws_pool_open(hw, &unguarded, &pool);
	if (r == 0) {
		r = hws_accel_open(plugin, pool, &accel);
		if (r == 0) {
			printf("%s\n", hws_plugin_name(plugin));
			r = sum(accel, pool, &result);
			hws_accel_close(accel); /* and the plug-in */
			plugin = NULL;
		}
		hws_pool_close(pool, NULL);
	}
	hws_plugin_close(plugin);
	if (r == 0)
		printf("\"%s\": %llu\n", text, (unsigned long long)result);
	return r;
}

int main(int argc, char **argv)
{
	char rule[4200];
	struct hws_options options = { .size = sizeof(options),
				       .backend = "sim",
				       .policy_text = rule };
	struct hws *hw;
	int r;

	if (argc != 2)
		return fprintf(stderr, "usage: accelerator PLUGIN\n"), 2;
	/* for trying things out; a file of the policy would pin or sign it */
	snprintf(rule, sizeof(rule), "[example]\nplugin = %s unsigned", argv[1]);
	options.policy_owner = getuid();
	r = hws_open(&options, &hw);
	if (r == 0) {
		r = use(hw, argv[1]);
		hws_close(hw);
	}
	return hws_explain(r, stderr);
}
