/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper's protocol as data: what a program may ask of hwsafe-helper, and what it gets.
 *
 * A Unix socket that keeps messages whole (SOCK_SEQPACKET); one message is one request, and each
 * request gets one reply with its number. Both begin with a head; what follows has exactly the
 * size that the table of operations says. The same bytes on 32 and 64 bits: no pointer, no padding
 * that is not named. What is called zero must be.
 *
 * The first request is HELLO: it names the versions that the program speaks, and the reply the one
 * that holds from then on. No message carries a descriptor to the helper: who sends one is dropped.
 *
 * Since version 2 a program may ask for a ring: memory that it shares with the helper, and a
 * doorbell. Requests that it puts there are the same as messages, are judged the same and answered
 * in their order; a whole ring of them costs one wake-up of the helper and one of the program. It
 * is asked for by two messages: the reply to the first brings the memory, which the program maps
 * for reading and writing; that to the second brings the doorbell, and from then on nobody else can
 * map it for writing, or change its size, or take pages out of it. A helper may refuse; everything
 * can be asked for by messages.
 */
#ifndef HWSAFE_SHIM_WIRE_H
#define HWSAFE_SHIM_WIRE_H

#include "base.h"

HWS_BEGIN_DECLS

/** HWS_WIRE_MAGIC - what each message begins with. */
#define HWS_WIRE_MAGIC 0x66617377u
/** HWS_WIRE_VERSION - the newest version of the protocol, and HWS_WIRE_OLDEST the oldest, known. */
#define HWS_WIRE_VERSION 3
#define HWS_WIRE_OLDEST	 1
/** HWS_WIRE_SOCKET - where the helper listens unless it is told otherwise. */
#define HWS_WIRE_SOCKET "/run/hwsafe/helper.sock"
/** HWS_WIRE_STEPS - the most steps of one request. */
#define HWS_WIRE_STEPS 64
/** HWS_WIRE_SLOTS - the requests that a ring holds at once. */
#define HWS_WIRE_SLOTS 16
/** HWS_WIRE_WHY - room for a reply's sentence, with its NUL. */
#define HWS_WIRE_WHY 104

/** enum hws_wire_op - all that can be asked. */
enum hws_wire_op {
	HWS_WIRE_HELLO = 0,
	HWS_WIRE_IDENTIFY, /* the processor */
	HWS_WIRE_TOPOLOGY, /* how processors are grouped */
	HWS_WIRE_CPUID,	   /* what it says about itself */
	HWS_WIRE_NEXT,	   /* the PCI function after another, of those that the policy names */
	HWS_WIRE_INFO,	   /* what the system knows of one of them */
	HWS_WIRE_PORTS,	   /* may this range of ports be used? */
	HWS_WIRE_BAR,	   /* may this window be used? perhaps with a descriptor to map */
	HWS_WIRE_RUN,	   /* accesses, checked whole before the first is done */
	HWS_WIRE_TXN,	 /* from now on what is written is undone if the program dies; or no more */
	HWS_WIRE_RING,	 /* since version 2: memory for requests */
	HWS_WIRE_HOLD,	 /* since version 2: may this function be held whole? with a descriptor */
	HWS_WIRE_RIGHTS, /* since version 3: what has the policy for who asks? */
	HWS_WIRE_OPS	 /* how many */
};

/** struct hws_wire_head - what a request begins with. */
struct hws_wire_head {
	uint32_t magic;
	uint16_t version; /* of HELLO: HWS_WIRE_OLDEST */
	uint16_t op;	  /* enum hws_wire_op */
	uint32_t size;	  /* of the whole message */
	uint32_t sequence;
};

/** struct hws_wire_answer - what a reply begins with. */
struct hws_wire_answer {
	struct hws_wire_head head; /* op and sequence are the request's */
	int32_t code;		   /* 0 or a negative errno */
	uint32_t zero;
	char why[HWS_WIRE_WHY]; /* why it was refused; ends with a NUL */
};

/** struct hws_wire_bdf - a PCI function. */
struct hws_wire_bdf {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;
	uint8_t function;
	uint8_t zero;
};

/** struct hws_wire_hello - HELLO. */
struct hws_wire_hello {
	uint16_t oldest; /* the versions that the program speaks */
	uint16_t newest;
	uint32_t zero;
};

/** struct hws_wire_welcome - the reply. */
struct hws_wire_welcome {
	uint16_t version; /* that holds from now on */
	uint16_t steps;	  /* the most of one RUN */
	uint32_t zero;
};

/** struct hws_wire_cpu - the reply to IDENTIFY. */
struct hws_wire_cpu {
	uint32_t arch;
	uint32_t cpus;
	uint64_t id;
	char vendor[16];
	char model[64];
};

/** struct hws_wire_topology - the reply to TOPOLOGY. */
struct hws_wire_topology {
	uint32_t packages;
	uint32_t cores;
	uint32_t threads;
	uint32_t zero;
};

/** struct hws_wire_leaf - CPUID. */
struct hws_wire_leaf {
	uint32_t leaf;
	uint32_t subleaf;
};

/** struct hws_wire_regs - the reply: EAX, EBX, ECX, EDX. */
struct hws_wire_regs {
	uint32_t regs[4];
};

/** struct hws_wire_next - NEXT; its reply is a struct hws_wire_bdf. */
struct hws_wire_next {
	struct hws_wire_bdf after;
	uint32_t first; /* 1: the first of all; @after is zero */
	uint32_t zero;
};

/** struct hws_wire_place - where a BAR lies. */
struct hws_wire_place {
	uint64_t base;
	uint64_t size; /* 0: there is none */
	uint32_t flags;
	uint32_t zero;
};

/** struct hws_wire_info - the reply to INFO, which is a struct hws_wire_bdf. */
struct hws_wire_info {
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem_device;
	uint32_t class_code;
	uint8_t revision;
	uint8_t enabled;
	uint16_t zero;
	int32_t numa_node;
	int32_t iommu_group;
	char driver[32]; /* texts end with a NUL */
	char power[16];
	struct hws_wire_place bars[6];
};

/** struct hws_wire_ports - PORTS. */
struct hws_wire_ports {
	uint32_t first;
	uint32_t count;
	uint32_t rights;
	uint32_t zero;
};

/** struct hws_wire_bar - BAR. */
struct hws_wire_bar {
	struct hws_wire_bdf bdf;
	uint32_t bar;
	uint32_t rights;
	uint64_t first;
	uint64_t size; /* 0: to the end */
};

/** struct hws_wire_window - the reply. */
struct hws_wire_window {
	uint64_t size;
	uint32_t mapped; /* 1: the reply carries a descriptor of the whole BAR */
	uint32_t zero;
};

/** enum hws_wire_flags - of a RUN. Values combine. */
enum hws_wire_flags {
	HWS_WIRE_GO_ON = 1, /* a step that fails does not end it */
};

/** struct hws_wire_run - RUN; the steps follow. Its reply: struct hws_wire_end for each. */
struct hws_wire_run {
	uint32_t count;
	uint32_t flags;
};

/** enum hws_wire_verb - what a step does. */
enum hws_wire_verb {
	HWS_WIRE_READ = 0,
	HWS_WIRE_WRITE,
	HWS_WIRE_UPDATE, /* the bits of @mask become those of @value */
	HWS_WIRE_VERBS	 /* how many */
};

/** struct hws_wire_step - one access. */
struct hws_wire_step {
	uint8_t kind; /* enum hws_kind: port, msr, pci, bar */
	uint8_t verb;
	uint8_t width; /* bytes */
	uint8_t bar;
	uint32_t cpu;
	struct hws_wire_bdf bdf;
	uint64_t at; /* the port, register, or offset in the space or the BAR */
	uint64_t value;
	uint64_t mask;
};

/** struct hws_wire_end - how it went. */
struct hws_wire_end {
	int32_t status; /* 0 or -errno; -ECANCELED: not begun */
	uint32_t zero;
	uint64_t result;
};

/** struct hws_wire_txn - TXN. */
struct hws_wire_txn {
	uint32_t begin; /* 1: begin; 0: end, what was written stays */
	uint32_t zero;
};

/** struct hws_wire_share - RING; the reply to each step brings a descriptor. */
struct hws_wire_share {
	uint32_t
		start; /* 0: the memory; 1: it is mapped, and here comes the doorbell: an eventfd */
	uint32_t zero;
};

/** struct hws_wire_shared - the reply. */
struct hws_wire_shared {
	uint32_t size;	/* of the memory: a struct hws_wire_ring */
	uint32_t slots; /* HWS_WIRE_SLOTS */
};

/** struct hws_wire_slot - a request in a ring and, when it is answered, the reply. */
struct hws_wire_slot {
	uint64_t request[352]; /* as a message, from the first byte on */
	uint64_t reply[160];
};

/**
 * struct hws_wire_ring - what a program shares with the helper.
 *
 * Request number N, counted from 0, lies in slot N % HWS_WIRE_SLOTS. The program writes it, then
 * @asked = N + 1, and then rings the doorbell unless @awake is set. The helper takes a copy, looks
 * at that, and writes the reply into the slot, then @answered = N + 1; who waits for that word by
 * futex(2) and has set @waits before is woken. A slot is free again when the program has taken the
 * reply. HELLO, BAR, RING and HOLD, which bring something else than bytes, come by messages only.
 */
struct hws_wire_ring {
	/* the program's words: the helper only reads them */
	uint32_t asked; /* requests so far; goes on at 0 after UINT32_MAX */
	uint32_t waits;
	uint32_t zero[14];
	/* the helper's: it never reads them */
	uint32_t answered;
	uint32_t awake; /* it will look for more by itself */
	uint32_t nothing[1006];
	struct hws_wire_slot slots[HWS_WIRE_SLOTS];
};

/** struct hws_wire_hold - HOLD: one request for each descriptor, the first for the domain. */
struct hws_wire_hold {
	struct hws_wire_bdf bdf;
	uint32_t which; /* enum hws_hold_fd */
	uint32_t zero;
};

/** struct hws_wire_held - the reply: what the policy allows at a time. */
struct hws_wire_held {
	uint64_t bytes; /* mapped for it */
	uint64_t maps;
	uint32_t vectors; /* of interrupts */
	uint32_t zero;
};

/** HWS_WIRE_KINDS - the most kinds of access that there will be. */
#define HWS_WIRE_KINDS 16

/** struct hws_wire_rights - the reply to RIGHTS: what some rule gives, of each kind. */
struct hws_wire_rights {
	uint32_t rules; /* of the policy, for whomever */
	uint32_t zero;
	uint32_t rights[HWS_WIRE_KINDS]; /* by enum hws_kind: HWS_R, HWS_W */
};

/** HWS_WIRE_MAX - room for the largest message. */
#define HWS_WIRE_MAX                                                  \
	(sizeof(struct hws_wire_head) + sizeof(struct hws_wire_run) + \
	 HWS_WIRE_STEPS * sizeof(struct hws_wire_step))

HWS_END_DECLS

#endif
