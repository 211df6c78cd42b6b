# SPDX-License-Identifier: LGPL-2.1-or-later
"""shellcheck has nothing to say about any shell script."""
import re
import shutil
import subprocess

from tree import Problem

FINDING = re.compile(r'(?P<file>[^:\n]+):(?P<line>\d+):\d+: \w+: (?P<text>.*)')


def check(tree):
    scripts = list(tree.scripts('sh', 'bash', 'dash'))
    if not scripts:
        return
    if not shutil.which('shellcheck'):
        tree.skip('there is no shellcheck: no shell script was checked')
        return
    run = subprocess.run(['shellcheck', '-x', '-f', 'gcc', *scripts], cwd=tree.root, text=True,
                         capture_output=True, check=False)
    for match in FINDING.finditer(run.stdout):
        yield Problem(match['file'], int(match['line']), match['text'])
    if run.returncode > 1:
        yield Problem(scripts[0], 1, 'shellcheck failed: ' + run.stderr.strip()[:200])
