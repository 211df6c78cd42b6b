/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* activate PATH GROUP MODE COMMAND...: listens as a socket unit does, and becomes COMMAND. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path, const struct group *group, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chown(path, 0, group->gr_gid) != 0 || chmod(path, mode) != 0 || listen(fd, 16) != 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	const struct group *group = argc > 4 ? getgrnam(argv[2]) : NULL;
	char pid[16];
	int fd;

	if (!group)
		return 2;
	fd = listen_at(argv[1], group, (mode_t)strtoul(argv[3], NULL, 8));
	if (fd < 0 || (fd != 3 && dup2(fd, 3) != 3)) {
		perror(argv[1]);
		return 1;
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	execv(argv[4], argv + 4);
	perror(argv[4]);
	return 1;
}
