#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual: it says what the programs say, and its examples work. Arguments: hwprobe, helper,
version, docs/man."""
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import tap
from tap import run

HWPROBE, HELPER, VERSION, MAN = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), \
    sys.argv[3], os.path.abspath(sys.argv[4])
EXPAND = {"__name__": "expand"}
with open(os.path.join(MAN, "expand"), encoding="utf-8") as _file:
    exec(compile(_file.read(), "expand", "exec"), EXPAND)  # pylint: disable=exec-used

WORD = r"(?<![\w-])(--[a-z][a-z0-9-]*)"


def sources():
    return {os.path.basename(path)[:-4]: path for path in sorted(glob.glob(os.path.join(MAN, "*.scd")))}


def page(name):
    with open(sources()[name], encoding="utf-8") as file:
        return EXPAND["expand"](HWPROBE, VERSION, file.read())


def areas():
    found = {}
    for area, name, _, _ in EXPAND["commands"](HWPROBE):
        found.setdefault(area, []).append(name)
    return found


def options_of(*words):
    """The long options that a command's help has, the shared ones included."""
    return set(re.findall(WORD, run(HWPROBE, *words, "--help").stdout))


def examples(name):
    """The lines of the literal blocks."""
    for block in re.findall(r"^```\n(.*?)^```$", page(name), re.M | re.S):
        yield from block.splitlines()


def test_every_area_has_a_page():
    have = sources()
    for area in areas():
        if area in EXPAND["AT_HOME"]:
            continue
        assert f"hwprobe-{area}.1" in have, \
            f"hwprobe has the area '{area}': write docs/man/hwprobe-{area}.1.scd, and name it in its meson.build"
        assert f"@COMMANDS {area}@" in open(have[f"hwprobe-{area}.1"], encoding="utf-8").read(), area
    with open(os.path.join(MAN, "meson.build"), encoding="utf-8") as file:
        listed = re.findall(r"^  '([\w.-]+)',$", file.read(), re.M)
    assert sorted(listed) == sorted(have), set(listed) ^ set(have)


def test_pages_have_all_commands_and_options_and_no_others():
    home = page("hwprobe.1").replace("\\", "")
    everywhere = set()
    for area, names in areas().items():
        known = set()
        text = home if area in EXPAND["AT_HOME"] else page(f"hwprobe-{area}.1").replace("\\", "")
        for name in names:
            words = [area, name] if name else [area]
            assert f"*{' '.join(words)}*" in home, f"hwprobe(1) lacks '{' '.join(words)}'"
            assert area in EXPAND["AT_HOME"] or f"*hwprobe {' '.join(words)}*" in text, words
            of_command = options_of(*words)
            missing = of_command - options_of() - set(re.findall(WORD, text))
            assert not missing, f"the page of '{' '.join(words)}' lacks {missing}"
            known |= of_command
        everywhere |= known
        if area not in EXPAND["AT_HOME"]:
            extra = set(re.findall(WORD, text)) - known
            assert not extra, f"hwprobe-{area}(1) names {extra}, which no command of it has"
    assert options_of() <= set(re.findall(WORD, home))
    extra = set(re.findall(WORD, home)) - everywhere
    assert not extra, f"hwprobe(1) names {extra}, which no command has"


def test_exit_codes_are_all_there():
    text = page("hwprobe.1")
    for code, meaning in EXPAND["rows"](run(HWPROBE, "--help").stdout, "Exit codes"):
        assert f"*{code}*\n\t{meaning}\n" in text, code
    assert "*9*\n" in text


def helper_options():
    text = run(HELPER, "--help").stdout
    serve = run(HELPER, "serve", "--frob").stderr
    assert "known: " in serve, serve
    # the helper's own help doesn't have it: docs/helper.md does
    return set(re.findall(WORD, text + serve.split("known: ")[1])) | {"--policy"}


def test_the_helpers_page_says_what_its_help_says():
    text = page("hwsafe-helper.8")
    named = set(re.findall(WORD, text))
    assert named == helper_options(), named ^ helper_options()
    help_text = run(HELPER, "--help").stdout
    for command in re.findall(r"^  ([a-z][a-z-]*)\b", help_text.split("Commands:")[1].split("Exit codes")[0], re.M):
        assert f"*hwsafe-helper {command}*" in text, command
    for code, meaning in re.findall(r"^  (\d) (.+)$", help_text, re.M):
        assert f"*{code}*\n\t{meaning}\n" in text, code


def test_the_policys_page_has_every_word_of_the_format():
    """The parser's own errors tell what it knows."""
    text = page("hwsafe-policy.5")
    told = ""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        objects = {"port": "1", "msr": "1", "cpuid": "1", "pci": "*", "bar": "* 0", "dma": "*", "irq": "*",
                   "ring": "/a", "plugin": "/a"}
        lines = [f"{kind} = {what} frob" for kind, what in objects.items()]
        file.write("[a]\n" + "\n".join(lines) + "\nfrob = 1\n")
        file.flush()
        told = run(HWPROBE, "policy", "check", file.name).stderr.splitlines()
    assert len(told) == len(objects) + 1, told
    words = set()
    for line, kind in zip(told, list(objects) + [None]):
        expected = set(re.findall(r"[a-z][a-z0-9-]*", line.split("expected ", 1)[1]))
        words |= expected - {"or", "and", "a", "one", "of"}
        assert kind is None or f"*{kind}*\n" in text, kind
    assert {"danger", "cpus", "sha256", "last-words", "user", "deny"} <= words, words
    for word in words:
        assert re.search(rf"\*(?:[a-zA-Z ]+ )?{re.escape(word)}\b", text), f"hwsafe-policy(5) lacks '{word}'"
    for danger in re.findall(r"`(\w+)` \|", open(os.path.join(MAN, "../policy.md"), encoding="utf-8").read()
                             .split("| danger |")[1].split("\n\n")[0]):
        assert f"*{danger}*" in text, danger


def test_the_policys_example_is_one():
    block = re.search(r"^```\n(# /etc.*?)^```$", page("hwsafe-policy.5"), re.M | re.S).group(1)
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "etc"))
        for name, line in [("passwd", "fan:x:700:700::/:/bin/sh\n"), ("group", "fan:x:700:\n"), ("a.conf", block)]:
            with open(os.path.join(root, "etc", name), "w", encoding="utf-8") as file:
                file.write(line)
        result = run(HWPROBE, "policy", "check", "--sysroot", root, "/etc/a.conf")
        assert (result.returncode, result.stderr) == (0, ""), result


FILES = {
    "fan.conf": "[fan]\nuser = 0\nmsr = 0x610 rw, mask 0x7fff, value 0-0x320\nbar = 1234:11e8 0 0-0xff rw\n"
                "port = 0x2e-0x2f rw\n",
    "msr-safe.list": "0x10 0x0\n0x610 0x7fff\n",
    "steps": "wr io 0x80 0x12\nrd io 0x80\n",
    "allowed_controls": "MSR::PERF_CTL:FREQ\n",
}


def test_examples_on_the_simulated_machine_work():
    failed = []
    ran = 0
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(HWPROBE, os.path.join(folder, "hwprobe"))
        for name, text in FILES.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        env = {**os.environ, "PATH": folder + ":" + os.environ["PATH"]}
        for name in sources():
            for line in examples(name):
                if not line.startswith("$ hwprobe ") or not ("--sim" in line or " sim " in line):
                    continue
                command, _, told = line[2:].partition("  # exits ")
                result = run("bash", "-c", command, cwd=folder, env=env)
                if result.returncode != int(told or 0):
                    failed.append((name, line, result.returncode, result.stderr))
                ran += 1
    assert not failed, failed
    assert ran >= 35, ran


def test_examples_name_only_what_there_is():
    known = {tuple(filter(None, (area, name))) for area, name, _, _ in EXPAND["commands"](HWPROBE)}
    for name in sources():
        for line in examples(name):
            if not line.startswith("$ hwprobe"):
                continue
            words = shlex.split(line[2:].split("  # ")[0])[1:]
            if "--as" in words and words.index("--as") < 2:
                continue  # what follows is another program's
            while words and words[0].startswith("-"):
                words = words[2 if words[0] in ("--grant", "--sysroot") else 1:]
            assert not words or tuple(words[:2]) in known or tuple(words[:1]) in known, (name, line)


def test_pages_begin_with_examples():
    for name in sources():
        headings = re.findall(r"^# (.*)$", page(name), re.M)
        assert headings[:2] == ["NAME", "EXAMPLES"] and headings[-1] == "SEE ALSO", (name, headings)
        assert page(name).count("\t\t\t") < 1000 and re.search(r"^# NAME\n\n(\S+) - \S", page(name), re.M), name


def test_pages_name_only_pages_that_are_there():
    mine = {re.sub(r"\.(\d)$", r"(\1)", name) for name in sources()}
    for name in sources():
        for other in re.findall(r"\*((?:hwprobe|hwsafe|libhwsafe)[\w-]*)\*(\(\d\))", page(name)):
            assert "".join(other) in mine, (name, other)


def made(folder):
    """Every page, as scdoc makes it."""
    if not shutil.which("scdoc"):
        raise tap.Skip("scdoc", "no scdoc here")
    for name in sources():
        result = subprocess.run(["scdoc"], input=page(name), text=True, capture_output=True, check=False)
        assert result.returncode == 0 and not result.stderr, (name, result.stderr)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(result.stdout)
        yield os.path.join(folder, name)


def test_scdoc_makes_them_without_a_word():
    with tempfile.TemporaryDirectory() as folder:
        assert len(list(made(folder))) == len(sources())


def test_mandoc_finds_no_fault():
    if not shutil.which("mandoc"):
        raise tap.Skip("mandoc", "no mandoc here")
    with tempfile.TemporaryDirectory() as folder:
        for path in made(folder):
            result = run("mandoc", "-T", "lint", "-W", "warning", path)
            # what scdoc itself writes, and nobody can change in a page
            faults = [line for line in result.stdout.splitlines()
                      if not re.search(r"(skipping paragraph macro|lower case character in document title|"
                                       r"cannot parse date|missing date)", line)]
            assert not faults, faults


tap.main(dict(globals()))
