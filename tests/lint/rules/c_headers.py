# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each public header compiles alone, as C11 and as C++11, without a warning."""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import Problem

LANGUAGES = [('gcc', 'c', 'c11'), ('g++', 'c++', 'c++11')]
WARNINGS = ['-Wpedantic', '-Werror', '-Wall', '-Wextra']
ERROR = re.compile(r'([^:\n]+):(\d+):\d+: (?:fatal )?error: (.*)')


def compile_one(tree, header, compiler, language, standard):
    """None, or what the compiler said first."""
    run = subprocess.run([compiler, '-x', language, '-std=' + standard, *WARNINGS, '-fsyntax-only',
                          '-I', '.', '-'], input='#include "%s"\n' % header, text=True,
                         cwd=tree.root, capture_output=True, check=False,
                         env={**os.environ, 'LC_ALL': 'C'})
    if run.returncode == 0:
        return None
    error = ERROR.search(run.stderr)
    file, line, text = error.groups() if error else (header, 1, run.stderr.strip()[:200])
    return Problem(file.removeprefix('./'), int(line), 'as %s, alone: %s' % (standard, text))


def check(tree):
    headers = [header for header in tree.public_headers() if tree.has(header)]
    with ThreadPoolExecutor(2) as pool:
        for compiler, language, standard in LANGUAGES:
            if not shutil.which(compiler):
                tree.skip('there is no %s: not tried as %s' % (compiler, standard))
                continue
            results = pool.map(lambda header: compile_one(tree, header, compiler, language,
                                                          standard), headers)
            yield from filter(None, results)
