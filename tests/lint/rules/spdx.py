# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each source begins with its licence: GPL-2.0-or-later in hw/hwprobe/, else LGPL-2.1-or-later."""
from tree import Problem

FORMS = {'.c': '/* %s */', '.h': '/* %s */', '.S': '/* %s */'}


def check(tree):
    files = set(tree.match('*.c', '*.h', '*.S', '*.sh', '*.py'))
    files.update(tree.scripts('sh', 'bash', 'dash', 'python'))
    for file in sorted(files):
        licence = 'GPL-2.0-or-later' if file.startswith('hw/hwprobe/') else 'LGPL-2.1-or-later'
        form = next((f for end, f in FORMS.items() if file.endswith(end)), '# %s')
        wanted = form % ('SPDX-License-Identifier: ' + licence)
        lines = tree.lines(file) + ['']
        at = 1 if lines[0].startswith('#!') else 0
        if lines[at] != wanted:
            yield Problem(file, at + 1, 'this line must be "%s"' % wanted)
