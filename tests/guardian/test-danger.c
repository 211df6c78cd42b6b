/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes that need a right of their own. */
#include "guardian/danger-internal.h"
#include "tests/hw/hw-kit.h"

/* One write, what it may do, and what it may not be taken for. */
static const struct row {
	enum hws_kind kind;
	uint32_t first;
	uint32_t width;
	uint64_t value;
	uint32_t class_code;
	uint32_t right; /* 0: it is harmless */
} rows[] = {
	{ HWS_KIND_PORT, 0x64, 1, 0xfe, 0, HWS_DANGER_RESET },
	{ HWS_KIND_PORT, 0x64, 1, 0xf0, 0, HWS_DANGER_RESET },
	{ HWS_KIND_PORT, 0x64, 1, 0xff, 0, 0 },
	{ HWS_KIND_PORT, 0x64, 1, 0xd1, 0, HWS_DANGER_RESET },
	{ HWS_KIND_PORT, 0x64, 1, 0xd4, 0, 0 },
	{ HWS_KIND_PORT, 0x63, 2, 0xfe00, 0, HWS_DANGER_RESET },
	{ HWS_KIND_PORT, 0x63, 2, 0x00fe, 0, 0 },
	{ HWS_KIND_PORT, 0x60, 1, 0xfe, 0, 0 },
	{ HWS_KIND_PORT, 0x92, 1, 0, 0, HWS_DANGER_RESET },
	{ HWS_KIND_PORT, 0xb2, 1, 0, 0, HWS_DANGER_SMM },
	{ HWS_KIND_PORT, 0xcf9, 1, 6, 0, HWS_DANGER_RESET },
	{ HWS_KIND_PORT, 0xcf8, 2, 0, 0, HWS_DANGER_RESET | HWS_DANGER_PCI },
	{ HWS_KIND_PORT, 0xcf8, 4, 0, 0, HWS_DANGER_PCI },
	{ HWS_KIND_PORT, 0xcfc, 4, 0, 0, HWS_DANGER_PCI },
	{ HWS_KIND_PORT, 0xcff, 1, 0, 0, HWS_DANGER_PCI },
	{ HWS_KIND_PORT, 0xcf6, 2, 0, 0, 0 },
	{ HWS_KIND_PORT, 0xd00, 4, 0, 0, 0 },
	{ HWS_KIND_PCI, 0x04, 2, 6, 0, 0 },
	{ HWS_KIND_PCI, 0x10, 4, 0, 0, HWS_DANGER_BAR },
	{ HWS_KIND_PCI, 0x27, 1, 0, 0, HWS_DANGER_BAR },
	{ HWS_KIND_PCI, 0x28, 4, 0, 0, 0 },
	{ HWS_KIND_PCI, 0x30, 4, 0, 0, HWS_DANGER_BAR },
	{ HWS_KIND_PCI, 0x3c, 1, 0, 0, 0 },
	{ HWS_KIND_PCI, 0x14, 4, 0, 0x060400, HWS_DANGER_BAR },
	{ HWS_KIND_PCI, 0x18, 4, 0, 0x060400, HWS_DANGER_BRIDGE },
	{ HWS_KIND_PCI, 0x20, 4, 0, 0x060401, HWS_DANGER_BRIDGE },
	{ HWS_KIND_PCI, 0x38, 4, 0, 0x060400, HWS_DANGER_BAR },
	{ HWS_KIND_PCI, 0x3e, 2, 0, 0x060400, HWS_DANGER_BRIDGE },
	{ HWS_KIND_PCI, 0x3c, 2, 0, 0x060400, 0 },
	{ HWS_KIND_MSR, 0x10, 8, 0, 0, HWS_DANGER_CLOCK },
	{ HWS_KIND_MSR, 0x1b, 8, 0, 0, HWS_DANGER_APIC },
	{ HWS_KIND_MSR, 0x79, 8, 0, 0, HWS_DANGER_MICROCODE },
	{ HWS_KIND_MSR, 0x150, 8, 0, 0, HWS_DANGER_VOLTAGE },
	{ HWS_KIND_MSR, 0x1a0, 8, 0, 0, HWS_DANGER_FEATURES },
	{ HWS_KIND_MSR, 0x1f2, 8, 0, 0, HWS_DANGER_SMM },
	{ HWS_KIND_MSR, 0x277, 8, 0, 0, HWS_DANGER_MEMORY },
	{ HWS_KIND_MSR, 0x610, 8, 0, 0, 0 },
	{ HWS_KIND_MSR, 0xc0000080, 8, 0, 0, HWS_DANGER_MODE },
	{ HWS_KIND_MSR, 0xc0000082, 8, 0, 0, HWS_DANGER_ENTRY },
	{ HWS_KIND_BAR, 0x10, 4, 0, 0, 0 },
};

static struct hws_access access_of(const struct row *row)
{
	return (struct hws_access) {
		.kind = row->kind,
		.rights = HWS_W,
		.first = row->first,
		.last = row->first + (row->kind == HWS_KIND_MSR ? 1 : row->width) - 1,
		.width = row->width,
		.class_code = row->class_code,
		.has = HWS_HAS_VALUE,
		.value = row->value,
	};
}

/* The rule that would allow everything of the kind, with what stands behind it. */
static struct hws *open_for(const struct row *row, uint32_t right)
{
	static const char *const rules[HWS_KINDS] = {
		[HWS_KIND_PORT] = "port = * rw",
		[HWS_KIND_MSR] = "msr = * rw",
		[HWS_KIND_PCI] = "pci = *, config rw",
		[HWS_KIND_BAR] = "bar = * * rw",
	};
	char rule[128];
	int n = snprintf(rule, sizeof(rule), "%s%s", rules[row->kind], right ? " danger" : "");

	for (size_t i = 0; i < DANGERS; i++) {
		if (right & dangers[i].right)
			n += snprintf(rule + n, sizeof(rule) - (size_t)n, " %s", dangers[i].name);
	}
	return open_with(rule);
}

START_TEST(dangerous_write_needs_its_own_word)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hws_access access = access_of(&rows[i]);
		char text[512] = "";
		struct hws *hw = open_for(&rows[i], 0);
		int r = hws_check(hw, &access, text, sizeof(text));

		ck_assert_msg(hws_access_danger(&access) == rows[i].right, "row %zu: 0x%x", i,
			      hws_access_danger(&access));
		ck_assert_msg(r == (rows[i].right ? -EACCES : 0), "row %zu: %s", i, text);
		for (size_t d = 0; d < DANGERS; d++) {
			if (rows[i].right & dangers[d].right) {
				ck_assert_msg(strstr(text, dangers[d].name), "%s", text);
				ck_assert_msg(strstr(text, dangers[d].does), "%s", text);
			}
		}
		hws_close(hw);
		hw = open_for(&rows[i], rows[i].right);
		r = hws_check(hw, &access, text, sizeof(text));
		ck_assert_msg(r == 0, "row %zu: %s", i, text);
		hws_close(hw);
		hw = open_for(&rows[i], HWS_DANGER & ~rows[i].right);
		if (rows[i].kind != HWS_KIND_BAR) {
			r = hws_check(hw, &access, text, sizeof(text));
			ck_assert_msg(r == (rows[i].right ? -EACCES : 0), "row %zu: %s", i, text);
		}
		hws_close(hw);
	}
}
END_TEST

START_TEST(reads_are_never_dangerous)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hws_access access = access_of(&rows[i]);

		access.rights = HWS_R;
		ck_assert_uint_eq(danger_of(&access), 0);
	}
}
END_TEST

START_TEST(value_that_is_not_known_is_taken_for_the_worst)
{
	struct hws_access access = access_of(&rows[2]);

	access.has = 0;
	ck_assert_uint_eq(danger_of(&access), HWS_DANGER_RESET);
}
END_TEST

START_TEST(port_is_written_but_for_the_value_that_resets)
{
	struct hws_options options = sim_with("port = 0x60-0x67 rw");
	struct hws_port *port;
	struct hws *hw;

	options.sim = "cpu count 1\nports 0x60 8 memory\n";
	ck_works(hws_open(&options, &hw));
	ck_works(hws_port_open(hw, 0x60, 8, HWS_RW, &port));
	ck_ok(hws_port_write8(port, 0x60, 0xfe));
	ck_ok(hws_port_write8(port, 0x64, 0xd4));
	ck_denied(hws_port_write8(port, 0x64, 0xfe), HWS_REASON_DANGER);
	ck_assert_msg(strstr(hws_why(), "resets the machine"), "%s", hws_why());
	ck_assert_msg(strstr(hws_why(), "'danger reset'"), "%s", hws_why());
	ck_assert_msg(strstr(hws_why(), "inline:1"), "%s", hws_why());
	hws_port_put8(port, 0x64, 0xfe);
	ck_assert_uint_eq(hws_port_get8(port, 0x64), 0xd4);
	hws_port_close(port);
	hws_close(hw);
}
END_TEST

START_TEST(word_lets_the_write_through)
{
	struct hws *hw = open_with("msr = 0x1b rw danger apic\n"
				   "msr = 0xc0000080 rw danger reset, mask 0x801");
	struct hws_msr *msr;
	uint64_t value;

	ck_works(hws_msr_open(hw, "0", 0x1b, 0x1b, HWS_RW, &msr));
	ck_ok(hws_msr_read(msr, 0, 0x1b, &value));
	ck_ok(hws_msr_write(msr, 0, 0x1b, value));
	hws_msr_close(msr);
	ck_works(hws_msr_open(hw, "0", 0xc0000080, 0xc0000080, HWS_RW, &msr));
	ck_denied(hws_msr_update(msr, 0, 0xc0000080, 1, 0), HWS_REASON_DANGER);
	ck_ok(hws_msr_read(msr, 0, 0xc0000080, &value));
	ck_assert_uint_eq(value, 0xd01);
	hws_msr_close(msr);
	hws_close(hw);
}
END_TEST

START_TEST(base_address_stays_where_it_is)
{
	struct hws *hw = open_with("pci = *, config rw");
	struct hws_pci *pci;
	uint32_t bar;

	ck_works(hws_pci_open(hw, "0000:00:03.0", 0, 0x40, HWS_RW, &pci));
	bar = hws_pci_get32(pci, 0x10);
	ck_denied(hws_pci_write32(pci, 0x10, UINT32_MAX), HWS_REASON_DANGER);
	ck_assert_uint_eq(hws_pci_get32(pci, 0x10), bar);
	ck_ok(hws_pci_write8(pci, 0x3c, 5));
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

START_TEST(deny_rule_forbids_a_danger)
{
	struct hws *hw = open_with("port = * rw danger\ndeny port = * danger reset");
	struct hws_access write = access_of(&rows[0]);
	char text[256];

	ck_assert_int_eq(hws_check(hw, &write, text, sizeof(text)), -EACCES);
	ck_assert_msg(strstr(text, "deny-rule"), "%s", text);
	write.value = 0xd4;
	ck_ok(hws_check(hw, &write, NULL, 0));
	hws_close(hw);
}
END_TEST

START_TEST(words_are_read_and_written_again)
{
	struct hws_access access = access_of(&rows[0]);
	struct hws *hw = open_with("cpuid = *");
	struct hws_options options = sim_with("port = * rw danger reset pci reset");
	char text[256];

	ck_assert_int_eq(hws_check(hw, &access, text, sizeof(text)), -EACCES);
	ck_assert_msg(strstr(text, "port = 0x64 w danger reset"), "%s", text);
	hws_close(hw);
	ck_assert_int_eq(hws_open(&options, &hw), -EBADMSG);
	ck_assert_msg(strstr(hws_why(), "'reset' a second time"), "%s", hws_why());
	options.policy_text = "port = * rw danger bogus";
	ck_assert_int_eq(hws_open(&options, &hw), -EBADMSG);
	for (size_t i = 0; i < DANGERS; i++) {
		ck_assert_uint_eq(dangers[i].right & HWS_DANGER, dangers[i].right);
		ck_assert_uint_eq(dangers[i].right, HWS_DANGER_RESET << i);
		ck_assert_str_eq(hws_danger_name(dangers[i].right), dangers[i].name);
		ck_assert_str_eq(hws_danger_does(dangers[i].right), dangers[i].does);
	}
	ck_assert_str_eq(hws_danger_name(HWS_DANGER), "?");
	ck_assert_str_eq(hws_danger_does(0), "?");
}
END_TEST

int main(void)
{
	return suite_run("guardian/danger", (const TTest *[]) {
						    dangerous_write_needs_its_own_word,
						    reads_are_never_dangerous,
						    value_that_is_not_known_is_taken_for_the_worst,
						    port_is_written_but_for_the_value_that_resets,
						    word_lets_the_write_through,
						    base_address_stays_where_it_is,
						    deny_rule_forbids_a_danger,
						    words_are_read_and_written_again,
						    NULL,
					    });
}
