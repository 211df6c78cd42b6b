/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an errno and its surroundings to a cause and a cure. */
#include "shim/probe-internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

static bool driver_is_there(const struct scene *scene, const struct node *node)
{
	return node->class_path && scene_exists(scene, node->class_path);
}

static bool contained(const struct scene *scene, const struct node *node)
{
	return scene->machine.container[0] && driver_is_there(scene, node);
}

static bool locked_out(const struct scene *scene, const struct node *node)
{
	return scene->locked && node->locked_out;
}

static bool holds(const struct scene *scene, unsigned int capability)
{
	return scene->machine.effective >> capability & 1;
}

static bool lacks(const struct scene *scene, const struct node *node)
{
	return node->capability && !holds(scene, node->capability);
}

/* No exec can give it the capability either. */
static bool never_gets(const struct scene *scene, const struct node *node)
{
	return lacks(scene, node) && !(scene->bounding >> node->capability & 1);
}

static bool container_lacks(const struct scene *scene, const struct node *node)
{
	return scene->machine.container[0] && never_gets(scene, node);
}

static bool on_nosuid(const struct scene *scene, const struct node *node)
{
	return scene->nosuid[0] && lacks(scene, node);
}

static bool sealed_off(const struct scene *scene, const struct node *node)
{
	return scene->no_new_privs && lacks(scene, node);
}

static bool in_user_ns(const struct scene *scene, const struct node *node)
{
	(void)node;
	return scene->in_user_ns;
}

/* Its rules are about device nodes. */
static bool in_container(const struct scene *scene, const struct node *node)
{
	return scene->machine.container[0] && !strncmp(node->path, "/dev/", 5);
}

static bool filtered(const struct scene *scene, const struct node *node)
{
	(void)node;
	return scene->machine.seccomp != 0;
}

#define WITHOUT_LOCKDOWN "turn Secure Boot off, or boot without lockdown="

/* The first that fits is the cause. What stands in braces is filled in: see words_for(). */
static const struct {
	int code;
	bool (*when)(const struct scene *scene, const struct node *node); /* NULL: always */
	const char *why;
	const char *fix;
} causes[] = {
	{ -ENOENT, contained, "the container has no such device node",
	  "docker run --device={path} ..." },
	{ -ENOENT, driver_is_there, "the driver is there, its node in /dev is not",
	  "sudo mount -t devtmpfs devtmpfs /dev" },
	{ -EACCES, lacks, "the file's mode, and a lack of {CAP}",
	  "sudo chown $USER {path} && sudo setcap {cap}+ep {program}" },
	{ -EACCES, NULL, "the file's mode keeps this user out", "sudo chown $USER {path}" },
	{ -EPERM, locked_out, "the kernel is locked down", WITHOUT_LOCKDOWN },
	{ -EPERM, container_lacks, "the container was started without {CAP}",
	  "docker run --cap-add={CAP} ..." },
	{ -EPERM, never_gets, "{CAP} is outside the bounding set: no sudo, no setcap gives it",
	  "run it from a login shell; of a service: CapabilityBoundingSet={CAP}" },
	{ -EPERM, sealed_off, "this process lacks {CAP}, and no_new_privs keeps it from getting it",
	  "start it by what does not set no_new_privs; of a service: NoNewPrivileges=no" },
	{ -EPERM, on_nosuid,
	  "this process lacks {CAP}, and setcap has no effect: {mount} is mounted nosuid",
	  "sudo mount -o remount,suid {mount} && sudo setcap {cap}+ep {program}" },
	{ -EPERM, lacks, "this process lacks {CAP}", "sudo setcap {cap}+ep {program}" },
	{ -EPERM, in_user_ns, "capabilities end at this user namespace",
	  "run it outside the user namespace" },
	{ -EPERM, in_container, "the container's device rules refuse it",
	  "docker run --device={path} ..." },
	{ -EPERM, filtered, "a seccomp filter refuses it", "run it without the seccomp filter" },
	{ -EPERM, NULL, "the kernel refuses it: lockdown, or a security module", WITHOUT_LOCKDOWN },
	{ -ENOSYS, filtered, "a seccomp filter hides the call, or the kernel has none",
	  "run it without the seccomp filter" },
	{ -EBUSY, NULL, "somebody else holds it", "" },
};

/* What the words in braces stand for. */
struct words {
	char upper[32]; /* the capability's name */
	char lower[32];
	struct {
		const char *name;
		const char *text;
	} at[5];
};

static void words_for(const struct scene *scene, const struct node *node, struct words *words)
{
	const char *name = node->capability == CAP_SYS_RAWIO   ? "cap_sys_rawio"
			   : node->capability == CAP_SYS_ADMIN ? "cap_sys_admin"
							       : "a capability";
	size_t i = 0;

	*words = (struct words) {
		.at = { { "{path}", node->path },
			{ "{CAP}", words->upper },
			{ "{cap}", words->lower },
			{ "{program}", scene->program },
			{ "{mount}", scene->nosuid } },
	};
	snprintf(words->lower, sizeof(words->lower), "%s", name);
	for (; name[i]; i++)
		words->upper[i] = (char)toupper((unsigned char)name[i]);
}

/* Copies @from with its braces filled. */
static void fill_in(char *to, size_t size, const char *from, const struct words *words)
{
	size_t n = 0;

	while (*from && n < size - 1) {
		size_t i = 0;

		while (i < 5 && strncmp(from, words->at[i].name, strlen(words->at[i].name)) != 0)
			i++;
		if (i == 5) {
			to[n++] = *from++;
			continue;
		}
		n += (size_t)snprintf(to + n, size - n, "%s", words->at[i].text);
		from += strlen(words->at[i].name);
		if (n > size - 1)
			n = size - 1;
	}
	to[n] = '\0';
}

void probe_says(struct finding *f, enum hws_probe_status status, int code, const char *words,
		const char *fix)
{
	snprintf(f->why, sizeof(f->why), "%s", words);
	snprintf(f->fix, sizeof(f->fix), "%s", fix);
	f->result.status = status;
	f->result.code = code;
}

static void says_absent(const struct scene *scene, int code, const struct node *node,
			struct finding *f)
{
	bool module = !strncmp(node->absent_fix, "sudo modprobe", 13);

	/* the module's file isn't asked for: a container sees another's /lib/modules */
	probe_says(f, HWS_PROBE_NO, code, node->absent_why, node->absent_fix);
	if (!module || scene->modules || scene->captured)
		return;
	probe_says(f, HWS_PROBE_NO, code, "", "boot a distribution's kernel");
	snprintf(f->why, sizeof(f->why), "the kernel is built without %s, and loads no modules",
		 node->absent_fix + strlen("sudo modprobe "));
}

void probe_refused(const struct scene *scene, int code, const struct node *node, struct finding *f)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].code == code && (!causes[i].when || causes[i].when(scene, node))) {
			struct words words;

			words_for(scene, node, &words);
			probe_says(f, HWS_PROBE_NO, code, "", "");
			fill_in(f->why, sizeof(f->why), causes[i].why, &words);
			fill_in(f->fix, sizeof(f->fix), causes[i].fix, &words);
			return;
		}
	if (code == -ENOENT || code == -ENXIO || code == -ENODEV || code == -ENOSYS)
		says_absent(scene, code, node, f);
	else
		probe_says(f, HWS_PROBE_NO, code, strerror(-code), "");
}

/* What an open would say, as far as files tell. */
static int captured_open(const struct scene *scene, const struct node *node)
{
	if (!scene_exists(scene, node->path))
		return -ENOENT;
	if (locked_out(scene, node) || (node->capability && !scene_has(scene, node->capability)))
		return -EPERM;
	return 0;
}

/* For reading only, whatever is wanted: the mode and the container's rules tell of writing. */
static int live_open(const struct scene *scene, const struct node *node)
{
	int r = scene_access(scene, node->path, node->rights);
	int fd;

	if (r < 0)
		return r;
	fd = sys_open(scene->root, node->path, O_RDONLY | O_NONBLOCK);
	sys_close(fd);
	return fd < 0 ? fd : 0;
}

bool probe_node(const struct scene *scene, const struct node *node, struct finding *f)
{
	int r;

	if (scene->captured)
		r = captured_open(scene, node);
	else if (node->class_path && !driver_is_there(scene, node))
		r = -ENOENT; /* an open could load the module */
	else
		r = live_open(scene, node);
	if (r < 0)
		probe_refused(scene, r, node, f);
	return r == 0;
}
