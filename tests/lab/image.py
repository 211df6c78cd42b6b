#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""image.py BUILD INTO LIBRARY_DIR...: the lab's programs, as they lie in a guest.

Takes the tests of suites "lab", "lab-arch" and "lab-ring" (and hwprobe, where it is built) from the meson
build directory BUILD, with the shared libraries they need, found by their
run-time path or in the LIBRARY_DIRs (GUEST=HOST or one name for both). Each
file keeps its absolute path under the directory INTO, so that what a program
was told at build time holds in the guest. Writes INTO/lab/programs, which the
guest's init runs.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys


def load(build, what):
    with open(os.path.join(build, 'meson-info', f'intro-{what}.json'), encoding='utf-8') as file:
        return json.load(file)


def dynamic(path):
    """The libraries that an ELF file names, its interpreters, and its run-time path."""
    text = subprocess.run(['readelf', '-dl', path], capture_output=True, text=True, check=False).stdout
    needed = re.findall(r'\(NEEDED\).*\[(.+)\]', text)
    interpreters = re.findall(r'program interpreter: (.+)\]', text)
    if 'libc.so.6' in needed:
        needed.append('libgcc_s.so.1')  # what pthread_cancel loads
    runpath = re.findall(r'\((?:RUNPATH|RPATH)\).*\[(.+)\]', text)
    origin = os.path.dirname(os.path.realpath(path))
    return needed, interpreters, [p.replace('$ORIGIN', origin) for p in ':'.join(runpath).split(':') if p]


class Image:
    def __init__(self, into, library_dirs):
        self.into = into
        self.library_dirs = [tuple(d.split('=')) if '=' in d else (d, d) for d in library_dirs]
        self.names = set()

    def add(self, host, guest=None):
        """Copies a file, and what it needs to run, once."""
        guest = guest or os.path.abspath(host)
        if guest in self.names:
            return
        self.names.add(guest)
        target = self.into + guest
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(host, target)
        with open(host, 'rb') as file:
            if file.read(4) != b'\x7fELF':
                return
        needed, interpreters, runpath = dynamic(host)
        for library in needed:
            self.add_library(library, [(p, p) for p in runpath] + self.library_dirs, host)
        for path in interpreters:
            place, name = os.path.split(path)
            self.add_library(name, [d for d in self.library_dirs if d[0] == place], host)

    def add_library(self, name, dirs, needed_by):
        for guest, host in dirs:
            path = os.path.join(host, name)
            if os.path.exists(path):
                return self.add(path, os.path.join(guest, name))
        sys.exit(f'lab: {needed_by} needs {name}, which is not in {" ".join(h for _, h in dirs)}')


def lab_tests(build):
    """The tests that a guest runs, with the suites for which it does."""
    for test in load(build, 'tests'):
        suites = [s.split(':')[-1] for s in test['suite']]
        suites = [s for s in suites if s in ('lab', 'lab-arch', 'lab-ring')]
        if suites:
            yield ' '.join(suites), test


def words_of(test, files):
    """The words of its command; meson names a built program that is an argument from the build directory."""
    return [next((f for f in files if f.endswith('/' + word)), word) for word in test['cmd']]


def command_of(test, words):
    env = ['env'] + [f'{k}={v}' for k, v in test['env'].items()] if test['env'] else []
    return 'exec ' + shlex.join(env + words)


def main():
    build, into, *library_dirs = sys.argv[1:]
    build = os.path.abspath(build)
    image = Image(into, library_dirs)
    targets = load(build, 'targets')
    outputs = {t['id']: t['filename'] for t in targets}
    lines = []
    for suites, test in lab_tests(build):
        files = [f for t in test['depends'] for f in outputs.get(t, [])]
        words = words_of(test, files)
        for path in files + [w for w in words + list(test['env'].values()) if os.path.isabs(w) and os.path.isfile(w)]:
            image.add(path)
        run = f'run {test["name"]} {test["timeout"]} {shlex.quote(command_of(test, words))}'
        lines.append(f'wanted {shlex.quote(suites)} && {run}')
    for target in targets:
        if target['name'] == 'hwprobe' and target['type'] == 'executable':
            image.add(target['filename'][0])
            command = 'exec ' + target['filename'][0] + ' --json'
            lines.append(f'keep hwprobe 60 {shlex.quote(command)}')
    if not lines:
        sys.exit(f'lab: {build} has no test in suite "lab"')
    with open(os.path.join(into, 'lab', 'programs'), 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines) + '\n')


main()
