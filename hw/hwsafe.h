/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libhwsafe: the table of contents, from the ground floor up. */
#ifndef HWSAFE_HW_HWSAFE_H
#define HWSAFE_HW_HWSAFE_H

#include "../shim/base.h"	    /* results, rights, hws_range_ok(), hws_why() */
#include "../shim/once.h"	    /* the write-once cell */
#include "../shim/shim.h"	    /* for back ends: the table of operations */
#include "../shim/probe.h"	    /* what this machine allows, and why not */
#include "../shim/sim.h"	    /* the simulated machine: its description */
#include "../shim/grants.h"	    /* for launchers: how what is granted is handed over */
#include "../shim/wire.h"	    /* the helper's protocol */
#include "../shim/event.h"	    /* something that happens once, shared and counted */
#include "../shim/value.h"	    /* named values, told across a boundary */
#include "../shim/plugin.h"	    /* for plug-ins: what they and the library say to each other */
#include "../guardian/access.h"	    /* the words of a decision: kinds, rights, reasons */
#include "../guardian/caps.h"	    /* capacity ceilings: resources, tokens, readers */
#include "../guardian/guard.h"	    /* counts of accesses that stop a runaway loop */
#include "../guardian/policy.h"	    /* who may do what: files, views, decisions */
#include "../guardian/audit.h"	    /* events, the trail and its sinks, verification */
#include "../guardian/context.h"    /* the context that every call starts from; refusals */
#include "../guardian/snapshot.h"   /* all the numbers: a struct, JSON, metrics */
#include "../guardian/plugin.h"	    /* shared objects that bring a device, loaded by policy */
#include "../guardian/privilege.h"  /* ports that the kernel opened to a thread */
#include "../guardian/last-words.h" /* what was touched before a hang */
#include "../guardian/validate.h"   /* checks: sizes, alignment, buffers, slices, descriptors */
#include "../uring/probe.h"	    /* does io_uring work here? */
#include "../guardian/learn.h"	    /* what a program touches, noted */
#include "../guardian/lint.h"	    /* what is odd about a policy; what two allow differently */
#include "../uring/buf.h"	    /* buffers: handles, one owner at a time, views */
#include "../uring/numa.h"	    /* processors, memory and devices that are near one another */
#include "../uring/op.h"   /* operations: read, write … queued, cancelled, forgotten, done */
#include "../uring/plan.h" /* operations that wait for one another */
#include "../uring/pool.h" /* pools of buffers */
#include "../uring/ring.h" /* rings, and what they tell of themselves */
#include "../uring/ring-group.h" /* buffers provided in advance for receiving */
#include "../uring/stream.h"	 /* streams of bytes, copied; FILE * over a ring */
#include "accel.h"		 /* devices that plug-ins bring, fed from buffers */
#include "bank.h"		 /* handles that know their registers, by name */
#include "batch.h"     /* steps over any handles, checked whole before the first is done */
#include "block.h"     /* how blocks are copied */
#include "cpuid.h"     /* what the processor says of itself */
#include "dma.h"       /* memory that a device reaches, and nothing else */
#include "irq.h"       /* interrupts of a device as eventfds */
#include "mmio.h"      /* windows of device memory */
#include "msr.h"       /* model-specific registers of processors */
#include "pci.h"       /* PCI functions and their configuration space */
#include "port.h"      /* I/O ports */
#include "registers.h" /* descriptions of registers */
#include "txn.h"       /* all steps, or as if there had been none; restoring after a death */

#endif
