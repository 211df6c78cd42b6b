# SPDX-License-Identifier: LGPL-2.1-or-later
"""Captured trees with PCI functions, for the tests."""
import os
import struct

EDU = dict(vendor=0x1234, device=0x11e8, class_code=0x00ff00, revision=0x10, subsystem=(0x1af4, 0x1100))


def config(vendor, device, class_code, revision=0, subsystem=(0, 0), size=256, capabilities=(), extended=()):
    """Configuration space; capabilities are (offset, bytes), their links are filled in."""
    space = bytearray(size)
    struct.pack_into("<HHHH", space, 0, vendor, device, 7, 0x10 if capabilities else 0)
    struct.pack_into("<I", space, 8, class_code << 8 | revision)
    struct.pack_into("<HH", space, 0x2c, *subsystem)
    link = 0x34
    for offset, body in capabilities:
        space[link] = offset
        space[offset:offset + len(body)] = body
        link = offset + 1
        space[link] = 0
    for index, (offset, number) in enumerate(extended):
        after = extended[index + 1][0] if index + 1 < len(extended) else 0
        struct.pack_into("<I", space, offset, after << 20 | 1 << 16 | number)
    return bytes(space)


def put(directory, name, content):
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def make(directory, functions):
    """A tree with these functions, by their addresses: their configuration spaces."""
    for name, space in functions.items():
        vendor, device = struct.unpack_from("<HH", space, 0)
        subsystem = struct.unpack_from("<HH", space, 0x2c)
        class_code = struct.unpack_from("<I", space, 8)[0]
        base = f"sys/bus/pci/devices/{name}/"
        for file, value in [("vendor", vendor), ("device", device), ("subsystem_vendor", subsystem[0]),
                            ("subsystem_device", subsystem[1]), ("revision", class_code & 0xff)]:
            put(directory, base + file, f"{value:#06x}\n")
        put(directory, base + "class", f"{class_code >> 8:#08x}\n")
        put(directory, base + "irq", "0\n")
        put(directory, base + "numa_node", "-1\n")
        put(directory, base + "resource", "0x0 0x0 0x0\n" * 13)
        put(directory, base + "config", space)
    return directory
