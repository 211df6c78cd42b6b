/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI functions: found one after the other, opened through policy, then their
 * configuration space is read and written.
 *
 *	struct hws_bdf bdf;
 *	struct hws_pci *edu;
 *	uint16_t command;
 *
 *	for (r = hws_pci_next(hw, NULL, &bdf); r == 0; r = hws_pci_next(hw, &bdf, &bdf))
 *		…
 *	r = hws_pci_open(hw, "0000:00:03.0", 0, 0, HWS_R, &edu);
 *	r = hws_pci_read16(edu, 0x04, &command);      0, or exactly why not
 *	command = hws_pci_get16(edu, 0x04);           never fails: 0xFFFF when refused
 *	hws_pci_close(edu);
 *
 * Offsets count from the beginning of configuration space and must be
 * multiples of the width.
 */
#ifndef HWSAFE_HW_PCI_H
#define HWSAFE_HW_PCI_H

#include "../guardian/context.h"

HWS_BEGIN_DECLS

/** struct hws_pci - a PCI function; it belongs to one thread at a time. */
struct hws_pci;

/**
 * hws_pci_next() - the function after another one, in the order of addresses.
 * @hw: borrowed
 * @after: borrowed; NULL: the first function
 * @ret_bdf: out; untouched on failure; may be @after
 *
 * Only looks at what the system lists: no device is asked, and no policy.
 *
 * Return: 0; -ENOENT there is no more; -ENODEV there is no PCI.
 */
HWS_API HWS_MUST int hws_pci_next(struct hws *hw, const struct hws_bdf *after,
				  struct hws_bdf *ret_bdf);

/**
 * hws_pci_get_info() - what the system knows of a function.
 * @hw: borrowed
 * @bdf: borrowed; the PCI function, "0000:00:03.0"
 * @ret_info: out; its size must be set before; untouched on failure
 *
 * Only looks at what the system lists: no device is asked, and no policy.
 *
 * Return: 0; -ENODEV no such function; -EINVAL no address, or another size; -EPERM; -EOPNOTSUPP.
 */
HWS_API HWS_MUST int hws_pci_get_info(struct hws *hw, const char *bdf,
				      struct hws_pci_info *ret_info);

/**
 * hws_pci_group_next() - the members of an IOMMU group, one after the other.
 * @hw: borrowed
 * @group: which, as struct hws_pci_info tells
 * @after: borrowed; NULL: the first function
 * @ret_bdf: out; untouched on failure; may be @after
 *
 * Devices of a group can reach each other, and are given to a program together or not at all.
 *
 * Return: 0; -ENOENT there is no more; -ENODEV there is no PCI.
 */
HWS_API HWS_MUST int hws_pci_group_next(struct hws *hw, int32_t group, const struct hws_bdf *after,
					struct hws_bdf *ret_bdf);

/**
 * hws_pci_in_use() - does the kernel use a function: a driver, and what stands on it?
 * @hw: borrowed
 * @bdf: borrowed; the PCI function
 *
 * Or does another program by VFIO, it or one of its IOMMU group? Then to open it, or its BARs, for
 * writing takes the policy's right "claimed".
 *
 * Return: 0 nobody is known to; -EBUSY, and hws_why() names driver, mounts and interfaces; -EINVAL
 * no address.
 */
HWS_API HWS_MUST int hws_pci_in_use(struct hws *hw, const char *bdf);

/**
 * hws_pci_open() - open a function's configuration space, or a part of it.
 * @hw: borrowed
 * @bdf: borrowed; the PCI function, "0000:00:03.0"
 * @first: the first byte, a multiple of 4
 * @size: how many; 0: to the end of all that a function can have (4096)
 * @rights: HWS_R, HWS_W or both, and more of enum hws_access_rights
 * @ret_pci: out; for hws_pci_close(); untouched on failure
 *
 * Safety: the policy decides; it is told who made the function and what it is.
 *
 * Return: 0; -EACCES policy; -EBUSY the kernel uses it and the policy has no right "claimed" for
 * that; -ENODEV no such function; -ERANGE; -EINVAL; -ENOMEM; or what reading its identity gave.
 */
HWS_API HWS_MUST int hws_pci_open(struct hws *hw, const char *bdf, uint32_t first, uint32_t size,
				  uint32_t rights, struct hws_pci **ret_pci);

/**
 * hws_pci_close() - give up a function.
 * @pci: taken; NULL does nothing
 */
HWS_API void hws_pci_close(struct hws_pci *pci);

/**
 * hws_pci_bdf() - the function's address.
 * @pci: borrowed
 *
 * Return: the address.
 */
HWS_API struct hws_bdf hws_pci_bdf(const struct hws_pci *pci);

/**
 * hws_pci_vendor() - who made it, as it said when it was opened.
 * @pci: borrowed
 *
 * Return: the vendor's number.
 */
HWS_API uint16_t hws_pci_vendor(const struct hws_pci *pci);

/**
 * hws_pci_device() - which device of the vendor it is.
 * @pci: borrowed
 *
 * Return: the device's number.
 */
HWS_API uint16_t hws_pci_device(const struct hws_pci *pci);

/**
 * hws_pci_class() - what it is.
 * @pci: borrowed
 *
 * Return: base class, sub-class and interface, a byte each: 0x010802 is an NVMe controller.
 */
HWS_API uint32_t hws_pci_class(const struct hws_pci *pci);

/** struct hws_pci_cap - a capability, and where it begins in configuration space. */
struct hws_pci_cap {
	uint16_t id;
	uint16_t offset;
	uint8_t version; /* of extended ones */
	bool extended;	 /* beyond the first 256 bytes; its ids are others */
};

/**
 * hws_pci_list_caps() - the capabilities of a function, in the order of its chains.
 * @pci: borrowed
 * @ret_caps: out; up to @size of them
 * @size: how many have room; 0 only counts
 *
 * The extended ones are left out where there are none, or this user or handle may not see them.
 *
 * Safety: reads configuration space, inside what was opened; it has an end whatever the device
 * answers.
 *
 * Return: how many there are; -EBADMSG a chain leads back or out; else as hws_pci_read32().
 */
HWS_API HWS_MUST int hws_pci_list_caps(struct hws_pci *pci, struct hws_pci_cap *ret_caps,
				       size_t size);

/**
 * hws_pci_find_cap() - find a capability: its registers follow at its offset.
 * @pci: borrowed
 * @id: its number (PCI 3.0 appendix H); the first of those that have it
 * @ret_offset: out; untouched on failure
 *
 * Safety: as hws_pci_list_caps().
 *
 * Return: 0; -ENOENT it has none; -EBADMSG a chain leads back or out; else as hws_pci_read32().
 */
HWS_API HWS_MUST int hws_pci_find_cap(struct hws_pci *pci, uint8_t id, uint32_t *ret_offset);

/**
 * hws_pci_find_ext_cap() - find an extended capability of PCI Express.
 * @pci: borrowed
 * @id: its number (PCIe 6.0 §7.6); the first of those that have it
 * @ret_offset: out; untouched on failure
 *
 * Safety: as hws_pci_list_caps().
 *
 * Return: as hws_pci_find_cap(); -ERANGE the function has 256 bytes.
 */
HWS_API HWS_MUST int hws_pci_find_ext_cap(struct hws_pci *pci, uint16_t id, uint32_t *ret_offset);

/**
 * hws_pci_read8() - read 8 bits.
 * @pci: borrowed
 * @offset: where
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the part that was opened; reading changes nothing in a device that keeps to PCI.
 *
 * Return: 0; -ERANGE; -EINVAL not aligned; -EACCES; -EDQUOT the guard; -EPERM the kernel; -ENODEV
 * it is gone; -EIO.
 */
HWS_API HWS_MUST int hws_pci_read8(struct hws_pci *pci, uint32_t offset, uint8_t *ret_value);

/**
 * hws_pci_read16() - read 16 bits.
 * @pci: borrowed
 * @offset: where, a multiple of 2
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the part that was opened; reading changes nothing in a device that keeps to PCI.
 *
 * Return: 0; -ERANGE; -EINVAL not aligned; -EACCES; -EDQUOT the guard; -EPERM the kernel; -ENODEV
 * it is gone; -EIO.
 */
HWS_API HWS_MUST int hws_pci_read16(struct hws_pci *pci, uint32_t offset, uint16_t *ret_value);

/**
 * hws_pci_read32() - read 32 bits.
 * @pci: borrowed
 * @offset: where, a multiple of 4
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the part that was opened; reading changes nothing in a device that keeps to PCI.
 *
 * Return: 0; -ERANGE; -EINVAL not aligned; -EACCES; -EDQUOT the guard; -EPERM the kernel; -ENODEV
 * it is gone; -EIO.
 */
HWS_API HWS_MUST int hws_pci_read32(struct hws_pci *pci, uint32_t offset, uint32_t *ret_value);

/**
 * hws_pci_get8() - read 8 bits, whatever happens.
 * @pci: borrowed
 * @offset: where
 *
 * Safety: as hws_pci_read8().
 *
 * Return: the value; 0xFF when refused.
 */
HWS_API uint8_t hws_pci_get8(struct hws_pci *pci, uint32_t offset);

/**
 * hws_pci_get16() - read 16 bits, whatever happens.
 * @pci: borrowed
 * @offset: where, a multiple of 2
 *
 * Safety: as hws_pci_read16().
 *
 * Return: the value; 0xFFFF when refused.
 */
HWS_API uint16_t hws_pci_get16(struct hws_pci *pci, uint32_t offset);

/**
 * hws_pci_get32() - read 32 bits, whatever happens.
 * @pci: borrowed
 * @offset: where, a multiple of 4
 *
 * Safety: as hws_pci_read32().
 *
 * Return: the value; 0xFFFFFFFF when refused.
 */
HWS_API uint32_t hws_pci_get32(struct hws_pci *pci, uint32_t offset);

/**
 * hws_pci_write8() - write 8 bits.
 * @pci: borrowed
 * @offset: where
 * @value: what
 *
 * Safety: WRITES. Inside the part that was opened; may move or disable the device.
 *
 * Return: as hws_pci_read8().
 */
HWS_API HWS_MUST int hws_pci_write8(struct hws_pci *pci, uint32_t offset, uint8_t value);

/**
 * hws_pci_write16() - write 16 bits.
 * @pci: borrowed
 * @offset: where, a multiple of 2
 * @value: what
 *
 * Safety: WRITES. Inside the part that was opened; may move or disable the device.
 *
 * Return: as hws_pci_read16().
 */
HWS_API HWS_MUST int hws_pci_write16(struct hws_pci *pci, uint32_t offset, uint16_t value);

/**
 * hws_pci_write32() - write 32 bits.
 * @pci: borrowed
 * @offset: where, a multiple of 4
 * @value: what
 *
 * Safety: WRITES. Inside the part that was opened; may move or disable the device.
 *
 * Return: as hws_pci_read32().
 */
HWS_API HWS_MUST int hws_pci_write32(struct hws_pci *pci, uint32_t offset, uint32_t value);

/**
 * hws_pci_put8() - write 8 bits, or nothing when refused.
 * @pci: borrowed
 * @offset: where
 * @value: what
 *
 * Safety: WRITES. As hws_pci_write8().
 */
HWS_API void hws_pci_put8(struct hws_pci *pci, uint32_t offset, uint8_t value);

/**
 * hws_pci_put16() - write 16 bits, or nothing when refused.
 * @pci: borrowed
 * @offset: where, a multiple of 2
 * @value: what
 *
 * Safety: WRITES. As hws_pci_write16().
 */
HWS_API void hws_pci_put16(struct hws_pci *pci, uint32_t offset, uint16_t value);

/**
 * hws_pci_put32() - write 32 bits, or nothing when refused.
 * @pci: borrowed
 * @offset: where, a multiple of 4
 * @value: what
 *
 * Safety: WRITES. As hws_pci_write32().
 */
HWS_API void hws_pci_put32(struct hws_pci *pci, uint32_t offset, uint32_t value);

HWS_END_DECLS

#endif
