# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of programs, as TAP: functions named test_*, each an example of what must hold."""
import os
import shutil
import subprocess
import sys
import tempfile
import traceback


class Skip(Exception):
    """This machine lacks what the test needs: Skip(what, why)."""


def run(*command, **options):
    """The program's result: returncode, stdout and stderr as text."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
                          **options)


class Nobody:
    """Runs a copy of the program, with the library beside it, as somebody without any right."""

    def __init__(self, program):
        self.directory = tempfile.TemporaryDirectory()
        os.chmod(self.directory.name, 0o755)
        self.program = shutil.copy(program, self.directory.name)
        for line in run("ldd", program).stdout.splitlines():
            words = line.split()
            if words[0].startswith("libhwsafe"):
                shutil.copy(words[2], self.directory.name)

    def run(self, *arguments):
        options = {}
        if os.getuid() == 0:
            options = {"user": 65534, "group": 65534, "extra_groups": []}
        return run(self.program, *arguments, cwd="/",
                   env={**os.environ, "LD_LIBRARY_PATH": self.directory.name}, **options)


def _must_run(what):
    wanted = os.environ.get("HWS_MUST_RUN", "").split(",")
    return what in wanted or "all" in wanted


def main(tests):
    names = [name for name in tests if name.startswith("test_")]
    failed = 0
    print(f"1..{len(names)}")
    for number, name in enumerate(names, 1):
        line = f"ok {number} - {name[5:]}"
        try:
            tests[name]()
        except Skip as skip:
            if _must_run(skip.args[0]):
                failed += 1
                line = "not " + line
            else:
                line += f" # SKIP {skip.args[0]}: {skip.args[1]}"
        except Exception:  # whatever it is, it's this test's failure
            failed += 1
            line = "not " + line
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        print(line, flush=True)
    sys.exit(1 if failed else 0)
