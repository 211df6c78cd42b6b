/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where processors, memory and devices are near one another. Nothing has to be said: memory is of
 * the node whose processor touches it first, so that a thread that opens its ring and stays where
 * it is has it near. To be sure:
 *
 *	r = hws_numa_of_device(hw, "0000:03:00.0", &pool.node);   where the device is
 *	r = hws_numa_cpu(hw, pool.node, &cpu);                    a processor there
 *	r = hws_numa_pin(cpu);                                    this thread stays there
 *	pool.flags = HWS_POOL_NODE;                               and so does the memory
 */
#ifndef HWSAFE_URING_NUMA_H
#define HWSAFE_URING_NUMA_H

#include "../shim/base.h"

HWS_BEGIN_DECLS

struct hws;

/**
 * hws_numa_pin() - keep this thread on one processor.
 * @cpu: its number
 *
 * Return: 0; -EINVAL: there is no such processor, it is offline, or not one of those that the
 * process may run on (a cpuset, a container).
 */
HWS_API HWS_MUST int hws_numa_pin(uint32_t cpu);

/**
 * hws_numa_here() - where this thread runs at this moment.
 * @ret_cpu: out; the processor; may be NULL
 * @ret_node: out; its node; may be NULL
 */
HWS_API void hws_numa_here(uint32_t *ret_cpu, uint32_t *ret_node);

/**
 * hws_numa_node() - a processor's node.
 * @hw: borrowed; its sysroot is asked; NULL: the real root
 * @cpu: the processor's number
 * @ret_node: out; 0 where the kernel knows no nodes
 *
 * Return: 0; -ENODEV: there is no such processor.
 */
HWS_API HWS_MUST int hws_numa_node(struct hws *hw, uint32_t cpu, uint32_t *ret_node);

/**
 * hws_numa_cpu() - a node's first processor.
 * @hw: borrowed; its sysroot is asked; NULL: the real root
 * @node: the node's number
 * @ret_cpu: out
 *
 * Return: 0; -ENODEV: there is no such node, or it has memory only.
 */
HWS_API HWS_MUST int hws_numa_cpu(struct hws *hw, uint32_t node, uint32_t *ret_cpu);

/**
 * hws_numa_of_device() - the node that a PCI function is near.
 * @hw: borrowed; its sysroot is asked; NULL: the real root
 * @bdf: borrowed; "0000:03:00.0"
 * @ret_node: out
 *
 * Return: 0; -EINVAL: that is no address; -ENODEV: there is no such function; -ENODATA: the
 * machine doesn't say: any node is as good.
 */
HWS_API HWS_MUST int hws_numa_of_device(struct hws *hw, const char *bdf, uint32_t *ret_node);

HWS_END_DECLS

#endif
