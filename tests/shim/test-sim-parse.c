/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/shim/sim-kit.h"

#define STATEMENTS "one of cpu, cpuid, clock, msr, ports, pci, cap, bytes, config, bar, reg"
#define REG_NAMES  "one of value, mask, step, depth, raises, clears, follows, split"
#define PCI	   "pci 00:01.0 1234:0001 class 0\n"
#define BAR	   PCI "bar 0 mem 4K\n"
#define NO_OVERLAP "expected what no other line covers"
#define LONG	   "0123456789012345678901234567890123456789"

static const struct {
	const char *text;
	const char *message; /* of the only error, behind "t:" */
} bad[] = {
	{ "foo", "1:1: found 'foo', expected " STATEMENTS },
	{ "\n\n  Cpu", "3:3: found 'Cpu', expected " STATEMENTS },
	{ "cpu", "1:4: found 'end of line', expected 'count'" },
	{ "cpu  # none", "1:6: found 'end of line', expected 'count'" },
	{ "cpu count", "1:10: found 'end of line', expected a count from 1 to 64" },
	{ "cpu count 0", "1:11: found '0', expected a count from 1 to 64" },
	{ "cpu count 65", "1:11: found '65', expected a count from 1 to 64" },
	{ "cpu count 010", "1:11: found '010', expected a count from 1 to 64" },
	{ "cpu count 4x", "1:11: found '4x', expected a count from 1 to 64" },
	{ "cpu count -1", "1:11: found '-1', expected a count from 1 to 64" },
	{ "cpu count 1 count 2", "1:13: found 'count', expected it only once" },
	{ "cpu count 1 size 2",
	  "1:13: found 'size', expected one of count, vendor, model, signature, arch" },
	{ "cpu count 1 vendor \"0123456789abcdef\"",
	  "1:20: found '0123456789abcdef', expected at most 15 characters" },
	{ "cpu count 1 model \"open", "1:19: found 'open', expected a closing '\"'" },
	{ "cpu count 1 arch arm", "1:18: found 'arm', expected x86_64 or aarch64" },
	{ "cpu count 1 signature 18446744073709551616",
	  "1:23: found '18446744073709551616', expected a number" },
	{ "cpu count 1 signature 0x", "1:23: found '0x', expected a number" },
	{ "cpu count 1\ncpu count 1", "2:1: found 'cpu', expected one cpu, before any msr" },
	{ "msr 1 ro\ncpu count 1", "2:1: found 'cpu', expected one cpu, before any msr" },
	{ "cpuid 0 0 1 2 3", "1:16: found 'end of line', expected a number of up to 32 bits" },
	{ "cpuid 0 all 1 2 3 4", "1:9: found 'all', expected a number of up to 32 bits or any" },
	{ "cpuid 0 0 1 2 3 0x100000000",
	  "1:17: found '0x100000000', expected a number of up to 32 bits" },
	{ "cpuid 0 0 1 2 3 4 5", "1:19: found '5', expected nothing more" },
	{ "cpuid 0 1 1 2 3 4\ncpuid 0 any 1 2 3 4", "2:7: found '0', " NO_OVERLAP },
	{ "clock", "1:6: found 'end of line', expected a time as 2024-02-29T12:34:56, or real" },
	{ "clock 2023-02-29T12:34:56", "1:7: found '2023-02-29T12:34:56', expected a time as "
				       "2024-02-29T12:34:56, or real" },
	{ "clock 2024-02-29 12:34:56",
	  "1:7: found '2024-02-29', expected a time as 2024-02-29T12:34:56, or real" },
	{ "clock 2024-02-29T24:00:00", "1:7: found '2024-02-29T24:00:00', expected a time as "
				       "2024-02-29T12:34:56, or real" },
	{ "clock real\nclock real", "2:1: found 'clock', expected one clock" },
	{ "msr 0x10", "1:9: found 'end of line', expected one of ro, wo, rw, w1c, rclr, counter" },
	{ "msr 0x10 fifo", "1:10: found 'fifo', expected one of ro, wo, rw, w1c, rclr, counter" },
	{ "msr 0x10 rw cpus 1", "1:18: found '1', expected processors below 1" },
	{ "msr 0x10 rw cpus 3-1", "1:18: found '3-1', expected all, or a list such as 0-3,5" },
	{ "msr 0x10 rw cpus 0,", "1:18: found '0,', expected all, or a list such as 0-3,5" },
	{ "msr 0x10 rw cpus 0-64", "1:18: found '0-64', expected all, or a list such as 0-3,5" },
	{ "msr 0x10 rw step 1", "1:13: found 'step', expected it only for a counter" },
	{ "msr 0x10 rw\nmsr 16 ro", "2:5: found '16', " NO_OVERLAP },
	{ "ports 0x10000 1", "1:7: found '0x10000', expected a port from 0 to 0xffff" },
	{ "ports 0xffff 2", "1:14: found '2', expected ports that end at 0xffff" },
	{ "ports 0x80 0", "1:12: found '0', expected a count of ports from 1 to 0x10000" },
	{ "ports 0x80 4\nports 0x83 1", "2:7: found '0x83', " NO_OVERLAP },
	{ "ports 0x70 1 is cmos",
	  "1:17: found 'cmos', expected it alone on ports of at least 0x2" },
	{ "ports 0x70 2 memory is cmos",
	  "1:24: found 'cmos', expected it alone on ports of at least 0x2" },
	{ "ports 0 1 is nvme", "1:14: found 'nvme', expected cmos or edu" },
	{ "ports 0 1 latency 1",
	  "1:19: found '1', expected a time of up to 100ms in ns, us or ms" },
	{ "ports 0 1 latency 1s",
	  "1:19: found '1s', expected a time of up to 100ms in ns, us or ms" },
	{ "ports 0 1 latency 101ms",
	  "1:19: found '101ms', expected a time of up to 100ms in ns, us or ms" },
	{ "pci 00:20.0 1234:0001 class 0",
	  "1:5: found '00:20.0', expected an address as 0000:00:03.0" },
	{ "pci 00:01.0 1234:001 class 0",
	  "1:13: found '1234:001', expected vendor and device as 1234:11e8" },
	{ "pci 00:01.0 1234-0001 class 0",
	  "1:13: found '1234-0001', expected vendor and device as 1234:11e8" },
	{ "pci 00:01.0 1234:0001", "1:22: found 'end of line', expected 'class'" },
	{ "pci 00:01.0 1234:0001 class 0x1000000",
	  "1:29: found '0x1000000', expected a class of 24 bits" },
	{ PCI "pci 0:1.0 1234:0001 class 0", "2:5: found '0:1.0', " NO_OVERLAP },
	{ "cap msi", "1:1: found 'cap', expected pci before it" },
	{ "bar 0 mem 4K", "1:1: found 'bar', expected pci before it" },
	{ "reg 0 1 rw", "1:1: found 'reg', expected bar or ports before it" },
	{ PCI "reg 0 1 rw", "2:1: found 'reg', expected bar or ports before it" },
	{ BAR "msr 1 ro\nreg 0 1 rw", "4:1: found 'reg', expected bar or ports before it" },
	{ BAR PCI "bar 0 mem 4K\nreg 0 1 rw", "3:5: found '00:01.0', " NO_OVERLAP },
	{ PCI "cap vpd", "2:5: found 'vpd', expected one of pm, msi, pcie" },
	{ PCI "cap pcie\ncap pcie\ncap pcie\ncap pcie",
	  "5:5: found 'pcie', expected a capability that finds room below 0x100" },
	{ PCI "bytes 0x3f 1", "2:7: found '0x3f', expected an offset from 0x40 to 0xfff" },
	{ PCI "bytes 0x40", "2:11: found 'end of line', expected bytes from 0 to 0xff" },
	{ PCI "bytes 0x40 1 2 256", "2:16: found '256', expected bytes from 0 to 0xff" },
	{ PCI "bytes 0xff 1 2", "2:7: found '0xff', expected bytes that end below 0x100, or 'cap "
				"pcie' before them" },
	{ PCI "cap pcie\nbytes 0xfff 1 2",
	  "3:7: found '0xfff', expected bytes that end below 0x1000" },
	{ PCI "config 1 2",
	  "2:8: found '1', expected 0x0, where the last line ended, and bytes that "
	  "end below 0x1000" },
	{ PCI "config 0 1 2\nconfig 3 4",
	  "3:8: found '3', expected 0x2, where the last line ended, "
	  "and bytes that end below 0x1000" },
	{ PCI "bar 0 mem 4K\nconfig 0 1", "3:8: found '0', expected it before any BAR" },
	{ PCI "config 0 1\nbar 0 mem 4K", "3:5: found '0', expected a BAR that is free" },
	{ PCI "config 0 1\nbytes 0x40 1", "3:7: found '0x40', " NO_OVERLAP },
	{ PCI "config 0 1\ncap pm",
	  "3:5: found 'pm', expected a capability that finds room below 0x100" },
	{ PCI "cap pm\nbytes 0x47 1", "3:7: found '0x47', " NO_OVERLAP },
	{ PCI "bar 6 mem 4K", "2:5: found '6', expected a BAR from 0 to 5" },
	{ PCI "bar 0 rom 4K", "2:7: found 'rom', expected one of mem, mem64, io" },
	{ PCI "bar 0 mem 4k", "2:11: found '4k', expected a size" },
	{ PCI "bar 0 mem 17179869184G", "2:11: found '17179869184G', expected a size" },
	{ PCI "bar 0 mem 3K", "2:11: found '3K', expected a power of two from 16 to 256M" },
	{ PCI "bar 0 mem 512M", "2:11: found '512M', expected a power of two from 16 to 256M" },
	{ PCI "bar 0 io 2", "2:10: found '2', expected a power of two from 4 to 256" },
	{ PCI "bar 5 mem64 4K", "2:5: found '5', expected a BAR that is free" },
	{ PCI "bar 0 mem64 4K\nbar 1 mem 4K", "3:5: found '1', expected a BAR that is free" },
	{ PCI "bar 1 mem 4K\nbar 0 mem64 4K", "3:5: found '0', expected a BAR that is free" },
	{ BAR "bar 0 mem 4K", "3:5: found '0', expected a BAR that is free" },
	{ PCI "bar 0 mem 64M memory\nbar 1 mem 16 memory",
	  "3:14: found 'memory', expected no more than 64M of memory in all" },
	{ PCI "bar 0 mem 256M\nbar 1 mem 256M\nbar 2 mem 256M\nbar 3 mem 256M",
	  "5:11: found '256M', expected BARs that fit below 0xfec00000 in all" },
	{ PCI "bar 0 mem 4K is edu",
	  "2:17: found 'edu', expected it alone on a mem BAR of at least 0x100000" },
	{ PCI "bar 0 mem 1M is edu\nreg 0 4 ro",
	  "3:1: found 'reg', expected no registers in what is edu" },
	{ BAR "reg 0", "3:6: found 'end of line', expected a width: 1, 2, 4 or 8" },
	{ BAR "reg 0 3 rw", "3:7: found '3', expected a width: 1, 2, 4 or 8" },
	{ BAR "reg 0 4 w0c",
	  "3:9: found 'w0c', expected one of ro, wo, rw, w1c, rclr, counter, fifo" },
	{ BAR "reg 2 4 rw", "3:5: found '2', expected a multiple of its width" },
	{ BAR "reg 0x1000 4 rw", "3:5: found '0x1000', expected a register that ends at 0x1000" },
	{ BAR "reg 0 4 rw\nreg 2 1 rw", "4:5: found '2', " NO_OVERLAP },
	{ BAR "reg 0 1 rw value 256",
	  "3:18: found '256', expected no more than 0xff, for 1 bytes" },
	{ BAR "reg 0 4 fifo", "3:13: found 'end of line', expected 'depth'" },
	{ BAR "reg 0 4 fifo depth 0", "3:20: found '0', expected a depth from 1 to 4096" },
	{ BAR "reg 0 4 rw depth 1", "3:12: found 'depth', expected it only for a fifo" },
	{ BAR "reg 0 4 rclr split",
	  "3:14: found 'split', expected it only for ro, wo, rw and w1c" },
	{ BAR "reg 0 4 wo raises 4",
	  "3:19: found '4', expected the offset of a register above that is no fifo" },
	{ BAR "reg 0 4 rw\nreg 4 4 wo clears 1",
	  "4:19: found '1', expected the offset of a register above that is no fifo" },
	{ BAR "reg 0 4 rw\nreg 4 4 rw follows 0",
	  "4:12: found 'follows', expected it only for ro" },
	{ BAR "reg 0 4 rw huge", "3:12: found 'huge', expected " REG_NAMES },
	{ PCI "bar 0 io 4\nreg 0 8 rw", "3:7: found '8', expected at most 4, for ports" },
	{ "pci x 1234:0001 class 0\nbar 0 mem 4K\nreg 0 4 rw\ncap msi",
	  "1:5: found 'x', expected an address as 0000:00:03.0" },
	{ "b\x01\xc3", "1:1: found 'b?"
		       "?', expected " STATEMENTS },
	{ LONG "x", "1:1: found '" LONG "', expected " STATEMENTS },
};

struct report {
	int count;
	char message[512];
};

static void note(const char *message, void *context)
{
	struct report *report = context;

	report->count++;
	snprintf(report->message, sizeof(report->message), "%s", message);
}

START_TEST(check_names_the_place_and_what_was_expected)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct report report = { 0 };
		int r = hws_sim_check(bad[i].text, "t", note, &report);

		ck_assert_msg(r == 1 && report.count == 1, "%d errors in: %s", r, bad[i].text);
		ck_assert_str_eq(report.message + 2, bad[i].message);
	}
}
END_TEST

START_TEST(check_reports_every_error)
{
	struct report report = { 0 };

	ck_assert_int_eq(hws_sim_check("a\nb\n\ncpu count 1\nmsr\n", "t", note, &report), 3);
	ck_assert_int_eq(report.count, 3);
	ck_assert_int_eq(hws_sim_check("a\nb\n", NULL, NULL, NULL), 2);
	ck_assert_int_eq(hws_sim_check("a", NULL, note, &report), 1);
	ck_assert_str_eq(report.message, "sim:1:1: found 'a', expected " STATEMENTS);
	ck_assert_int_eq(hws_sim_check(NULL, "t", note, &report), -EINVAL);
}
END_TEST

START_TEST(check_limits_words)
{
	struct report report = { 0 };
	char text[512] = PCI "bytes 0x40";
	size_t at = strlen(text);

	for (int i = 0; i < 63; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, " %d", i);
	ck_assert_int_eq(hws_sim_check(text, "t", note, &report), 1);
	ck_assert_str_eq(report.message, "t:2:188: found '62', expected at most 64 words");
	text[at - 3] = '\0';
	ck_assert_int_eq(hws_sim_check(text, "t", note, &report), 0);
}
END_TEST

START_TEST(check_takes_good_forms)
{
	static const char *const good[] = {
		"",
		"\n\n# only a comment",
		"cpu count 64\r\nmsr 1 ro cpus 0-63\n",
		"cpu count 64\nmsr 1 ro cpus 63\nmsr 1 rw cpus 0-62\nmsr 2 ro cpus all",
		"cpu model \"a # b\" count 1 vendor \"\"# end",
		"\tports 0 0x10000 memory",
		PCI "bar 4 mem64 256M",
		PCI "bar 0 mem 4K\nbar 1 io 4\nbar 2 mem64 16\nbar 4 mem 1M is edu",
		BAR "cap msi\nreg 0 4 rw",
		"pci ffffffff:ff:1f.7 ffff:FFFF class 0xffffff unplug 0",
	};

	for (size_t i = 0; i < COUNT(good); i++) {
		struct report report = { 0 };
		int r = hws_sim_check(good[i], "t", note, &report);

		ck_assert_msg(r == 0, "%s: %s", good[i], report.message);
	}
	ck_assert_int_eq(hws_sim_check(hws_sim_default(), "default.sim", NULL, NULL), 0);
}
END_TEST

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 65536);

	ck_assert_msg(file && text, "%s", path);
	ck_assert_uint_lt(fread(text, 1, 65535, file), 65535);
	fclose(file);
	return text;
}

START_TEST(document_shows_a_machine_that_works)
{
	char *text = read_file(SIM_DOC);
	char *begin = strstr(text, "```sim\n");
	char *end;
	struct hws_window bar;
	void *sim;

	ck_assert_ptr_nonnull(begin);
	begin += strlen("```sim\n");
	end = strstr(begin, "```");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	sim = machine(begin);
	bar = bar_of(sim, "00:01.0", 0);
	put(sim, &bar, 0x08, 4, 5);
	ck_assert_uint_eq(get(sim, &bar, 0x04, 4), 5);
	sim_ops.close(sim);
	free(text);
}
END_TEST

/* Random bytes, or a good description with a few bytes replaced, removed, doubled. */
static void mutate(char *text, size_t size, const char *good, uint64_t *state)
{
	static const char likely[] = "0123456789abcdefx:.-, \t\n\r\"#KMG";
	size_t length = strlen(good);

	if (random_next(state) % 4 == 0) {
		length = (size_t)random_next(state) % 200;
		for (size_t i = 0; i < length; i++)
			text[i] = (char)random_next(state);
		text[length] = '\0';
		return;
	}
	ck_assert_uint_lt(length + 16, size);
	memcpy(text, good, length + 1);
	for (uint64_t n = random_next(state) % 8; n > 0 && length > 1; n--) {
		size_t at = (size_t)random_next(state) % length;
		size_t cut = random_next(state) % 8;
		char byte = likely[random_next(state) % (sizeof(likely) - 1)];

		if (cut == 0 && length - at > 4) {
			memmove(text + at, text + at + 4, length - at - 3);
			length -= 4;
		} else if (cut == 1) {
			text[at] = (char)(random_next(state) | 1);
		} else {
			text[at] = byte;
		}
	}
}

/* Every report is well formed, and there are as many as the result says. */
static void check_shape(const char *message, void *context)
{
	unsigned int line;
	unsigned int column;
	const char *at = message;

	while (*at >= ' ' && *at <= '~')
		at++;
	if (*at || sscanf(message, "t:%u:%u: found '", &line, &column) != 2 ||
	    !strstr(message, "', expected "))
		ck_abort_msg("%s", message);
	++*(int *)context;
}

START_TEST(check_survives_nonsense)
{
	static const char small[] = "cpu count 2\ncpuid 1 any 1 2 3 4\nclock real\nports 0x70 2 is "
				    "cmos\nmsr 0x10 rw cpus 0-1\n" PCI
				    "cap msi\nbytes 0x80 1 2 3\nbar 0 mem 4K latency 5us\nreg 0 4 "
				    "w1c mask 0xf\nreg 8 4 wo raises 0\nreg 16 8 fifo depth 4\n";
	uint64_t state = seed();
	char text[8192];

	for (int i = 0, rounds = suite_rounds(20000); i < rounds; i++) {
		int reports = 0;
		int r;

		mutate(text, sizeof(text), i % 16 ? small : hws_sim_default(), &state);
		r = hws_sim_check(text, "t", check_shape, &reports);
		if (r != reports)
			ck_abort_msg("seed %" PRIu64 " round %d: %d, %d reports", seed(), i, r,
				     reports);
		if (r == 0 && i % 32 == 1)
			sim_ops.close(machine(text));
	}
}
END_TEST

int main(void)
{
	return suite_run("shim/sim-parse", (const TTest *[]) {
						   check_names_the_place_and_what_was_expected,
						   check_reports_every_error,
						   check_limits_words,
						   check_takes_good_forms,
						   document_shows_a_machine_that_works,
						   check_survives_nonsense,
						   NULL,
					   });
}
