/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe record: what verbs read of a machine, as a tree that --sysroot reads elsewhere.
 *
 * The document: directory sanitized files links; partial[], the configuration spaces of which not
 * all could be read; skipped[]: path error, what could not be read at all.
 */
#include "hw/hwprobe/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/hwprobe/verbs.h"

enum { SANITIZE, VERBOSE };
static const struct args_option options[] = {
	[SANITIZE] = { "sanitize", 0, NULL, "without what tells whose machine it is" },
	[VERBOSE] = { "verbose", 'v', NULL, "tell each place that can't be read" },
	{ 0 },
};

#define FUNCTIONS "/sys/bus/pci/devices/*"
#define PROCESSOR "/sys/devices/system/cpu"
#define UNIT	  "systemd/system/hwsafe-helper.socket"

/*
 * What shim/, guardian/, libpci and the verbs open below a root. Not what reading changes or
 * waits for (vpd, rom, resourceN), not policies, which hold where they are: another user's would
 * be refused. What lies behind links that are recorded comes after them; no link does.
 */
static const struct record_place places[] = {
	{ RECORD_TEXT, false, "/proc", "cpuinfo ioports iomem" },
	{ RECORD_TEXT, true, "/proc", "cmdline swaps net/route net/ipv6_route self/mountinfo" },
	{ RECORD_TEXT, false, "/proc/self", "status limits uid_map" },
	{ RECORD_LINK, true, "/proc/self", "exe" },
	{ RECORD_THERE, false, "/proc", "modules" },
	{ RECORD_TEXT, false, "/proc/sys/kernel", "arch osrelease" },
	{ RECORD_TEXT, false, "/sys/kernel/security", "lockdown lsm" },
	{ RECORD_TEXT, false, "/sys/module/msr/parameters", "allow_writes" },
	{ RECORD_TEXT, false, PROCESSOR, "online possible cpu0/regs/identification/midr_el1" },
	{ RECORD_TEXT, false, PROCESSOR "/vulnerabilities", "*" },
	{ RECORD_TEXT, false, PROCESSOR "/cpu*/topology", "core_cpus_list package_cpus_list" },
	{ RECORD_CONFIG, false, FUNCTIONS, "config" },
	{ RECORD_TEXT, false, FUNCTIONS,
	  "vendor device subsystem_vendor subsystem_device class revision resource" },
	{ RECORD_TEXT, false, FUNCTIONS, "enable irq label modalias numa_node power_state" },
	{ RECORD_LINK, false, FUNCTIONS, "driver iommu_group" },
	{ RECORD_THERE, false, FUNCTIONS,
	  "resource0 resource1 resource2 resource3 resource4 resource5" },
	{ RECORD_THERE, false, "/sys/bus/pci", "devices drivers/vfio-pci" },
	{ RECORD_TEXT, false, "/sys/bus/pci/slots/*", "address" },
	{ RECORD_LINK, false, "/sys/kernel/iommu_groups/*/devices", "*" },
	{ RECORD_THERE, false, "/sys/kernel/iommu_groups", "*" },
	{ RECORD_LINK, false, "/sys/class/iommu", "*" },
	{ RECORD_THERE, false, "/sys/class", "mem/port msr misc/vfio misc/iommu" },
	{ RECORD_LINK, false, "/sys/class/block", "*" },
	{ RECORD_TEXT, false, "/sys/class/block/*", "dev" },
	{ RECORD_THERE, false, "/sys/class/block/*", "holders/*" },
	{ RECORD_LINK, true, "/sys/class/net", "*" },
	{ RECORD_TEXT, true, "/sys/class/net/*", "flags" },
	{ RECORD_THERE, false, "/dev", "port cpu/*/msr vfio/* iommu lxd" },
	{ RECORD_TEXT, false, "/run/systemd", "container" },
	{ RECORD_THERE, false, "", ".dockerenv run/.containerenv var/run/secrets/kubernetes.io" },
	{ RECORD_THERE, false, "", "run/hwsafe run/hwsafe/helper.sock" },
	{ RECORD_THERE, false, "", "etc/" UNIT " usr/lib/" UNIT " lib/" UNIT },
};

/* Of the kernel that runs, as its name was just recorded. */
static void take_modules(struct recording *r)
{
	char folder[PATH_MAX] = "/lib/modules/";
	size_t length = strlen(folder);
	int fd = openat(r->to, "proc/sys/kernel/osrelease", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, folder + length, NAME_MAX);

	if (fd >= 0)
		close(fd);
	folder[length + (n < 0 ? 0 : (size_t)n)] = '\0';
	folder[strcspn(folder, "\n")] = '\0';
	if (folder[length] && !strchr(folder + length, '/'))
		record_take(r,
			    &(struct record_place) { RECORD_TEXT, false, folder, "modules.alias" });
}

/* Where it goes, and where it grows until it is whole. */
struct target {
	char *path;
	char *growing;
	mode_t mode;
};

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool empty = true;

	while (dir && empty && (entry = readdir(dir)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	if (dir)
		closedir(dir);
	return empty;
}

static enum result refuse(const char *word, int error)
{
	say("%s: %s", word, strerror(error));
	return file_result(error);
}

/* A path without links, so that what grows lies beside it, on the same file system. */
static enum result find_target(const char *word, struct target *target)
{
	size_t length = strlen(word);
	struct stat is;
	mode_t mask = umask(0);

	umask(mask);
	target->mode = 0777 & ~mask;
	target->path = realpath(word, NULL);
	if (target->path) {
		if (stat(target->path, &is) < 0)
			return refuse(word, errno);
		if (!S_ISDIR(is.st_mode))
			return args_refuse("%s: is no directory: name one that isn't there yet",
					   word);
		if (!is_empty(target->path))
			return args_refuse("%s: is not empty: name a directory that isn't there "
					   "yet, or empty it",
					   word);
		target->mode = is.st_mode & 07777;
		return RESULT_OK;
	}
	if (errno != ENOENT)
		return refuse(word, errno);
	while (length > 1 && word[length - 1] == '/')
		length--;
	target->path = strndup(word, length);
	return length ? RESULT_OK : args_refuse("record '': expected a directory's name");
}

static enum result make_growing(const char *word, struct target *target)
{
	if (!target->path || asprintf(&target->growing, "%s.XXXXXX", target->path) < 0) {
		target->growing = NULL;
		return call_fail("record", -ENOMEM);
	}
	if (mkdtemp(target->growing))
		return RESULT_OK;
	*target->growing = '\0';
	return refuse(word, errno);
}

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *ftw)
{
	(void)is;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What is whole gets its name; what isn't goes. */
static int finish(const struct target *target, int failed)
{
	if (!failed &&
	    (chmod(target->growing, target->mode) < 0 || rename(target->growing, target->path) < 0))
		failed = -errno;
	if (failed)
		nftw(target->growing, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}

static void take_places(struct recording *r)
{
	for (size_t i = 0; i < COUNT(places); i++)
		record_take(r, &places[i]);
	take_modules(r);
}

static enum result tell(const struct call *call, const struct recording *r)
{
	size_t skipped = json_object_array_length(r->skipped);
	size_t partial = json_object_array_length(r->partial);
	struct json_object *o;

	if (skipped || partial)
		say("%s: %zu places could not be read, %zu configuration spaces only in part%s",
		    call->words[0], skipped, partial, r->verbose ? "" : "; --verbose names each");
	if (!call->settings.json) {
		printf("%s: %u files, %u links\n", call->words[0], r->files, r->links);
	} else {
		o = document(&call->settings);
		put_text(o, "directory", call->words[0]);
		put(o, "sanitized", json_object_new_boolean(r->sanitize));
		put_number(o, "files", r->files);
		put_number(o, "links", r->links);
		put(o, "partial", json_object_get(r->partial));
		put(o, "skipped", json_object_get(r->skipped));
		if (document_print(o) < 0)
			return RESULT_FAILURE;
	}
	return skipped || partial ? RESULT_PARTIAL : RESULT_OK;
}

static enum result grow(const struct call *call, struct recording *r, const struct target *target)
{
	const char *from = call->settings.sysroot ? call->settings.sysroot : "/";
	char *root = realpath(from, NULL);
	int failed;

	r->root = root && strcmp(root, "/") != 0 ? root : "";
	r->from = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->to = open(target->growing, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!root || r->from < 0 || r->to < 0)
		r->failed = -errno;
	else
		take_places(r);
	failed = finish(target, r->failed);
	if (r->from >= 0)
		close(r->from);
	if (r->to >= 0)
		close(r->to);
	free(root);
	return failed ? refuse(call->words[0], -failed) : tell(call, r);
}

static enum result record_all(const struct call *call, struct recording *r)
{
	struct target target = { 0 };
	enum result result = find_target(call->words[0], &target);
	sigset_t held;

	if (result == RESULT_OK)
		result = call_open(call, &r->hw);
	if (result == RESULT_OK) {
		call_hold_signals(&held);
		result = make_growing(call->words[0], &target);
		if (result == RESULT_OK)
			result = grow(call, r, &target);
		call_release_signals(&held);
	}
	hws_close(r->hw);
	free(target.growing);
	free(target.path);
	return result;
}

static enum result record(const struct call *call)
{
	struct recording recording = {
		.captured = call->settings.sysroot,
		.sanitize = call->given[SANITIZE].count,
		.verbose = call->given[VERBOSE].count,
		.skipped = json_object_new_array(),
		.partial = json_object_new_array(),
	};
	enum result result;

	if (call->settings.sim)
		result = args_refuse("record: the simulated machine has no files: sim show has "
				     "the text that describes it");
	else
		result = record_all(call, &recording);
	json_object_put(recording.skipped);
	json_object_put(recording.partial);
	return result;
}

const struct verb verb_record = {
	.area = "record",
	.words = "DIR",
	.help = "what is read of this machine, as a tree for --sysroot",
	.options = options,
	.least = 1,
	.most = 1,
	.run = record,
};
