/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left to the process that serves: see docs/helper.md, "What it holds". */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "helper/harden.h"
#include "helper/needs.h"
#include "helper/serve-filter.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	LOOK = HARDEN_FS_READ | HARDEN_FS_LIST,
	USE = HARDEN_FS_READ | HARDEN_FS_WRITE,
	KEEP = LOOK | HARDEN_FS_WRITE | HARDEN_FS_MAKE_FILE | HARDEN_FS_REMOVE | HARDEN_FS_TRUNCATE,
};

/* Where it works from now on. */
struct places {
	struct harden_path *paths;
	size_t count;
	bool failed; /* no memory */
};

static void add(struct places *places, const char *path, uint64_t rights)
{
	struct harden_path *more =
		realloc(places->paths, (places->count + 1) * sizeof(*places->paths));
	char *own = strdup(path);

	places->paths = more ? more : places->paths;
	if (more && own)
		places->paths[places->count++] = (struct harden_path) { own, rights };
	else
		free(own);
	places->failed |= !more || !own;
}

static void forget(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free((char *)(uintptr_t)places->paths[i].path);
	free(places->paths);
}

/* Of the machine, or of what stands for it below a sysroot. */
static const struct {
	const char *path;
	uint64_t rights;
} of_machine[] = {
	{ "/sys", LOOK },
	{ "/proc", HARDEN_FS_READ }, /* who claims ports and memory; files there come and go */
	{ "/etc", HARDEN_FS_READ },  /* users' names: the file is another one after each change */
	{ "/dev/cpu", USE },
	{ "/dev/port", USE },
	{ "/dev/vfio", USE | HARDEN_FS_IOCTL },
};

/*
 * Configuration spaces and BARs, and nothing else of sysfs, can be written: what lies below a host
 * bridge, "/sys/devices/pci0000:00" or "/sys/devices/platform/….pcie/pci0000:00".
 */
static int add_bridge(struct places *places, const char *function)
{
	char path[PATH_MAX];
	char *devices;
	char *bridge;

	if (!realpath(function, path))
		return errno == ENOENT ? 0 : -errno; /* unplugged in this moment */
	devices = strstr(path, "/sys/devices/");
	bridge = devices ? strstr(devices, "/pci") : NULL;
	if (bridge)
		bridge[1 + strcspn(bridge + 1, "/")] = '\0';
	add(places, path, USE);
	return 0;
}

static int add_bridges(struct places *places, const char *root)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	char folder[PATH_MAX / 2];
	char path[PATH_MAX];
	int r;

	snprintf(folder, sizeof(folder), "%s/sys/bus/pci/devices", root);
	r = sys_opendir(SYS_REAL_ROOT, folder, &dir);
	if (r < 0)
		return r == -ENOENT ? 0 : why(r, "%s: %s", folder, strerror(-r));
	while (r == 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		r = entry->d_name[0] == '.' ? 0 : add_bridge(places, path);
	}
	return r < 0 ? why(r, "%s: %s", path, strerror(-r)) : 0;
}

static void add_folder(struct places *places, const char *file, uint64_t rights)
{
	char path[PATH_MAX];
	const char *slash = strrchr(file, '/');

	snprintf(path, sizeof(path), "%.*s", slash ? (int)(slash - file) + 1 : 1,
		 slash ? file : ".");
	add(places, path, rights);
}

static int find_places(const struct serve_options *options, struct places *places)
{
	const char *root = options->context.sysroot ? options->context.sysroot : "";
	const char *policy = options->context.policy_directory;
	char path[PATH_MAX];
	int r;

	for (size_t i = 0; i < COUNT(of_machine); i++) {
		snprintf(path, sizeof(path), "%s%s", root, of_machine[i].path);
		add(places, path, of_machine[i].rights);
	}
	r = add_bridges(places, root);
	if (r < 0)
		return r;
	if (*root) /* names are those of the real one */
		add(places, "/etc", HARDEN_FS_READ);
	add(places, "/dev/null", HARDEN_FS_READ);
	add(places, policy ? policy : "/etc/hwsafe/policy.d", LOOK);
	if (options->journals)
		add(places, options->journals, KEEP);
	if (options->audit.file)
		add_folder(places, options->audit.file, KEEP);
	if (options->stat)
		add_folder(places, options->stat, KEEP);
	if (options->socket) /* at the end it is removed */
		add_folder(places, options->socket, HARDEN_FS_REMOVE);
	return places->failed ? why(-ENOMEM, "no memory for the list of paths") : 0;
}

int serve_find_user(const char *name, struct harden *what)
{
	const struct passwd *user;

	what->uid = geteuid();
	what->gid = getegid();
	what->keep_groups = !name;
	if (!name)
		return 0;
	errno = 0;
	user = getpwnam(name);
	if (!user && errno == ENOMEM)
		return why(-ENOMEM, "--user '%s': no memory to look for it", name);
	if (!user)
		return why(-ENOENT, "--user '%s': there is no such user", name);
	what->uid = user->pw_uid;
	what->gid = user->pw_gid;
	return 0;
}

static int filter(struct sock_fprog *ret_program)
{
	return serve_filter(SERVE_FILTER_SERVER, ret_program);
}

/* Absent is not failed; but nobody shall believe in what is not there. */
static void warn_of_files(struct server *server)
{
	static const char text[] = "this kernel has no Landlock, or it is off: only users and "
				   "capabilities keep the helper from files";

	fprintf(stderr, "hwsafe-helper: serve: warning: %s\n", text);
	serve_say(server, NULL, HWS_LEVEL_WARNING, -EOPNOTSUPP, text);
}

static int give_up(struct server *server, const struct places *places)
{
	static const struct harden_limit limits[] = { { RLIMIT_CORE, 0 }, { RLIMIT_NPROC, 0 } };
	struct harden what = {
		.limits = limits,
		.limit_count = COUNT(limits),
		.no_new_code = true,
		.landlock_fs = HARDEN_FS_ALL,
		.landlock_others = true,
		.paths = places->paths,
		.path_count = places->count,
		.filter = filter,
	};
	const char *step = "capabilities";
	int r = serve_find_user(server->options->user, &what);

	if (r < 0)
		return r;
	r = harden_permitted(&what.keep);
	/* a simulated machine needs none */
	what.keep &= strcmp(hws_backend(server->hw), "sim") != 0 ? needs_for(NEEDS_ALL_KINDS) : 0;
	/* with file capabilities they were lowered at the start */
	r = r < 0 ? r : harden_raise(true);
	r = r < 0 ? r : harden(&what, &step);
	server->permitted = what.keep;
	/* until it serves it is who started it */
	if (r < 0 && getauxval(AT_SECURE))
		(void)harden_raise(false);
	return r < 0 ? why(r, "hardening failed at '%s': %s; nothing is served", step, strerror(-r))
		     : 0;
}

int serve_harden(struct server *server)
{
	struct places places = { 0 };
	int abi = harden_landlock_abi(); /* it can't be asked any more when it is in force */
	int r;

	if (server->options->soft)
		return 0;
	r = find_places(server->options, &places);
	r = r < 0 ? r : give_up(server, &places);
	forget(&places);
	r = r < 0 ? r : exe_harden(server);
	if (r == 0 && !abi)
		warn_of_files(server);
	return r;
}
