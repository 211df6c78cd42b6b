#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwsafe-helper in its first form. Arguments: hwsafe-helper, jail."""
import ctypes
import json
import os
import subprocess
import sys
import tempfile

import tap
from tap import run

HELPER, JAIL = sys.argv[1:3]
SETS = {"effective": "CapEff", "permitted": "CapPrm", "inheritable": "CapInh", "ambient": "CapAmb",
        "bounding": "CapBnd"}


def own_status():
    with open("/proc/self/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def own_capabilities():
    return json.loads(run(HELPER, "self-check", "--json").stdout)["permitted"]


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
    held = own_capabilities()
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
        (["check", "a", "b"], "one policy file"), (["self-check", "--pid"], "--pid"),
        (["self-check", "--pid", ""], "''"), (["self-check", "--pid", "-1"], "'-1'"),
        (["self-check", "--pid", "1/../self"], "no process"),
        (["self-check", "--pid", "12345678901"], "12345678901"),
        (["serve", "--frob"], "--frob"), (["serve", "--socket"], "nothing behind '--socket'"),
        (["serve", "--socket", ""], "no sense: ''"), (["serve", "--rings", "1001"], "'1001'"),
        (["serve", "--rings", "-1"], "'-1'"), (["serve", "--rings", "1x"], "'1x'"),
        (["serve", "--rate", "+1"], "'+1'"), (["serve", "--mapped", "9223372036854775808"], "'9223"),
        (["serve", "--mapped", "99999999999999999999"], "'99999"), (["serve", "--soft"], "--socket"),
    ]
    for arguments, word in garbage:
        result = run(HELPER, *arguments)
        assert_one_line(result, 2, word)
        assert not result.stdout, result


def test_each_command_has_help():
    page = run(HELPER, "--help").stdout
    for command in ["run", "serve", "check", "self-check"]:
        result = run(HELPER, command, "--help")
        assert result.returncode == 0 and result.stdout == page, result


def test_check_counts_rules_or_names_the_place():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.conf")

        def check(text):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            return run(HELPER, "check", path)

        good = check("[fan]\nport = 0x2e-0x2f rw\nmsr = 0x19c r\n")
        assert (good.returncode, good.stdout, good.stderr) == (0, f"{path}: 2 rules\n", ""), good
        bad = check("[fan]\nport = 0x2e rw\nport = 0x2f rq\nmsr = r\n")
        assert bad.returncode == 1 and not bad.stdout, bad
        assert [line.split(" ")[0] for line in bad.stderr.splitlines()] == \
            [f"{path}:3:13:", f"{path}:4:7:"], bad
        assert_one_line(check("#" * (1 << 20) + "#"), 1, path, "too large")
        assert_one_line(run(HELPER, "check", folder), 1, folder, "Is a directory")
        assert_one_line(run(HELPER, "check", path + "x"), 1, "a.confx", "No such file")


def test_self_check_looks_at_other_processes():
    with subprocess.Popen(["sleep", "60"]) as other:
        text = run(HELPER, "self-check", "--expect", ",".join(own_capabilities()) or "none",
                   "--pid", str(other.pid))
        other.kill()
    assert "\nthreads       1\n" in text.stdout and "dumpable" not in text.stdout, text
    assert text.returncode == 0, text
    assert_one_line(run(HELPER, "self-check", "--pid", "4194305"), 3, "4194305")


def prctl(*arguments):
    if ctypes.CDLL(None, use_errno=True).prctl(*arguments, *[0] * (5 - len(arguments))) < 0:
        os._exit(99)


def lock_securebits():
    prctl(28, 0b1111)  # PR_SET_SECUREBITS


def hold_nothing():
    lock_securebits()
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        for capability in range(int(file.read()) + 1):
            prctl(24, capability)  # PR_CAPBSET_DROP


def test_securebits_have_names():
    if os.getuid() != 0:
        raise tap.Skip("root", "only root has securebits to set")
    state = json.loads(run(HELPER, "self-check", "--json", preexec_fn=lock_securebits).stdout)
    assert state["securebits"] == ["noroot", "noroot-locked", "no-setuid-fixup",
                                   "no-setuid-fixup-locked"], state
    assert state["effective"] == [], "an exec gave it something"
    text = run(HELPER, "self-check", preexec_fn=lock_securebits).stdout
    assert "\nsecurebits    noroot noroot-locked " in text, text


def test_one_that_holds_nothing_must_also_be_kept_so():
    if os.getuid() != 0:
        raise tap.Skip("root", "only root can empty the bounding set")
    expect = ["self-check", "--expect", "serve"]
    assert_one_line(run(HELPER, *expect, preexec_fn=hold_nothing), 1, "no_new_privs is 0, not 1")
    result = run("setpriv", "--no-new-privs", HELPER, *expect, preexec_fn=hold_nothing)
    assert_one_line(result, 1, "seccomp is 0, not 2")


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
