/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plug-in's memory, read by the kernel for us: what isn't there is an error, not a fault. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shim/plugin-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

int plugin_read(const char *what, const void *from, void *to, size_t size)
{
	if (!from)
		return why(-EFAULT, "%s: is NULL", what);
	return sys_own_memory_read(from, to, size) < 0
		       ? why(-EFAULT, "%s: points to memory that isn't there", what)
		       : 0;
}

int plugin_read_string(const char *what, const char *from, char *to, size_t size)
{
	size_t page = sys_page_size();
	size_t done = 0;

	/* page by page: what lies behind its end need not be there */
	while (done < size) {
		size_t left = page - ((uintptr_t)from + done) % page;
		size_t part = left < size - done ? left : size - done;
		int r = plugin_read(what, from ? from + done : NULL, to + done, part);

		if (r < 0)
			return r;
		if (memchr(to + done, '\0', part))
			return 0;
		done += part;
	}
	return why(-ENAMETOOLONG, "%s: is no string of less than %zu bytes", what, size);
}

int plugin_read_struct(const char *what, const void *from, void *to, size_t size, size_t least)
{
	size_t theirs;
	int r;

	if ((uintptr_t)from % _Alignof(size_t))
		return why(-EPROTO, "%s: is not aligned", what);
	r = plugin_read(what, from, &theirs, sizeof(theirs));
	if (r < 0)
		return r;
	if (theirs < least || theirs > PLUGIN_STRUCT)
		return why(-EPROTO, "%s: says it has %zu bytes, of %zu at least", what, theirs,
			   least);
	memset(to, 0, size);
	return plugin_read(what, from, to, theirs < size ? theirs : size);
}

void plugin_take_words(const char *what, const char *from, char *to, size_t size)
{
	int r = plugin_read_string(what, from, to, size);

	if (r == -ENAMETOOLONG)
		to[size - 1] = '\0';
	else if (r < 0)
		snprintf(to, size, "?");
	for (; *to; to++)
		if (*to < ' ' || *to > '~')
			*to = '?';
}
