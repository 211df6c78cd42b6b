# SPDX-License-Identifier: LGPL-2.1-or-later
"""C: tabs of 8, 100 columns, clang-format agrees. All: 400 lines a file, no trailing space.

A string alone on its line may be as long as it is. A longer file stands in style.allow as
"file lines reason": how long it may get and why.
"""
import re
import shutil
import subprocess

from tree import Problem

COLUMNS, LINES = 100, 400
SPACES = re.compile(r'\t* *(?: {8}| \t)|  +(?! )[^*\s]')
CODE = ('*.c', '*.h', '*.S', '*.sh', '*.py')
TEXTS = CODE + ('*.md', 'meson.build', 'meson_options.txt', '*.map', '*.allow', 'dev', 'run')
UNFORMATTED = re.compile(r'(?P<file>[^:\n]+):(?P<line>\d+):\d+: error: .*clang-formatted')


def widths(tree, file):
    for number, line in enumerate(tree.lines(file), 1):
        width = len(line.expandtabs(8))
        if width > COLUMNS and not line.lstrip().startswith('"'):
            yield Problem(file, number, '%d columns; %d are the limit' % (width, COLUMNS))


def indents(tree, file):
    inside = {line for comment in tree.c(file).comments
              for line in range(comment.first + 1, comment.last + 1)}
    for number, line in enumerate(tree.lines(file), 1):
        if number not in inside and SPACES.match(line):
            yield Problem(file, number, 'indented with spaces; use tabs of 8')


def ends(tree, file):
    text = tree.text(file)
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            yield Problem(file, number, 'space at the end of the line')
    if text and not text.endswith('\n'):
        yield Problem(file, text.count('\n') + 1, 'the last line has no newline')
    elif text.endswith('\n\n'):
        yield Problem(file, text.count('\n'), 'empty line at the end')


def lengths(tree, files):
    allowed = tree.allow('style')
    for file in files:
        count = len(tree.lines(file))
        limits = [int(what) for name, what in allowed.entries if name == file and what.isdigit()]
        for limit in limits if count > LINES else []:
            allowed.permits(file, str(limit))
        if count > max(limits + [LINES]):
            yield Problem(file, count, '%d lines; %d are the limit: split it, or say why not in %s'
                          % (count, max(limits + [LINES]), allowed.path))
    yield from allowed.problems()


def formatting(tree):
    files = tree.match('*.c', '*.h')
    if not shutil.which('clang-format'):
        tree.skip('there is no clang-format: formatting not checked')
        return
    if not files or not tree.has('.clang-format'):
        return
    run = subprocess.run(['clang-format', '--dry-run', '-Werror', '--ferror-limit=1', *files],
                         cwd=tree.root, text=True, capture_output=True, check=False)
    seen = set()
    for match in UNFORMATTED.finditer(run.stderr):
        if match['file'] not in seen:
            seen.add(match['file'])
            yield Problem(match['file'], int(match['line']), 'clang-format would change this; run '
                          './dev fmt')
    if run.returncode and not seen:
        yield Problem('.clang-format', 1, run.stderr.strip().splitlines()[0])


def check(tree):
    code = sorted(set(tree.match(*CODE)) | set(tree.scripts('sh', 'bash', 'dash', 'python')))
    for file in tree.match('*.c', '*.h'):
        yield from widths(tree, file)
        yield from indents(tree, file)
    for file in sorted(set(code) | set(tree.match(*TEXTS))):
        yield from ends(tree, file)
    yield from lengths(tree, code)
    yield from formatting(tree)
