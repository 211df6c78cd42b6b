/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way through hwsafe-helper: is its socket there, may this user connect, do they agree? */
#include "shim/broker-internal.h"
#include "shim/probe-internal.h"
#include "shim/why-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER "hwsafe"
enum { SECONDS = 1, GROUP_NAME = 64 };

static const char *const units[] = {
	"/etc/systemd/system/hwsafe-helper.socket",
	"/usr/lib/systemd/system/hwsafe-helper.socket",
	"/lib/systemd/system/hwsafe-helper.socket",
};

static bool has_unit(const struct scene *scene)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (scene_exists(scene, units[i]))
			return true;
	return false;
}

/* The name of a group; its number where it has none. */
static void name_group(const struct scene *scene, uint32_t gid, char name[GROUP_NAME])
{
	char text[16384];
	char *line;
	char *next = text;

	snprintf(name, GROUP_NAME, "%u", gid);
	if (sys_read_file(scene->root, "/etc/group", text, sizeof(text)) <= 0)
		return;
	while ((line = strsep(&next, "\n"))) {
		size_t length = strcspn(line, ":");
		const char *number = line[length] ? strchr(line + length + 1, ':') : NULL;

		if (!number || !length || length >= GROUP_NAME ||
		    strtoul(number + 1, NULL, 10) != gid)
			continue;
		memcpy(name, line, length);
		name[length] = '\0';
		return;
	}
}

/* Whoever is in the socket's group may connect. */
static void says_kept_out(const struct scene *scene, int code, struct finding *f)
{
	HWS_CLEANUP_FD int fd = sys_open(scene->root, scene->socket, O_PATH);
	struct stat stat;
	char group[GROUP_NAME] = USER;

	if (fd >= 0 && sys_fstat(fd, &stat) == 0)
		name_group(scene, stat.st_gid, group);
	probe_says(f, HWS_PROBE_NO, code, "", "");
	snprintf(f->why, sizeof(f->why), "this user is not in group %s, which may connect to it",
		 group);
	snprintf(f->fix, sizeof(f->fix), "sudo usermod -aG %s $USER, then log in anew", group);
}

/* The package makes it; a helper that was built by hand has no user of its own. */
static bool has_user(const struct scene *scene)
{
	char text[65536] = "\n";

	return sys_read_file(scene->root, "/etc/passwd", text + 1, sizeof(text) - 1) > 0 &&
	       strstr(text, "\n" USER ":");
}

/* A command that works: the folder may have to be made first. */
static void says_start(const struct scene *scene, struct finding *f)
{
	const char *name = strrchr(scene->socket, '/');
	int length = name ? (int)(name - scene->socket) : 0;
	char folder[128] = "";
	char make[160] = "";

	if (length > 0 && length < (int)sizeof(folder)) {
		memcpy(folder, scene->socket, (size_t)length);
		if (!scene_exists(scene, folder))
			snprintf(make, sizeof(make), "sudo mkdir -p %s; ", folder);
	}
	snprintf(f->fix, sizeof(f->fix), "%ssudo " HWS_HELPER " serve --socket %s%s", make,
		 scene->socket, has_user(scene) ? " --user " USER : "");
}

static void says_absent_helper(const struct scene *scene, struct finding *f)
{
	if (has_unit(scene)) {
		probe_says(f, HWS_PROBE_NO, -ENOENT, "hwsafe-helper is installed, but not started",
			   "sudo systemctl enable --now hwsafe-helper.socket");
		return;
	}
	probe_says(f, HWS_PROBE_NO, -ENOENT, "", "");
	snprintf(f->why, sizeof(f->why), "no hwsafe-helper listens at %s", scene->socket);
	says_start(scene, f);
}

static const struct {
	int code;
	const char *why;
	const char *fix;
} causes[] = {
	{ -ENODEV, "its socket is there, nobody listens",
	  "sudo systemctl restart hwsafe-helper.socket" },
	{ -EPROTONOSUPPORT, "it speaks another version of the protocol",
	  "sudo systemctl restart hwsafe-helper.service, after an upgrade of both" },
	{ -EIO, "it dropped the connection, or did not answer in time",
	  "journalctl -u hwsafe-helper says why" },
	{ -EAGAIN, "it is too busy to take connections", "try again" },
};

static void says_refused(int code, struct finding *f)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].code == code) {
			probe_says(f, HWS_PROBE_NO, code, causes[i].why, causes[i].fix);
			return;
		}
	probe_says(f, HWS_PROBE_NO, code, strerror(-code), "journalctl -u hwsafe-helper");
}

void probe_greet_helper(const struct scene *scene, struct finding *f)
{
	struct broker broker;
	int r;

	if (!scene_exists(scene, scene->socket)) {
		says_absent_helper(scene, f);
		return;
	}
	if (scene->captured) {
		probe_says(f, HWS_PROBE_PARTIAL, -ECANCELED,
			   "it has a socket; a captured tree has no helper to ask",
			   "run it on the machine itself");
		return;
	}
	r = broker_connect(&broker, scene->socket, SECONDS);
	if (r == 0) {
		broker_disconnect(&broker);
		probe_says(f, HWS_PROBE_WORKS, 0, "as the policy allows, whole or one by one", "");
	} else if (r == -EACCES) {
		says_kept_out(scene, r, f);
	} else {
		says_refused(r, f);
	}
}

int hws_probe_rights(const struct hws_shim_options *options, struct hws_probe_rights *ret_rights)
{
	const char *socket = options && options->socket ? options->socket : HWS_WIRE_SOCKET;
	struct broker broker;
	int r = broker_connect(&broker, socket, SECONDS);

	if (r < 0)
		return r;
	r = broker_rights(&broker, ret_rights);
	broker_disconnect(&broker);
	return r;
}
