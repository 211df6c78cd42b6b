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
 * Return: 0; -EACCES policy; -ENODEV no such function; -ERANGE; -EINVAL; -ENOMEM; or what reading
 * its identity gave.
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
