/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accelerators: devices with memory of their own, brought by plug-ins, fed from buffers.
 *
 *	r = hws_plugin_open(hw, "/usr/lib/hwsafe/npu.so", NULL, &plugin);
 *	r = hws_accel_open(plugin, pool, &accel);               the plug-in is the accelerator's now
 *	r = hws_accel_alloc(accel, 4096, &memory);
 *	r = hws_accel_put(accel, memory, 0, buf, 4096, &event); the buffer is the device's …
 *	r = hws_event_wait(event, HWS_FOREVER, &code);          … and yours again
 *	r = hws_accel_run(accel, "fill", &values, &memory, 1, &event);
 *
 * A buffer has one owner at a time here, too: while a transfer is under way, or for as long as
 * memory of the device is made of it, it is the device's, and can't be viewed or submitted.
 */
#ifndef HWSAFE_HW_ACCEL_H
#define HWSAFE_HW_ACCEL_H

#include "../guardian/plugin.h"
#include "../shim/event.h"
#include "../uring/buf.h"

HWS_BEGIN_DECLS

/** struct hws_accel - an accelerator; shared by threads where its plug-in promises to be. */
struct hws_accel;

/**
 * hws_accel_open() - the device that a plug-in brings.
 * @plugin: taken on success: it is closed with the accelerator
 * @pool: shared; where its buffers come from
 * @ret_accel: out; for hws_accel_close()
 *
 * Return: 0; -EOPNOTSUPP when the plug-in has no device; what its attributes() said; -ENOMEM.
 */
HWS_API HWS_MUST int hws_accel_open(struct hws_plugin *plugin, struct hws_pool *pool,
				    struct hws_accel **ret_accel);

/**
 * hws_accel_close() - end it, and its plug-in.
 * @accel: taken; NULL does nothing. No call to it may be under way
 *
 * Events that weren't set are cancelled. Buffers come back to their users; those of a plug-in that
 * broke the contract are quarantined, as nobody knows what it still does.
 */
HWS_API void hws_accel_close(struct hws_accel *accel);

/**
 * hws_accel_attributes() - what the device says of itself.
 * @accel: borrowed
 *
 * Return: the values, checked, which live as long as the accelerator.
 */
HWS_API const struct hws_values *hws_accel_attributes(const struct hws_accel *accel);

/**
 * hws_accel_alloc() - memory of the device.
 * @accel: borrowed
 * @size: bytes
 * @ret_memory: out; for hws_accel_free()
 *
 * Return: 0; -EINVAL; -EDQUOT over 1,024 pieces; what the plug-in said; -EPROTO in quarantine.
 */
HWS_API HWS_MUST int hws_accel_alloc(struct hws_accel *accel, uint64_t size, uint64_t *ret_memory);

/**
 * hws_accel_alloc_of() - memory of the device that is made of a buffer.
 * @accel: borrowed
 * @buf: the user's; the device's until the memory is freed
 * @share: HWS_SHARE_ZERO_COPY: the device reads it; HWS_SHARE_MUTABLE: and changes it
 * @ret_memory: out; for hws_accel_free(), which gives the buffer back to its user
 *
 * Return: as hws_accel_alloc(); -ESTALE, -EBUSY for the buffer; -EOPNOTSUPP when the pool's guard
 * would stop the device's threads.
 */
HWS_API HWS_MUST int hws_accel_alloc_of(struct hws_accel *accel, struct hws_buf buf,
					enum hws_share share, uint64_t *ret_memory);

/**
 * hws_accel_free() - give memory of the device back.
 * @accel: borrowed
 * @memory: the number; stale from now on
 *
 * Return: 0; -ESTALE; -EBUSY while something is in flight; -EPROTO in quarantine.
 */
HWS_API HWS_MUST int hws_accel_free(struct hws_accel *accel, uint64_t memory);

/**
 * hws_accel_put() - copy from a buffer to the device.
 * @accel: borrowed
 * @memory: where to
 * @offset: where in it
 * @buf: the user's
 * @size: bytes, from the buffer's first
 * @ret_event: out; set when it is done and the buffer is the user's again; for hws_event_close().
 *	NULL: the call returns then
 *
 * Return: 0; -ERANGE past the end of the memory or the buffer; -ESTALE; -EBUSY; -EOPNOTSUPP with an
 * event, when the pool's guard would stop the device's threads; what the plug-in said; -EPROTO;
 * -EDQUOT; -ENOMEM. On failure the buffer is the user's.
 */
HWS_API HWS_MUST int hws_accel_put(struct hws_accel *accel, uint64_t memory, uint64_t offset,
				   struct hws_buf buf, uint64_t size, struct hws_event **ret_event);

/**
 * hws_accel_get() - copy from the device to a buffer.
 * @accel: borrowed
 * @memory: where from
 * @offset: where in it
 * @buf: the user's
 * @size: bytes, to the buffer's first
 * @ret_event: out; as with hws_accel_put()
 *
 * Return: as hws_accel_put().
 */
HWS_API HWS_MUST int hws_accel_get(struct hws_accel *accel, uint64_t memory, uint64_t offset,
				   struct hws_buf buf, uint64_t size, struct hws_event **ret_event);

/**
 * hws_accel_feed() - copy a chunk to the device.
 * @accel: borrowed
 * @memory: where to
 * @offset: where in it
 * @chunk: borrowed; its done() is called once, in any case, from any thread
 * @ret_event: out; set when it is copied; for hws_event_close()
 *
 * Return: as hws_accel_put(); -EOPNOTSUPP when the device takes none.
 */
HWS_API HWS_MUST int hws_accel_feed(struct hws_accel *accel, uint64_t memory, uint64_t offset,
				    const struct hws_chunk *chunk, struct hws_event **ret_event);

/**
 * hws_accel_save() - what is in memory, in the plug-in's own form.
 * @accel: borrowed
 * @memory: the number
 * @ret_bytes: out; for free()
 * @ret_size: out
 *
 * Return: 0; -ESTALE; -EOPNOTSUPP; what the plug-in said; -EPROTO; -ENOMEM.
 */
HWS_API HWS_MUST int hws_accel_save(struct hws_accel *accel, uint64_t memory, void **ret_bytes,
				    uint64_t *ret_size);

/**
 * hws_accel_run() - let it do something.
 * @accel: borrowed
 * @name: borrowed; which of its operations
 * @values: borrowed; what the operation wants to know; NULL: nothing
 * @memories: borrowed; what it works on
 * @count: how many, 16 at most
 * @ret_event: out; set when it is done; for hws_event_close()
 *
 * Return: 0; -EINVAL; -ESTALE; -EOPNOTSUPP; what the plug-in said; -EPROTO; -EDQUOT.
 */
HWS_API HWS_MUST int hws_accel_run(struct hws_accel *accel, const char *name,
				   const struct hws_values *values, const uint64_t *memories,
				   uint32_t count, struct hws_event **ret_event);

HWS_END_DECLS

#endif
