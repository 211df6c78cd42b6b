/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Windows of device memory: a piece of a BAR, mapped once through policy, then
 * read and written at the cost of a comparison.
 *
 *	struct hws_mmio *edu;
 *	uint32_t id;
 *
 *	r = hws_mmio_map(hw, "0000:00:03.0", 0, 0, 0x100, HWS_RW, &edu);
 *	r = hws_mmio_read32(edu, 0x00, &id);     0, or exactly why not
 *	id = hws_mmio_get32(edu, 0x00);          never fails: all-ones when refused
 *	hws_mmio_unmap(edu);
 *
 * read and write say what went wrong; get and put are for code that can't
 * take an error: a refused get gives all-ones, a refused put does nothing, and
 * hws_last_denial() tells of both. Offsets count from the window's first byte
 * and must be multiples of the width.
 *
 * A write comes after all that the thread read and wrote before it, in memory,
 * too, and what it reads and writes after a read comes after that: a doorbell,
 * or a look at a register that says that memory is filled, needs no barrier.
 */
#ifndef HWSAFE_HW_MMIO_H
#define HWSAFE_HW_MMIO_H

#include "../guardian/context.h"

HWS_BEGIN_DECLS

/** struct hws_mmio - a window; it belongs to one thread at a time. */
struct hws_mmio;

/**
 * hws_mmio_map() - map a piece of a BAR.
 * @hw: borrowed
 * @bdf: borrowed; the PCI function, "0000:00:03.0"
 * @bar: which of its BARs, 0 to 5
 * @offset: where in the BAR the window begins
 * @size: how long it is; 0: to the end of the BAR
 * @rights: HWS_R, HWS_W or both, and more of enum hws_access_rights
 * @ret_mmio: out; for hws_mmio_unmap(); untouched on failure
 *
 * Safety: the policy decides; what may be mapped lies inside the BAR.
 *
 * Return: 0; -EACCES policy; -EBUSY the kernel uses the function and the policy has no right
 * "claimed" for that; -EPERM kernel; -ERANGE not inside the BAR; -ENODEV no such function or BAR;
 * -EINVAL; -EOPNOTSUPP this back end has no device memory; -ENOMEM; -EMFILE; -EIO the system can't
 * tell of it.
 */
HWS_API HWS_MUST int hws_mmio_map(struct hws *hw, const char *bdf, uint32_t bar, uint64_t offset,
				  uint64_t size, uint32_t rights, struct hws_mmio **ret_mmio);

/**
 * hws_mmio_unmap() - give up a window.
 * @mmio: taken; NULL does nothing
 */
HWS_API void hws_mmio_unmap(struct hws_mmio *mmio);

/**
 * hws_mmio_size() - the window's size.
 * @mmio: borrowed
 *
 * Return: bytes.
 */
HWS_API uint64_t hws_mmio_size(const struct hws_mmio *mmio);

/**
 * hws_mmio_read8() - read 8 bits.
 * @mmio: borrowed
 * @offset: where, a multiple of 1
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the window; reading may change the device, as its manual says.
 *
 * Return: 0; -ERANGE; -EINVAL not aligned; -EACCES; -EDQUOT the guard; -EIO or -ENODEV the device.
 */
HWS_API HWS_MUST int hws_mmio_read8(struct hws_mmio *mmio, uint64_t offset, uint8_t *ret_value);

/**
 * hws_mmio_read16() - read 16 bits.
 * @mmio: borrowed
 * @offset: where, a multiple of 2
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the window; reading may change the device, as its manual says.
 *
 * Return: 0; -ERANGE; -EINVAL not aligned; -EACCES; -EDQUOT the guard; -EIO or -ENODEV the device.
 */
HWS_API HWS_MUST int hws_mmio_read16(struct hws_mmio *mmio, uint64_t offset, uint16_t *ret_value);

/**
 * hws_mmio_read32() - read 32 bits.
 * @mmio: borrowed
 * @offset: where, a multiple of 4
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the window; reading may change the device, as its manual says.
 *
 * Return: 0; -ERANGE; -EINVAL not aligned; -EACCES; -EDQUOT the guard; -EIO or -ENODEV the device.
 */
HWS_API HWS_MUST int hws_mmio_read32(struct hws_mmio *mmio, uint64_t offset, uint32_t *ret_value);

/**
 * hws_mmio_read64() - read 64 bits.
 * @mmio: borrowed
 * @offset: where, a multiple of 8
 * @ret_value: out; untouched on failure
 *
 * Safety: inside the window; reading may change the device, as its manual says.
 *
 * Return: 0; -ERANGE; -EINVAL not aligned; -EACCES; -EDQUOT the guard; -EIO or -ENODEV the device.
 */
HWS_API HWS_MUST int hws_mmio_read64(struct hws_mmio *mmio, uint64_t offset, uint64_t *ret_value);

/**
 * hws_mmio_get8() - read 8 bits, whatever happens.
 * @mmio: borrowed
 * @offset: where, a multiple of 1
 *
 * Safety: as hws_mmio_read8().
 *
 * Return: the value; all-ones when refused.
 */
HWS_API uint8_t hws_mmio_get8(struct hws_mmio *mmio, uint64_t offset);

/**
 * hws_mmio_get16() - read 16 bits, whatever happens.
 * @mmio: borrowed
 * @offset: where, a multiple of 2
 *
 * Safety: as hws_mmio_read16().
 *
 * Return: the value; all-ones when refused.
 */
HWS_API uint16_t hws_mmio_get16(struct hws_mmio *mmio, uint64_t offset);

/**
 * hws_mmio_get32() - read 32 bits, whatever happens.
 * @mmio: borrowed
 * @offset: where, a multiple of 4
 *
 * Safety: as hws_mmio_read32().
 *
 * Return: the value; all-ones when refused.
 */
HWS_API uint32_t hws_mmio_get32(struct hws_mmio *mmio, uint64_t offset);

/**
 * hws_mmio_get64() - read 64 bits, whatever happens.
 * @mmio: borrowed
 * @offset: where, a multiple of 8
 *
 * Safety: as hws_mmio_read64().
 *
 * Return: the value; all-ones when refused.
 */
HWS_API uint64_t hws_mmio_get64(struct hws_mmio *mmio, uint64_t offset);

/**
 * hws_mmio_write8() - write 8 bits.
 * @mmio: borrowed
 * @offset: where, a multiple of 1
 * @value: what
 *
 * Safety: WRITES. Inside the window; the device may do anything in answer.
 *
 * Return: as hws_mmio_read8().
 */
HWS_API HWS_MUST int hws_mmio_write8(struct hws_mmio *mmio, uint64_t offset, uint8_t value);

/**
 * hws_mmio_write16() - write 16 bits.
 * @mmio: borrowed
 * @offset: where, a multiple of 2
 * @value: what
 *
 * Safety: WRITES. Inside the window; the device may do anything in answer.
 *
 * Return: as hws_mmio_read16().
 */
HWS_API HWS_MUST int hws_mmio_write16(struct hws_mmio *mmio, uint64_t offset, uint16_t value);

/**
 * hws_mmio_write32() - write 32 bits.
 * @mmio: borrowed
 * @offset: where, a multiple of 4
 * @value: what
 *
 * Safety: WRITES. Inside the window; the device may do anything in answer.
 *
 * Return: as hws_mmio_read32().
 */
HWS_API HWS_MUST int hws_mmio_write32(struct hws_mmio *mmio, uint64_t offset, uint32_t value);

/**
 * hws_mmio_write64() - write 64 bits.
 * @mmio: borrowed
 * @offset: where, a multiple of 8
 * @value: what
 *
 * Safety: WRITES. Inside the window; the device may do anything in answer.
 *
 * Return: as hws_mmio_read64().
 */
HWS_API HWS_MUST int hws_mmio_write64(struct hws_mmio *mmio, uint64_t offset, uint64_t value);

/**
 * hws_mmio_put8() - write 8 bits, or nothing when refused.
 * @mmio: borrowed
 * @offset: where, a multiple of 1
 * @value: what
 *
 * Safety: WRITES. As hws_mmio_write8().
 */
HWS_API void hws_mmio_put8(struct hws_mmio *mmio, uint64_t offset, uint8_t value);

/**
 * hws_mmio_put16() - write 16 bits, or nothing when refused.
 * @mmio: borrowed
 * @offset: where, a multiple of 2
 * @value: what
 *
 * Safety: WRITES. As hws_mmio_write16().
 */
HWS_API void hws_mmio_put16(struct hws_mmio *mmio, uint64_t offset, uint16_t value);

/**
 * hws_mmio_put32() - write 32 bits, or nothing when refused.
 * @mmio: borrowed
 * @offset: where, a multiple of 4
 * @value: what
 *
 * Safety: WRITES. As hws_mmio_write32().
 */
HWS_API void hws_mmio_put32(struct hws_mmio *mmio, uint64_t offset, uint32_t value);

/**
 * hws_mmio_put64() - write 64 bits, or nothing when refused.
 * @mmio: borrowed
 * @offset: where, a multiple of 8
 * @value: what
 *
 * Safety: WRITES. As hws_mmio_write64().
 */
HWS_API void hws_mmio_put64(struct hws_mmio *mmio, uint64_t offset, uint64_t value);

HWS_END_DECLS

#endif
