/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/plugin-library-internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shim/sys-internal.h"
#include "shim/trust-internal.h"
#include "shim/why-internal.h"

enum { SIGNATURE = 4096, LINKER_PATH = 32 };

struct plugin_library {
	int fd; /* the sealed copy */
	struct hws_plugin_note note;
	void *handle; /* the linker's; NULL: not loaded */
	char path[PATH_MAX];
};

/* The name of something before what was found wrong with it. */
static int named(int code, const char *path)
{
	char words[256];

	snprintf(words, sizeof(words), "%s", hws_why());
	return why(code, "%s %s", path, words);
}

/* The directory of it, which is trusted, and its name there. */
static int open_above(const struct plugin_source *source, const char **ret_name, int *ret_fd)
{
	const char *slash = strrchr(source->path, '/');
	char directory[PATH_MAX], where[PATH_MAX];
	int r;

	if (source->path[0] != '/' || strlen(source->path) >= PATH_MAX - sizeof(".minisig"))
		return why(-EINVAL, "%.80s is no absolute path", source->path);
	snprintf(directory, sizeof(directory), "%.*s", (int)(slash - source->path), source->path);
	r = trust_open_directory(source->root, directory, source->owner, where, ret_fd);
	*ret_name = slash + 1;
	return r < 0 ? named(r, where) : 0;
}

static int open_trusted(int directory, const char *name, uint32_t owner, size_t most,
			size_t *ret_size, int *ret_fd)
{
	/* non-blocking: nobody keeps us waiting with a FIFO */
	HWS_CLEANUP_FD int fd = sys_open_resolve(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY,
						 0, TRUST_PLAIN | RESOLVE_BENEATH);
	struct stat is;
	int r;

	if (fd < 0)
		return trust_open_failed(fd);
	r = sys_fstat(fd, &is);
	if (r < 0)
		return trust_open_failed(r);
	if (!S_ISREG(is.st_mode))
		return why(-EACCES, "is no regular file, expected one");
	r = trust_owner(&is, owner, false);
	if (r < 0)
		return r;
	if ((uint64_t)is.st_size > most)
		return why(-EFBIG, "is too large, expected %zu bytes at most", most);
	*ret_size = (size_t)is.st_size;
	*ret_fd = HWS_TAKE_FD(fd);
	return 0;
}

static int copy_bytes(int from, int to, size_t size)
{
	char bytes[65536];
	size_t done = 0;

	while (done < size) {
		size_t part = size - done < sizeof(bytes) ? size - done : sizeof(bytes);
		ssize_t n = sys_pread(from, bytes, part, done);

		if (n > 0)
			n = sys_pwrite(to, bytes, (size_t)n, done) == n ? n : -EIO;
		if (n <= 0)
			return why(n < 0 ? (int)n : -EAGAIN, "changed while it was read, or "
							     "can't be copied");
		done += (size_t)n;
	}
	return 0;
}

/* From here on nobody changes a byte, neither in the file's place nor in the copy. */
static int seal_copy(int from, size_t size, int *ret_fd)
{
	HWS_CLEANUP_FD int fd = sys_memfd("hwsafe-plugin");
	int r;

	if (fd < 0)
		return why(fd, "can't be copied to memory: %s", strerror(-fd));
	r = copy_bytes(from, fd, size);
	if (r == 0) {
		r = sys_seal(fd);
		if (r < 0)
			return why(r, "can't be sealed: %s", strerror(-r));
	}
	if (r == 0)
		*ret_fd = HWS_TAKE_FD(fd);
	return r;
}

static int check_signed(const struct plugin_source *source, int directory, const char *name,
			const void *file, size_t size)
{
	char signature_name[PATH_MAX], signature[SIGNATURE];
	HWS_CLEANUP_FD int fd = -1;
	size_t signature_size;
	ssize_t n;
	int r;

	snprintf(signature_name, sizeof(signature_name), "%s.minisig", name);
	r = open_trusted(directory, signature_name, source->owner, sizeof(signature) - 1,
			 &signature_size, &fd);
	if (r < 0) {
		named(r, "has a signature file that");
		return r == -ENOENT ? why(-EACCES,
					  "is not signed, and the policy asks for it: "
					  "there is no %s",
					  signature_name)
				    : r;
	}
	n = sys_read_all(fd, signature, sizeof(signature));
	if (n < 0)
		return why((int)n, "has a signature file that can't be read");
	return plugin_check_signature(file, size, source->key, signature);
}

static int check_bytes(const struct plugin_source *source, int directory, const char *name,
		       const void *file, size_t size, struct hws_plugin_note *ret_note)
{
	int r = 0;

	if (!source->sha256 && !source->key && !source->bare)
		return why(-EACCES, "is neither pinned nor signed");
	if (source->sha256)
		r = plugin_check_pin(file, size, source->sha256);
	if (r == 0 && source->key)
		r = check_signed(source, directory, name, file, size);
	return r < 0 ? r : plugin_read_note(file, size, ret_note);
}

static int read_file(const struct plugin_source *source, int directory, const char *name,
		     struct plugin_library *library)
{
	HWS_CLEANUP_FD int file = -1;
	size_t size = 0;
	void *bytes;
	int r = open_trusted(directory, name, source->owner, PLUGIN_FILE, &size, &file);

	if (r == 0 && !size)
		r = why(-ENOEXEC, "is empty");
	r = r < 0 ? r : seal_copy(file, size, &library->fd);
	r = r < 0 ? r : sys_mmap(NULL, size, PROT_READ, MAP_PRIVATE, library->fd, 0, &bytes);
	if (r < 0)
		return r;
	r = check_bytes(source, directory, name, bytes, size, &library->note);
	sys_munmap(bytes, size);
	return r;
}

int plugin_library_open(const struct plugin_source *source, struct plugin_library **ret_library)
{
	struct plugin_library *library;
	HWS_CLEANUP_FD int directory = -1;
	const char *name;
	int r = open_above(source, &name, &directory);

	if (r < 0)
		return r;
	library = calloc(1, sizeof(*library));
	if (!library)
		return why(-ENOMEM, "no memory for a plug-in");
	library->fd = -1;
	snprintf(library->path, sizeof(library->path), "%s", source->path);
	r = read_file(source, directory, name, library);
	if (r < 0) {
		plugin_library_close(library);
		return r;
	}
	*ret_library = library;
	return 0;
}

const struct hws_plugin_note *plugin_library_note(const struct plugin_library *library)
{
	return &library->note;
}

int plugin_library_hash(const struct plugin_library *library, char ret_hash[PLUGIN_HASH])
{
	struct stat is;
	void *bytes;
	int r = sys_fstat(library->fd, &is);

	r = r < 0 ? r
		  : sys_mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_PRIVATE, library->fd, 0,
			     &bytes);
	if (r < 0)
		return why(r, "%s can't be read again: %s", library->path, strerror(-r));
	plugin_hash(bytes, (size_t)is.st_size, ret_hash);
	sys_munmap(bytes, (size_t)is.st_size);
	return 0;
}

int plugin_library_fd(const struct plugin_library *library)
{
	return library->fd;
}

/*
 * The linker knows libraries by their path: this one's is its descriptor, which stays open for as
 * long as it is loaded, so that no other can be taken for it.
 */
static void linker_path(const struct plugin_library *library, char path[LINKER_PATH])
{
	snprintf(path, LINKER_PATH, "/proc/self/fd/%d", library->fd);
}

int plugin_library_load(struct plugin_library *library, const struct hws_plugin_table **ret_table)
{
	const struct hws_plugin_table *(*entry)(void);
	const struct hws_plugin_table *table;
	char path[LINKER_PATH];
	void *symbol;

	linker_path(library, path);
	library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library->handle)
		return why(-ELIBBAD, "%s can't be loaded: %s", library->path, dlerror());
	symbol = dlsym(library->handle, HWS_PLUGIN_ENTRY);
	if (!symbol)
		return why(-EPROTO, "%s has no " HWS_PLUGIN_ENTRY "()", library->path);
	memcpy(&entry, &symbol, sizeof(entry));
	table = entry();
	if (!table)
		return why(-EPROTO, "%s gave no table", library->path);
	*ret_table = table;
	return 0;
}

void plugin_library_close(struct plugin_library *library)
{
	char path[LINKER_PATH];

	if (!library)
		return;
	linker_path(library, path);
	/* one that asked to stay keeps its descriptor, too: see above */
	if (!library->handle ||
	    (dlclose(library->handle) == 0 && !dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD)))
		sys_close(library->fd);
	free(library);
}
