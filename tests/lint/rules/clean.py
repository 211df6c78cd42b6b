# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing is left over from the workshop: private paths, notes to self, an editor's debris."""
import re

from tree import Problem

# The odd brackets keep this file from finding itself.
LEFT = [
    (re.compile(r'(?<![\w.])/(wor[k]|tmp/w[t])/\w+'),
     'a private path (%s); nobody else has it'),
    (re.compile(r'\b(TOD[O]|FIXM[E]|XX[X])\b'), '%s: do it, or say what holds instead'),
    (re.compile(r'^(<{7}|>{7}) '), 'a left-over of a merge (%s)'),
]
DEBRIS = re.compile(r'(\.orig|\.rej|\.swp|\.bak|~|\.pyc)$')


def check(tree):
    for file in tree.files:
        if DEBRIS.search(file):
            yield Problem(file, 1, 'is debris; delete it')
        if file.startswith('LICENSES/') or '\0' in tree.text(file):
            continue
        for number, line in enumerate(tree.lines(file), 1):
            for pattern, text in LEFT:
                match = pattern.search(line)
                if match:
                    yield Problem(file, number, text % match.group().strip())
