#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe learn: the least policy for what a program touches. Arguments: hwprobe, a program that
touches what it is told, example programs."""
import json
import os
import re
import subprocess
import sys
import tempfile

import tap
from tap import run

HWPROBE = os.path.abspath(sys.argv[1])
TOUCH = os.path.abspath(sys.argv[2])
EXAMPLES = {os.path.basename(path)[8:]: os.path.abspath(path) for path in sys.argv[3:]}


def learn(*arguments, **options):
    return run(HWPROBE, "learn", *arguments, **options)


def rules(text):
    return [line for line in text.splitlines() if re.match(r"(deny )?\w+ = ", line)
            and not line.startswith(("user", "exe", "group"))]


def rehearse(policy, *command):
    """Runs it with that policy alone; what is denied shows in the result."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "learned.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(policy)
        checked = run(HWPROBE, "policy", "check", path)
        assert checked.returncode == 0, (policy, checked)
        return learn("--sim", "--policy", path, "--", *command)


def test_examples_run_under_what_was_learned_of_them():
    for name, program in EXAMPLES.items():
        result = learn("--sim", "--", program)
        assert result.returncode == 0, (name, result)
        again = rehearse(result.stdout, program)
        assert again.returncode == 0, (name, result.stdout, again)
        assert rules(again.stdout) == rules(result.stdout), (name, again)


def test_rights_widths_values_are_as_seen():
    result = learn("--sim", "--", EXAMPLES["factorial"])
    assert result.returncode == 0, result
    assert "10! = 3628800" in result.stderr, result  # its output makes room for the policy
    assert "[example-factorial]\n" in result.stdout and f'exe = "{EXAMPLES["factorial"]}"' in result.stdout
    for line in ["# 1 read, 1 written\npci = 1234:11e8 config 0x4-0x5 rw, width 2, value 0x2\n",
                 "# 1 read, 1 written\nbar = 1234:11e8 0 0x8-0xb rw, width 4, value 0xa\n",
                 "bar = 1234:11e8 0 0x20-0x23 r, width 4\n"]:
        assert line in result.stdout, (line, result.stdout)


def test_what_was_not_seen_is_denied():
    policy = learn("--sim", "--", TOUCH, "msr", "w", "0x199", "0x1900", "msr", "r", "0x199").stdout
    assert rehearse(policy, TOUCH, "msr", "w", "0x199", "0x1900").returncode == 0
    for other in [("msr", "w", "0x199", "0x1a00"), ("msr", "r", "0x198"), ("port", "r", "0x80")]:
        again = rehearse(policy, TOUCH, *other)
        assert again.returncode == 9 and "1 were denied" in again.stderr, (other, again)


def test_ranges_and_processors_are_merged():
    words = []
    for reg in ["0x198", "0x199", "0x19c"]:
        words += ["msr", "r", reg]
    result = learn("--sim", "--", TOUCH, *words)
    assert rules(result.stdout) == ["msr = 0x198-0x199 0x19c r, cpus 0-3"], result
    assert "# 12 read\n" in result.stdout, result


def test_many_values_become_a_range():
    words = [word for value in range(40) for word in ("port", "w", "0x80", str(value))]
    result = learn("--sim", "--", TOUCH, *words)
    assert rules(result.stdout) == ["port = 0x80 w, width 1, value 0x0-0x27"], result
    result = learn("--sim", "--any-value", "--", TOUCH, *words)
    assert rules(result.stdout) == ["port = 0x80 w, width 1"], result


def test_names_that_a_program_chose_are_no_rules():
    """What it asks for, refused or not, can't write lines of its own into the policy."""
    for path in ['/a"b', '/x"\nmsr = * rw', "/a\x1b[2J", "/a\rb", b"/a\xff"]:
        result = learn("--sim", "--", TOUCH, "plugin", "r", path, "port", "r", "0x80", errors="replace")
        assert rules(result.stdout) == ["port = 0x80 r, width 1"], (path, result)
        assert "# a plugin whose path can't stand in a policy\n" in result.stdout, (path, result)
        rehearse(result.stdout, TOUCH, "port", "r", "0x80")
    assert 'plugin = "/a b"' in learn("--sim", "--", TOUCH, "plugin", "r", "/a b").stdout


def test_dangers_are_named():
    result = learn("--sim", "--", TOUCH, "port", "w", "0xcf9", "6")
    assert rules(result.stdout) == ["port = 0xcf9 w danger reset, width 1, value 0x6"], result
    assert rehearse(result.stdout, TOUCH, "port", "w", "0xcf9", "6").returncode == 0


def test_devices_by_address():
    result = learn("--sim", "--by-address", "--", EXAMPLES["factorial"])
    assert "bar = 0000:00:03.0 0 0x8-0xb rw" in result.stdout, result
    assert rehearse(result.stdout, EXAMPLES["factorial"]).returncode == 0


def test_children_are_learned_from():
    script = f"{TOUCH} port r 0x80; {TOUCH} port r 0x81; exit 3"
    result = learn("--sim", "--", "/bin/sh", "-c", script)
    assert result.returncode == 1 and "ended with 3" in result.stderr, result
    assert rules(result.stdout) == ["port = 0x80-0x81 r, width 1"], result
    assert f'exe = "{TOUCH}"' in result.stdout and result.stdout.startswith("[sh]\n"), result


def test_denied_accesses_are_learned_and_stay_denied():
    """On the real machine, under its policy: nothing is granted."""
    result = learn("--", TOUCH, "port", "w", "0x80", "1", env={**os.environ, "LC_ALL": "C"})
    assert result.returncode == 9, result
    assert "denied (no-rule)" in result.stdout and "port = 0x80 w" in result.stdout, result
    assert "touch: port 0x80: " in result.stderr, result


def test_documents_hold_rules_and_policy():
    result = learn("--sim", "--json", "--", EXAMPLES["clock"])
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1 and document["lost"] == 0, document
    assert document["rules"][0] == {"text": "port = 0x70 w, width 1, value 0x0 0x2 0x4", "kind": "port",
                                    "used": True, "reads": 0, "writes": 3, "denied": 0,
                                    "reason": "none"}, document
    assert rehearse(document["policy"], EXAMPLES["clock"]).returncode == 0


def test_output_leaves_stdout_to_the_program():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "made.conf")
        result = learn("--sim", "-o", path, "--section", "mine", "--any-program", "--",
                       EXAMPLES["factorial"])
        assert (result.returncode, result.stdout) == (0, "10! = 3628800\n"), result
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert text.startswith("[mine]\n") and "exe" not in text, text
    result = learn("--sim", "-o", "/nowhere/made.conf", "--", EXAMPLES["factorial"])
    assert result.returncode == 3 and "/nowhere/made.conf" in result.stderr, result
    assert not result.stdout, "it is told before the program runs"


def test_output_is_not_there_before_it_is_written():
    """Among the policy's files an empty one would take from the program what is built in."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "made.conf")
        result = learn("--sim", "-o", path, "--", "/bin/sh", "-c", f"test ! -e {path}")
        assert result.returncode == 3 and "ended with" not in result.stderr, result
        assert not os.path.exists(path), "nothing was learned"
        with open(path, "w", encoding="utf-8") as file:
            file.write("[kept]\n")
        assert learn("--sim", "-o", path, "--", "/bin/true").returncode == 3
        with open(path, encoding="utf-8") as file:
            assert file.read() == "[kept]\n"


def test_described_machines():
    with tempfile.NamedTemporaryFile("w", suffix=".sim") as file:
        file.write("cpu count 2\nmsr 0x77 rw value 0x5\n")
        file.flush()
        result = learn(f"--sim={file.name}", "--", TOUCH, "msr", "r", "0x77")
        assert result.returncode == 0 and rules(result.stdout) == ["msr = 0x77 r, cpus 0-1"], result


def test_programs_that_touch_nothing():
    result = learn("--", "/bin/true")
    assert result.returncode == 3 and not result.stdout, result
    assert "/bin/true: it opened no context" in result.stderr, result
    result = learn("--sim", "--", TOUCH)
    assert result.returncode == 0 and "touched nothing" in result.stderr, result


def test_wrong_use_is_told():
    for arguments, code, word in [
            ((), 2, "COMMAND"), (("--section=", "--", "true"), 2, "--section"), (("--",), 2, "COMMAND"), (("--", "/nowhere/it"), 3, "/nowhere/it"),
            (("--", "/etc/passwd"), 5, "/etc/passwd"), (("--policy", "/x", "--", "true"), 2, "--sim"),
            (("--sim", "--policy", "/nowhere", "--", "true"), 3, "/nowhere"),
            (("--sim=/nowhere", "--", "true"), 3, "/nowhere"),
            (("--sim", "--policy", "/x", "--grant", "port = 1 r", "--", "true"), 2, "--grant"),
            (("--sysroot", "/", "--", "true"), 6, "sysroot")]:
        result = learn(*arguments)
        assert result.returncode == code and word in result.stderr, (arguments, result)
        assert not result.stdout and result.stderr.count("\n") == 1, (arguments, result)


def test_interrupts_end_the_program_alone():
    with subprocess.Popen([HWPROBE, "learn", "--sim", "--", "/bin/sh", "-c",
                           f"{TOUCH} port r 0x80; echo ready >&2; kill -INT $$; sleep 60"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "signal 2" in err, err
    assert rules(out) == ["port = 0x80 r, width 1"], out


tap.main(dict(globals()))
