/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chains of capabilities: of devices that keep to the standard, and of others. */
#include "shim/shim-internal.h"
#include "tests/hw/lab-kit.h"
#include "tests/hw/tree-kit.h"

#define BDF "0000:00:05.0"
enum {
	PM = 0x01,
	MSI = 0x05,
	VENDOR = 0x09,
	PCIE = 0x10,
	MSIX = 0x11,
	AER = 0x0001,
	VSEC = 0x000b
};

/* What a function's configuration space holds, four bytes each. */
struct dword {
	uint16_t offset;
	uint32_t value;
};

static struct hws *open_function(const struct dword *dwords, size_t size, struct hws_pci **ret_pci)
{
	uint8_t config[4096] = { 0x34, 0x12, 0xe8, 0x11, [6] = 0x10 };
	struct hws *hw;

	for (; dwords->offset; dwords++)
		memcpy(config + dwords->offset, &dwords->value, 4);
	tree_begin();
	tree_bytes(TREE_DEVICES BDF "/config", config, size);
	hw = tree_open("pci = *, config r");
	ck_works(hws_pci_open(hw, BDF, 0, 0, HWS_R, ret_pci));
	return hw;
}

static void close_function(struct hws *hw, struct hws_pci *pci)
{
	hws_pci_close(pci);
	hws_close(hw);
	tree_end();
}

START_TEST(chains_are_walked)
{
	static const struct dword good[] = {
		{ 0x34, 0x40 },	       { 0x40, 0x00036001 },  { 0x60, 0x00807005 },
		{ 0x70, 0x0002fc10 },  { 0xfc, 0x00000009 },  { 0x100, 0x15020001 },
		{ 0x150, 0xffc1000b }, { 0xffc, 0x0003000b }, { 0, 0 },
	};
	static const struct hws_pci_cap wanted[] = {
		{ PM, 0x40, 0, false },	    { MSI, 0x60, 0, false }, { PCIE, 0x70, 0, false },
		{ VENDOR, 0xfc, 0, false }, { AER, 0x100, 2, true }, { VSEC, 0x150, 1, true },
		{ VSEC, 0xffc, 3, true },
	};
	struct hws_pci_cap caps[16];
	struct hws_pci *pci;
	uint32_t offset = 0;
	struct hws *hw = open_function(good, 4096, &pci);

	ck_assert_int_eq(hws_pci_list_caps(pci, caps, COUNT(caps)), COUNT(wanted));
	for (size_t i = 0; i < COUNT(wanted); i++) {
		ck_assert_uint_eq(caps[i].id, wanted[i].id);
		ck_assert_uint_eq(caps[i].offset, wanted[i].offset);
		ck_assert_uint_eq(caps[i].version, wanted[i].version);
		ck_assert_int_eq(caps[i].extended, wanted[i].extended);
	}
	ck_assert_int_eq(hws_pci_list_caps(pci, NULL, 0), COUNT(wanted));
	ck_works(hws_pci_find_cap(pci, PCIE, &offset));
	ck_assert_uint_eq(offset, 0x70);
	ck_assert_uint_eq(hws_pci_get16(pci, offset + 2), 0x0002);
	ck_works(hws_pci_find_ext_cap(pci, VSEC, &offset));
	ck_assert_uint_eq(offset, 0x150);
	ck_assert_int_eq(hws_pci_find_cap(pci, MSIX, &offset), -ENOENT);
	ck_assert_msg(strstr(hws_why(), "0x11"), "%s", hws_why());
	ck_assert_int_eq(hws_pci_find_ext_cap(pci, 0x99, &offset), -ENOENT);
	ck_assert_uint_eq(offset, 0x150);
	close_function(hw, pci);
}
END_TEST

START_TEST(chains_that_lead_astray_have_an_end)
{
	static const struct {
		struct dword dwords[5];
		bool extended;
		const char *says;
	} bad[] = {
		{ { { 0x34, 0x40 }, { 0x40, 0x4001 } }, false, "comes back to 0x40" },
		{ { { 0x34, 0x40 }, { 0x40, 0x5001 }, { 0x50, 0x4009 } },
		  false,
		  "comes back to 0x40" },
		{ { { 0x34, 0x3c } }, false, "leads to 0x3c" },
		{ { { 0x34, 0x40 }, { 0x40, 0x0401 } }, false, "leads to 0x4" },
		{ { { 0x100, 0x10010001 } }, true, "comes back to 0x100" },
		{ { { 0x100, 0x20010001 }, { 0x200, 0x1001000b } }, true, "comes back to 0x100" },
		{ { { 0x100, 0x04010001 } }, true, "leads to 0x40" },
	};
	struct hws_pci *pci;
	uint32_t offset = 4711;

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct hws *hw;
		int r;

		strcpy(tree_root + strlen(tree_root) - 6, "XXXXXX");
		hw = open_function(bad[i].dwords, 4096, &pci);
		r = bad[i].extended ? hws_pci_find_ext_cap(pci, 0x77, &offset)
				    : hws_pci_find_cap(pci, 0x77, &offset);
		ck_assert_msg(r == -EBADMSG, "row %zu: %d", i, r);
		ck_assert_msg(strstr(hws_why(), bad[i].says), "row %zu: %s", i, hws_why());
		ck_assert_int_eq(hws_pci_list_caps(pci, NULL, 0), -EBADMSG);
		ck_assert_uint_eq(offset, 4711);
		close_function(hw, pci);
	}
}
END_TEST

START_TEST(device_that_is_gone_has_no_capability)
{
	uint8_t ones[4096];
	struct hws_pci *pci;
	uint32_t offset;
	struct hws *hw;

	memset(ones, 0xff, sizeof(ones));
	tree_begin();
	tree_bytes(TREE_DEVICES BDF "/config", ones, sizeof(ones));
	hw = tree_open("pci = *, config r");
	ck_works(hws_pci_open(hw, BDF, 0, 0, HWS_R, &pci));
	ck_assert_int_lt(hws_pci_find_cap(pci, PM, &offset), 0);
	ck_assert_int_eq(hws_pci_find_ext_cap(pci, AER, &offset), -ENOENT);
	close_function(hw, pci);
}
END_TEST

START_TEST(function_without_extended_space_has_none)
{
	static const struct dword plain[] = { { 0x34, 0x40 }, { 0x40, 0x0001 }, { 0, 0 } };
	struct hws_pci_cap cap;
	struct hws_pci *pci;
	uint32_t offset;
	struct hws *hw = open_function(plain, 256, &pci);

	ck_assert_int_eq(hws_pci_list_caps(pci, &cap, 1), 1);
	ck_assert_uint_eq(cap.id, PM);
	ck_assert_int_eq(hws_pci_find_ext_cap(pci, AER, &offset), -ERANGE);
	ck_assert_msg(strstr(hws_why(), "256 bytes"), "%s", hws_why());
	close_function(hw, pci);
}
END_TEST

/* Never longer than the space has places, whatever stands there. */
START_TEST(any_bytes_have_an_end)
{
	uint32_t state = 12345;

	for (int round = 0; round < 200; round++) {
		struct hws_options options = sim_with("pci = *, config r");
		uint8_t config[4096] = { 0x34, 0x12, 0xe8, 0x11 };
		struct hws_pci *pci;
		uint32_t offset;
		struct hws *hw;

		for (size_t i = 4; i < sizeof(config); i++) {
			state = state * 1664525 + 1013904223;
			config[i] = (uint8_t)(state >> 24);
		}
		config[6] |= 0x10;
		strcpy(tree_root + strlen(tree_root) - 6, "XXXXXX");
		tree_begin();
		tree_bytes(TREE_DEVICES BDF "/config", config, sizeof(config));
		options.backend = "native";
		options.sysroot = tree_root;
		options.guards[HWS_GUARD_PCI].context = 2100; /* 1,008 places, twice, and a few */
		ck_works(hws_open(&options, &hw));
		ck_works(hws_pci_open(hw, BDF, 0, 0, HWS_R, &pci));
		ck_assert_int_ne(hws_pci_find_cap(pci, 0x77, &offset), -EDQUOT);
		ck_assert_int_ne(hws_pci_list_caps(pci, NULL, 0), -EDQUOT);
		close_function(hw, pci);
	}
}
END_TEST

START_TEST(simulated_nvme_has_its_capabilities)
{
	struct hws *hw = open_with("pci = *, config r");
	struct hws_pci_cap caps[4];
	struct hws_pci *pci;
	uint32_t offset;

	ck_works(hws_pci_open(hw, "0000:00:04.0", 0, 0, HWS_R, &pci));
	ck_assert_int_eq(hws_pci_list_caps(pci, caps, COUNT(caps)), 3);
	ck_assert_uint_eq(caps[0].id, PM);
	ck_assert_uint_eq(caps[1].id, MSI);
	ck_assert_uint_eq(caps[2].id, PCIE);
	ck_works(hws_pci_find_cap(pci, PCIE, &offset));
	ck_assert_uint_eq(hws_pci_get8(pci, offset), PCIE);
	ck_assert_int_eq(hws_pci_find_ext_cap(pci, AER, &offset), -ENOENT);
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

START_TEST(real_nvme_has_msix)
{
	struct hws *hw;
	struct hws_pci *pci;
	uint32_t offset;

	need_lab("nvme");
	hw = open_native();
	ck_works(hws_pci_open(hw, BDF, 0, 0, HWS_R, &pci));
	ck_works(hws_pci_find_cap(pci, MSIX, &offset));
	ck_assert_uint_eq(hws_pci_get8(pci, offset), MSIX);
	ck_works(hws_pci_find_cap(pci, PCIE, &offset));
	hws_pci_close(pci);
	hws_close(hw);
}
END_TEST

int main(void)
{
	if (RAW_ARCH == HWS_ARCH_UNKNOWN) {
		puts("1..0 # SKIP the native back end is the generic one here");
		return EXIT_SUCCESS;
	}
	return suite_run("hw/pci-caps", (const TTest *[]) {
						chains_are_walked,
						chains_that_lead_astray_have_an_end,
						device_that_is_gone_has_no_capability,
						function_without_extended_space_has_none,
						any_bytes_have_an_end,
						simulated_nvme_has_its_capabilities,
						real_nvme_has_msix,
						NULL,
					});
}
