/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For whom: from /etc/passwd and /etc/group as they are, without loading anybody's modules. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/run.h"

/* The entry of a name, or without one of a uid; false: there is none. */
static bool find_entry(const char *name, uid_t uid, struct run *run)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;
	bool found = false;

	while (file && !found && (entry = fgetpwent(file)))
		found = name ? !strcmp(entry->pw_name, name) : entry->pw_uid == uid;
	found = found && strlen(entry->pw_name) < sizeof(run->name) &&
		strlen(entry->pw_dir) < sizeof(run->home);
	if (found) {
		run->uid = entry->pw_uid;
		run->gid = entry->pw_gid;
		strcpy(run->name, entry->pw_name);
		strcpy(run->home, entry->pw_dir);
	}
	if (file)
		fclose(file);
	return found;
}

static bool has_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++)
		if (!strcmp(*member, name))
			return true;
	return false;
}

static enum result take_groups(struct run *run, FILE *file)
{
	const struct group *group;

	while (errno = 0, (group = fgetgrent(file))) {
		if (group->gr_gid == run->gid || !has_member(group, run->name))
			continue;
		if (run->group_count == RUN_GROUPS)
			return run_refuse(RESULT_FAILURE, "run: %s is in more than %d groups",
					  run->name, RUN_GROUPS);
		run->groups[run->group_count++] = group->gr_gid;
	}
	/* those that are missing may be what a deny rule is for; ENOENT is the end */
	if (errno && errno != ENOENT)
		return run_refuse(RESULT_SYSTEM, "run: /etc/group can't be read: %s",
				  strerror(errno));
	return RESULT_OK;
}

static enum result find_groups(struct run *run)
{
	FILE *file = fopen("/etc/group", "re");
	enum result result;

	run->groups[run->group_count++] = run->gid;
	if (!file && errno == ENOENT)
		return RESULT_OK;
	if (!file)
		return run_refuse(RESULT_SYSTEM, "run: /etc/group: %s", strerror(errno));
	result = take_groups(run, file);
	fclose(file);
	return result;
}

/* Somebody who already is who the program will be. */
static enum result take_caller(struct run *run)
{
	int count = getgroups(RUN_GROUPS, run->groups);

	if (count < 0)
		return run_refuse(RESULT_SYSTEM, "run: getgroups: %s", strerror(errno));
	if (!find_entry(NULL, getuid(), run)) {
		snprintf(run->name, sizeof(run->name), "%u", getuid());
		strcpy(run->home, "/");
	}
	run->uid = getuid();
	run->gid = getgid();
	run->group_count = (size_t)count;
	run->is_caller = true;
	return RESULT_OK;
}

enum result run_find_user(struct run *run)
{
	run->groups = calloc(RUN_GROUPS, sizeof(*run->groups));
	if (!run->groups)
		return run_refuse(RESULT_FAILURE, "run: no memory");
	if (!run->user && getuid() == 0)
		return run_refuse(RESULT_USAGE, "run: as whom? root owns every device, so name a "
						"user: -u USER");
	if (!run->user)
		return take_caller(run);
	if (!find_entry(run->user, 0, run))
		return run_refuse(RESULT_NOT_FOUND, "run: -u '%s': no such user in /etc/passwd",
				  run->user);
	if (run->uid == 0)
		return run_refuse(RESULT_DENIED,
				  "run: -u %s: uid 0 owns every device; name a user "
				  "that has no rights of its own",
				  run->name);
	if (run->uid == getuid())
		return take_caller(run);
	if (getuid() != 0)
		return run_refuse(RESULT_DENIED,
				  "run: -u %s: only root starts programs as "
				  "somebody else",
				  run->name);
	return find_groups(run);
}
