# SPDX-License-Identifier: LGPL-2.1-or-later
"""Archives and 64-bit little-endian ELF: sections and symbols, as much as the lints need."""
import os
import struct
from collections import namedtuple

Section = namedtuple('Section', 'name type flags offset size link')
Symbol = namedtuple('Symbol', 'name section type bind size')

SYMTAB, DYNSYM = 2, 11
WRITE, ALLOC, TLS = 1, 2, 0x400
UNDEFINED, ABSOLUTE, COMMON = 0, 0xfff1, 0xfff2
TYPE_SECTION, TYPE_FILE, TYPE_TLS = 3, 4, 6
BIND_LOCAL = 0
MACHINES = {62: 'x86_64', 183: 'aarch64'}


class Elf:
    def __init__(self, data, label):
        if data[:6] != b'\x7fELF\x02\x01':
            raise ValueError(label + ' is no 64-bit little-endian ELF file')
        self.data = data
        self.machine = MACHINES.get(struct.unpack_from('<H', data, 18)[0], 'unknown')
        table, = struct.unpack_from('<Q', data, 40)
        size, count, names = struct.unpack_from('<HHH', data, 58)
        raw = [struct.unpack_from('<IIQQQQII', data, table + i * size) for i in range(count)]
        strings = raw[names][4]
        self.sections = [Section(self._string(strings + name), kind, flags, offset, length, link)
                         for name, kind, flags, _, offset, length, link, _ in raw]

    def _string(self, at):
        return self.data[at:self.data.index(b'\0', at)].decode()

    def symbols(self, kind=SYMTAB):
        for section in self.sections:
            if section.type != kind:
                continue
            strings = self.sections[section.link].offset
            for at in range(section.offset, section.offset + section.size, 24):
                name, info, _, index, _, size = struct.unpack_from('<IBBHQQ', self.data, at)
                yield Symbol(self._string(strings + name), index, info & 15, info >> 4, size)


def archive_members(path):
    """(name, bytes) of each object in an archive, thin or not."""
    with open(path, 'rb') as file:
        data = file.read()
    thin = data[:8] == b'!<thin>\n'
    if not thin and data[:8] != b'!<arch>\n':
        raise ValueError(path + ' is no archive')
    at, long_names = 8, b''
    while at + 60 <= len(data):
        name = data[at:at + 16].decode().rstrip()
        size = int(data[at + 48:at + 58])
        at += 60
        inline = not thin or name in ('/', '//', '/SYM64/')
        body = data[at:at + size] if inline else None
        at += size + (size & 1) if inline else 0
        if name == '//':
            long_names = body
        elif name not in ('/', '/SYM64/'):
            if name[0] == '/':
                start = int(name[1:].split()[0])
                name = long_names[start:long_names.index(b'/\n', start)].decode()
            name = name.rstrip('/')
            if body is None:
                with open(os.path.join(os.path.dirname(path), name), 'rb') as file:
                    body = file.read()
            yield os.path.basename(name), body
