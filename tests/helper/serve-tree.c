/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/serve-tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/sys-internal.h"

static int open_file(const char *root, const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	return fd;
}

void tree_write(const char *root, const char *name, uint32_t at, uint32_t value, off_t size)
{
	int fd = open_file(root, name, O_RDWR | O_CREAT);

	ck_ok(ftruncate(fd, size));
	ck_assert_int_eq(pwrite(fd, &value, sizeof(value), at), sizeof(value));
	close(fd);
}

uint32_t tree_read(const char *root, const char *name, uint32_t at)
{
	uint32_t value = 0;
	int fd = open_file(root, name, O_RDONLY);

	ck_assert_int_eq(pread(fd, &value, sizeof(value), at), sizeof(value));
	close(fd);
	return value;
}

/* As sysfs has it: for everybody to read. */
static void write_text(const char *root, const char *name, const char *text)
{
	int fd = open_file(root, name, O_WRONLY | O_CREAT);

	ck_ok(fchmod(fd, 0644));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

void tree_make(char root[64])
{
	static const char resource[] = "0xfe000000 0xfe001fff 0x40200\n"
				       "0xfe010000 0xfe011fff 0x40200\n"
				       "0xfe020000 0xfe021fff 0x40200\n";
	char command[256];

	snprintf(root, 64, "/tmp/hwsafe-root-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(command, sizeof(command), "mkdir -p '%s" TREE_FUNCTION "' '%s/dev'", root, root);
	ck_assert_int_eq(system(command), 0);
	tree_write(root, TREE_FUNCTION "/config", 0, 0x11e81234, TREE_CONFIG);
	tree_write(root, TREE_FUNCTION "/config", 8, 0x00ff0010, TREE_CONFIG);
	tree_write(root, TREE_FUNCTION "/config", 0x40, 0x11223344, TREE_CONFIG);
	for (int bar = 0; bar < 3; bar++) {
		char name[64];

		snprintf(name, sizeof(name), TREE_FUNCTION "/resource%d", bar);
		tree_write(root, name, 0x10, 0xabcd0000u + (uint32_t)bar, TREE_BAR);
	}
	write_text(root, TREE_FUNCTION "/vendor", "0x1234\n");
	write_text(root, TREE_FUNCTION "/device", "0x11e8\n");
	write_text(root, TREE_FUNCTION "/class", "0x00ff00\n");
	write_text(root, TREE_FUNCTION "/revision", "0x10\n");
	write_text(root, TREE_FUNCTION "/resource", resource);
}

void tree_remove(const char *root)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

int tree_ask_bar(int fd, uint32_t *ret_seen)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_bar *ask = (void *)(request.bytes + sizeof(request.head));
	int bar;

	*ret_seen = 0;
	wire_begin(&request, HWS_WIRE_BAR, 0, 1);
	*ask = (struct hws_wire_bar) { .bdf = { .device = 3 }, .rights = HWS_RW };
	must(sys_send_message(fd, &request, request.head.size) > 0);
	must(sys_receive_message(fd, &reply, sizeof(reply), &bar) > 0);
	if (bar >= 0)
		must(pread(bar, ret_seen, 4, 0x10) == 4);
	sys_close(bar);
	return reply.answer.code;
}
