# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program changes, read from its system calls."""
import re

CHANGES = re.compile(r"(?P<pid>[0-9]+) +(?P<call>[a-z0-9_]+)\((?P<rest>.*)")
WRITES = {"creat", "mkdir", "mkdirat", "mknod", "mknodat", "unlink", "unlinkat", "rename", "renameat", "renameat2",
          "link", "linkat", "symlink", "symlinkat", "truncate", "ftruncate", "chmod", "fchmod", "fchmodat", "chown",
          "fchown", "fchownat", "pwrite64", "pwritev", "pwritev2", "iopl", "init_module", "finit_module",
          "delete_module", "mount", "umount2", "setxattr", "kill", "setuid", "setgid", "setresuid", "capset",
          "bpf", "reboot"}


def side_effects(lines):
    """The lines of a trace, `strace -f -s 0`, that change something beyond the program itself."""
    main = lines[0].split()[0]
    for line in lines:
        match = CHANGES.match(line)
        if not match:
            continue
        call, rest = match["call"], match["rest"]
        opens = call in ("open", "openat", "openat2") and re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)", rest)
        says = call in ("write", "writev") and not rest.startswith(("1,", "2,"))
        keeps = call == "ioperm" and match["pid"] == main and not rest.startswith("0, 0, 1")
        # a socket is for asking what libpci and the helper have to say
        speaks = call == "ioctl" and not re.match(r"[0-2], TCGETS", rest)
        if opens or says or keeps or speaks or call in WRITES:
            yield line
