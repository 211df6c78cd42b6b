/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where peers come from: systemd's socket, or one of the helper's own. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "helper/serve.h"
#include "shim/why-internal.h"

enum { FIRST_FD = 3, BACKLOG = 128, SOCKET_MODE = 0660 };

int serve_watch(int poller, int fd, uint32_t events, void *tag)
{
	struct epoll_event event = { .events = events, .data.ptr = tag };

	return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Accepted sockets have it from the start: no message comes without saying who sent it. */
static int ask_for_senders(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0777 & ~(mode_t)SOCKET_MODE);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(before);
	return r;
}

/* Does anybody listen there? Then it is not ours to remove. */
static bool is_left_over(const struct sockaddr_un *address)
{
	struct stat stat;
	HWS_CLEANUP_FD int fd = -1;

	if (lstat(address->sun_path, &stat) < 0 || !S_ISSOCK(stat.st_mode) ||
	    stat.st_uid != geteuid())
		return false;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;
}

int serve_listen(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	HWS_CLEANUP_FD int fd = -1;
	int r;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return why(-EINVAL, "socket '%s': a path of 1 to %zu bytes", path,
			   sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why(-errno, "no socket: %s", strerror(errno));
	r = bind_to(fd, &address);
	if (r == -EADDRINUSE && is_left_over(&address) && unlink(path) == 0)
		r = bind_to(fd, &address);
	if (r == 0)
		r = ask_for_senders(fd);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	return r < 0 ? why(r, "socket '%s': %s", path, strerror(-r)) : HWS_TAKE_FD(fd);
}

int serve_notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	HWS_CLEANUP_FD int fd = -1;

	if (!length)
		return -1;
	if ((*path == '/' || *path == '@') && length < sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, length);
		address.sun_path[0] = *path == '@' ? '\0' : '/'; /* an abstract one */
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		length += offsetof(struct sockaddr_un, sun_path);
		if (fd >= 0 && connect(fd, (struct sockaddr *)&address, (socklen_t)length) == 0)
			return HWS_TAKE_FD(fd);
	}
	fprintf(stderr,
		"hwsafe-helper: serve: warning: NOTIFY_SOCKET '%.107s' takes no word that "
		"it serves\n",
		path);
	return -1;
}

static void notify(const struct server *server, const char *word)
{
	if (server->notify >= 0)
		(void)send(server->notify, word, strlen(word), MSG_NOSIGNAL);
}

void serve_ready(struct server *server)
{
	notify(server, "READY=1");
	if (!server->alive)
		server->notify = sys_close(server->notify);
}

void serve_alive(struct server *server)
{
	if (!server->alive || server->now - server->alive_at < server->alive)
		return;
	server->alive_at = server->now;
	notify(server, "WATCHDOG=1");
}

/* The whole variable is this number. */
static bool names(const char *variable, long wanted)
{
	const char *text = getenv(variable);
	char *end;
	long value;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' && value == wanted;
}

/* Twice as often as is asked for. */
uint64_t serve_alive_every(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	char *end;
	unsigned long long us;

	if (!text || *text < '0' || *text > '9' ||
	    (getenv("WATCHDOG_PID") && !names("WATCHDOG_PID", getpid())))
		return 0;
	errno = 0;
	us = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && us <= UINT64_MAX / 1000 ? us * 1000 / 2 : 0;
}

static int socket_is(int name, int wanted)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(FIRST_FD, SOL_SOCKET, name, &value, &size) == 0 && value == wanted;
}

/* Newer service managers also say it by a number that is never used again. */
static bool is_this_process(void)
{
	HWS_CLEANUP_FD int fd = -1;
	struct stat stat;

	if (!getenv("LISTEN_PIDFDID"))
		return true;
	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	return fd >= 0 && fstat(fd, &stat) == 0 && names("LISTEN_PIDFDID", (long)stat.st_ino);
}

int serve_activated(void)
{
	int r;

	if (!getenv("LISTEN_FDS") && !getenv("LISTEN_PID"))
		return why(-ENOENT, "no socket was handed over: give --socket PATH, or let systemd "
				    "start hwsafe-helper.socket");
	if (!names("LISTEN_PID", getpid()) || !names("LISTEN_FDS", 1) || !is_this_process())
		return why(-EINVAL, "LISTEN_PID and LISTEN_FDS must name this process and one "
				    "socket: is something else meant to have it?");
	if (!socket_is(SO_DOMAIN, AF_UNIX) || !socket_is(SO_TYPE, SOCK_SEQPACKET) ||
	    !socket_is(SO_ACCEPTCONN, 1))
		return why(-EINVAL, "what was handed over is no listening Unix socket that keeps "
				    "messages whole: ListenSequentialPacket=");
	r = ask_for_senders(FIRST_FD);
	if (r == 0 &&
	    (fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(FIRST_FD, F_SETFL, O_NONBLOCK) < 0))
		r = -errno;
	return r < 0 ? why(r, "the socket that was handed over: %s", strerror(-r)) : FIRST_FD;
}
