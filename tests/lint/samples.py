# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sample trees: bad/RULE[.NAME]/ is rejected exactly as its file "expect" says, good/ accepted.

expect holds "file:line: what the message says" a line, a part of the message being enough. A line
"cc COMPILER" asks for the sample's library to be built, by that compiler, for rules that read it.
"""
import os
import shutil
import subprocess
import tempfile
from collections import namedtuple

import rules
from tree import Tree, in_library, object_name

Case = namedtuple('Case', 'title rule root expected compiler')


def find(here, names):
    cases = []
    for kind in ('bad', 'good'):
        for folder in sorted(os.listdir(os.path.join(here, kind))):
            rule = folder.split('.')[0]
            if rule in names:
                cases.append(read_case(os.path.join(here, kind, folder), kind, folder, rule))
    return cases


def read_case(root, kind, folder, rule):
    expected, compiler = [], None
    path = os.path.join(root, 'expect')
    lines = open(path, encoding='utf-8').read().splitlines() if os.path.exists(path) else []
    for line in lines:
        if line.startswith('cc '):
            compiler = line.split()[1]
        elif line:
            expected.append(line)
    verb = 'rejects' if kind == 'bad' else 'accepts'
    return Case('%s %s sample %s' % (rule, verb, folder), rule, root, expected, compiler)


def build(case, tree, scratch):
    """What meson makes of the library, as far as the rules read it."""
    def do(*command):
        subprocess.run(command, cwd=tree.root, check=True, capture_output=True, text=True)

    os.mkdir(scratch + '/hw')
    objects = []
    for file in tree.match('*.c', where=in_library):
        objects.append(os.path.join(scratch, object_name(file)))
        do(case.compiler, '-c', '-O1', '-fPIC', '-fvisibility=hidden', '-I', '.', file,
           '-o', objects[-1])
    do('ar', 'rcs', scratch + '/hw/libhwsafe-internal.a', *objects)
    if tree.has('hwsafe.map'):
        do(case.compiler, '-shared', '-nostdlib', '-Wl,--version-script=hwsafe.map', *objects,
           '-o', scratch + '/hw/libhwsafe.so')


def judge(case):
    """(problems, skipped): what the rule said too much or too little about the sample."""
    if case.compiler and not shutil.which(case.compiler):
        return [], ['there is no ' + case.compiler]
    with tempfile.TemporaryDirectory() as scratch:
        tree = Tree(case.root, scratch)
        tree.files = [file for file in tree.files if file != 'expect']
        try:
            if case.compiler:
                build(case, tree, scratch)
        except subprocess.CalledProcessError as error:
            return ['the sample could not be built: ' + error.stderr.strip()], []
        found = ['%s:%d: %s' % problem for problem in rules.load(case.rule).check(tree)]
    if tree.skipped:
        return [], tree.skipped
    return compare(case, found), []


def compare(case, found):
    problems = []
    if os.sep + 'bad' + os.sep in case.root and not case.expected:
        problems.append('a bad sample needs a file "expect"')
    for wanted in case.expected:
        where, what = wanted.split(': ', 1)
        match = next((f for f in found if f.startswith(where + ': ') and what in f), None)
        if match:
            found.remove(match)
        else:
            problems.append('not rejected: ' + wanted)
    return problems + ['rejected, but not expected: ' + each for each in found]
