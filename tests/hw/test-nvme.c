/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The example driver for NVMe disks against the kernel's, on the lab's disk. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suite.h"

int nvme_main(int argc, char **argv);
#define main nvme_main
#include "docs/examples/nvme.c"
#undef main

#define DISK	"0000:00:05.0"
#define DRIVERS "/sys/bus/pci/drivers/"

enum { BLOCKS = 1000 };

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_msg(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s: %s", path,
		      strerror(errno));
	close(fd);
}

static void read_word(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	ck_assert_msg(n > 0, "%s: %s", path, strerror(errno));
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	text[n] = '\0';
	close(fd);
}

/* From the driver that has it to another one. */
static void bind(const char *driver)
{
	if (access("/sys/bus/pci/devices/" DISK "/driver", F_OK) == 0)
		write_file("/sys/bus/pci/devices/" DISK "/driver/unbind", DISK);
	write_file("/sys/bus/pci/devices/" DISK "/driver_override", driver);
	write_file("/sys/bus/pci/drivers_probe", DISK);
}

static void to_kernel(void)
{
	int fd = -1;

	bind("nvme");
	/* the node comes when the kernel has talked to the disk, and opens a little later */
	for (int i = 0; i < 1000 && fd < 0; i++) {
		fd = open("/dev/nvme0n1", O_RDONLY);
		if (fd < 0)
			usleep(10000);
	}
	ck_assert_msg(fd >= 0, "/dev/nvme0n1: %s", strerror(errno));
	close(fd);
}

/* Runs the example with these words, input and output; its exit status. */
static int run(const char *verb, const char *first, const char *count, const char *in,
	       const char *out)
{
	char *argv[] = { "nvme", DISK, (char *)verb, (char *)first, (char *)count, NULL };
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (!freopen(in ? in : "/dev/null", "r", stdin) || !freopen(out, "w", stdout))
			_exit(99);
		exit(nvme_main(first ? 5 : 3, argv));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void need_disk(void)
{
	bind("vfio-pci");
}

START_TEST(identify_says_what_the_kernel_said)
{
	char serial[64];
	char model[64];
	char firmware[64];
	char sectors[64];
	char expected[320];
	char said[320];

	need_lab("vfio");
	read_word("/sys/class/nvme/nvme0/serial", serial, sizeof(serial));
	read_word("/sys/class/nvme/nvme0/model", model, sizeof(model));
	read_word("/sys/class/nvme/nvme0/firmware_rev", firmware, sizeof(firmware));
	read_word("/sys/class/block/nvme0n1/size", sectors, sizeof(sectors));
	snprintf(expected, sizeof(expected),
		 "serial %s\nmodel %s\nfirmware %s\nblocks %llu of 4096, sectors of 512", serial,
		 model, firmware, strtoull(sectors, NULL, 10) / 8);
	need_disk();
	ck_assert_int_eq(run("identify", NULL, NULL, NULL, "/tmp/identity"), 0);
	to_kernel();
	read_word("/tmp/identity", said, sizeof(said));
	ck_assert_str_eq(said, expected);
}
END_TEST

/* Bytes that differ from block to block. */
static void fill(uint8_t *bytes, uint64_t seed)
{
	uint64_t x = seed;

	for (size_t i = 0; i < (size_t)BLOCKS * BLOCK; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(x >> 56);
	}
}

static uint8_t ours[BLOCKS * BLOCK];
static uint8_t theirs[BLOCKS * BLOCK];

static void whole_file(const char *path, int flags, uint8_t *bytes, bool writes)
{
	int fd = open(path, flags, 0600);
	size_t done = 0;

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	while (done < sizeof(ours)) {
		ssize_t n = writes ? write(fd, bytes + done, sizeof(ours) - done)
				   : read(fd, bytes + done, sizeof(ours) - done);

		ck_assert_msg(n > 0, "%s: %s", path, strerror(errno));
		done += (size_t)n;
	}
	ck_assert_int_eq(writes ? fsync(fd) : 0, 0);
	close(fd);
}

START_TEST(thousand_blocks_are_what_the_kernel_reads)
{
	need_lab("vfio");
	fill(ours, 4711);
	whole_file("/tmp/in", O_WRONLY | O_CREAT | O_TRUNC, ours, true);
	need_disk();
	ck_assert_int_eq(run("write", "7", "1000", "/tmp/in", "/dev/null"), 0);
	to_kernel();
	{
		int fd = open("/dev/nvme0n1", O_RDONLY);

		ck_assert_int_ge(fd, 0);
		for (size_t done = 0; done < sizeof(theirs);) {
			ssize_t n = pread(fd, theirs + done, sizeof(theirs) - done,
					  (off_t)(7 * BLOCK + done));

			ck_assert_int_gt(n, 0);
			done += (size_t)n;
		}
		close(fd);
	}
	ck_assert(memcmp(ours, theirs, sizeof(ours)) == 0);
}
END_TEST

START_TEST(thousand_blocks_are_what_the_kernel_wrote)
{
	need_lab("vfio");
	fill(theirs, 42);
	whole_file("/dev/nvme0n1", O_WRONLY, theirs, true);
	need_disk();
	ck_assert_int_eq(run("read", "0", "1000", NULL, "/tmp/out"), 0);
	to_kernel();
	whole_file("/tmp/out", O_RDONLY, ours, false);
	ck_assert(memcmp(ours, theirs, sizeof(ours)) == 0);
	unlink("/tmp/out");
	unlink("/tmp/in");
}
END_TEST

START_TEST(wrong_use_is_told)
{
	need_lab("vfio");
	ck_assert_int_eq(run("write", NULL, NULL, NULL, "/dev/null"), 2);
	ck_assert_int_eq(run("erase", "0", "1", NULL, "/dev/null"), 2);
	/* the kernel's driver has it */
	ck_assert_int_eq(run("identify", NULL, NULL, NULL, "/dev/null"), 7);
	need_disk();
	ck_assert_int_ne(run("read", "99999999", "1", NULL, "/dev/null"), 0);
	to_kernel();
}
END_TEST

int main(void)
{
	return suite_run("examples/nvme", (const TTest *[]) {
						  identify_says_what_the_kernel_said,
						  thousand_blocks_are_what_the_kernel_reads,
						  thousand_blocks_are_what_the_kernel_wrote,
						  wrong_use_is_told,
						  NULL,
					  });
}
