/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/serve-trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE = 1000, STEP_US = 5000 };

void trail_begin(struct scene *scene, const char *policy, const char *const *more)
{
	int n = 0;

	*scene = (struct scene) { .trail = "/tmp/hwsafe-trail-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(scene->trail));
	strcat(scene->trail, "/trail");
	for (int i = 0; more && more[i]; i++)
		scene->arguments[n++] = more[i];
	scene->arguments[n++] = "--soft";
	scene->arguments[n++] = "--audit";
	scene->arguments[n++] = scene->trail;
	daemon_start(&scene->daemon, policy, scene->arguments);
}

void trail_end(struct scene *scene)
{
	char command[96];

	daemon_stop(&scene->daemon);
	*strrchr(scene->trail, '/') = '\0';
	snprintf(command, sizeof(command), "rm -rf '%s'", scene->trail);
	ck_assert_int_eq(system(command), 0);
}

static int keep_event(const struct hws_event *event, void *context)
{
	struct scene *scene = context;

	if (scene->count < EVENTS)
		scene->events[scene->count++] = *event;
	return 0;
}

static bool is(const struct hws_event *event, const struct expected *expected, pid_t pid)
{
	return event->type == (uint32_t)expected->type &&
	       event->reason == (uint32_t)expected->reason &&
	       (expected->code == NO_CODE || event->code == expected->code) &&
	       (!expected->first || event->first == expected->first) &&
	       (!expected->rule || event->rule == expected->rule) &&
	       (!expected->text || strstr(event->text, expected->text)) &&
	       (!expected->program || strstr(event->text, "-serve-audit")) &&
	       (!pid || (event->pid == pid && event->uid != 0));
}

unsigned int trail_count(struct scene *scene, const struct expected *expected, pid_t pid)
{
	struct hws_audit_source source = { .size = sizeof(source), .file = scene->trail };
	unsigned int found = 0;

	scene->count = 0;
	ck_ok(hws_audit_read(&source, NULL, keep_event, scene));
	for (unsigned int i = 0; i < scene->count; i++)
		found += is(&scene->events[i], expected, pid);
	return found;
}

/* Some of it is written when the helper has seen what its client did. */
bool trail_has(struct scene *scene, struct expected expected, unsigned int times, pid_t pid)
{
	for (int waited = 0; waited < PATIENCE; waited++) {
		if (trail_count(scene, &expected, pid) >= times)
			return true;
		usleep(STEP_US);
	}
	fprintf(stderr, "# no event of type %s, code %d, '%s' among %u\n",
		hws_event_type_name(expected.type), expected.code,
		expected.text ? expected.text : "", scene->count);
	return false;
}

void trail_has_all(struct scene *scene, const struct expected *expected, size_t number, pid_t pid)
{
	for (size_t i = 0; i < number; i++)
		ck_assert(trail_has(scene, expected[i], 1, pid));
}
