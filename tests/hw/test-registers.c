/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptions of registers: what is taken, what is refused and how that is told. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/hw/hw-kit.h"
#include "tests/hw/registers-kit.h"
#include "tests/shim/sim-kit.h"

#define SPACES	   "bar, ports, msr, config, cap or extcap before it"
#define STATEMENTS "one of device, bar, ports, msr, config, cap, extcap, reg, field, value"
#define NAME	   "expected a name: up to 31 letters, digits, _ and -, a letter first"
#define REG	   "bar 0\nreg A 0 4 rw\n"
#define FIELD	   REG "field F 3:2\n"

static const struct {
	const char *text;
	const char *message; /* of the only error, behind "t:" */
} bad[] = {
	{ "foo", "1:1: found 'foo', expected " STATEMENTS },
	{ "reg A 0 4 rw", "1:1: found 'reg', expected " SPACES },
	{ "device id 1234", "1:11: found '1234', expected vendor and device as 1234:11e8" },
	{ "device class 0x1000000", "1:14: found '0x1000000', expected a class of 24 bits" },
	{ "device\ndevice", "2:1: found 'device', expected one device, before all registers" },
	{ REG "device", "3:1: found 'device', expected one device, before all registers" },
	{ "bar 6", "1:5: found '6', expected a BAR from 0 to 5" },
	{ "bar", "1:4: found 'end of line', expected a BAR from 0 to 5" },
	{ "bar 0 1", "1:7: found '1', expected nothing more" },
	{ "ports 0x10000", "1:7: found '0x10000', expected a port from 0 to 0xffff" },
	{ "ports 0xffff indexed", "1:7: found '0xffff', expected two ports: index and data" },
	{ "ports 1 index", "1:9: found 'index', expected one of indexed" },
	{ "msr 1", "1:5: found '1', expected nothing more" },
	{ "config header 3", "1:15: found '3', expected a header's type from 0 to 2" },
	{ "cap 0", "1:5: found '0', expected a capability's id from 1 to 0xff" },
	{ "extcap 0x10000",
	  "1:8: found '0x10000', expected an extended capability's id from 1 to 0xffff" },
	{ "bar 0\nfield F 0", "2:1: found 'field', expected reg before it" },
	{ "bar 0\nreg 1A 0 4 rw", "2:5: found '1A', " NAME },
	{ "bar 0\nreg A.B 0 4 rw", "2:5: found 'A.B', " NAME },
	{ "bar 0\nreg \"\" 0 4 rw", "2:5: found '', " NAME },
	{ "bar 0\nreg A23456789012345678901234567890xx 0 4 rw",
	  "2:5: found 'A23456789012345678901234567890xx', " NAME },
	{ "bar 0\nreg A -1 4 rw", "2:7: found '-1', expected an offset" },
	{ "bar 0\nreg A 010 4 rw", "2:7: found '010', expected an offset" },
	{ "bar 0\nreg A 0 3 rw", "2:9: found '3', expected a width: 1, 2, 4 or 8" },
	{ "bar 0\nreg A 0 4 rx", "2:11: found 'rx', expected one of ro, wo, rw, w1c, rclr, fifo" },
	{ "bar 0\nreg A 0 4 rw 5", "2:14: found '5', expected one of reset, text" },
	{ "bar 0\nreg A 0 4 rw reset 0x100000000",
	  "2:20: found '0x100000000', expected a number of 32 bits" },
	{ "bar 0\nreg A 0 4 rw text \"\x1b[31m\"",
	  "2:19: found '?[31m', expected at most 255 characters, none of them control characters" },
	{ "bar 0\nreg A 2 4 rw", "2:7: found '2', expected a multiple of its width" },
	{ "bar 0\nreg A 0xfffffffffffffff8 8 rw", "2:7: found '0xfffffffffffffff8', expected a "
						  "register that ends at 0xffffffffffffffff" },
	{ "ports 0xfff0\nreg A 0xd 4 rw",
	  "2:7: found '0xd', expected a register that ends at 0x10" },
	{ "ports 0\nreg A 0 8 rw", "2:9: found '8', expected a width: 1, 2 or 4" },
	{ "ports 0x70 indexed\nreg A 0 2 rw", "2:9: found '2', expected the width 1" },
	{ "msr\nreg A 0 4 rw", "2:9: found '4', expected the width 8" },
	{ "msr\nreg A 0x100000000 8 rw",
	  "2:7: found '0x100000000', expected a register that ends at 0x100000000" },
	{ "config\nreg A 0x1000 1 rw",
	  "2:7: found '0x1000', expected a register that ends at 0x1000" },
	{ "cap 1\nreg A 0xc0 1 rw", "2:7: found '0xc0', expected a register that ends at 0xc0" },
	{ REG "reg A 4 4 rw", "3:5: found 'A', expected a name that line 2 has not" },
	{ REG "reg B 3 1 rw", "3:7: found '3', expected what no other line covers" },
	{ REG "bar 0\nreg B 0 8 rw", "4:7: found '0', expected what no other line covers" },
	{ REG "field F 32", "3:9: found '32', expected bits below 32" },
	{ REG "field F 1:2", "3:9: found '1:2', expected bits as 7 or 15:8, below 64" },
	{ REG "field F 64:1", "3:9: found '64:1', expected bits as 7 or 15:8, below 64" },
	{ REG "field F 1:", "3:9: found '1:', expected bits as 7 or 15:8, below 64" },
	{ REG "field F 0x1", "3:9: found '0x1', expected bits as 7 or 15:8, below 64" },
	{ REG "field F 1 wo", "3:11: found 'wo', expected one of ro, rw, w1c, text" },
	{ REG "field F 1 ro w1c", "3:14: found 'w1c', expected one attribute" },
	{ "bar 0\nreg A 0 4 ro\nfield F 1 w1c",
	  "3:11: found 'w1c', expected it only in a register of rw or w1c" },
	{ FIELD "field F 1", "4:7: found 'F', expected a name that no other field of A has" },
	{ FIELD "field G 2", "4:9: found '2', expected bits that no other field has" },
	{ REG "value 1 x", "3:1: found 'value', expected field before it" },
	{ FIELD "value 4 x", "4:7: found '4', expected a value of 2 bits" },
	{ FIELD "value 1", "4:8: found 'end of line', expected a name of 1 to 31 characters" },
	{ FIELD "value 1 x\nvalue 1 y", "5:7: found '1', expected a value that has no name yet" },
	/* what stands in something that failed is not told of again */
	{ "bar 9\nreg A 0 4 rw\nfield F 0\nvalue 0 x",
	  "1:5: found '9', expected a BAR from 0 to 5" },
	{ "bar 0\nreg A 1 4 rw\nfield F 0\nvalue 0 x",
	  "2:7: found '1', expected a multiple of its width" },
	{ REG "field F 99\nvalue 0 x", "3:9: found '99', expected bits as 7 or 15:8, below 64" },
};

static void count_errors(const char *message, void *context)
{
	ck_assert_str_ne(message, "");
	++*(int *)context;
}

START_TEST(error_names_place_and_what_was_expected)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct hws_registers *made = NULL;
		int errors = 0;
		int r = hws_registers_parse("t", bad[i].text, count_errors, &errors, &made);

		ck_assert_msg(r == -EBADMSG, "%d for %s", r, bad[i].text);
		ck_assert_ptr_null(made);
		ck_assert_msg(!strncmp(hws_why(), "t:", 2) &&
				      !strcmp(hws_why() + 2, bad[i].message),
			      "%s\ninstead of t:%s", hws_why(), bad[i].message);
		ck_assert_int_eq(errors, 1);
	}
}
END_TEST

START_TEST(errors_are_all_told_and_counted)
{
	struct hws_registers *made = NULL;
	int errors = 0;

	ck_assert_int_eq(hws_registers_parse("t", "x\nbar 0\ny\nreg A 0 4 zz\n", count_errors,
					     &errors, &made),
			 -EBADMSG);
	ck_assert_int_eq(errors, 3);
	ck_assert_ptr_nonnull(strstr(hws_why(), "t:1:1: found 'x'"));
	ck_assert_ptr_nonnull(strstr(hws_why(), "(and 2 more)"));
	ck_assert_int_eq(hws_registers_parse(NULL, "", NULL, NULL, &made), -EINVAL);
	ck_assert_int_eq(hws_registers_parse("t", NULL, NULL, NULL, &made), -EINVAL);
	ck_assert_ptr_null(made);
}
END_TEST

START_TEST(description_is_told_as_it_was_written)
{
	static const char text[] = "device id 1234:11e8 class 0x010802 # which\n"
				   "msr\n"
				   "  reg CTL 0x1a0 8 rw reset 0x850089 text \"what # it does\"#c\n"
				   "    field Fast 0 text x\n"
				   "    field Mode 3:2 ro\n"
				   "      value 0 \"as before\"\n"
				   "      value 3 more\n"
				   "  reg CTL2 0x1a1 8 rclr\n"
				   "bar 5\n"
				   "reg X 0xfffffffffffffff0 4 fifo";
	struct hws_registers *made = parsed(text);
	struct hws_register reg;
	struct hws_field field;
	uint32_t index = 99;

	ck_assert_uint_eq(hws_registers_count(made), 3);
	ck_ok(hws_registers_at(made, 0, &reg));
	ck_assert_str_eq(reg.name, "CTL");
	ck_assert_str_eq(reg.text, "what # it does");
	ck_assert_int_eq(reg.space, HWS_SPACE_MSR);
	ck_assert_uint_eq(reg.offset, 0x1a0);
	ck_assert_uint_eq(reg.width, 8);
	ck_assert_int_eq(reg.attribute, HWS_ATTRIBUTE_RW);
	ck_assert(reg.has_reset);
	ck_assert_uint_eq(reg.reset, 0x850089);
	ck_assert_uint_eq(reg.fields, 2);
	ck_assert_uint_eq(reg.line, 3);
	ck_ok(hws_registers_field_at(made, 0, 1, &field));
	ck_assert_str_eq(field.name, "Mode");
	ck_assert_str_eq(field.text, "");
	ck_assert_uint_eq(field.high, 3);
	ck_assert_uint_eq(field.low, 2);
	ck_assert_int_eq(field.attribute, HWS_ATTRIBUTE_RO);
	ck_assert_uint_eq(field.words, 2);
	ck_ok(hws_registers_field_at(made, 0, 0, &field));
	ck_assert_int_eq(field.attribute, HWS_ATTRIBUTE_RW);
	ck_assert_str_eq(field.text, "x");
	ck_assert_str_eq(hws_registers_word(made, 0, 1, 0), "as before");
	ck_assert_str_eq(hws_registers_word(made, 0, 1, 3), "more");
	ck_assert_ptr_null(hws_registers_word(made, 0, 1, 1));
	ck_assert_ptr_null(hws_registers_word(made, 0, 9, 0));
	ck_assert_ptr_null(hws_registers_word(made, 9, 0, 0));
	ck_ok(hws_registers_at(made, 2, &reg));
	ck_assert_int_eq(reg.space, HWS_SPACE_BAR);
	ck_assert_uint_eq(reg.which, 5);
	ck_assert(!reg.has_reset);
	ck_assert_int_eq(hws_registers_at(made, 3, &reg), -ERANGE);
	ck_assert_int_eq(hws_registers_field_at(made, 1, 0, &field), -ERANGE);
	ck_ok(hws_registers_find(made, "CTL2", &index));
	ck_assert_uint_eq(index, 1);
	ck_assert_int_eq(hws_registers_find(made, "CTL3", &index), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "there are CTL, CTL2"));
	ck_assert_int_eq(hws_registers_find(made, "", &index), -ENOENT);
	ck_assert_uint_eq(index, 1);
	ck_assert(hws_registers_match(made, 0x1234, 0x11e8, 0));
	ck_assert(hws_registers_match(made, 0, 0, 0x010802));
	ck_assert(!hws_registers_match(made, 0x1234, 0x11e9, 0x010801));
	ck_assert_ptr_eq(hws_registers_ref(made), made);
	hws_registers_unref(made);
	hws_registers_unref(made);
	hws_registers_unref(NULL);
}
END_TEST

START_TEST(description_about_nothing_matches_nothing)
{
	struct hws_registers *made = parsed("");

	ck_assert_uint_eq(hws_registers_count(made), 0);
	ck_assert(!hws_registers_match(made, 0, 0, 0));
	hws_registers_unref(made);
}
END_TEST

START_TEST(limits_are_held)
{
	struct hws_registers *made = NULL;
	size_t size = 1u << 21;
	char *text = malloc(size);
	size_t n = (size_t)snprintf(text, size, "bar 0\n");

	for (int i = 0; i <= HWS_REGISTERS_MAX; i++)
		n += (size_t)snprintf(text + n, size - n, "reg R%d %d 4 rw\n", i, 4 * i);
	ck_assert_int_eq(hws_registers_parse("t", text, NULL, NULL, &made), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(hws_why(), "t:4098:1: found 'reg', expected at most 4096"));
	memset(text, ' ', size);
	text[HWS_REGISTERS_TEXT_MAX] = '\0';
	ck_ok(hws_registers_parse("t", text, NULL, NULL, &made));
	hws_registers_unref(made);
	text[HWS_REGISTERS_TEXT_MAX] = ' ';
	text[HWS_REGISTERS_TEXT_MAX + 1] = '\0';
	ck_assert_int_eq(hws_registers_parse("t", text, NULL, NULL, &made), -EFBIG);
	free(text);
}
END_TEST

/* All that can be asked of a description. */
static void walk(const struct hws_registers *made)
{
	for (uint32_t i = 0; i < hws_registers_count(made); i++) {
		struct hws_register reg;
		struct hws_field field;
		uint32_t found = UINT32_MAX;

		ck_ok(hws_registers_at(made, i, &reg));
		ck_ok(hws_registers_find(made, reg.name, &found));
		ck_assert_uint_eq(found, i);
		ck_assert_str_ne(hws_attribute_name(reg.attribute), "?");
		for (uint32_t f = 0; f < reg.fields; f++) {
			ck_ok(hws_registers_field_at(made, i, f, &field));
			ck_assert_uint_lt(field.high, 8 * reg.width);
			ck_assert_uint_le(field.low, field.high);
			ck_assert_uint_gt(strlen(field.name), 0);
		}
	}
}

START_TEST(shipped_descriptions_are_good)
{
	struct hws *hw = open_with(NULL);
	struct hws_registers *made;
	unsigned int i;

	for (i = 0; hws_registers_shipped(i); i++) {
		ck_works(hws_registers_load(hw, hws_registers_shipped(i), &made));
		ck_assert_uint_gt(hws_registers_count(made), 4);
		walk(made);
		hws_registers_unref(made);
	}
	ck_assert_uint_eq(i, 6);
	ck_assert_int_eq(hws_registers_load(hw, "none", &made), -ENOENT);
	ck_assert_ptr_nonnull(strstr(hws_why(), "cmos, edu, msr, nvme, pci, pci-testdev"));
	ck_assert_int_eq(hws_registers_load(hw, NULL, &made), -EINVAL);
	ck_assert_str_eq(hws_attribute_name(HWS_ATTRIBUTES), "?");
	hws_close(hw);
}
END_TEST

START_TEST(file_is_loaded_below_the_sysroot)
{
	char root[] = "/tmp/hwsafe-registers-XXXXXX";
	struct hws_options options = sim_with(NULL);
	struct hws_registers *made = NULL;
	char path[64];
	struct hws *hw;

	ck_assert_ptr_nonnull(mkdtemp(root));
	options.sysroot = root;
	options.backend = "sim"; /* a plug-in would be looked for there, too */
	ck_works(hws_open(&options, &hw));
	ck_assert_int_eq(hws_registers_load(hw, "/mine.regs", &made), -ENOENT);
	write_file(root, "mine.regs", "bar 0\n reg A 0 4 rw\n", 20, path);
	ck_works(hws_registers_load(hw, "/mine.regs", &made));
	ck_assert_uint_eq(hws_registers_count(made), 1);
	hws_registers_unref(made);
	write_file(root, "mine.regs", "bar 0\n\0reg", 10, path);
	ck_assert_int_eq(hws_registers_load(hw, "/mine.regs", &made), -EBADMSG);
	write_file(root, "mine.regs", "bar 7\n", 6, path);
	ck_assert_int_eq(hws_registers_load(hw, "/mine.regs", &made), -EBADMSG);
	ck_assert_str_eq(hws_why(), "/mine.regs:1:5: found '7', expected a BAR from 0 to 5");
	remove(path);
	remove(root);
	hws_close(hw);
}
END_TEST

/* A text that was one, with some bytes changed, moved, doubled or lost. */
static void spoil(char *text, size_t *length, uint64_t *state)
{
	static const char odd[] = "\n\t \"#:.-\x01\xff"
				  "0x9fFrw";

	for (uint64_t n = random_next(state) % 8 + 1; n && *length > 2; n--) {
		size_t at = (size_t)random_next(state) % *length;
		size_t part = (size_t)random_next(state) % 24 % (*length - at);

		switch (random_next(state) % 4) {
		case 0:
			text[at] = odd[random_next(state) % (sizeof(odd) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + part, *length - at - part + 1);
			*length -= part;
			break;
		case 2:
			memmove(text + random_next(state) % (*length - part), text + at, part);
			break;
		default:
			text[at] = (char)(random_next(state) % 255 + 1);
			break;
		}
	}
}

START_TEST(spoiled_text_is_refused_or_good)
{
	struct hws *hw = open_with(NULL);
	uint64_t state = seed();
	const int rounds = suite_rounds(4000);
	int refused = 0;

	for (int i = 0; i < rounds; i++) {
		const char *from = shipped_text((unsigned int)i % 6);
		char *text = strdup(from);
		size_t length = strlen(text);
		struct hws_registers *made = NULL;
		int errors = 0;
		int r;

		spoil(text, &length, &state);
		r = hws_registers_parse("t", text, count_errors, &errors, &made);
		ck_assert_msg(r == 0 || r == -EBADMSG, "%d", r);
		ck_assert_int_eq(r<0, errors> 0);
		ck_assert_int_eq(r < 0, made == NULL);
		refused += r < 0;
		if (made)
			walk(made);
		hws_registers_unref(made);
		free(text);
	}
	ck_assert_int_gt(refused, rounds / 4);
	hws_close(hw);
}
END_TEST

int main(void)
{
	return suite_run("hw/registers", (const TTest *[]) {
						 error_names_place_and_what_was_expected,
						 errors_are_all_told_and_counted,
						 description_is_told_as_it_was_written,
						 description_about_nothing_matches_nothing,
						 limits_are_held,
						 shipped_descriptions_are_good,
						 file_is_loaded_below_the_sysroot,
						 spoiled_text_is_refused_or_good,
						 NULL,
					 });
}
