#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe completion, as shells ask for it. Argument: hwprobe."""
import os
import re
import shutil
import sys
import tempfile

import tap
from tap import run

HWPROBE = os.path.abspath(sys.argv[1])


def ask(*words):
    result = run(HWPROBE, "complete", "--", *words)
    assert result.returncode == 0 and not result.stderr, (words, result)
    return [line.split("\t")[0] for line in result.stdout.splitlines()]


def verbs():
    """What --help lists: 'area' or 'area verb'."""
    text = run(HWPROBE, "--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    return [re.match(r"  ([a-z-]+(?: [a-z]+)?)(?= |$)", line).group(1)
            for line in text.splitlines() if re.match(r"  [a-z]", line)]


def in_bash(line, setup="", shell=("bash", "--norc", "--noprofile")):
    """What bash would put in place, as it calls the function itself."""
    script = f"""
{setup}
source <({HWPROBE} completion bash)
COMP_LINE={line!r}
COMP_POINT=${{#COMP_LINE}}
COMP_CWORD=0
_hwprobe {HWPROBE} '' ''
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    result = run(*shell, "-c", script)
    assert result.returncode == 0 and not result.stderr, (line, result)
    return result.stdout.splitlines()


def test_areas_and_verbs_are_those_of_the_help():
    areas = ask("")
    assert sorted(areas) == sorted({verb.split()[0] for verb in verbs()}), areas
    for area in areas:
        names = [verb.split()[1] for verb in verbs() if verb.startswith(area + " ")]
        if names:
            assert sorted(ask(area, "")) == sorted(names), area
    assert ask("po") == ["policy"] and ask("policy", "exp") == ["explain", "export"]
    assert "complete" not in areas
    assert ask("nothing", "") == []


def test_options_are_those_of_the_help():
    for verb in verbs():
        text = run(HWPROBE, *verb.split(), "--help").stdout
        known = set(re.findall(r"(?<!\w)--([a-z][a-z-]*)", text.split("Exit codes")[0]))
        offered = {word[2:].rstrip("=") for word in ask(*verb.split(), "--")}
        assert offered >= known - {"version"} and offered, (verb, offered, known)
        letters = set(re.findall(r"^  -(\w), ", text, re.M))
        assert {word[1:] for word in ask(*verb.split(), "-") if len(word) == 2} == letters, verb


def test_candidates_are_described():
    result = run(HWPROBE, "complete", "--", "policy", "li")
    assert result.stdout.startswith("lint\trules that are dead"), result
    result = run(HWPROBE, "complete", "--", "pci", "show", "--sim", "00:03")
    assert "QEMU" in result.stdout or "1234" in result.stdout or result.stdout == "00:03.0\n", result


def test_functions_are_those_of_the_machine():
    listed = [line.split()[0] for line in run(HWPROBE, "pci", "ls", "--sim", "-n").stdout.splitlines()]
    assert ask("--sim", "pci", "show", "00:") == listed, listed
    assert ask("pci", "show", "--sim", "0000:00:03") == ["0000:00:03.0"]
    with tempfile.TemporaryDirectory() as root:
        assert ask("pci", "show", "--sysroot", root, "") == []
        assert ask("pci", "show", f"--sysroot={root}", "") == []
    with tempfile.NamedTemporaryFile("w", suffix=".sim") as file:
        file.write("cpu count 1\npci 0000:07:00.0 4711:0815 class 0x000000\n")
        file.flush()
        assert ask(f"--sim={file.name}", "pci", "show", "07") == ["07:00.0"]
    assert "00:03.0:0+" in ask("--sim", "mem", "rd", "00:03")


def test_what_is_typed_is_never_read():
    reader, writer = os.pipe()  # as a terminal, it does not end
    try:
        result = run(HWPROBE, "complete", "--", "--sim=-", "pci", "show", "0", stdin=reader)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    finally:
        os.close(reader)
        os.close(writer)


def test_registers_and_fields_are_known():
    assert "Command" in ask("pci", "get", "00:03.0", "Com")
    assert "DevCtl.MaxPayload" in ask("pci", "get", "00:03.0", "DevCtl.Max")
    assert ask("policy", "explain", "msr", "write", "IA32_PERF_CTL.R") == ["IA32_PERF_CTL.Ratio"]
    assert "MSR_PKG_POWER_LIMIT" in ask("policy", "explain", "--as", "root", "msr", "rd", "MSR_PKG")


def test_values_of_options():
    assert ask("--color=") == ["--color=auto", "--color=always", "--color=never"]
    assert ask("--color", "a") == ["auto", "always"]
    assert ask("audit", "query", "--level", "cr") == ["critical"]
    assert "root" in ask("policy", "explain", "--as", "ro")
    assert "--as=root" in ask("policy", "explain", "--as=ro")
    assert "port = " in ask("--grant", "po")
    assert ask("stat", "--sysroot", "x") == ask("record", "x") == [":directories"]


def test_a_double_dash_ends_the_options():
    assert ask("learn", "--sim", "--", "-") == [":files"]
    assert ask("learn", "--", "ls", "--col") == [":files"]


def test_a_verbs_own_option_counts():
    """explain has an --as of its own, whatever all commands have."""
    assert ask("policy", "explain", "--a").count("--as=") == 1
    assert run(HWPROBE, "policy", "explain", "--help").stdout.count("--as=") == 1
    # behind a command the one of all is refused
    assert "--as=" in ask("--a") and "--as=" not in ask("pci", "ls", "--a") + ask("pci", "--a")


def test_places_of_words_end():
    assert ask("policy", "diff", "a", "b", "") == []
    assert ask("policy", "check", "a", "b", "") [-1:] == [":files"]
    assert "00:03.0:Status" in ask("--sim", "mem", "rd", "00:03.0:")


def test_rule_files_are_offered():
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "etc/hwsafe/policy.d"))
        for name in ["fan.conf", ".hidden.conf", "readme"]:
            open(os.path.join(root, "etc/hwsafe/policy.d", name), "w", encoding="utf-8").close()
        assert ask("policy", "lint", "--sysroot", root, "") == \
            ["/etc/hwsafe/policy.d/fan.conf", ":files"]
        assert ask("policy", "diff", "--sysroot", root, "a", "/etc") == \
            ["/etc/hwsafe/policy.d/fan.conf", ":files"]


def test_odd_lines_do_no_harm():
    for words in [(), ("-",), ("--",), ("", "", ""), ("--=",), ("--grant",), ("--color", "auto", ""),
                  ("pci", "--frob", ""), ("x" * 5000,), ("pci", "ls", "--", ""), ("--sim=", "pci", "show", "")]:
        ask(*words)


def test_bash_completes():
    assert in_bash("hwprobe pol") == ["policy"]
    assert sorted(in_bash("hwprobe policy ")) == sorted(ask("policy", ""))
    assert in_bash("hwprobe --sim pci show 00:03") == ["03.0"]  # behind the colon
    assert in_bash("hwprobe pci ls --col") == ["--color="]
    assert in_bash("hwprobe pci ls --color=al") == ["always"]
    assert in_bash("hwprobe --sim pci get 00:03.0 DevCtl.MaxP") == ["DevCtl.MaxPayload"]
    with tempfile.TemporaryDirectory() as folder:
        for name in ["one.conf", "two words.conf"]:
            open(os.path.join(folder, name), "w", encoding="utf-8").close()
        os.mkdir(os.path.join(folder, "inner"))
        assert f"{folder}/two words.conf" in in_bash(f"hwprobe policy check {folder}/")
        assert in_bash(f"hwprobe --sysroot={folder}/i") == [f"{folder}/inner"]
        assert in_bash(f"hwprobe policy import {folder}/one") == [f"{folder}/one.conf"]


def test_bash_is_driven_as_by_a_person():
    """Tab itself, in an interactive shell on a terminal."""
    import pty  # pylint: disable=import-outside-toplevel
    import select
    import time
    folder = os.path.dirname(HWPROBE)
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(PS1="ready> ", TERM="dumb", PATH=f"{folder}:{os.environ['PATH']}")
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    seen = ""

    def wait_for(what):
        nonlocal seen
        end = time.monotonic() + 60
        while what not in seen:
            assert time.monotonic() < end, (what, seen)
            if select.select([fd], [], [], 1)[0]:
                seen += os.read(fd, 4096).decode(errors="replace")
        seen = seen.split(what, 1)[1]

    wait_for("ready> ")
    os.write(fd, b"source <(hwprobe completion bash)\n")
    wait_for("ready> ")
    os.write(fd, b"hwprobe --sim pci sh\t00:03\t--js\t\n")
    wait_for("show 00:03.0 --json")
    wait_for('"schema_version"')
    os.write(fd, b"exit\n")
    os.waitpid(pid, 0)
    os.close(fd)


def shell_reads(shell, *arguments):
    if not shutil.which(shell):
        raise tap.Skip(shell, f"no {shell} here")
    with tempfile.NamedTemporaryFile("w", suffix="." + shell) as file:
        script = run(HWPROBE, "completion", shell)
        assert script.returncode == 0 and "hwprobe complete" not in script.stderr, script
        file.write(script.stdout)
        file.flush()
        result = run(shell, *arguments, file.name)
        assert result.returncode == 0 and not result.stderr, result


def test_bash_reads_its_script():
    shell_reads("bash", "-n")


def test_zsh_reads_its_script():
    shell_reads("zsh", "-n")


def test_fish_reads_its_script():
    shell_reads("fish", "-n")


def test_fish_completes():
    if not shutil.which("fish"):
        raise tap.Skip("fish", "no fish here")
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(HWPROBE, os.path.join(folder, "hwprobe"))
        result = run("fish", "-N", "-c", "hwprobe completion fish | source; complete -C 'hwprobe policy li'",
                     env={**os.environ, "PATH": folder + ":" + os.environ["PATH"], "HOME": folder})
        assert result.stdout.startswith("lint\trules"), result


def test_other_shells_are_refused():
    result = run(HWPROBE, "completion", "tcsh")
    assert result.returncode == 2 and "tcsh" in result.stderr and result.stderr.count("\n") == 1
    assert run(HWPROBE, "completion").returncode == 2


tap.main(dict(globals()))
