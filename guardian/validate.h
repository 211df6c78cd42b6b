/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checks that every floor makes before it acts, each written once: sizes
 * that must not overflow, alignment, buffers, slices, bit fields, descriptors.
 * With hws_range_ok() of base.h these are all there are.
 *
 * A check gives 0 or -errno and touches its output only when it gives 0.
 * Nothing here guesses what addresses a platform may have: that memory is
 * really there is for the kernel to say (-EFAULT), or for a slice that the
 * caller made from memory of its own.
 */
#ifndef HWSAFE_GUARDIAN_VALIDATE_H
#define HWSAFE_GUARDIAN_VALIDATE_H

#include <errno.h>

#include "../shim/base.h"

HWS_BEGIN_DECLS

/** HWS_IO_MAX - the most bytes that Linux moves in one read or write. */
#define HWS_IO_MAX UINT32_C(0x7ffff000)

/**
 * hws_add() - a + b.
 * @a: one
 * @b: the other
 * @ret_sum: out
 *
 * Return: 0; -EOVERFLOW when 64 bits don't hold it.
 */
/*@ requires \valid(ret_sum);
  @ assigns *ret_sum;
  @ ensures \result == 0 <==> a + b <= UINT64_MAX;
  @ ensures \result == 0 ==> *ret_sum == a + b;
  @ ensures \result != 0 ==> *ret_sum == \old(*ret_sum); */
HWS_MUST static inline int hws_add(uint64_t a, uint64_t b, uint64_t *ret_sum)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return -EOVERFLOW;
	*ret_sum = sum;
	return 0;
}

/**
 * hws_multiply() - a * b.
 * @a: one
 * @b: the other
 * @ret_product: out
 *
 * Return: 0; -EOVERFLOW when 64 bits don't hold it.
 */
/*@ requires \valid(ret_product);
  @ assigns *ret_product;
  @ ensures \result == 0 <==> a * b <= UINT64_MAX;
  @ ensures \result == 0 ==> *ret_product == a * b;
  @ ensures \result != 0 ==> *ret_product == \old(*ret_product); */
HWS_MUST static inline int hws_multiply(uint64_t a, uint64_t b, uint64_t *ret_product)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return -EOVERFLOW;
	*ret_product = product;
	return 0;
}

/**
 * hws_to_size() - a 64-bit number as a size of memory.
 * @value: the number
 * @ret_size: out
 *
 * Return: 0; -EOVERFLOW when it is larger than any object may be.
 */
/*@ requires \valid(ret_size);
  @ assigns *ret_size;
  @ ensures \result == 0 <==> value <= PTRDIFF_MAX;
  @ ensures \result == 0 ==> *ret_size == value;
  @ ensures \result != 0 ==> *ret_size == \old(*ret_size); */
HWS_MUST static inline int hws_to_size(uint64_t value, size_t *ret_size)
{
	if (value > PTRDIFF_MAX)
		return -EOVERFLOW;
	*ret_size = (size_t)value;
	return 0;
}

/**
 * hws_to_u32() - a size as the 32 bits that kernel structures have for it.
 * @size: the size
 * @ret_value: out
 *
 * Return: 0; -EOVERFLOW.
 */
/*@ requires \valid(ret_value);
  @ assigns *ret_value;
  @ ensures \result == 0 <==> size <= UINT32_MAX;
  @ ensures \result == 0 ==> *ret_value == size; */
HWS_MUST static inline int hws_to_u32(uint64_t size, uint32_t *ret_value)
{
	if (size > UINT32_MAX)
		return -EOVERFLOW;
	*ret_value = (uint32_t)size;
	return 0;
}

/**
 * hws_is_power() - is it a power of two?
 * @value: the number; 0 is none
 *
 * Return: true when it is.
 */
/*@ assigns \nothing;
  @ ensures \result ==> value > 0; */
static inline bool hws_is_power(uint64_t value)
{
	return value && !(value & (value - 1));
}

/**
 * hws_is_aligned() - is it a multiple?
 * @value: an offset, a size, an address
 * @alignment: a power of two; of anything else nothing is a multiple
 *
 * Return: true when it is.
 */
/*@ assigns \nothing;
  @ ensures \result ==> alignment > 0; */
static inline bool hws_is_aligned(uint64_t value, uint64_t alignment)
{
	return hws_is_power(alignment) && !(value & (alignment - 1));
}

/**
 * hws_align_up() - the next multiple that is not smaller.
 * @value: a size or an offset
 * @alignment: a power of two
 * @ret_value: out
 *
 * Return: 0; -EINVAL for an alignment that is no power of two; -EOVERFLOW.
 */
/*@ requires \valid(ret_value);
  @ assigns *ret_value;
  @ ensures \result == 0 ==> value + (alignment - 1) <= UINT64_MAX;
  @ ensures \result != 0 ==> *ret_value == \old(*ret_value); */
HWS_MUST static inline int hws_align_up(uint64_t value, uint64_t alignment, uint64_t *ret_value)
{
	if (!hws_is_power(alignment))
		return -EINVAL;
	if (value > UINT64_MAX - (alignment - 1))
		return -EOVERFLOW;
	*ret_value = (value + alignment - 1) & ~(alignment - 1);
	return 0;
}

/**
 * hws_check_buffer() - may so many bytes at this address be given to the kernel?
 * @bytes: borrowed; never looked at; NULL only for no bytes at all
 * @length: how many
 * @alignment: of address and length; a power of two, 1 for any
 *
 * Return: 0; -EFAULT for NULL; -EINVAL when it isn't aligned, or its end lies
 * beyond all addresses; -EMSGSIZE for more than HWS_IO_MAX.
 */
/*@ assigns \nothing;
  @ ensures \result == 0 ==> length <= HWS_IO_MAX;
  @ ensures \result == 0 ==> bytes != \null || length == 0; */
HWS_MUST static inline int hws_check_buffer(const void *bytes, uint64_t length, uint64_t alignment)
{
	uint64_t address = (uint64_t)(uintptr_t)bytes;

	if (!bytes && length)
		return -EFAULT;
	if (length > HWS_IO_MAX)
		return -EMSGSIZE;
	if (!hws_is_aligned(address | length, alignment) || length > UINTPTR_MAX - address)
		return -EINVAL;
	return 0;
}

/** struct hws_slice - a piece of memory with its length; all zero is empty. */
struct hws_slice {
	char *bytes; /* borrowed */
	size_t length;
};

/**
 * hws_slice_init() - make a slice of memory.
 * @bytes: borrowed; NULL only for no bytes
 * @length: how many
 * @alignment: of the address; a power of two, 1 for any
 * @ret_slice: out
 *
 * Return: 0; -EFAULT for NULL; -EINVAL when it isn't aligned; -EOVERFLOW when
 * no object is that large or it ends beyond all addresses.
 */
HWS_MUST static inline int hws_slice_init(void *bytes, uint64_t length, uint64_t alignment,
					  struct hws_slice *ret_slice)
{
	uint64_t address = (uint64_t)(uintptr_t)bytes;

	if (!bytes && length)
		return -EFAULT;
	if (!hws_is_aligned(address, alignment))
		return -EINVAL;
	if (length > PTRDIFF_MAX || length > UINTPTR_MAX - address)
		return -EOVERFLOW;
	ret_slice->bytes = (char *)bytes;
	ret_slice->length = (size_t)length;
	return 0;
}

/**
 * hws_slice_sub() - a part of a slice: also the way to a checked pointer.
 * @slice: the whole
 * @offset: where the part begins
 * @length: how long it is
 * @ret_slice: out
 *
 * Return: 0; -ERANGE when it isn't inside.
 */
/*@ requires \valid(ret_slice) && \valid(slice.bytes + (0 .. slice.length - 1));
  @ assigns *ret_slice;
  @ ensures \result == 0 <==> offset + length <= slice.length;
  @ ensures \result == 0 ==> ret_slice->length == length;
  @ ensures \result == 0 && slice.bytes != \null ==> ret_slice->bytes == slice.bytes + offset;
  @ ensures \result != 0 ==> *ret_slice == \old(*ret_slice); */
HWS_MUST static inline int hws_slice_sub(struct hws_slice slice, uint64_t offset, uint64_t length,
					 struct hws_slice *ret_slice)
{
	if (!hws_range_ok(offset, length, slice.length))
		return -ERANGE;
	ret_slice->bytes = slice.bytes ? slice.bytes + offset : slice.bytes;
	ret_slice->length = (size_t)length;
	return 0;
}

/**
 * hws_slice_contains() - do these bytes lie inside?
 * @slice: the whole
 * @bytes: borrowed; never looked at
 * @length: how many
 *
 * Return: true when they do.
 */
static inline bool hws_slice_contains(struct hws_slice slice, const void *bytes, uint64_t length)
{
	uintptr_t first = (uintptr_t)slice.bytes;
	uintptr_t at = (uintptr_t)bytes;

	return at >= first && hws_range_ok(at - first, length, slice.length);
}

/**
 * hws_field_get() - a bit field of a register.
 * @value: the register
 * @mask: the field's bits, without gaps; 0 has no bits and gives 0
 *
 * Return: the field, moved down to bit 0.
 */
static inline uint64_t hws_field_get(uint64_t value, uint64_t mask)
{
	return mask ? (value & mask) >> __builtin_ctzll(mask) : 0;
}

/**
 * hws_field_put() - a register with one of its fields changed.
 * @value: the register
 * @mask: the field's bits, without gaps
 * @field: what to put there
 * @ret_value: out
 *
 * Return: 0; -EINVAL for a mask that is 0 or has gaps; -ERANGE when the field is too narrow.
 */
HWS_MUST static inline int hws_field_put(uint64_t value, uint64_t mask, uint64_t field,
					 uint64_t *ret_value)
{
	uint64_t ones = mask ? mask >> __builtin_ctzll(mask) : 0;

	if (!mask || (ones & (ones + 1)))
		return -EINVAL;
	if (field > ones)
		return -ERANGE;
	*ret_value = (value & ~mask) | field << __builtin_ctzll(mask);
	return 0;
}

/**
 * struct hws_wheel - places for the entries of a ring of 2^n.
 *
 * Its two counters run freely and are never masked: full and empty can't be
 * taken for each other, and a counter that was overwritten shows.
 */
struct hws_wheel {
	uint32_t mask;
};

/**
 * hws_wheel_init() - check a ring's entries and its mask, once.
 * @entries: how many
 * @mask: entries - 1, as the other side (the kernel, a device) says
 * @ret_wheel: out
 *
 * Return: 0; -EINVAL when entries are no power of two, or the mask isn't theirs.
 */
HWS_MUST static inline int hws_wheel_init(uint32_t entries, uint32_t mask,
					  struct hws_wheel *ret_wheel)
{
	if (!hws_is_power(entries) || mask != entries - 1)
		return -EINVAL;
	ret_wheel->mask = mask;
	return 0;
}

/**
 * hws_wheel_place() - where an entry lies.
 * @wheel: the ring
 * @counter: free-running
 *
 * Return: an index below the number of entries, whatever the counter.
 */
static inline uint32_t hws_wheel_place(struct hws_wheel wheel, uint32_t counter)
{
	return counter & wheel.mask;
}

/**
 * hws_wheel_used() - how many entries are between the counters.
 * @wheel: the ring
 * @head: of who takes
 * @tail: of who puts
 * @ret_used: out
 *
 * Return: 0; -EBADMSG when there can't be so many: a counter was overwritten.
 */
/*@ requires \valid(ret_used) && wheel.mask < UINT32_MAX;
  @ assigns *ret_used;
  @ ensures \result == 0 ==> *ret_used <= wheel.mask + 1;
  @ ensures \result == 0 ==> *ret_used == (uint32_t)(tail - head);
  @ ensures \result != 0 ==> *ret_used == \old(*ret_used); */
HWS_MUST static inline int hws_wheel_used(struct hws_wheel wheel, uint32_t head, uint32_t tail,
					  uint32_t *ret_used)
{
	if (tail - head > wheel.mask && tail - head != wheel.mask + UINT32_C(1))
		return -EBADMSG;
	*ret_used = tail - head;
	return 0;
}

/** enum hws_fd_kind - what a descriptor may be of. Values combine. */
enum hws_fd_kind {
	HWS_FD_FILE = 1,
	HWS_FD_DIRECTORY = 2,
	HWS_FD_BLOCK = 4,
	HWS_FD_CHARACTER = 8,
	HWS_FD_PIPE = 16,
	HWS_FD_SOCKET = 32,
	HWS_FD_OTHER = 64, /* eventfd, timerfd, epoll … */
	HWS_FD_ANY = 127,
};

/**
 * hws_check_fd() - is it an open descriptor, and of such a kind?
 * @fd: the descriptor
 * @kinds: enum hws_fd_kind: any of these
 *
 * What it is may change right after, when another thread closes it.
 *
 * Return: 0; -EBADF when it isn't open, or no descriptor of this process can
 * have that number; -EINVAL when it is of another kind, or @kinds is no kind.
 */
HWS_API HWS_MUST int hws_check_fd(int fd, uint32_t kinds);

/** struct hws_io_alignment - what direct I/O asks for. */
struct hws_io_alignment {
	uint32_t memory; /* of addresses */
	uint32_t offset; /* of offsets and lengths */
	bool guessed;	 /* neither the file nor its device said so: 4,096 is taken */
};

/**
 * hws_io_alignment() - how direct I/O on a file must be aligned.
 * @fd: the descriptor
 * @ret_alignment: out
 *
 * Asks the file (Linux 6.1), then its block device; else takes 4,096, which
 * suits every device that there is.
 *
 * Return: 0; -EBADF; -EOPNOTSUPP when the file says that it has no direct I/O.
 */
HWS_API HWS_MUST int hws_io_alignment(int fd, struct hws_io_alignment *ret_alignment);

HWS_END_DECLS

#endif
