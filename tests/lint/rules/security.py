# SPDX-License-Identifier: LGPL-2.1-or-later
"""SECURITY.md's table of past holes names for each the tests that prove it is none of ours."""
import re

from tree import Problem

FILE = 'SECURITY.md'
HEAD = '| past hole |'
TEST = re.compile(r'\bSTART_TEST\((\w+)\)')
NAME = re.compile(r'`(\w+)`')


def rows(lines):
    """(line, last cell) of each row of the table below HEAD."""
    inside = False
    for number, line in enumerate(lines, 1):
        if line.startswith(HEAD):
            inside = True
        elif not line.startswith('|'):
            inside = False
        elif inside and not line.startswith('|--'):
            yield number, line.rstrip().rstrip('|').rsplit('|', 1)[1]


def check(tree):
    if not tree.has(FILE):
        return
    tests = {name for file in tree.match('*.c') if file.startswith('tests/')
             for name in TEST.findall(tree.text(file))}
    table = list(rows(tree.lines(FILE)))
    if not table:
        yield Problem(FILE, 1, 'has no table that begins "%s"' % HEAD)
    for number, cell in table:
        names = NAME.findall(cell)
        if not names:
            yield Problem(FILE, number, 'names no test; each past hole has one')
        for name in names:
            if name not in tests:
                yield Problem(FILE, number, "there is no test '%s'" % name)
