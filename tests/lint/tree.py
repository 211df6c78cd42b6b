# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tree that is linted: its files, its public headers, its built archive, its allow-lists."""
import fnmatch
import os
import re
import shutil
import subprocess
from collections import namedtuple

import elf
from csource import Source

Problem = namedtuple('Problem', 'path line text')

FLOORS = ['shim', 'guardian', 'uring', 'hw', 'helper', 'hw/hwprobe']
SAMPLES = ('tests/lint/bad/', 'tests/lint/good/')
PUBLIC = re.compile(r"'(\w+)'\s*:\s*files\(([^)]*)\)")


def floor_of(path):
    """The floor that a file stands on; None: none, such as a test."""
    if path.startswith('hw/hwprobe/'):
        return 'hw/hwprobe'
    folder = path.split('/')[0]
    return folder if folder in FLOORS and '/' in path else None


def in_library(path):
    return floor_of(path) in FLOORS[:4]


def is_public(file):
    """A header that is installed, by its name: what is not for programs says so."""
    return in_library(file) and \
        re.fullmatch(r'\w+/(?!raw-)[^/]+(?<!-internal)\.h', file) is not None


class Allow:
    """tests/lint/NAME.allow: "file what reason" a line. A line that nothing needs is a problem."""

    def __init__(self, tree, name):
        self.tree = tree
        self.path = 'tests/lint/%s.allow' % name
        self.entries = {}
        self.used = set()
        for number, line in enumerate(tree.lines(self.path) if tree.has(self.path) else [], 1):
            if line.strip() and not line.startswith('#'):
                file, what, reason = (line.split(None, 2) + ['', ''])[:3]
                self.entries[file, what] = (number, reason)

    def permits(self, file, what):
        self.used.add((file, what))
        return (file, what) in self.entries

    def problems(self):
        for (file, what), (number, reason) in self.entries.items():
            if not reason:
                yield Problem(self.path, number, 'gives no reason; write "file what reason"')
            elif (file, what) not in self.used and not self.tree.says(file, what):
                yield Problem(self.path, number, 'nothing needs this line any more; delete it')


class Tree:
    def __init__(self, root, build=None):
        self.root, self.build = root, build
        self.skipped = []
        self.files = sorted(f for f in self._list() if not f.startswith(SAMPLES))
        self._sources = {}
        self._objects = None

    def _list(self):
        if os.path.exists(os.path.join(self.root, '.git')) and shutil.which('git'):
            run = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'],
                                 cwd=self.root, capture_output=True, text=True, check=False)
            if run.returncode == 0:
                return {f for f in run.stdout.split('\0') if f and os.path.isfile(self.path(f))}
        return self._walk()

    def _walk(self):
        for folder, folders, files in os.walk(self.root):
            below = os.path.relpath(folder, self.root)
            folders[:] = [f for f in folders if f not in ('.git', '__pycache__') and
                          not (below == '.' and f.startswith('build'))]
            yield from (os.path.normpath(os.path.join(below, f)) for f in files)

    def path(self, file):
        return os.path.join(self.root, file)

    def has(self, file):
        return os.path.isfile(self.path(file))

    def text(self, file):
        with open(self.path(file), encoding='utf-8', errors='replace') as opened:
            return opened.read()

    def lines(self, file):
        return self.text(file).splitlines()

    def c(self, file):
        if file not in self._sources:
            self._sources[file] = Source(self.text(file))
        return self._sources[file]

    def line_of(self, file, word):
        """Where the word first stands in the code of a file; 1: not there as it is."""
        tokens = self.c(file).tokens if self.has(file) else []
        return next((t.line for t in tokens if t.kind == 'word' and t.text == word), 1)

    def says(self, file, word):
        """Is it in the code, even if this build has left it out?"""
        return file.endswith('.c') and self.line_of(file, word) > 1

    def match(self, *patterns, where=lambda file: True):
        return [f for f in self.files
                if where(f) and any(fnmatch.fnmatch(os.path.basename(f), p) for p in patterns)]

    def sources(self, where=floor_of):
        """C files and headers, by default those of the floors: what is shipped."""
        return self.match('*.c', '*.h', where=where)

    def scripts(self, *interpreters):
        """Files whose "#!" names one of these."""
        for file in self.files:
            with open(self.path(file), 'rb') as opened:
                first = opened.readline(128).decode(errors='replace').split()
            if first and first[0].startswith('#!') and \
                    re.split(r'[/\s]', ' '.join(first))[-1].rstrip('0123456789') in interpreters:
                yield file

    def public_headers(self):
        headers = []
        for file in self.match('meson.build'):
            text = self.text(file)
            if 'public_headers' in text:
                for folder, names in PUBLIC.findall(text):
                    headers += [folder + '/' + name for name in re.findall(r"'([^']+)'", names)]
        return sorted(headers)

    def allow(self, name):
        return Allow(self, name)

    def skip(self, why):
        """Says, loudly, which part of a rule could not be checked here."""
        self.skipped.append(why)

    def built(self, file):
        """The path of something built, or None (and a loud skip) where nothing was."""
        if self.build and os.path.exists(os.path.join(self.build, file)):
            return os.path.join(self.build, file)
        self.skip('there is no %s: build first, or say --build DIR' % file)
        return None

    def objects(self):
        """(source file, ELF object) of each object in the library's archive."""
        path = self.built('hw/libhwsafe-internal.a')
        if path and self._objects is None:
            self._objects = [(self.source_of(name), elf.Elf(body, name))
                             for name, body in elf.archive_members(path)]
        return self._objects or []

    def source_of(self, name):
        """The source of the object of that name; a generated one's floor is in its name."""
        for file in self.match('*.c', where=in_library):
            if object_name(file) == name:
                return file
        floor, _, rest = re.sub(r'^(meson-generated_)?(\.\._)?|\.o$', '', name).partition('_')
        return '%s/%s' % ((floor, rest) if floor in FLOORS and rest else ('hw', name))


def object_name(file):
    """What meson calls the object of a source of the library, which is built in hw/."""
    return os.path.relpath(file, 'hw').replace('/', '_') + '.o'
