/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The native back end: this machine, as far as its kernel lets this process at it. */
#ifndef HWSAFE_SHIM_NATIVE_INTERNAL_H
#define HWSAFE_SHIM_NATIVE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "shim/grants-internal.h"
#include "shim/shim-internal.h"

/*
 * The function that was used last stays open: accesses come in runs; and whoever has read its ids
 * gets the BARs of that one, whatever has its name by now.
 */
struct native_config {
	pthread_mutex_t lock;
	struct hws_bdf bdf;
	int dir; /* its folder; -1: none */
	int fd;	 /* its configuration space; -1: not open */
};

struct vfio_device;

/* What is open by VFIO. */
enum { NATIVE_HOLDS = 64 };

struct native_vfio {
	pthread_mutex_t lock;
	struct vfio_device *devices;
	uint64_t holds; /* how many were opened so far */
	/* those of now; each cookie's rest by their number is its place */
	struct {
		_Atomic uint64_t cookie; /* 0: none; set last, and cleared first */
		struct vfio_device *device;
	} held[NATIVE_HOLDS];
};

struct native {
	int root;		     /* of every path: a descriptor, or SYS_REAL_ROOT */
	const struct grants *grants; /* NULL: none */
	struct native_config config;
	struct native_vfio vfio;
	int cpus;
	/* one per processor: its msr file, once it was needed; -1 before */
	_Atomic int msr[];
};

/* The kernel's own "no" is -EPERM, whichever of its two words it used. */
static inline int native_refusal(int r)
{
	return r == -EACCES ? -EPERM : r;
}

/* An error of the kernel's as our callers get it, and what it means: each has its own words. */
HWS_MUST int native_code(int r);
const char *native_cause(int r);

/*
 * A device's file: @device's node, or a plain one, as all of sysfs (@device 0) and of a tree of
 * files are. No link at its end is followed, and nothing in its place keeps us waiting: -ELOOP.
 */
HWS_MUST int native_open_file(struct native *native, const char *path, int flags, dev_t device);
/* The same in an open folder, and in a function's. */
HWS_MUST int native_open_in(struct native *native, int dir, const char *name, int flags);
HWS_MUST int native_open_of(struct native *native, struct hws_bdf bdf, const char *name, int flags);

int native_identify(void *self, struct hws_cpu *ret_cpu);
int native_cpuid(void *self, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4]);
int native_port_open(void *self, uint16_t first, uint32_t count, enum hws_rights rights,
		     struct hws_window *ret_ports);
void native_port_close(void *self, struct hws_window *ports);
int native_port_read(void *self, const struct hws_window *ports, uint16_t port, uint32_t width,
		     uint32_t *ret_value);
int native_port_write(void *self, const struct hws_window *ports, uint16_t port, uint32_t width,
		      uint32_t value);
int native_msr_read(void *self, uint32_t cpu, uint32_t reg, uint64_t *ret_value);
int native_msr_write(void *self, uint32_t cpu, uint32_t reg, uint64_t value);
int native_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf);
int native_pci_read(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
		    uint32_t *ret_value);
int native_pci_write(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
		     uint32_t value);
int native_bar_map(void *self, struct hws_bdf bdf, uint32_t bar, uint64_t offset, uint64_t size,
		   enum hws_rights rights, struct hws_window *ret_window);
int native_bar_fd(void *self, struct hws_bdf bdf, uint32_t bar, enum hws_rights rights,
		  uint64_t *ret_size);
void native_bar_unmap(void *self, struct hws_window *window);
int native_mmio_read(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		     uint64_t *ret_value);
int native_mmio_write(void *self, const struct hws_window *window, uint64_t offset, uint32_t width,
		      uint64_t value);

int native_pci_info(void *self, struct hws_bdf bdf, struct hws_pci_info *ret_info);
int native_ports_claimed(void *self, uint16_t first, uint32_t count);
int native_pci_claimed(void *self, struct hws_bdf bdf, uint32_t bar);
int native_topology(void *self, struct hws_topology *ret_topology);

/* Where the function's BARs lie; those that it lacks have no size. */
HWS_MUST int native_pci_bars(struct native *native, struct hws_bdf bdf,
			     struct hws_pci_bar ret_bars[HWS_PCI_BARS]);
/* The last part of where a link of the function leads: its driver, its group; "": none. */
void native_pci_link(struct native *native, struct hws_bdf bdf, const char *link, char *text,
		     size_t size);
/* "nvme0n1 is mounted on /srv; eth0 is up": what the kernel does by the function; "": nothing. */
void native_users(struct native *native, struct hws_bdf bdf, char *text, size_t size);

/* /sys/bus/pci/devices/<bdf>/<file>; @path has NATIVE_PATH bytes. */
enum { NATIVE_PATH = 96 };
const char *native_pci_path(struct hws_bdf bdf, const char *file, char path[NATIVE_PATH]);

/* The kernel's permission for ports, which it gives to a thread; IOPERM is the way's name. */
#define IOPERM "ioperm"
struct ioperm_grant {
	uint32_t first;
	uint32_t count;
	int tid;	/* whose */
	uint32_t drops; /* how often that thread had dropped everything before */
};
HWS_MUST int ioperm_acquire(uint32_t first, uint32_t count, struct ioperm_grant *ret_grant);
/* By another thread, or after a drop: nothing. What a thread has, only it can give back. */
void ioperm_release(const struct ioperm_grant *grant);
bool ioperm_held(uint32_t first, uint32_t count);

/* What the architecture knows of its processor; @root as in struct native. */
int arch_identify(int root, struct hws_cpu *ret_cpu);
int arch_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4]);

#endif
