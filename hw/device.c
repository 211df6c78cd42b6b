/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/device-internal.h"

#include <errno.h>

#include "shim/why-internal.h"

int device_parse(const char *bdf, struct hws_access *access)
{
	if (hws_bdf_parse(bdf, &access->bdf) < 0)
		return why(-EINVAL, "'%s' is no PCI address: 0000:00:03.0 is one", bdf ? bdf : "");
	return 0;
}

int device_identify(struct hws *hw, struct hws_access *access)
{
	const struct hws_shim_ops *ops = shim_ops(&hw->shim);
	uint32_t id;
	uint32_t class_code;
	int r = ops->pci_read(hw->shim.self, access->bdf, 0, 4, &id);

	if (r < 0)
		return r;
	access->vendor = (uint16_t)id;
	access->device = (uint16_t)(id >> 16);
	r = ops->pci_read(hw->shim.self, access->bdf, 8, 4, &class_code);
	if (r == 0)
		access->class_code = class_code >> 8;
	return r;
}

int device_identify_unless_hidden(struct hws *hw, struct hws_access *access)
{
	int r = device_identify(hw, access);

	return r == -EACCES && shim_ops(&hw->shim)->open == broker_ops.open ? 0 : r;
}

static bool read_config(struct hws *hw, struct hws_bdf bdf, uint32_t at, uint32_t width,
			uint32_t *ret_value)
{
	return shim_ops(&hw->shim)->pci_read(hw->shim.self, bdf, at, width, ret_value) == 0;
}

bool device_present(struct hws *hw, struct hws_bdf bdf)
{
	uint32_t id;
	int r = shim_ops(&hw->shim)->pci_read(hw->shim.self, bdf, 0, 4, &id);

	/* PCIe 6.0 §2.3.2: who isn't there reads as all-ones */
	return r < 0 ? r != -ENODEV && r != -ENOENT && r != -ENXIO : id != UINT32_MAX;
}

/* PCI 3.0 §6.7: at most 48 fit; PCIe 6.0 §7.6.3: extended ones have at least 8 bytes. */
enum { CAPABILITIES = 48, EXTENDED = (0x1000 - 0x100) / 8 };

static int find_extended(struct hws *hw, struct hws_bdf bdf, uint32_t id, uint32_t *ret_at)
{
	uint32_t at = 0x100;
	uint32_t head;

	for (int i = 0; i < EXTENDED && at >= 0x100; i++) {
		if (!read_config(hw, bdf, at, 4, &head) || head == 0 || head == UINT32_MAX)
			return -ENOENT;
		if ((head & 0xffff) == id) {
			*ret_at = at;
			return 0;
		}
		at = head >> 20 & 0xffc;
	}
	return -ENOENT;
}

int device_capability(struct hws *hw, struct hws_bdf bdf, bool extended, uint32_t id,
		      uint32_t *ret_at)
{
	uint32_t status;
	uint32_t at;
	uint32_t head;

	if (extended)
		return find_extended(hw, bdf, id, ret_at);
	if (!read_config(hw, bdf, 0x06, 2, &status) || !(status & 0x10) ||
	    !read_config(hw, bdf, 0x34, 1, &at))
		return -ENOENT;
	for (int i = 0; i < CAPABILITIES && (at & 0xfc) >= 0x40; i++) {
		at &= 0xfc;
		if (!read_config(hw, bdf, at, 2, &head))
			return -ENOENT;
		if ((head & 0xff) == id) {
			*ret_at = at;
			return 0;
		}
		at = head >> 8;
	}
	return -ENOENT;
}
