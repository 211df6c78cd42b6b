/* SPDX-License-Identifier: LGPL-2.1-or-later */
int sys_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)result(ioctl(fd, request, argument));
}
