/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine made of files, below a folder of its own, for the native back end. */
#ifndef HWSAFE_TESTS_HW_TREE_KIT_H
#define HWSAFE_TESTS_HW_TREE_KIT_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/hw/hw-kit.h"

#define TREE_DEVICES "/sys/bus/pci/devices/"

static char tree_root[] = "/tmp/hwsafe-tree-XXXXXX";

static inline void tree_begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(tree_root));
}

static inline void tree_end(void)
{
	char command[sizeof(tree_root) + 16];

	snprintf(command, sizeof(command), "rm -rf %s", tree_root);
	ck_assert_int_eq(system(command), 0);
}

/* The path in the tree, its folders made. */
static inline const char *tree_path(const char *path)
{
	static char whole[320];

	snprintf(whole, sizeof(whole), "%s%s", tree_root, path);
	for (char *slash = whole + sizeof(tree_root); (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		ck_assert(mkdir(whole, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	return whole;
}

static inline void tree_bytes(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(tree_path(path), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static inline void tree_text(const char *path, const char *text)
{
	tree_bytes(path, text, strlen(text));
}

static inline void tree_link(const char *path, const char *target)
{
	unlink(tree_path(path));
	ck_assert_int_eq(symlink(target, tree_path(path)), 0);
}

/* A function with 4 KiB of configuration space, a BAR of a page, and one of 16 ports at 0xc000. */
static inline void tree_function(const char *bdf, uint16_t vendor, uint16_t device,
				 uint32_t class_code)
{
	uint8_t config[4096] = {
		(uint8_t)vendor,
		(uint8_t)(vendor >> 8),
		(uint8_t)device,
		(uint8_t)(device >> 8),
	};
	char path[128];

	for (int i = 0; i < 3; i++)
		config[9 + i] = (uint8_t)(class_code >> 8 * i);
	snprintf(path, sizeof(path), TREE_DEVICES "%s/config", bdf);
	tree_bytes(path, config, sizeof(config));
	snprintf(path, sizeof(path), TREE_DEVICES "%s/resource", bdf);
	tree_text(path, "0x00000000fea00000 0x00000000fea00fff 0x0000000000042200\n"
			"0x000000000000c000 0x000000000000c00f 0x0000000000040101\n"
			"0x0000000800000000 0x0000000800003fff 0x0000000000140204\n");
	snprintf(path, sizeof(path), TREE_DEVICES "%s/resource0", bdf);
	tree_bytes(path, config, sizeof(config));
	snprintf(path, sizeof(path), TREE_DEVICES "%s/resource1", bdf);
	tree_bytes(path, config, 16);
	snprintf(path, sizeof(path), TREE_DEVICES "%s/vendor", bdf);
	tree_text(path, vendor == 0x8086 ? "0x8086\n" : "0x1234\n");
	snprintf(path, sizeof(path), TREE_DEVICES "%s/class", bdf);
	tree_text(path, class_code >> 8 == 0x0604 ? "0x060400\n" : "0x010802\n");
}

/* The driver of a function. */
static inline void tree_driver(const char *bdf, const char *driver)
{
	char path[128];
	char target[128];

	snprintf(path, sizeof(path), TREE_DEVICES "%s/driver", bdf);
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	tree_link(path, target);
}

static inline struct hws *tree_open(const char *policy)
{
	struct hws_options options = sim_with(policy);
	struct hws *hw;

	options.backend = "native";
	options.sysroot = tree_root;
	ck_works(hws_open(&options, &hw));
	return hw;
}

#endif
