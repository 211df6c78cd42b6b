/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VFIO: a function that is bound to vfio-pci, opened as a whole.
 *
 * The kernel opens a group once, so that everybody in a context shares one struct vfio_device:
 * its holder (DMA, interrupts) and the windows that have no other way (lockdown). Each has a
 * container, thus an IOMMU domain, of its own: what is mapped for one function no other reaches.
 */
#ifndef HWSAFE_SHIM_NATIVE_VFIO_INTERNAL_H
#define HWSAFE_SHIM_NATIVE_VFIO_INTERNAL_H

#include <sys/types.h>

#include "shim/iommu-log-internal.h"
#include "shim/native-internal.h"

struct vfio_device {
	struct vfio_device *next;
	struct hws_bdf bdf;
	uint32_t refs;
	uint64_t hold; /* which of all holds it is; 0: nobody holds it */
	bool kept;     /* one reference is the context's own: configuration space was written */
	int container;
	int group;
	int fd;
	bool can_reset;
	uint32_t regions;
	uint64_t config; /* where in @fd configuration space is */
	/* whoever opened it for us says so much; what is mapped of it now */
	const struct hws_grants_hold *grant; /* NULL: no launcher */
	const char *way;
	struct hws_hold_limits limits;
	uint64_t bytes;
	uint64_t maps;
	enum hws_irq_mode irq_mode;
	uint32_t irq_count; /* bound now */
	/* while it is held */
	int kmsg; /* the kernel's log; -errno: it can't be read */
	struct iommu_log log;
	uint64_t faults;
};

/*
 * native-vfio-group.c. May the function be opened by VFIO, as sysfs tells? 0 and its group; else
 * what stands in the way, with the commands that change it: -ENODEV, -EOPNOTSUPP no IOMMU, -EBUSY
 * another driver has it, -ENXIO no driver has it.
 */
HWS_MUST int vfio_find_group(int root, struct hws_bdf bdf, uint32_t *ret_group);
bool vfio_is_driver(const char *driver);
/* Fills the descriptors of a device that is all -1. -EBUSY: the group, or one of its siblings. */
HWS_MUST int vfio_open_group(int root, uint32_t group, struct vfio_device *device);
HWS_MUST int vfio_open_device(struct vfio_device *device);
/* Asks an open one what it is. */
HWS_MUST int vfio_learn_device(struct vfio_device *device);

/*
 * A request to a container, a group or a device. Safety: WRITES. By it a device gets memory to
 * read and write, interrupts, or is reset. Checked here: nothing.
 */
HWS_MUST int raw_vfio_call(int fd, unsigned long request, void *argument);

/* native-vfio-device.c. One more user of the function's device, and one less. */
HWS_MUST int vfio_get(struct native *native, struct hws_bdf bdf, struct vfio_device **ret_device);
void vfio_put(struct native *native, struct vfio_device *device);
/* A user of a device that another process has opened; @fds are taken, whatever comes of it. */
HWS_MUST int vfio_adopt(struct native *native, struct hws_bdf bdf, const int32_t fds[HWS_HOLD_FDS],
			const struct hws_hold_limits *limits, struct vfio_device **ret_device);
/* That of a hold; NULL, told by hws_why(), when it was closed. */
struct vfio_device *vfio_held(struct native *native, const struct hws_hold *hold);
/* Has this context opened the function already? Then with one more user; NULL: no. */
struct vfio_device *vfio_get_open(struct native *native, struct hws_bdf bdf);
/*
 * As vfio_get(), for what the kernel just refused, as hws_why() has it. Else -EPERM, and hws_why()
 * has both reasons.
 */
HWS_MUST int vfio_get_instead(struct native *native, struct hws_bdf bdf,
			      struct vfio_device **ret_device);
/*
 * Nobody holds it: it stays open with the context, since closing it would undo what was written,
 * or until native_let_go().
 */
void vfio_keep(struct native *native, struct vfio_device *device);
/* What the context still has open. */
void vfio_close_all(struct native *native);

/* native-vfio-region.c. A region of the device, by VFIO's own number of it; -ENODEV: none. */
enum { VFIO_AREAS = 16 };
struct vfio_region {
	uint64_t start; /* where in the device's descriptor */
	uint64_t size;
	bool maps; /* all of it can be mapped; else only @areas: offsets in the region */
	uint32_t area_count;
	struct hws_span areas[VFIO_AREAS];
};
HWS_MUST int vfio_region(const struct vfio_device *device, uint32_t index,
			 struct vfio_region *ret_region);
/* As the table's entries; @device is taken on success. The window's way is vfio_way. */
extern const char vfio_way[];
HWS_MUST int vfio_bar_map(struct native *native, struct vfio_device *device, uint32_t bar,
			  uint64_t offset, uint64_t size, enum hws_rights rights,
			  struct hws_window *ret_window);
void vfio_bar_unmap(struct hws_window *window);
/* For windows that can't be mapped: -EOPNOTSUPP 8 bytes at once; -EPERM; -EIO. */
HWS_MUST int vfio_mmio_read(const struct hws_window *window, uint64_t offset, uint32_t width,
			    uint64_t *ret_value);
HWS_MUST int vfio_mmio_write(const struct hws_window *window, uint64_t offset, uint32_t width,
			     uint64_t value);
/* How many of @width bytes, as pread(2) and pwrite(2), or -errno. */
ssize_t vfio_config_read(const struct vfio_device *device, uint32_t offset, uint32_t width,
			 void *ret_bytes);
ssize_t vfio_config_write(const struct vfio_device *device, uint32_t offset, uint32_t width,
			  const void *bytes);

/* native-vfio-log.c: the kernel's log from now on, where stopped transfers are told. */
void vfio_log_open(int root, struct vfio_device *device);
void vfio_log_close(struct vfio_device *device);

/* native-vfio-info.c: what VFIO_IOMMU_GET_INFO told, @size bytes of it, into page, maps, spans. */
void vfio_read_info(const void *info, size_t size, struct hws_hold *hold);
/* The same of what VFIO_DEVICE_GET_REGION_INFO told. */
void vfio_read_region(const void *info, size_t size, struct vfio_region *ret_region);

/* Entries of the back end's table: as shim.h has them. */
int native_hold_open(void *self, struct hws_bdf bdf, struct hws_hold *ret_hold);
/* As the table has it: of a device that was adopted only as much as it came with. */
int native_hold_fds(void *self, const struct hws_hold *hold, int32_t ret_fds[HWS_HOLD_FDS]);
int native_hold_adopt(void *self, struct hws_bdf bdf, const int32_t fds[HWS_HOLD_FDS],
		      const struct hws_hold_limits *limits, struct hws_hold *ret_hold);
void native_hold_close(void *self, struct hws_hold *hold);
int native_hold_reset(void *self, const struct hws_hold *hold);
int native_dma_map(void *self, const struct hws_hold *hold, uint64_t address, void *memory,
		   uint64_t size, enum hws_rights device);
int native_dma_unmap(void *self, const struct hws_hold *hold, uint64_t address, uint64_t size);
int native_dma_fault(void *self, const struct hws_hold *hold, struct hws_dma_fault *ret_fault);
int native_irq_bind(void *self, const struct hws_hold *hold, enum hws_irq_mode mode,
		    const int32_t *eventfds, uint32_t count);
int native_irq_unmask(void *self, const struct hws_hold *hold, enum hws_irq_mode mode);

#endif
