/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream behind a FILE, by fopencookie(3), whose functions tell errors by errno. */
#include <errno.h>
#include <stdio.h>

#include "shim/why-internal.h"
#include "uring/stream-internal.h"

static int64_t tell(int64_t result, int64_t failed)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return failed;
}

static ssize_t file_read(void *cookie, char *bytes, size_t size)
{
	return (ssize_t)tell(hws_stream_read(cookie, bytes, size), -1);
}

static ssize_t file_write(void *cookie, const char *bytes, size_t size)
{
	return (ssize_t)tell(hws_stream_write(cookie, bytes, size), 0);
}

static int file_seek(void *cookie, off64_t *offset, int whence)
{
	int64_t position = hws_stream_seek(cookie, *offset, whence);

	if (position >= 0)
		*offset = position;
	return (int)tell(position < 0 ? position : 0, -1);
}

static int file_close(void *cookie)
{
	return (int)tell(hws_stream_close(cookie), EOF);
}

int hws_stream_file(struct hws_stream *stream, const char *mode, FILE **ret_file)
{
	static const cookie_io_functions_t functions = {
		.read = file_read,
		.write = file_write,
		.seek = file_seek,
		.close = file_close,
	};
	FILE *file;

	if (stream->flags & HWS_STREAM_NONBLOCK)
		return why(-EINVAL, "a FILE needs a stream that waits");
	file = fopencookie(stream, mode, functions);
	if (!file)
		return why(-errno, "there is no FILE for mode \"%s\"", mode);
	*ret_file = file;
	return 0;
}
