/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands on a PCI function: file systems, swap, network interfaces. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/native-internal.h"
#include "shim/sys-internal.h"

/* The sentence so far. */
struct users {
	struct native *native;
	char *text;
	size_t size;
	size_t length;
	char below[HWS_BDF_TEXT + 2]; /* "/0000:00:05.0/": in the path of what is its */
};

static void add(struct users *users, const char *format, ...) HWS_PRINTF(2, 3);
static void add(struct users *users, const char *format, ...)
{
	size_t left = users->size - users->length;
	va_list arguments;
	int n;

	if (left < 2)
		return;
	va_start(arguments, format);
	n = vsnprintf(users->text + users->length, left, format, arguments);
	va_end(arguments);
	if (n > 0)
		users->length += (size_t)n < left ? (size_t)n : left - 1;
}

/* A file as a string; "" when it can't be read: then it tells of nothing. For free(). */
static char *read_text(struct users *users, const char *path)
{
	enum { MOST = 1 << 20 };
	char *text = malloc(MOST);

	if (text && sys_read_file(users->native->root, path, text, MOST) < 0)
		text[0] = '\0';
	return text;
}

/* Calls @each for the names of a class that are the function's. */
static void walk(struct users *users, const char *class_path,
		 void (*each)(struct users *users, const char *name))
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	char path[320];
	char target[512];

	if (sys_opendir(users->native->root, class_path, &dir) < 0)
		return;
	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", class_path, entry->d_name);
		if (entry->d_name[0] != '.' &&
		    sys_readlink(users->native->root, path, target, sizeof(target)) > 0 &&
		    strstr(target, users->below))
			each(users, entry->d_name);
	}
}

/* Is a line of /proc/self/mountinfo about this block device, by number or by name? */
static bool is_mount_of(const char *line, const char *number, const char *name, char point[64])
{
	char device[32];
	char source[64] = "";
	const char *dash = strstr(line, " - ");
	const char *end = strchr(line, '\n');

	if (sscanf(line, "%*s %*s %31s %*s %63s", device, point) != 2)
		return false;
	if (dash && (!end || dash < end))
		(void)!sscanf(dash, " - %*s /dev/%63s", source);
	return (*number && !strcmp(device, number)) || !strcmp(source, name);
}

static void add_mounts(struct users *users, const char *name)
{
	HWS_CLEANUP_FREE char *mounts = read_text(users, "/proc/self/mountinfo");
	char number[16] = "";
	char path[320];
	char point[64];

	snprintf(path, sizeof(path), "/sys/class/block/%s/dev", name);
	if (sys_read_file(users->native->root, path, number, sizeof(number)) > 0)
		number[strcspn(number, "\n")] = '\0';
	for (const char *line = mounts; line && *line; line = strchr(line, '\n'), line += !!line) {
		if (is_mount_of(line, number, name, point))
			add(users, "%s%s is mounted on %s", users->length ? "; " : "", name, point);
	}
}

static void add_swap(struct users *users, const char *name)
{
	HWS_CLEANUP_FREE char *swaps = read_text(users, "/proc/swaps");
	char wanted[288];

	snprintf(wanted, sizeof(wanted), "/dev/%s ", name);
	if (swaps && strstr(swaps, wanted))
		add(users, "%s%s is swap", users->length ? "; " : "", name);
}

/* RAID, encryption, volumes: what they carry is not looked into. */
static void add_holders(struct users *users, const char *name)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	char path[320];

	snprintf(path, sizeof(path), "/sys/class/block/%s/holders", name);
	if (sys_opendir(users->native->root, path, &dir) < 0)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			add(users, "%s%s is built on %s", users->length ? "; " : "", entry->d_name,
			    name);
	}
}

static void add_block(struct users *users, const char *name)
{
	add_mounts(users, name);
	add_swap(users, name);
	add_holders(users, name);
}

/* Lines of which the first or the last word is the interface. */
static unsigned int count_routes(struct users *users, const char *path, const char *name)
{
	HWS_CLEANUP_FREE char *routes = read_text(users, path);
	size_t length = strlen(name);
	unsigned int count = 0;

	for (const char *line = routes; line && *line; line = strchr(line, '\n'), line += !!line) {
		size_t whole = strcspn(line, "\n");

		count += (whole > length && !memcmp(line, name, length) && line[length] == '\t') ||
			 (whole > length && !memcmp(line + whole - length, name, length) &&
			  line[whole - length - 1] == ' ');
	}
	return count;
}

static void add_interface(struct users *users, const char *name)
{
	enum { IFF_UP = 1 };
	unsigned int routes = count_routes(users, "/proc/net/route", name) +
			      count_routes(users, "/proc/net/ipv6_route", name);
	uint64_t flags = 0;
	char path[320];

	snprintf(path, sizeof(path), "/sys/class/net/%s/flags", name);
	if (routes)
		add(users, "%s%s has %u route%s", users->length ? "; " : "", name, routes,
		    routes == 1 ? "" : "s");
	else if (sys_read_u64(users->native->root, path, &flags) == 0 && flags & IFF_UP)
		add(users, "%s%s is up", users->length ? "; " : "", name);
}

void native_users(struct native *native, struct hws_bdf bdf, char *text, size_t size)
{
	struct users users = { .native = native, .text = text, .size = size };
	char address[HWS_BDF_TEXT];

	text[0] = '\0';
	snprintf(users.below, sizeof(users.below), "/%s/", hws_bdf_format(bdf, address));
	walk(&users, "/sys/class/block", add_block);
	walk(&users, "/sys/class/net", add_interface);
}
