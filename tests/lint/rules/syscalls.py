# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library asks the kernel through shim/sys*.c only: read from what its objects import.

Exceptions stand in syscalls.allow as "file function why".
"""
import re

import elf
from tree import Problem

DOOR = re.compile(r'shim/sys[^/]*\.c$')
# What libc adds to a name: __read_chk, open64, __open64_2.
DECORATION = re.compile(r'^__|(64)?(_chk|_2)?$')
CALLS = set("""
    accept accept4 bind chmod chown clock_gettime clock_nanosleep clone close connect creat dup dup2
    dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd execve fchmod fchown fcntl fdatasync
    fdopen fdopendir flock fopen fork fstat fstatat fsync ftruncate getegid geteuid getgid getgroups
    getpid getppid getrlimit getsockopt gettid getuid inotify_add_watch inotify_init1 ioctl ioperm
    iopl kill listen lseek lstat madvise memfd_create mkdir mkdirat mlock mlock2 mmap mprotect
    mremap munlock munmap nanosleep open openat opendir pipe pipe2 poll ppoll prctl pread preadv
    prlimit pwrite pwritev read readlink readlinkat readv recv recvfrom recvmsg rename renameat
    sched_getaffinity sched_getcpu sched_setaffinity sched_yield select send sendmsg sendto
    setrlimit setsockopt shutdown sigaction sigprocmask sleep socket socketpair stat statfs statx
    syscall sysconf sysinfo timerfd_create timerfd_settime uname unlink unlinkat usleep waitid
    waitpid write writev
""".split())


def asks_kernel(symbol):
    return symbol.section == elf.UNDEFINED and DECORATION.sub('', symbol.name) in CALLS


def check(tree):
    allowed = tree.allow('syscalls')
    for file, obj in tree.objects():
        for symbol in obj.symbols():
            name = DECORATION.sub('', symbol.name)
            if asks_kernel(symbol) and not DOOR.match(file) and not allowed.permits(file, name):
                yield Problem(file, tree.line_of(file, name), 'calls %s; give it a wrapper in '
                              'shim/sys.c that returns -errno' % name)
    yield from allowed.problems()
