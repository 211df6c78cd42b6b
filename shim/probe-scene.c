/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of the machine and of this process before the ways are tried. */
#include "shim/probe-internal.h"
#include "shim/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = 8192 }; /* of cpuinfo: the first processor, and more */

/* The first size - 1 bytes of a file; "" when it can't be read. */
static const char *read_head(int root, const char *path, char *text, size_t size)
{
	HWS_CLEANUP_FD int fd = sys_open(root, path, O_RDONLY);
	size_t length = 0;

	while (fd >= 0 && length < size - 1) {
		ssize_t n = sys_read(fd, text + length, size - 1 - length);

		if (n <= 0)
			break;
		length += (size_t)n;
	}
	text[length] = '\0';
	return text;
}

static void copy_line(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%.*s", (int)strcspn(from, "\n"), from);
}

static void read_line(int root, const char *path, char *to, size_t size)
{
	char text[256];

	copy_line(to, size, read_head(root, path, text, sizeof(text)));
}

/* What follows "name", white space and ':' at the start of a line; NULL when no line does. */
static const char *value_of(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, length)) {
			const char *at = line + length + strspn(line + length, " \t");

			if (*at == ':')
				return at + 1 + strspn(at + 1, " \t");
		}
		if (!*line)
			break;
	}
	return NULL;
}

static uint64_t number_of(const char *text, const char *name, int base)
{
	const char *value = value_of(text, name);

	return value ? strtoull(value, NULL, base) : 0;
}

/* A list as the kernel writes it, "0-3,8": how many. */
static uint32_t count_list(const char *text)
{
	uint32_t count = 0;

	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

		if (last >= first)
			count += (uint32_t)(last - first) + 1;
		text = end + (*end == ',');
	}
	return count;
}

static void read_cpu(int root, struct hws_probe_machine *m)
{
	char text[HEAD];
	const char *vendor = value_of(read_head(root, "/proc/cpuinfo", text, HEAD), "vendor_id");
	const char *model = value_of(text, "model name");
	const char *implementer = value_of(text, "CPU implementer");

	if (vendor)
		copy_line(m->cpu_vendor, sizeof(m->cpu_vendor), vendor);
	if (model)
		copy_line(m->cpu_model, sizeof(m->cpu_model), model);
	if (implementer) {
		const char *part = value_of(text, "CPU part");

		snprintf(m->cpu_vendor, sizeof(m->cpu_vendor), "implementer %.*s",
			 (int)strcspn(implementer, "\n"), implementer);
		if (part && !model)
			snprintf(m->cpu_model, sizeof(m->cpu_model), "part %.*s",
				 (int)strcspn(part, "\n"), part);
	}
	read_head(root, "/sys/devices/system/cpu/online", text, sizeof(text));
	m->cpus = count_list(text);
}

/* Files first, so that a captured tree speaks for itself; then what only a live kernel knows. */
static void read_kernel(int root, bool captured, struct hws_probe_machine *m)
{
	struct utsname name;
	char text[HEAD];

	read_line(root, "/proc/sys/kernel/arch", m->arch, sizeof(m->arch));
	read_line(root, "/proc/sys/kernel/osrelease", m->kernel, sizeof(m->kernel));
	if (!captured && sys_uname(&name) == 0) {
		copy_line(m->arch, sizeof(m->arch), name.machine);
		copy_line(m->kernel, sizeof(m->kernel), name.release);
	}
	if (m->arch[0])
		return;
	read_head(root, "/proc/cpuinfo", text, sizeof(text));
	if (value_of(text, "vendor_id"))
		copy_line(m->arch, sizeof(m->arch), "x86_64");
	else if (value_of(text, "CPU implementer"))
		copy_line(m->arch, sizeof(m->arch), "aarch64");
}

/* "[none] integrity confidentiality"; without securityfs, what the kernel was booted with. */
static void read_lockdown(int root, struct hws_probe_machine *m)
{
	char text[4096];
	const char *level;

	read_head(root, "/sys/kernel/security/lockdown", text, sizeof(text));
	level = strchr(text, '[');
	if (level) {
		snprintf(m->lockdown, sizeof(m->lockdown), "%.*s", (int)strcspn(level + 1, "]\n"),
			 level + 1);
		return;
	}
	if (sys_read_file(root, "/sys/kernel/security/lsm", text, sizeof(text)) > 0) {
		copy_line(m->lockdown, sizeof(m->lockdown), "none"); /* built without lockdown */
		return;
	}
	read_head(root, "/proc/cmdline", text, sizeof(text));
	level = strstr(text, "lockdown=");
	if (level && (level == text || level[-1] == ' '))
		snprintf(m->lockdown, sizeof(m->lockdown), "%.*s", (int)strcspn(level + 9, " \n"),
			 level + 9);
}

static void read_process(struct scene *scene, struct hws_probe_machine *m)
{
	char text[4096];

	read_head(scene->root, "/proc/self/status", text, sizeof(text));
	m->uid = (uint32_t)number_of(text, "Uid", 10);
	m->seccomp = (uint32_t)number_of(text, "Seccomp", 10);
	m->effective = number_of(text, "CapEff", 16);
	/* a tree that was captured by hand may lack it */
	scene->bounding = value_of(text, "CapBnd") ? number_of(text, "CapBnd", 16) : UINT64_MAX;
	scene->no_new_privs = number_of(text, "NoNewPrivs", 10);
}

/* Is @path below the mount point? */
static bool is_below(const char *path, const char *mount)
{
	size_t length = strlen(mount);

	return !strcmp(mount, "/") ||
	       (!strncmp(path, mount, length) && (!path[length] || path[length] == '/'));
}

/* The fields of a line of mountinfo (proc(5)): the fifth is the place, the sixth the options. */
static void read_mount(const struct scene *scene, char *line, size_t *best, char nosuid[128])
{
	char *fields[6] = { NULL };
	char *rest = line;

	for (int i = 0; i < 6 && rest; i++)
		fields[i] = strsep(&rest, " ");
	if (!fields[5] || !is_below(scene->program, fields[4]) || strlen(fields[4]) < *best)
		return;
	*best = strlen(fields[4]);
	snprintf(nosuid, 128, "%s", strstr(fields[5], "nosuid") ? fields[4] : "");
}

/* In a captured tree the link may lead there from where it lies: "../../usr/bin/hwprobe". */
static void make_absolute(char *program)
{
	char *at = program;

	while (!strncmp(at, "../", 3))
		at += 3;
	if (at > program)
		memmove(program, at - 1, strlen(at) + 2);
}

/* The innermost mount that holds the program decides; of several at one place the last. */
static void read_program(struct scene *scene)
{
	char *text = malloc(SCENE_MOUNTS);
	char *rest = text;
	char *line;
	size_t best = 0;
	ssize_t n =
		sys_readlink(scene->root, "/proc/self/exe", scene->program, sizeof(scene->program));

	if (n <= 0)
		strcpy(scene->program, "PROGRAM");
	else
		make_absolute(scene->program);
	if (n > 0 && text &&
	    sys_read_file(scene->root, "/proc/self/mountinfo", text, SCENE_MOUNTS) > 0)
		while ((line = strsep(&rest, "\n")))
			read_mount(scene, line, &best, scene->nosuid);
	free(text);
}

/* x86: "ospke" among the flags; arm64: "poe" among the features. */
static bool has_keys(int root)
{
	char text[HEAD];
	const char *flags = value_of(read_head(root, "/proc/cpuinfo", text, HEAD), "flags");

	if (!flags)
		flags = value_of(text, "Features");
	if (!flags)
		return false;
	text[flags - text + (ptrdiff_t)strcspn(flags, "\n")] = '\0';
	return strstr(flags, " ospke") || strstr(flags, " poe");
}

/* All 32 bits of ids mapped to themselves: the first user namespace. */
static bool in_user_ns(int root)
{
	unsigned long long inside;
	unsigned long long outside;
	unsigned long long count;
	char text[256];

	read_head(root, "/proc/self/uid_map", text, sizeof(text));
	return sscanf(text, "%llu %llu %llu", &inside, &outside, &count) == 3 &&
	       (inside || outside || count < UINT32_MAX);
}

bool scene_any_name(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

uint32_t scene_count(const struct scene *scene, const char *directory,
		     bool (*named)(const char *name))
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	uint32_t count = 0;

	if (sys_opendir(scene->root, directory, &dir) < 0)
		return 0;
	while ((entry = readdir(dir)))
		count += named(entry->d_name);
	return count;
}

const char *scene_link(const struct scene *scene, const char *path, char text[SCENE_LINK])
{
	const char *slash;

	if (sys_readlink(scene->root, path, text, SCENE_LINK) < 0)
		text[0] = '\0';
	slash = strrchr(text, '/');
	if (slash)
		memmove(text, slash + 1, strlen(slash + 1) + 1);
	return text;
}

bool scene_exists(const struct scene *scene, const char *path)
{
	HWS_CLEANUP_FD int fd = sys_open(scene->root, path, O_PATH);

	return fd >= 0;
}

int scene_access(const struct scene *scene, const char *path, enum hws_rights rights)
{
	if (scene->captured) /* whose files these are now says nothing */
		return scene_exists(scene, path) ? 0 : -ENOENT;
	return sys_access(scene->root, path,
			  (rights & HWS_R ? R_OK : 0) | (rights & HWS_W ? W_OK : 0));
}

bool scene_has(const struct scene *scene, unsigned int capability)
{
	return scene->machine.effective >> capability & 1 && !scene->in_user_ns;
}

int scene_open(const struct hws_shim_options *options, struct scene *ret_scene)
{
	const char *sysroot = options ? options->sysroot : NULL;
	const char *socket = options ? options->socket : NULL;
	struct scene scene = { .root = sys_root_open(sysroot),
			       .captured = sysroot != NULL,
			       .socket = socket ? socket : HWS_WIRE_SOCKET };
	struct hws_probe_machine *m = &scene.machine;

	if (sysroot && scene.root < 0)
		return scene.root;
	read_kernel(scene.root, scene.captured, m);
	read_cpu(scene.root, m);
	read_lockdown(scene.root, m);
	scene_container(&scene);
	read_process(&scene, m);
	read_program(&scene);
	m->pci_functions = scene_count(&scene, "/sys/bus/pci/devices", scene_any_name);
	m->iommu_groups = scene_count(&scene, "/sys/kernel/iommu_groups", scene_any_name);
	scene.x86 = !strcmp(m->arch, "x86_64") || !strcmp(m->arch, "i686");
	scene.arm64 = !strcmp(m->arch, "aarch64");
	scene.locked = m->lockdown[0] && strcmp(m->lockdown, "none") != 0;
	scene.in_user_ns = in_user_ns(scene.root);
	scene.keys = has_keys(scene.root);
	scene.modules = scene_exists(&scene, "/proc/modules");
	*ret_scene = scene;
	return 0;
}

int hws_probe_machine(const struct hws_shim_options *options, struct hws_probe_machine *ret_machine)
{
	struct scene scene;
	int r = scene_open(options, &scene);

	if (r < 0)
		return r;
	*ret_machine = scene.machine;
	sys_close(scene.root);
	return 0;
}
