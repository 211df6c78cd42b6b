#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwsafe-helper in its first form. Arguments: hwsafe-helper, jail."""
import json
import os
import sys

import tap
from tap import run

HELPER, JAIL = sys.argv[1:3]
SETS = {"effective": "CapEff", "permitted": "CapPrm", "inheritable": "CapInh", "ambient": "CapAmb",
        "bounding": "CapBnd"}


def own_status():
    with open("/proc/self/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def assert_one_line(result, code, *words):
    assert result.returncode == code, result
    assert result.stderr.startswith("hwsafe-helper: ") and result.stderr.count("\n") == 1, result
    assert all(word in result.stderr for word in words), result


def test_self_check_says_what_the_kernel_says():
    result = run(HELPER, "self-check", "--json")
    assert result.returncode == 0 and result.stderr == "", result
    state = json.loads(result.stdout)
    status = own_status()
    assert state["schema_version"] == 1
    for name, field in SETS.items():
        assert len(state[name]) == bin(int(status[field], 16)).count("1"), name
    assert str(state["no_new_privs"]) == status["NoNewPrivs"]
    assert str(state["seccomp"]) == status["Seccomp"]
    assert state["open_fds"] == 3 and isinstance(state["securebits"], list)


def test_self_check_sees_filters_and_descriptors():
    with open("/dev/null", encoding="ascii") as extra:
        state = json.loads(run(JAIL, "refuse", HELPER, "self-check", "--json",
                               pass_fds=[extra.fileno()]).stdout)
    assert (state["seccomp"], state["no_new_privs"], state["open_fds"]) == (2, 1, 4), state


def test_text_has_every_part():
    text = run(HELPER, "self-check").stdout
    for word in [*SETS, "securebits", "no_new_privs", "seccomp", "dumpable", "open_fds"]:
        assert f"\n{word} " in "\n" + text, word


def test_expect_names_what_is_beyond():
    held = json.loads(run(HELPER, "self-check", "--json").stdout)["permitted"]
    if not held:
        raise tap.Skip("root", "this process holds no capability")
    assert_one_line(run(HELPER, "self-check", "--expect", "none"), 1, *held)
    assert run(HELPER, "self-check", "--expect", ",".join(held)).returncode == 0
    result = run(HELPER, "self-check", "--expect", ",".join(held[1:]) or "none")
    assert_one_line(result, 1, held[0])
    assert not any(f" {name}" in result.stderr for name in held[1:]), result


def test_nobody_holds_nothing():
    result = tap.Nobody(HELPER).run("self-check", "--expect", "none")
    assert result.returncode == 0 and result.stderr == "", result


def test_garbage_is_refused():
    garbage = [
        ([], "''"), ([""], "''"), (["serve"], "serve"), (["run"], "run"), (["check"], "check"),
        (["--frob"], "--frob"), (["self-check", "--frob"], "--frob"), (["self-check", "x"], "x"),
        (["self-check", "--expect"], "--expect"), (["self-check", "--expect", ""], "''"),
        (["self-check", "--expect", "cap_frob"], "cap_frob"),
        (["self-check", "--expect", "cap_sys_rawio,"], "''"),
        (["self-check", "--expect", "a" * 5000], "capability"), (["--help", "x"], "x"),
        (["--version", "--json"], "--json"), (["self-chec"], "self-check"),
    ]
    for arguments, word in garbage:
        result = run(HELPER, *arguments)
        assert_one_line(result, 2, word)
        assert not result.stdout, result


def test_no_argv_is_safe():
    result = run(JAIL, "no-argv", HELPER)
    assert_one_line(result, 2, "unknown command")


def test_output_that_fails_is_a_failure():
    for arguments in [("--help",), ("--version",), ("self-check",), ("self-check", "--json")]:
        with open("/dev/full", "w", encoding="ascii") as full:
            assert_one_line(run(HELPER, *arguments, stdout=full), 1, "No space left")
    assert_one_line(run("/bin/sh", "-c", '"$0" self-check >&-', HELPER), 1, "closed")


def test_environment_is_of_no_use():
    plain = run(HELPER, "self-check")
    hostile = run(HELPER, "self-check", env={**os.environ, "LISTEN_FDS": "3", "LISTEN_PID": "1"})
    assert plain.stdout == hostile.stdout


tap.main(dict(globals()))
