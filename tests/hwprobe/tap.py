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


def journal_of(*lines):
    """A journal as the library writes it: each line with a sum (FNV-1a) of all so far."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        lines = ["hwsafe-journal 2 " + file.read().strip(), *lines]
    total, text = 0xCBF29CE484222325, ""
    for line in lines:
        for byte in line.encode():
            total = (total ^ byte) * 0x100000001B3 % 2**64
        text += f"{line} #{total:016x}\n"
    return text


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
