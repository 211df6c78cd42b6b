/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every way in which the kernel can say no, to every kind of access: a code and a sentence each. */
#include <sys/mman.h>

#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "tests/hw/tree-kit.h"

#define BDF	   "0000:00:05.0"
#define EVERYTHING "port = * rw\nmsr = * rw\npci = *, config rw\nbar = * * rw"

enum call { OPEN, OPENDIR, READ_U64, READ_FILE, PREAD, PWRITE, MMAP, FSTAT, IOPERM, CALLS };

/* The call that fails, with what, and for which path; 0: none. */
static int failing[CALLS];
static const char *failing_path;

int __real_sys_open(int root, const char *path, int flags);
int __wrap_sys_open(int root, const char *path, int flags);
int __wrap_sys_open(int root, const char *path, int flags)
{
	if (failing[OPEN] && strstr(path, failing_path))
		return failing[OPEN];
	return __real_sys_open(root, path, flags);
}

int __real_sys_openat(int dir, const char *path, int flags, uint32_t mode);
int __wrap_sys_openat(int dir, const char *path, int flags, uint32_t mode);
int __wrap_sys_openat(int dir, const char *path, int flags, uint32_t mode)
{
	if (failing[OPEN] && strstr(path, failing_path))
		return failing[OPEN];
	return __real_sys_openat(dir, path, flags, mode);
}

ssize_t __real_sys_read_file(int root, const char *path, char *text, size_t size);
ssize_t __wrap_sys_read_file(int root, const char *path, char *text, size_t size);
ssize_t __wrap_sys_read_file(int root, const char *path, char *text, size_t size)
{
	if (failing[READ_FILE] && strstr(path, failing_path))
		return failing[READ_FILE];
	return __real_sys_read_file(root, path, text, size);
}

/* A call that is only given on: its declaration, and its stand-in. */
#define STAND_IN(which, type, name, parameters, arguments)                        \
	type __real_##name parameters;                                            \
	type __wrap_##name parameters;                                            \
	type __wrap_##name parameters                                             \
	{                                                                         \
		return failing[which] ? failing[which] : __real_##name arguments; \
	}

STAND_IN(OPENDIR, int, sys_opendir, (int root, const char *path, DIR **dir), (root, path, dir))
STAND_IN(READ_U64, int, sys_read_u64, (int root, const char *path, uint64_t *value),
	 (root, path, value))
STAND_IN(PREAD, ssize_t, sys_pread, (int fd, void *bytes, size_t size, uint64_t at),
	 (fd, bytes, size, at))
STAND_IN(PWRITE, ssize_t, sys_pwrite, (int fd, const void *bytes, size_t size, uint64_t at),
	 (fd, bytes, size, at))
STAND_IN(MMAP, int, sys_mmap,
	 (void *hint, size_t size, int prot, int flags, int fd, uint64_t at, void **address),
	 (hint, size, prot, flags, fd, at, address))
STAND_IN(FSTAT, int, sys_fstat, (int fd, struct stat *of), (fd, of))
STAND_IN(IOPERM, int, sys_ioperm, (uint16_t first, uint32_t count, bool on), (first, count, on))

static struct hws *hw;
static enum call broken;
static int broken_with;

static void break_it(void)
{
	failing[broken] = broken_with;
}

/* Each kind, up to the call that fails; what is open before it stays so. */
static int use_msr(bool write)
{
	struct hws_msr *msr;
	uint64_t value = 4711;
	int r;

	ck_works(hws_msr_open(hw, "0", 0x19c, 0x19c, HWS_RW, &msr));
	break_it();
	r = write ? hws_msr_write(msr, 0, 0x19c, 1) : hws_msr_read(msr, 0, 0x19c, &value);
	ck_assert_uint_eq(value, 4711);
	hws_msr_close(msr);
	return r;
}

static int read_msr(void)
{
	return use_msr(false);
}

static int write_msr(void)
{
	return use_msr(true);
}

static int open_config(void)
{
	struct hws_pci *pci = NULL;
	int r;

	break_it();
	r = hws_pci_open(hw, BDF, 0, 0, HWS_RW, &pci);
	ck_assert_ptr_null(pci);
	return r;
}

static int use_config(bool write)
{
	struct hws_pci *pci;
	uint32_t value = 4711;
	int r;

	ck_works(hws_pci_open(hw, BDF, 0, 0, HWS_RW, &pci));
	break_it();
	r = write ? hws_pci_write32(pci, 0x40, 1) : hws_pci_read32(pci, 0x40, &value);
	ck_assert_uint_eq(value, 4711);
	hws_pci_close(pci);
	return r;
}

static int read_config(void)
{
	return use_config(false);
}

static int write_config(void)
{
	return use_config(true);
}

static int map_bar(void)
{
	struct hws_mmio *mmio = NULL;
	int r;

	break_it();
	r = hws_mmio_map(hw, BDF, 0, 0, 0x100, HWS_RW, &mmio);
	ck_assert_ptr_null(mmio);
	return r;
}

static int open_ports(void)
{
	struct hws_port *port = NULL;
	int r;

	break_it();
	r = hws_port_open(hw, 0xc000, 16, HWS_RW, &port);
	ck_assert_ptr_null(port);
	return r;
}

static int use_port(bool write)
{
	struct hws_port *port;
	uint8_t value = 47;
	int r;

	ck_works(hws_port_open(hw, 0xc000, 16, HWS_RW, &port));
	break_it();
	r = write ? hws_port_write8(port, 0xc000, 1) : hws_port_read8(port, 0xc000, &value);
	ck_assert_uint_eq(value, 47);
	hws_port_close(port);
	return r;
}

static int read_port(void)
{
	return use_port(false);
}

static int write_port(void)
{
	return use_port(true);
}

static int list_functions(void)
{
	struct hws_bdf bdf;

	break_it();
	return hws_pci_next(hw, NULL, &bdf);
}

static int read_info(void)
{
	struct hws_pci_info info = { .size = sizeof(info) };

	break_it();
	return hws_pci_get_info(hw, BDF, &info);
}

static const struct {
	const char *name;
	int (*use)(void);
	enum call call;
	const char *path;
} uses[] = {
	{ "open MSR", read_msr, OPEN, "/msr" },
	{ "read MSR", read_msr, PREAD, NULL },
	{ "write MSR", write_msr, PWRITE, NULL },
	{ "open configuration", open_config, OPEN, "config" },
	{ "read configuration at open", open_config, PREAD, NULL },
	{ "read configuration", read_config, PREAD, NULL },
	{ "write configuration", write_config, PWRITE, NULL },
	{ "open BAR", map_bar, OPEN, "resource0" },
	{ "size BAR", map_bar, FSTAT, NULL },
	{ "map BAR", map_bar, MMAP, NULL },
	{ "open ports", open_ports, OPEN, "resource1" },
	{ "read port", read_port, PREAD, NULL },
	{ "write port", write_port, PWRITE, NULL },
	{ "list functions", list_functions, OPENDIR, NULL },
	{ "tell of a function", read_info, READ_U64, NULL },
	{ "ask who claims ports", open_ports, READ_FILE, "/proc/ioports" },
};

/* What each is to become. */
static const struct {
	int error;
	int code;
} errors[] = {
	{ -EPERM, -EPERM }, { -EACCES, -EPERM },  { -ENOSYS, -EOPNOTSUPP }, { -ENXIO, -ENODEV },
	{ -EIO, -EIO },	    { -ENODEV, -ENODEV }, { -EMFILE, -EMFILE },	    { -ENOMEM, -ENOMEM },
};

static void build(void)
{
	tree_begin();
	tree_function(BDF, 0x8086, 0x5845, 0x010802);
	tree_text("/proc/ioports", "");
	tree_bytes("/dev/cpu/0/msr", (const char[4096]) { 0 }, 4096);
	hw = tree_open(EVERYTHING);
}

static void mend(void)
{
	memset(failing, 0, sizeof(failing));
	hws_close(hw);
	tree_end();
	memcpy(strrchr(tree_root, '-') + 1, "XXXXXX", 6);
}

START_TEST(each_error_has_its_code_and_sentence)
{
	for (size_t i = 0; i < COUNT(uses); i++) {
		char said[COUNT(errors)][256];

		broken = uses[i].call;
		failing_path = uses[i].path;
		for (size_t e = 0; e < COUNT(errors); e++) {
			int r;

			build();
			broken_with = errors[e].error;
			r = uses[i].use();
			ck_assert_msg(r == errors[e].code, "%s, %s: %d: %s", uses[i].name,
				      strerror(-errors[e].error), r, hws_why());
			snprintf(said[e], sizeof(said[e]), "%s", hws_why());
			ck_assert_msg(said[e][0], "%s", uses[i].name);
			for (size_t before = 0; before < e; before++)
				ck_assert_msg(strcmp(said[e], said[before]) != 0,
					      "%s: %s and %s are both '%s'", uses[i].name,
					      strerror(-errors[before].error),
					      strerror(-errors[e].error), said[e]);
			mend();
		}
	}
}
END_TEST

START_TEST(denial_has_the_reason_that_goes_with_it)
{
	static const struct {
		int error;
		enum hws_reason reason;
	} rows[] = {
		{ -EPERM, HWS_REASON_KERNEL },	     { -EACCES, HWS_REASON_KERNEL },
		{ -ENOSYS, HWS_REASON_UNSUPPORTED }, { -ENXIO, HWS_REASON_DEVICE },
		{ -EIO, HWS_REASON_DEVICE },	     { -ENODEV, HWS_REASON_DEVICE },
	};

	broken = PREAD;
	for (size_t i = 0; i < COUNT(rows); i++) {
		build();
		broken_with = rows[i].error;
		ck_assert_int_lt(read_config(), 0);
		ck_assert_int_eq(hws_last_denial()->reason, rows[i].reason);
		mend();
	}
}
END_TEST

/* A rule may deny it by name, and nobody knows it. */
START_TEST(window_of_a_device_without_a_name_is_refused)
{
	struct hws_mmio *mmio = NULL;

	tree_begin();
	tree_function(BDF, 0x1234, 1, 0x00ff00);
	hw = tree_open("bar = * * rw\ndeny bar = 1234:0001 *");
	ck_denied(hws_mmio_map(hw, BDF, 0, 0, 0x100, HWS_RW, &mmio), HWS_REASON_DENY_RULE);
	hws_close(hw);
	ck_ok(unlink(tree_path(TREE_DEVICES BDF "/config")));
	hw = tree_open("bar = * * rw\ndeny bar = 1234:0001 *");
	ck_assert_int_eq(hws_mmio_map(hw, BDF, 0, 0, 0x100, HWS_RW, &mmio), -ENODEV);
	ck_assert_msg(strstr(hws_why(), "which device it is"), "%s", hws_why());
	ck_assert_ptr_null(mmio);
	mend();
}
END_TEST

/* Without a sysroot the kernel is asked for ports first. */
START_TEST(ports_are_refused_with_each_ways_cause)
{
	static const struct {
		int error;
		int code;
		const char *says;
	} rows[] = {
		{ -EPERM, -EPERM, "ioperm: CAP_SYS_RAWIO is missing" },
		{ -ENOSYS, -EOPNOTSUPP, "ioperm: this kernel has none" },
		{ -EIO, -EIO, "ioperm: the hardware failed" },
	};
	struct hws_options options = sim_with("port = * rw claimed");
	struct hws_port *port = NULL;

	need("ports", RAW_HAS_PORTS, "this architecture has no port instructions");
	options.backend = "native";
	failing_path = "/";
	for (size_t i = 0; i < COUNT(rows); i++) {
		int r;

		ck_works(hws_open(&options, &hw));
		failing[OPEN] = -ENOENT;
		failing[OPENDIR] = -ENOENT;
		failing[READ_FILE] = -ENOENT;
		failing[IOPERM] = rows[i].error;
		r = hws_port_open(hw, 0x70, 2, HWS_RW, &port);
		ck_assert_msg(r == rows[i].code, "row %zu: %d: %s", i, r, hws_why());
		ck_assert_msg(strstr(hws_why(), rows[i].says), "%s", hws_why());
		memset(failing, 0, sizeof(failing));
		hws_close(hw);
	}
}
END_TEST

int main(void)
{
	if (RAW_ARCH == HWS_ARCH_UNKNOWN) {
		puts("1..0 # SKIP the native back end is the generic one here");
		return EXIT_SUCCESS;
	}
	return suite_run("hw/errors", (const TTest *[]) {
					      each_error_has_its_code_and_sentence,
					      denial_has_the_reason_that_goes_with_it,
					      window_of_a_device_without_a_name_is_refused,
					      ports_are_refused_with_each_ways_cause,
					      NULL,
				      });
}
