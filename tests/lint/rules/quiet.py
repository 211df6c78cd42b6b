# SPDX-License-Identifier: LGPL-2.1-or-later
"""Library code never exits, aborts, asserts or prints: read from its source and from its archive.

Exceptions stand in quiet.allow as "file word reason". Printing to a FILE * of the caller's is fine.
"""
import re

import elf
from csource import calls
from tree import Problem, in_library

FATAL = r'exit|_exit|_Exit|quick_exit|abort|__assert_fail|__assert|__builtin_trap|__builtin_abort'
PRINTS = r'(?:__)?v?printf(?:_chk)?|puts|putchar|putchar_unlocked|perror|psignal|psiginfo'
CALL = re.compile(r'(?:%s|%s|assert)$' % (FATAL, PRINTS))
STREAM = re.compile(r'(?:stdout|stderr)$')
INCLUDE = re.compile(r'<(assert|err|error)\.h>')
SYMBOL = re.compile(r'(?:%s|%s|v?(?:err|warn)x?|error|stdout|stderr)$' % (FATAL, PRINTS))


def words(source):
    """(word, line) of what a library may not say."""
    for tokens in source.code():
        for token in list(calls(tokens, CALL)) + [t for t in tokens if STREAM.match(t.text)]:
            yield token.text, token.line
    for each in source.directives:
        if each.keyword == 'include' and INCLUDE.match(each.rest):
            yield INCLUDE.match(each.rest).group(), each.first


def check(tree):
    allowed = tree.allow('quiet')
    told = set()
    for file in tree.sources(in_library):
        for word, line in words(tree.c(file)):
            told.add((file, word))
            if not allowed.permits(file, word):
                yield Problem(file, line, '%s in library code; return an error instead' % word)
    for file, obj in tree.objects():
        for symbol in obj.symbols():
            if symbol.section == elf.UNDEFINED and SYMBOL.match(symbol.name) and \
                    (file, symbol.name) not in told and not allowed.permits(file, symbol.name):
                yield Problem(file, tree.line_of(file, symbol.name), 'the object needs %s; return '
                              'an error instead' % symbol.name)
    yield from allowed.problems()
