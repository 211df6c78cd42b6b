# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwsafe.map, the symbols of libhwsafe.so and HWS_API in the installed headers are the same set."""
import os
import re

import elf
from tree import Problem, in_library, is_public

MAP = 'hwsafe.map'
CONTENTS = 'hw/hwsafe.h'
NOT_HEADERS = ('hw/hwsafe-all.h',)


def in_map(tree):
    """{name: line}: what stands between "global:" and "local:"."""
    names, inside = {}, False
    for number, line in enumerate(tree.lines(MAP), 1):
        line = re.sub(r'/\*.*?\*/|#.*', '', line)
        for word in re.findall(r'(?:global|local)\s*:|\}|[\w*]+(?=\s*;)', line):
            if word[-1] in ':}':
                inside = word.startswith('global')
            elif inside:
                names[word] = number
    return names


def in_headers(tree, headers):
    """{name: (header, line)}: what is declared HWS_API."""
    names = {}
    for header in headers:
        for item in tree.c(header).items:
            if any(token.text == 'HWS_API' for token in item.head):
                names[item.name] = (header, item.first)
    return names


def in_library_file(path):
    with open(path, 'rb') as file:
        library = elf.Elf(file.read(), path)
    return {symbol.name for symbol in library.symbols(elf.DYNSYM)
            if symbol.section not in (elf.UNDEFINED, elf.ABSOLUTE) and symbol.bind}


def installed(tree, public):
    for header in public:
        if header.endswith('-internal.h'):
            yield Problem(os.path.dirname(header) + '/meson.build', 1,
                          '%s would be installed; internal headers never are' % header)
        elif not tree.has(header):
            yield Problem(os.path.dirname(header) + '/meson.build', 1, 'no such file: ' + header)
    for file in tree.match('*.h', where=is_public):
        if file not in public and file not in NOT_HEADERS:
            yield Problem(file, 1, 'is public by its name but not in public_headers; list it, or '
                          'call it %s' % file.replace('.h', '-internal.h'))


def contents(tree, public):
    """hw/hwsafe.h includes each public header."""
    if not tree.has(CONTENTS):
        return
    included = {os.path.normpath(os.path.join('hw', each.rest.split('"')[1]))
                for each in tree.c(CONTENTS).directives
                if each.keyword == 'include' and each.rest.startswith('"')}
    for header in public:
        if header != CONTENTS and header not in included:
            yield Problem(CONTENTS, 1, 'does not include ' + header)


def hidden_exports(tree):
    for file in tree.match('*.h', where=in_library):
        if not is_public(file):
            for name, (_, line) in in_headers(tree, [file]).items():
                yield Problem(file, line, 'declares %s HWS_API, but is not installed' % name)


def check(tree):
    public = tree.public_headers()
    yield from installed(tree, public)
    yield from contents(tree, public)
    yield from hidden_exports(tree)
    mapped = in_map(tree)
    declared = in_headers(tree, [header for header in public if tree.has(header)])
    for name in sorted(mapped.keys() - declared.keys()):
        yield Problem(MAP, mapped[name], '%s is HWS_API in no public header' % name)
    for name in sorted(declared.keys() - mapped.keys()):
        yield Problem(*declared[name], '%s is not in %s' % (name, MAP))
    path = tree.built('hw/libhwsafe.so')
    if not path:
        return
    built = in_library_file(path)
    for name in sorted(mapped.keys() - built):
        yield Problem(MAP, mapped[name], '%s is not in libhwsafe.so; define it or take it out'
                      % name)
    for name in sorted(built - mapped.keys()):
        yield Problem(MAP, 1, 'libhwsafe.so exports %s, which is not in the map' % name)
