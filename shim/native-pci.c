/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>

#include "shim/native-vfio-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

#define DEVICES "/sys/bus/pci/devices"

const char *native_pci_path(struct hws_bdf bdf, const char *file, char path[NATIVE_PATH])
{
	char text[HWS_BDF_TEXT];

	snprintf(path, NATIVE_PATH, DEVICES "/%s/%s", hws_bdf_format(bdf, text), file);
	return path;
}

static uint64_t order(struct hws_bdf bdf)
{
	return (uint64_t)bdf.domain << 16 | (uint64_t)bdf.bus << 8 | (uint64_t)bdf.device << 3 |
	       bdf.function;
}

int native_pci_next(void *self, const struct hws_bdf *after, struct hws_bdf *ret_bdf)
{
	struct native *native = self;
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	struct hws_bdf best = { 0 };
	bool found = false;
	int r = sys_opendir(native->root, DEVICES, &dir);

	if (r < 0)
		return why(native_code(r), DEVICES ": %s", native_cause(r));
	while ((entry = readdir(dir)) != NULL) {
		struct hws_bdf bdf;

		if (hws_bdf_parse(entry->d_name, &bdf) < 0)
			continue;
		if ((after && order(bdf) <= order(*after)) || (found && order(bdf) >= order(best)))
			continue;
		best = bdf;
		found = true;
	}
	if (!found)
		return -ENOENT;
	*ret_bdf = best;
	return 0;
}

/*
 * Safety: reading configuration space changes nothing in a device that keeps to the standard
 * (PCI 3.0 §6.1). Checked here: nothing.
 */
static ssize_t raw_config_read(int fd, uint32_t offset, uint32_t width, void *ret_bytes)
{
	return sys_pread(fd, ret_bytes, width, offset);
}

/* Safety: WRITES. Can move or disable the device. Checked here: nothing. */
static ssize_t raw_config_write(int fd, uint32_t offset, uint32_t width, const void *bytes)
{
	return sys_pwrite(fd, bytes, width, offset);
}

static void forget(struct native_config *config)
{
	config->fd = sys_close(config->fd);
	config->dir = sys_close(config->dir);
}

/* The function's folder; the caller holds the lock for as long as it uses it. */
static int folder_of(struct native *native, struct hws_bdf bdf)
{
	struct native_config *config = &native->config;
	char path[NATIVE_PATH];

	if (config->dir >= 0 && order(config->bdf) == order(bdf))
		return config->dir;
	forget(config);
	config->bdf = bdf;
	config->dir = sys_open(native->root, native_pci_path(bdf, "", path), O_PATH | O_DIRECTORY);
	return config->dir;
}

static int open_config(struct native *native, struct hws_bdf bdf)
{
	char text[HWS_BDF_TEXT];
	int dir = folder_of(native, bdf);
	int fd = dir < 0 ? dir : native_open_in(native, dir, "config", O_RDWR);

	if (dir >= 0 && (native_refusal(fd) == -EPERM || fd == -EROFS))
		fd = native_open_in(native, dir, "config", O_RDONLY);
	hws_bdf_format(bdf, text);
	if (fd == -ENOENT)
		return why(-ENODEV, "there is no PCI function %s", text);
	return fd < 0 ? why(native_code(fd), DEVICES "/%s/config: %s", text, native_cause(fd)) : fd;
}

/* The function's configuration space, under the same lock. */
static int config_fd(struct native *native, struct hws_bdf bdf)
{
	struct native_config *config = &native->config;

	if (config->fd >= 0 && order(config->bdf) == order(bdf))
		return config->fd;
	config->fd = sys_close(config->fd);
	config->fd = open_config(native, bdf);
	return config->fd;
}

int native_open_of(struct native *native, struct hws_bdf bdf, const char *name, int flags)
{
	int dir;
	int fd;

	pthread_mutex_lock(&native->config.lock);
	dir = folder_of(native, bdf);
	fd = dir < 0 ? dir : native_open_in(native, dir, name, flags);
	pthread_mutex_unlock(&native->config.lock);
	return fd;
}

/* The kernel gave nothing: beyond the end, or beyond what it shows to this user. */
static int config_ended(struct native *native, struct hws_bdf bdf, uint32_t offset)
{
	enum { SHOWN = 64 };
	struct stat stat = { 0 };
	char text[HWS_BDF_TEXT];
	HWS_CLEANUP_FD int fd = native_open_of(native, bdf, "config", O_RDONLY);

	hws_bdf_format(bdf, text);
	if (fd >= 0 && sys_fstat(fd, &stat) == 0 && stat.st_size > SHOWN && offset >= stat.st_size)
		return why(-ERANGE, "%s has %lld bytes of configuration space", text,
			   (long long)stat.st_size);
	return why(-EPERM,
		   "%s: this user may not read at 0x%x: beyond 64 bytes needs CAP_SYS_ADMIN", text,
		   offset);
}

static int config_failed(struct native *native, struct hws_bdf bdf, uint32_t offset,
			 const char *verb, ssize_t n)
{
	char text[HWS_BDF_TEXT];

	hws_bdf_format(bdf, text);
	if (n >= 0)
		return config_ended(native, bdf, offset);
	/* sysfs says -ESPIPE of a file that was opened for reading only */
	if (n == -EBADF || n == -ESPIPE)
		return why(-EPERM, "%s: configuration space may only be read by this user", text);
	if (n == -EPERM)
		return why(-EPERM, "%s: the kernel refuses to %s configuration space: lockdown?",
			   text, verb);
	return why(native_code((int)n), "%s: can't %s configuration space at 0x%x: %s", text, verb,
		   offset, native_cause((int)n));
}

/* Whoever has the whole function by VFIO sees it that way. False: nobody has. */
static bool vfio_read(struct native *native, struct hws_bdf bdf, uint32_t offset, uint32_t width,
		      uint32_t *value, ssize_t *ret_n)
{
	struct vfio_device *device = vfio_get_open(native, bdf);

	if (!device)
		return false;
	*ret_n = vfio_config_read(device, offset, width, value);
	vfio_put(native, device);
	return true;
}

/* As the file does it; 0 or -errno: opening it failed, which was told. */
static int file_read(struct native *native, struct hws_bdf bdf, uint32_t offset, uint32_t width,
		     uint32_t *value, ssize_t *ret_n)
{
	int fd;

	pthread_mutex_lock(&native->config.lock);
	fd = config_fd(native, bdf);
	/* SAFETY: reading configuration space changes nothing */
	*ret_n = fd < 0 ? fd : raw_config_read(fd, offset, width, value);
	if (*ret_n < 0) /* should it be gone, the next look is for another one */
		forget(&native->config);
	pthread_mutex_unlock(&native->config.lock);
	return fd < 0 ? fd : 0;
}

int native_pci_read(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
		    uint32_t *ret_value)
{
	uint32_t value = 0; /* both architectures are little-endian, as PCI is */
	ssize_t n;

	*ret_value = (uint32_t)shim_ones(width);
	if (!vfio_read(self, bdf, offset, width, &value, &n)) {
		int r = file_read(self, bdf, offset, width, &value, &n);

		if (r < 0)
			return r;
	}
	if (n != (ssize_t)width)
		return config_failed(self, bdf, offset, "read", n);
	*ret_value = value;
	return 0;
}

static int file_write(struct native *native, struct hws_bdf bdf, uint32_t offset, uint32_t width,
		      uint32_t value)
{
	ssize_t n;
	int fd;

	pthread_mutex_lock(&native->config.lock);
	fd = config_fd(native, bdf);
	/* SAFETY: offset and value were chosen by a caller who was allowed to write them */
	n = fd < 0 ? fd : raw_config_write(fd, offset, width, &value);
	if (n < 0)
		forget(&native->config);
	pthread_mutex_unlock(&native->config.lock);
	if (fd < 0)
		return fd;
	return n == (ssize_t)width ? 0 : config_failed(native, bdf, offset, "write", n);
}

/* Under lockdown VFIO still lets: it keeps what is written from harming others. */
int native_pci_write(void *self, struct hws_bdf bdf, uint32_t offset, uint32_t width,
		     uint32_t value)
{
	struct native *native = self;
	struct vfio_device *device = vfio_get_open(native, bdf);
	ssize_t n;

	if (!device) {
		int r = file_write(native, bdf, offset, width, value);

		if (r != -EPERM)
			return r;
		r = vfio_get_instead(native, bdf, &device);
		if (r < 0)
			return r;
	}
	n = vfio_config_write(device, offset, width, &value);
	vfio_keep(native, device);
	vfio_put(native, device);
	return n == (ssize_t)width ? 0 : config_failed(native, bdf, offset, "write", n);
}
