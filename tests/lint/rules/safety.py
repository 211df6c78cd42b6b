# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hardware is touched in raw_* functions of shim/ only; contract and discharge are written down.

Contract: a comment with "Safety:" right above each raw_* function (or its prototype).
Discharge: "/* SAFETY: why */" in the same function, at most 6 lines above each call of one, or
right above the statement (a switch, say) that holds it.
"""
import re

from csource import calls
from tree import Problem, floor_of, in_library

REACH = 6
RAW = re.compile(r'raw_\w+$')
TOUCHES = re.compile(r'(volatile|__volatile__|asm|__asm__|__asm|__builtin_ia32_\w+|__rdtscp?|'
                     r'_(rd|wr)pkru|__cpuid\w*|__get_cpuid\w*)$')
DEVICE_CALL = re.compile(r'(mmap|mmap64|ioctl|pread|pread64|pwrite|pwrite64|sys_ioctl)$')
DOORS = re.compile(r'shim/(sys\.c|sys-internal\.h|(.*/)?raw-[^/]*)$')


def in_raw(source, line):
    """Does this line belong to a raw_* function, prototype or macro?"""
    for item in source.items:
        if item.first <= line <= item.last and item.kind in ('function', 'prototype'):
            return bool(RAW.match(item.name or ''))
    return any(macro.first <= line <= macro.last and re.match(r'(raw|RAW)_', macro.rest)
               for macro in source.macros())


def stray(tree, file, source):
    """What touches hardware outside raw_*."""
    touching = []
    for tokens in source.code():
        touching += [t for t in tokens if t.kind == 'word' and TOUCHES.match(t.text)]
        touching += calls(tokens, DEVICE_CALL) if in_library(file) else []
    for token in touching:
        if not (floor_of(file) == 'shim' and (DOORS.match(file) or in_raw(source, token.line))):
            yield Problem(file, token.line, '%s outside a raw_* function of shim/; move it there'
                          % token.text)


def documented(tree):
    """The functions whose contract stands above them or a prototype of theirs."""
    names = set()
    for file in tree.sources(in_library):
        source = tree.c(file)
        for item in source.items:
            above = source.comment_above(item.first)
            if item.kind in ('function', 'prototype') and above and 'Safety:' in above.text:
                names.add(item.name)
    return names


def contracts(file, source, contracted):
    for item in source.functions():
        raw = RAW.match(item.name or '')
        if raw and floor_of(file) != 'shim':
            yield Problem(file, item.first, '%s() is outside shim/, where every raw_* function '
                          'lives' % item.name)
        elif raw and item.name not in contracted:
            yield Problem(file, item.first, '%s() has no "Safety:" in the comment right above'
                          % item.name)
        elif re.match('hws_', item.name or '') and item.name not in contracted and \
                any(calls(item.body, RAW)):
            yield Problem(file, item.first, '%s() reaches hardware: its manual needs "Safety:"'
                          % item.name)


def discharges(file, source):
    """Each call needs a note above it, each note a call below it, both in the same function."""
    def near(note, line):
        reach = max(note.last + REACH, source.statement_end(note.last))
        return note.first <= line <= reach and \
            source.function_at(note.first) is source.function_at(line)

    bodies = [item.body for item in source.functions()]
    used = [token for tokens in bodies + source.code()[1:] for token in calls(tokens, RAW)]
    notes = [c for c in source.comments if re.match(r'/\*[\s*]*SAFETY:', c.text)]
    for token in used:
        if not any(near(note, token.line) for note in notes):
            yield Problem(file, token.line, 'call of %s() without "/* SAFETY: why it holds */" in '
                          'the %d lines above' % (token.text, REACH))
    mentions = [t.line for t in source.tokens if RAW.match(t.text)] + [t.line for t in used]
    for note in notes:
        if not any(near(note, line) for line in mentions):
            yield Problem(file, note.first, 'SAFETY comment with no raw_* call in the %d lines '
                          'below; delete or move it' % REACH)


def check(tree):
    contracted = documented(tree)
    for file in tree.sources():
        source = tree.c(file)
        yield from stray(tree, file, source)
        yield from contracts(file, source, contracted)
        yield from discharges(file, source)
