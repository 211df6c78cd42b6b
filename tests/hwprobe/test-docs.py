#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documents show is so: policies are read, descriptions load, commands are known, and what the
front page prints is printed. Programs in C are test-docs's. Arguments: hwprobe, helper, the source tree."""
import glob
import os
import re
import shlex
import sys
import tempfile

import tap
from tap import run

HWPROBE, HELPER, SOURCE = map(os.path.abspath, sys.argv[1:4])
KINDS = {"c", "console", "policy", "regs", "sh", "sim", "synopsis", "text", "yaml"}
# what the documents have other programs do, and these are told to do what their own manuals say
OTHERS = {"bpftrace", "cc", "curl", "docker", "install", "jq", "minisign", "perf", "setcap", "sysctl",
          "systemctl", "systemd-sysusers"}


def documents():
    names = sorted(glob.glob(os.path.join(SOURCE, "docs/*.md"))) + glob.glob(os.path.join(SOURCE, "*.md"))
    for name in names:
        with open(name, encoding="utf-8") as file:
            yield os.path.relpath(name, SOURCE), file.read()


def blocks(*kinds):
    """Document, kind and text of each block of these kinds; of all if none is named."""
    for name, text in documents():
        for kind, block in re.findall(r"^```(.*)\n((?:.*\n)*?)^```$", text, re.M):
            if not kinds or kind in kinds:
                yield name, kind, block


def test_every_block_says_what_it_is():
    found = list(blocks())
    assert len(found) >= 25, len(found)
    for name, kind, block in found:
        assert kind in KINDS, (name, kind, block)


def test_policies_are_policies():
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "etc"))
        path = os.path.join(root, "etc/a.conf")
        for name, line in [("passwd", "fan:x:700:700::/:/bin/sh\nalice:x:701:701::/:/bin/sh\n"),
                           ("group", "fan:x:700:\ni2c:x:702:\n")]:
            with open(os.path.join(root, "etc", name), "w", encoding="utf-8") as file:
                file.write(line)
        found = list(blocks("policy"))
        assert len(found) >= 7, found
        for name, _, block in found:
            with open(path, "w", encoding="utf-8") as file:
                file.write(block)
            result = run(HWPROBE, "policy", "check", "--sysroot", root, "/etc/a.conf")
            assert (result.returncode, result.stderr) == (0, ""), (name, block, result)


def test_descriptions_load():
    for kind, words in [("sim", ["sim", "check"]),
                        ("regs", ["--sim", "snapshot", "save", "bar=00:05.0:0", "--registers"])]:
        for name, _, block in blocks(kind):
            with tempfile.NamedTemporaryFile("w", suffix="." + kind) as file:
                file.write(block)
                file.flush()
                result = run(HWPROBE, *words, file.name)
                assert (result.returncode, result.stderr) == (0, ""), (name, result)


def commands():
    """Document and words of each command that a document shows, in blocks or in a line of text."""
    for name, _, block in blocks("sh"):
        for line in re.sub(r"'[^']*'", lambda quoted: quoted[0].replace("\n", " "), block).splitlines():
            yield name, line
    for name, _, block in blocks("console"):
        for line in re.findall(r"^[$#] (.*)$", block, re.M):
            yield name, line
    for name, text in documents():
        for line in re.findall(r"`((?:hwprobe|hwsafe-helper|\./dev) [^`]*)`", re.sub(r"\n", " ", text)):
            yield name, line


def known_to(program, *words):
    return set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", run(program, *words, "--help").stdout))


def test_commands_are_known():
    areas = set(re.findall(r"^  ([a-z][a-z-]*)(?: |$)", run(HWPROBE, "--help").stdout, re.M))
    serve = set(re.findall(r"--[a-z-]+", run(HELPER, "serve", "--frob").stderr))
    dev = run(os.path.join(SOURCE, "dev"), "help").stdout
    seen = 0
    for name, line in commands():
        words = shlex.split(line, comments=True)
        if not words or words[0] in OTHERS:
            continue
        seen += 1
        told = words[1] if len(words) > 1 else ""
        if words[0] == "./dev":
            assert re.search(rf"^  {re.escape(told)}\b", dev, re.M) or told == "help", (name, line)
        elif words[0] == "hwsafe-helper":
            assert set(re.findall(r"(?<= )--?[a-z-]+", line.split(" -- ")[0])) <= \
                known_to(HELPER) | serve | {"--policy"}, (name, line)
        else:
            assert words[0] == "hwprobe", (name, line)
            plain = [word for before, word in zip(words, words[1:]) if not word.startswith("-") and
                     before not in ("--grant", "--sysroot")]
            # behind --as stands another program's line
            assert "--as" in words or (plain[0] in areas if plain else told in known_to(HWPROBE)), (name, line)
    assert seen >= 20, seen


def test_the_readme_prints_what_is_printed():
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        block, = re.findall(r"^```console\n(\$ hwprobe .*?)^```$", file.read(), re.M | re.S)
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(HWPROBE, os.path.join(folder, "hwprobe"))
        env = {**os.environ, "PATH": folder + ":" + os.environ["PATH"]}
        for command, printed in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.M):
            result = run("bash", "-c", command, env=env)
            assert result.stdout + result.stderr == printed, (command, result)


tap.main(dict(globals()))
