/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Type 1 has no report of stopped transfers of its own: the kernel's log does. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { RECORD = 8192, BATCH = 1024 };

void vfio_log_open(int root, struct vfio_device *device)
{
	int r;

	device->log = (struct iommu_log) { 0 };
	device->faults = 0;
	device->kmsg = sys_open(root, "/dev/kmsg", O_RDONLY | O_NONBLOCK);
	r = device->kmsg < 0 ? device->kmsg : sys_seek_end(device->kmsg);
	if (r < 0) {
		sys_close(device->kmsg);
		device->kmsg = r;
	}
}

void vfio_log_close(struct vfio_device *device)
{
	device->kmsg = sys_close(device->kmsg);
}

/*
 * A record is "PRIORITY,NUMBER,TIME,FLAGS;TEXT" and more lines that don't matter. Its text, when
 * the kernel itself wrote it: what programs write there has a facility (a priority above 7).
 */
static const char *kernel_text(char *record)
{
	char *end;
	char *text = strchr(record, ';');
	unsigned long priority = strtoul(record, &end, 10);

	if (!text || *end != ',' || priority > 7)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text + 1;
}

static int no_log(int r)
{
	return why(-EOPNOTSUPP, "stopped transfers are told in the kernel's log, /dev/kmsg: %s%s",
		   strerror(-r),
		   native_refusal(r) == -EPERM ? "; CAP_SYSLOG or kernel.dmesg_restrict=0 lets"
					       : "");
}

/*
 * Drivers tell a few in five seconds (Intel's three) and are then silent: what isn't told may have
 * been. No more than so many lines at once: others may fill the log faster than it is read.
 */
int native_dma_fault(void *self, const struct hws_hold *hold, struct hws_dma_fault *ret_fault)
{
	struct vfio_device *device = vfio_held(self, hold);
	struct hws_dma_fault fault;
	char record[RECORD];

	if (!device)
		return -ENODEV;
	if (device->kmsg < 0)
		return no_log(device->kmsg);
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = sys_read(device->kmsg, record, sizeof(record) - 1);
		const char *text;

		if (n == -EPIPE) /* lines were overwritten before they were read */
			continue;
		if (n <= 0)
			return n == -EAGAIN || n == 0 ? -ENOENT : no_log((int)n);
		record[n] = '\0';
		text = kernel_text(record);
		if (!text || !iommu_log_feed(&device->log, text, device->bdf, &fault))
			continue;
		fault.sequence = ++device->faults;
		*ret_fault = fault;
		return 0;
	}
	return -ENOENT;
}
