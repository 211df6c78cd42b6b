/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How an access physically happens: one table of operations, filled by each
 * back end, called through a slot that is written once and then read-only.
 *
 * This header is for those who write a back end. Programs that use hardware
 * go through the gated access kinds, which ask the guardian first.
 */
#ifndef HWSAFE_SHIM_SHIM_H
#define HWSAFE_SHIM_SHIM_H

#include "base.h"

HWS_BEGIN_DECLS

/** enum hws_arch - the architectures that have a native back end of their own. */
enum hws_arch {
	HWS_ARCH_UNKNOWN = 0,
	HWS_ARCH_X86_64,
	HWS_ARCH_AARCH64,
};

/** enum hws_barrier - which accesses may not pass it. */
enum hws_barrier {
	HWS_BARRIER_FULL = 0,
	HWS_BARRIER_READ,
	HWS_BARRIER_WRITE,
};

/** struct hws_bdf - the address of a PCI function: domain:bus:device.function. */
struct hws_bdf {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;	  /* 0-31 */
	uint8_t function; /* 0-7 */
};

/** HWS_BDF_TEXT - room for the text of any address, with its NUL. */
#define HWS_BDF_TEXT 24

/**
 * hws_bdf_parse() - read "0000:00:03.0" (or "00:03.0", domain 0).
 * @text: borrowed; nothing may stand before or after the address
 * @ret_bdf: out; untouched on failure
 *
 * Return: 0, or -EINVAL when @text is not an address.
 */
HWS_API HWS_MUST int hws_bdf_parse(const char *text, struct hws_bdf *ret_bdf);

/**
 * hws_bdf_format() - write "0000:00:03.0".
 * @bdf: the address
 * @text: out; HWS_BDF_TEXT bytes
 *
 * Return: @text.
 */
HWS_API const char *hws_bdf_format(struct hws_bdf bdf, char text[HWS_BDF_TEXT]);

/** struct hws_cpu - what kind of processor this is. */
struct hws_cpu {
	enum hws_arch arch;
	uint32_t cpus; /* processors online */
	uint64_t id;   /* x86: CPUID leaf 1 EAX; arm64: MIDR_EL1; 0: not known */
	char vendor[16];
	char model[64];
};

/**
 * struct hws_window - a piece of hardware that a back end opened: a range of ports or of a BAR.
 *
 * A value: the back end fills it, the holder hands it back to be closed.
 */
struct hws_window {
	void *direct;	 /* where plain loads and stores reach it; NULL: through the table only */
	uint64_t first;	 /* first port, or offset inside the BAR */
	uint64_t size;	 /* ports or bytes; no access goes past it */
	uint64_t cookie; /* the back end's own */
	const char *way; /* how it was got: "ioperm", "/dev/port", "resource0", "sim" … */
};

/** enum hws_bar_flags - what kind of BAR it is. */
enum hws_bar_flags {
	HWS_BAR_IO = 1, /* ports; else memory */
	HWS_BAR_64 = 2,
	HWS_BAR_PREFETCH = 4,
};

/** struct hws_pci_bar - where a BAR lies now. */
struct hws_pci_bar {
	uint64_t base;
	uint64_t size; /* 0: there is none */
	uint32_t flags;
};

/** HWS_PCI_BARS - how many BARs a function can have. */
#define HWS_PCI_BARS 6

/** struct hws_pci_info - what the system knows of a PCI function. */
struct hws_pci_info {
	size_t size; /* sizeof(struct hws_pci_info): set it before the call */
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem_device;
	uint32_t class_code; /* base class, sub-class, interface */
	uint8_t revision;
	bool enabled;
	int32_t numa_node;   /* -1: not known */
	int32_t iommu_group; /* -1: in none */
	char driver[32];     /* that is bound to it; "": none */
	char power[16];	     /* "D0", "D3hot" …; "": not known */
	struct hws_pci_bar bars[HWS_PCI_BARS];
};

/** struct hws_msr_op - one register of a batch. */
struct hws_msr_op {
	uint32_t cpu;
	uint32_t reg;
	uint64_t value; /* to be written; or as it was read, all-ones when it failed */
	int32_t status; /* 0 or -errno, of this one; -ECANCELED: not tried */
	uint32_t write; /* else it is read */
};

/** struct hws_topology - how processors are grouped. */
struct hws_topology {
	uint32_t packages;
	uint32_t cores;
	uint32_t threads; /* as many as there are processors online */
};

/** HWS_CONFIG_SPACE - in the place of a BAR: the function's configuration space. */
#define HWS_CONFIG_SPACE UINT32_MAX

/** enum hws_irq_mode - the ways a PCI function interrupts. */
enum hws_irq_mode {
	HWS_IRQ_INTX = 0,
	HWS_IRQ_MSI,
	HWS_IRQ_MSIX,
	HWS_IRQ_MODES /* how many */
};

/** struct hws_span - addresses from @first to @last, both included. */
struct hws_span {
	uint64_t first;
	uint64_t last;
};

/** HWS_HOLD_SPANS - the most spans of addresses that a hold names. */
#define HWS_HOLD_SPANS 16

/**
 * struct hws_hold - a whole PCI function, held for DMA and interrupts.
 *
 * A value: the back end fills it, the holder hands it back to be closed. While it is held no
 * other program can hold it, and it reaches no memory but what is mapped for it.
 */
struct hws_hold {
	uint64_t cookie; /* the back end's own */
	struct hws_bdf bdf;
	const char *way;	      /* how it was got: "vfio type1", "vfio cdev", "sim" */
	uint64_t page;		      /* mappings begin and end at multiples of it */
	uint64_t max_maps;	      /* the most mappings at once */
	uint32_t can_reset;	      /* 1: hold_reset() works */
	uint32_t irqs[HWS_IRQ_MODES]; /* how many vectors each way has; 0: none */
	uint32_t span_count;
	struct hws_span spans[HWS_HOLD_SPANS]; /* addresses that the device may be given */
};

/** enum hws_hold_fd - the descriptors that a hold consists of. */
enum hws_hold_fd {
	HWS_HOLD_DOMAIN = 0, /* what is mapped for it */
	HWS_HOLD_DEVICE,     /* the function itself */
	HWS_HOLD_FDS	     /* how many */
};

/** struct hws_hold_limits - how much may be done with a hold at a time. */
struct hws_hold_limits {
	uint64_t bytes; /* mapped; UINT64_MAX: any, as the next ones */
	uint64_t maps;
	uint32_t vectors; /* of each way to interrupt; UINT32_MAX: any */
};

/** struct hws_dma_fault - a transfer that the IOMMU stopped. */
struct hws_dma_fault {
	uint64_t address;  /* as the device gave it */
	bool write;	   /* it would have written to memory */
	uint64_t sequence; /* counts up: how many were seen so far */
};

struct hws_plugin;

/** struct hws_shim_options - what a back end is opened with; all zero is the default. */
struct hws_shim_options {
	size_t size;	     /* sizeof(struct hws_shim_options) */
	const char *sysroot; /* borrowed; every path is opened below it; NULL: the real root */
	const char *sim; /* borrowed; sim only: the machine's description; NULL: the built-in one */
	const char *sim_name;	   /* borrowed; what errors call that description; NULL: "sim" */
	const char *socket;	   /* borrowed; broker only: the helper's; NULL: HWS_WIRE_SOCKET */
	const void *grants;	   /* borrowed; native only: what a launcher handed over */
	struct hws_plugin *plugin; /* borrowed; plugin only: the one that brings the back end */
};

/** enum hws_shim_verb - what a step of a batch does. */
enum hws_shim_verb {
	HWS_SHIM_READ = 0,
	HWS_SHIM_WRITE,
	HWS_SHIM_UPDATE, /* the bits of @mask become those of @value */
};

/** enum hws_shim_space - where a step of a batch goes. */
enum hws_shim_space {
	HWS_SHIM_PORT = 0,
	HWS_SHIM_MSR,
	HWS_SHIM_PCI,
	HWS_SHIM_BAR,
};

/** struct hws_shim_step - one access of a batch; what it is, and how it went. */
struct hws_shim_step {
	enum hws_shim_space space;
	enum hws_shim_verb verb;
	uint32_t width;
	uint32_t cpu;
	uint32_t bar;
	struct hws_bdf bdf;
	uint64_t at; /* the port, register, or offset in the space or the BAR */
	uint64_t value;
	uint64_t mask;
	int status; /* 0; -errno; -ECANCELED: not begun */
	uint64_t result;
};

/** HWS_SHIM_STEPS - the most steps that a batch is given at once. */
#define HWS_SHIM_STEPS 64

/** struct hws_ext - the head of an extension; the chain ends with NULL. */
struct hws_ext {
	size_t struct_size;
	uint32_t type;
	uint32_t version;
	const struct hws_ext *next;
};

/** HWS_SHIM_ABI - the version of the table below; the upper half must match. */
#define HWS_SHIM_ABI 0x00010000u

/** enum hws_shim_flags - what a back end promises. */
enum hws_shim_flags {
	HWS_SHIM_THREAD_SAFE = 1, /* entries may be called from several threads at once */
};

/**
 * struct hws_shim_ops - one back end.
 *
 * @struct_size ends with a whole entry. Those from @open to @close are mandatory. Any other may be
 * NULL: it then gives the safe default (all-ones for reads, nothing done for writes) and
 * -EOPNOTSUPP. Every entry returns 0 or a negative errno and says why by
 * hws_why(). A read always stores: the value, or all-ones of its width when
 * it fails. Widths are in bytes: 1, 2, 4 and, for MMIO, 8. Callers have
 * checked offset and width against the window.
 */
struct hws_shim_ops {
	size_t struct_size;
	uint32_t abi;
	uint32_t flags;
	const struct hws_ext *next;
	const char *name;

	int (*open)(const struct hws_shim_options *options, void **ret_self);
	void (*close)(void *self);

	int (*identify)(void *self, struct hws_cpu *ret_cpu);
	int (*cpuid)(void *self, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4]);

	int (*port_open)(void *self, uint16_t first, uint32_t count, enum hws_rights rights,
			 struct hws_window *ret_ports);
	void (*port_close)(void *self, struct hws_window *ports);
	int (*port_read)(void *self, const struct hws_window *ports, uint16_t port, uint32_t width,
			 uint32_t *ret_value);
	int (*port_write)(void *self, const struct hws_window *ports, uint16_t port, uint32_t width,
			  uint32_t value);

	int (*msr_read)(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value);
	int (*msr_write)(void *self, uint32_t cpu, uint32_t reg, uint64_t value);

	/* the function after @after in address order; NULL: the first; -ENOENT: no more */
	int (*pci_next)(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf);
	int (*pci_read)(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			uint32_t *ret_value);
	int (*pci_write)(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
			 uint32_t value);

	/* size 0: to the end of the BAR */
	int (*bar_map)(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset, uint64_t size,
		       enum hws_rights rights, struct hws_window *ret_window);
	void (*bar_unmap)(void *self, struct hws_window *window);
	/* @offset counts from the window's first byte */
	int (*mmio_read)(void *self, const struct hws_window *window, uint64_t offset,
			 uint32_t width, uint64_t *ret_value);
	int (*mmio_write)(void *self, const struct hws_window *window, uint64_t offset,
			  uint32_t width, uint64_t value);

	/*
	 * A function as a whole; one hold is used by one thread at a time. Who opens it finds it
	 * as after a reset, where it can be reset, and so it is left. The device's rights are as
	 * seen from memory: HWS_R it may read memory, HWS_W it may write there. Mappings are
	 * exact: @address and @size as mapped; -ENOENT: nothing is mapped so. Memory must be there
	 * and open to this thread when it is mapped, not later.
	 */
	int (*hold_open)(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold);
	void (*hold_close)(void *self, struct hws_hold *hold);
	int (*hold_reset)(void *self, const struct hws_hold *hold);
	int (*dma_map)(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
		       uint64_t size, enum hws_rights device);
	int (*dma_unmap)(void *self, const struct hws_hold *hold, uint64_t address, uint64_t size);
	/*
	 * the next one of this function since the hold was opened; -ENOENT: no more for now;
	 * -EOPNOTSUPP: nobody can tell. Of many, a kernel may tell only a few.
	 */
	int (*dma_fault)(void *self, const struct hws_hold *hold, struct hws_dma_fault *ret_fault);
	/* eventfds, borrowed, one a vector from 0 on; replaces what was bound; count 0: none */
	int (*irq_bind)(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
			const int32_t *eventfds, uint32_t count);
	/* INTx stays masked once it came, until this */
	int (*irq_unmask)(void *self, const struct hws_hold *hold, enum hws_irq_mode mode);

	void (*barrier)(void *self, enum hws_barrier kind);
	uint64_t (*timestamp)(void *self); /* counts up; its unit is the back end's; 0: none */

	int (*pci_info)(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info);
	/* -EBUSY when the kernel uses it, with who does; 0: nobody is known to */
	int (*ports_claimed)(void *self, uint16_t first, uint32_t count);
	int (*pci_claimed)(void *self, struct hws_bdf bdf, uint32_t bar);
	/* in order, a failed write ends it: 0 or the first failure; -EOPNOTSUPP: nothing is done */
	int (*msr_batch)(void *self, struct hws_msr_op *ops, size_t count);
	int (*topology)(void *self, struct hws_topology *ret_topology);
	/*
	 * For back ends far away, where each call costs a message; absent, the entries above are
	 * called one by one. The steps in order; with @go_on a step that fails does not end them.
	 * 0 or the status of the first that failed.
	 */
	int (*batch)(void *self, struct hws_shim_step *steps, uint32_t count, bool go_on);
	/*
	 * For back ends that outlive this process: from now on what it writes is undone should it
	 * die; or, not @begin, no more. Absent: nothing to do.
	 */
	int (*txn)(void *self, bool begin);
	/* a descriptor of the whole BAR, the caller's, and its size; none that reaches more */
	int (*bar_fd)(void *self, struct hws_bdf bdf, uint32_t bar, enum hws_rights rights,
		      uint64_t *ret_size);
	/* by these another process can hold the function, too; they stay the hold's */
	int (*hold_fds)(void *self, const struct hws_hold *hold, int32_t ret_fds[HWS_HOLD_FDS]);
	/* as hold_open(), by what another process opened: taken, whatever comes of it */
	int (*hold_adopt)(void *self, struct hws_bdf bdf, const int32_t fds[HWS_HOLD_FDS],
			  const struct hws_hold_limits *limits, struct hws_hold *ret_hold);
};

HWS_END_DECLS

#endif
