/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an errno and its surroundings to a cause and a cure. */
#include "shim/probe-internal.h"

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

static bool no_rawio(const struct scene *scene, const struct node *node)
{
	return node->capability == CAP_SYS_RAWIO && !holds(scene, CAP_SYS_RAWIO);
}

static bool no_admin(const struct scene *scene, const struct node *node)
{
	return node->capability == CAP_SYS_ADMIN && !holds(scene, CAP_SYS_ADMIN);
}

static bool in_user_ns(const struct scene *scene, const struct node *node)
{
	(void)node;
	return scene->in_user_ns;
}

static bool in_container(const struct scene *scene, const struct node *node)
{
	(void)node;
	return scene->machine.container[0];
}

static bool filtered(const struct scene *scene, const struct node *node)
{
	(void)node;
	return scene->machine.seccomp != 0;
}

/* The first that fits is the cause. In a cure '@' stands for the path. */
static const struct {
	int code;
	bool (*when)(const struct scene *scene, const struct node *node); /* NULL: always */
	const char *why;
	const char *fix;
} causes[] = {
	{ -ENOENT, contained, "the container has no such device node",
	  "docker run --device=@ ..." },
	{ -ENOENT, driver_is_there, "the driver is there, its node in /dev is not",
	  "mount -t devtmpfs devtmpfs /dev" },
	{ -EACCES, no_rawio, "the file's mode, and a lack of CAP_SYS_RAWIO",
	  "sudo, or: sudo chown $USER @ and sudo setcap cap_sys_rawio+ep PROGRAM" },
	{ -EACCES, NULL, "the file's mode keeps this user out", "sudo, or: sudo chown $USER @" },
	{ -EPERM, locked_out, "the kernel is locked down",
	  "turn Secure Boot off, or boot without lockdown=" },
	{ -EPERM, no_rawio, "this process lacks CAP_SYS_RAWIO",
	  "sudo, or: sudo setcap cap_sys_rawio+ep PROGRAM" },
	{ -EPERM, no_admin, "this process lacks CAP_SYS_ADMIN",
	  "sudo, or: sudo setcap cap_sys_admin+ep PROGRAM" },
	{ -EPERM, in_user_ns, "capabilities end at this user namespace",
	  "run it outside the user namespace" },
	{ -EPERM, in_container, "the container's device rules refuse it",
	  "docker run --device=@ ..." },
	{ -EPERM, filtered, "a seccomp filter refuses it", "run it without the seccomp filter" },
	{ -EPERM, NULL, "the kernel refuses it: lockdown, or a security module",
	  "turn Secure Boot off, or boot without lockdown=" },
	{ -ENOSYS, filtered, "a seccomp filter hides the call, or the kernel has none",
	  "run it without the seccomp filter" },
	{ -EBUSY, NULL, "somebody else holds it", "" },
};

/* Copies @from, with @path for each '@'. */
static void fill_in(char *to, size_t size, const char *from, const char *path)
{
	size_t n = 0;

	for (; *from && n < size - 1; from++) {
		if (*from == '@')
			n += (size_t)snprintf(to + n, size - n, "%s", path);
		else
			to[n++] = *from;
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
	if (module && !scene->modules && !scene->captured)
		probe_says(f, HWS_PROBE_NO, code, "the kernel has neither it nor modules",
			   "boot a distribution's kernel");
	else
		probe_says(f, HWS_PROBE_NO, code, node->absent_why, node->absent_fix);
}

void probe_refused(const struct scene *scene, int code, const struct node *node, struct finding *f)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].code == code && (!causes[i].when || causes[i].when(scene, node))) {
			char fix[sizeof(f->fix)];

			fill_in(fix, sizeof(fix), causes[i].fix, node->path);
			probe_says(f, HWS_PROBE_NO, code, causes[i].why, fix);
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

bool probe_node(const struct scene *scene, const struct node *node, struct finding *f)
{
	int r;

	if (scene->captured) {
		r = captured_open(scene, node);
	} else if (node->class_path && !driver_is_there(scene, node)) {
		r = -ENOENT; /* an open could load the module */
	} else {
		r = sys_open(scene->root, node->path, node->flags | O_NONBLOCK);
		if (r >= 0) {
			sys_close(r);
			r = 0;
		}
	}
	if (r < 0)
		probe_refused(scene, r, node, f);
	return r == 0;
}
