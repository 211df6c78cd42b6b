/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose container this process is in, or which service of a cloud. */
#include "shim/probe-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EC2   "an EC2 instance, of a .metal type for all of it"
#define GCE   "a Compute Engine VM, of a -metal type for all of it"
#define AZURE "an Azure VM"

/*
 * Known by variables that they set: by all of a row's, and the first such row. Who sets them by
 * himself gets other words and cures for it, never a right.
 */
static const struct {
	const char *name;
	const char *variables[2];
	const char *elsewhere; /* NULL: who runs it has its machines, and can give it devices */
} services[] = {
	{ "aws-lambda", { "AWS_LAMBDA_FUNCTION_NAME" }, EC2 },
	{ "aws-fargate",
	  { "ECS_CONTAINER_METADATA_URI_V4", "AWS_EXECUTION_ENV=AWS_ECS_FARGATE" },
	  EC2 },
	{ "aws-ecs", { "ECS_CONTAINER_METADATA_URI_V4" }, NULL },
	{ "azure-container-apps", { "CONTAINER_APP_NAME" }, AZURE },
	/* those below also run on clusters of one's own, where they are no more than this */
	{ "kubernetes", { "KUBERNETES_SERVICE_HOST" }, NULL },
	{ "azure-functions", { "FUNCTIONS_WORKER_RUNTIME" }, AZURE },
	{ "cloud-functions", { "K_SERVICE", "FUNCTION_TARGET" }, GCE },
	{ "cloud-run", { "K_SERVICE" }, GCE },
};

static const struct {
	const char *path;
	const char *name;
} containers[] = {
	{ "/.dockerenv", "docker" },
	{ "/run/.containerenv", "podman" },
	{ "/dev/lxd", "lxd" },
	{ "/var/run/secrets/kubernetes.io", "kubernetes" },
};

/* Those that leave no such file: where the layers of the root lie. */
static const struct {
	const char *place;
	const char *name;
} layers[] = {
	{ "/containerd/", "containerd" },
	{ "/containers/storage/", "cri-o" },
};

static void name_it(struct scene *scene, const char *name)
{
	snprintf(scene->machine.container, sizeof(scene->machine.container), "%.*s",
		 (int)strcspn(name, "\n"), name);
}

/* NAME, with any value, or NAME=VALUE. NULL asks for nothing. */
static bool is_set(const char *variable)
{
	size_t length = variable ? strcspn(variable, "=") : 0;
	const char *value;
	char name[64];

	if (!variable)
		return true;
	snprintf(name, sizeof(name), "%.*s", (int)length, variable);
	value = secure_getenv(name);
	return value && (!variable[length] || !strcmp(value, variable + length + 1));
}

/* The environment is this process's: it says nothing of a captured tree. */
static bool find_service(struct scene *scene)
{
	for (size_t i = 0; !scene->captured && i < sizeof(services) / sizeof(services[0]); i++)
		if (is_set(services[i].variables[0]) && is_set(services[i].variables[1])) {
			name_it(scene, services[i].name);
			scene->elsewhere = services[i].elsewhere;
			return true;
		}
	return false;
}

static bool find_file(struct scene *scene)
{
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (scene_exists(scene, containers[i].path)) {
			name_it(scene, containers[i].name);
			return true;
		}
	return false;
}

/* systemd in a container keeps there what it was told: "lxc", "systemd-nspawn", "wsl" … */
static bool find_told(struct scene *scene)
{
	char text[256];

	if (sys_read_file(scene->root, "/run/systemd/container", text, sizeof(text)) > 0)
		name_it(scene, text);
	return scene->machine.container[0];
}

/* A line of mountinfo (proc(5)): of a root that is an overlay, whose? */
static void read_root(struct scene *scene, const char *line)
{
	if (!strstr(line, " / / ") || !strstr(line, " - overlay "))
		return;
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (strstr(line, layers[i].place))
			name_it(scene, layers[i].name);
}

static void find_layers(struct scene *scene)
{
	char *text = malloc(SCENE_MOUNTS);
	char *rest = text;
	char *line;

	if (text && sys_read_file(scene->root, "/proc/self/mountinfo", text, SCENE_MOUNTS) > 0)
		while ((line = strsep(&rest, "\n")))
			read_root(scene, line);
	free(text);
}

void scene_container(struct scene *scene)
{
	if (!find_service(scene) && !find_file(scene) && !find_told(scene))
		find_layers(scene);
}
