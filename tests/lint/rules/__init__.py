# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules, in the order in which they are told. Each is a module: its first line says what must
hold, its check(tree) yields a Problem for each place where it doesn't."""
import importlib

NAMES = ['floors', 'safety', 'globals', 'exports', 'quiet', 'syscalls', 'instructions', 'headers',
         'c-headers', 'spdx', 'style', 'shell', 'clean', 'security']


def load(name):
    return importlib.import_module('rules.' + name.replace('-', '_'))
