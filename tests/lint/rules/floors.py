# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file includes its own floor and those below; only shim/arch/ names an architecture.

shim < guardian < uring < hw < helper and hw/hwprobe. hwprobe sees public headers only; the helper is linked with the library's insides.
"""
import os
import re

from tree import FLOORS, Problem, floor_of, is_public

QUOTED = re.compile(r'"([^"]+)"')
ARCHITECTURE = re.compile(r'__(x86_64|amd64|i[3-6]86|aarch64|arm|ARM\w*|riscv\w*|powerpc\w*|s390x?|'
                          r'mips\w*|loongarch\w*)(__)?$')
PROGRAMS = ('hw/hwprobe',)


def resolve(tree, file, name):
    """(the file meant, how it was found)"""
    if tree.has(name):
        return name, 'root'
    beside = os.path.normpath(os.path.join(os.path.dirname(file), name))
    if tree.has(beside):
        return beside, 'beside'
    for found in tree.match(os.path.basename(name)):
        if re.fullmatch(r'shim/arch/[^/]+/' + re.escape(name), found):
            return found, 'arch'
    return name, 'nowhere'


def complaint(tree, file, name, public):
    found, how = resolve(tree, file, name)
    mine, theirs = floor_of(file), floor_of(found)
    if theirs is None:
        return 'includes "%s", which is on no floor; write "folder/thing.h"' % name
    if mine != theirs and (theirs in PROGRAMS or FLOORS.index(theirs) > FLOORS.index(mine)):
        return '%s/ may not include %s: a floor sees only itself and floors below' % (mine, found)
    if mine in PROGRAMS and theirs != mine and found.endswith('-internal.h'):
        return '%s/ may not include %s: programs use public headers only' % (mine, found)
    if how == 'arch' and mine != 'shim':
        return 'only shim/ may include its architecture part, %s' % found
    if public and how == 'root':
        return 'a public header includes relative to itself: not "%s"' % name
    if not public and how == 'beside':
        return 'write "%s": includes start at the root' % found
    return None


def check(tree):
    for file in tree.sources():
        for directive in tree.c(file).directives:
            quoted = QUOTED.match(directive.rest)
            if directive.keyword == 'include' and quoted:
                text = complaint(tree, file, quoted.group(1), is_public(file))
                if text:
                    yield Problem(file, directive.first, text)
            if directive.keyword in ('if', 'ifdef', 'ifndef', 'elif') and \
                    not file.startswith('shim/arch/'):
                for token in directive.tokens:
                    if ARCHITECTURE.match(token.text):
                        yield Problem(file, token.line, '#%s names an architecture (%s); that '
                                      'belongs in shim/arch/' % (directive.keyword, token.text))
