# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's writable data is atomic, thread-local or a write-once cell: read from its archive.

Each such object stands in globals.allow as "file symbol kind: why", kind being atomic or once.
"""
import re

import elf
from tree import Problem

READ_ONLY_LATER = ('.data.rel.ro', '.init_array', '.fini_array')


def writable(obj):
    """Names of what lies in a writable section that is not thread-local; static locals count."""
    for symbol in obj.symbols():
        if symbol.type in (elf.TYPE_SECTION, elf.TYPE_FILE, elf.TYPE_TLS) or not symbol.name:
            continue
        if symbol.section == elf.COMMON:
            yield symbol.name
        elif symbol.section not in (elf.UNDEFINED, elf.ABSOLUTE):
            section = obj.sections[symbol.section]
            if section.flags & elf.WRITE and not section.flags & elf.TLS and \
                    not section.name.startswith(READ_ONLY_LATER):
                # a static local: gcc says name.1, clang function.name.1
                yield re.sub(r'\.\d+$', '', symbol.name).split('.')[-1]


def check(tree):
    allowed = tree.allow('globals')
    for file, obj in tree.objects():
        for name in sorted(set(writable(obj))):
            if not allowed.permits(file, name):
                yield Problem(file, tree.line_of(file, name), 'writable global "%s"; make it '
                              'const, thread-local or atomic, or a cell named in %s'
                              % (name, allowed.path))
    for number, reason in allowed.entries.values():
        if reason and not re.match(r'(atomic|once): \S', reason):
            yield Problem(allowed.path, number, 'the reason starts with "atomic: " or "once: "')
    yield from allowed.problems()
