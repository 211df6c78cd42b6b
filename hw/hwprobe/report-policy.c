/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy has for whoever asks. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/policy.h"

enum { GROUPS_MOST = 65536 }; /* NGROUPS_MAX of Linux */

/* The policy's rule that no file needs: of a captured tree only its uid is known. */
static void find_groups(const struct settings *settings, struct hws_principal *principal)
{
	int count = settings->sysroot ? 0 : getgroups(0, NULL);
	gid_t *groups = count > 0 && count <= GROUPS_MOST ? calloc((size_t)count, sizeof(*groups))
							  : NULL;

	principal->gid = settings->sysroot ? 65534 : getegid();
	if (groups && (count = getgroups(count, groups)) > 0) {
		principal->groups = groups;
		principal->group_count = (size_t)count;
	} else {
		free(groups);
	}
}

static bool has_files(const struct settings *settings)
{
	char *path = path_below(settings, HWS_POLICY_DIRECTORY);
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);

		found = entry->d_name[0] != '.' && length > 5 &&
			!strcmp(entry->d_name + length - 5, ".conf");
	}
	if (dir)
		closedir(dir);
	free(path);
	return found;
}

/* The rules of --grant hold for this run, as they will for the verb they are tried for. */
static int load(const struct settings *settings, struct hws_policy **ret_policy)
{
	char *text = grants_text(settings);
	struct hws_policy_options options = { .size = sizeof(options),
					      .sysroot = settings->sysroot,
					      .text = settings->grant_count ? text : NULL };
	int r = text ? hws_policy_load(&options, ret_policy) : -ENOMEM;

	free(text);
	return r;
}

static void fail(struct mine *mine, int r)
{
	mine->code = r;
	snprintf(mine->why, sizeof(mine->why), "%s", *hws_why() ? hws_why() : strerror(-r));
}

static void ask_helper(const char *socket, struct mine *ret_mine)
{
	const struct hws_shim_options options = { .size = sizeof(options), .socket = socket };
	struct hws_probe_rights rights;
	int r = hws_probe_rights(&options, &rights);

	*ret_mine = (struct mine) { .helper = true };
	if (r < 0) {
		fail(ret_mine, r);
		return;
	}
	ret_mine->rules = rights.rules;
	memcpy(ret_mine->rights, rights.rights, sizeof(ret_mine->rights));
}

/* Whose policy holds is who does it: of who names the helper's socket that is the helper. */
void mine_read(const struct settings *settings, const struct hws_probe_machine *machine,
	       struct mine *ret_mine)
{
	struct hws_principal principal = { .uid = machine->uid };
	struct hws_policy_view *view;
	struct hws_policy *policy;
	const char *socket = secure_getenv("HWSAFE_SOCKET");
	int r;

	if (socket && !settings->sysroot && !settings->sim) {
		ask_helper(socket, ret_mine);
		return;
	}
	r = load(settings, &policy);
	*ret_mine = (struct mine) { .builtin = !has_files(settings) };
	if (r >= 0) {
		find_groups(settings, &principal);
		r = hws_policy_view_open(policy, &principal, &view);
		hws_policy_unref(policy);
		free((void *)(uintptr_t)principal.groups);
	}
	if (r < 0) {
		fail(ret_mine, r);
		return;
	}
	ret_mine->rules = hws_policy_rules(hws_policy_view_policy(view));
	hws_policy_view_rights(view, ret_mine->rights);
	hws_policy_view_unref(view);
}
