#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe on a terminal, as a person has it: pages, questions, keys. Arguments: hwprobe.

What the screens show is kept in golden/; HWS_GOLDEN=write keeps it anew, to be looked at and committed.
"""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import screen
import tap
from screen import Screen, matches
from tap import run

HWPROBE = sys.argv[1]
with open(os.path.join(screen.GOLDEN, "snapshot.json"), encoding="ascii") as kept:
    FIRST = json.load(kept)
WRITES = ["--grant", "msr = * rw danger"]


def second():
    """The same context, two seconds later."""
    snapshot = json.loads(json.dumps(FIRST))
    snapshot["time_ns"] += 2 * 10**9
    snapshot["clock_ns"] += 2 * 10**9
    snapshot["denials"]["guard"] += 10
    snapshot["rings"]["uring"]["submitted"] += 3000
    snapshot["rings"]["uring"]["delivered"] += 1500
    snapshot["rings"]["uring"]["orphans"] = 0
    snapshot["caps"]["dma"]["used"] = 1000000
    return snapshot


class Watched:
    """The file of a program that is watched: always whole, as a program must keep it."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "state")
        self.put(FIRST)

    def put(self, snapshot):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            json.dump(snapshot, file)
        os.rename(self.path + ".new", self.path)


def watch(screen_, watched, *options, **environment):
    screen_.run([HWPROBE, "stat", "--watch", "--interval", "600", "--from", watched.path, *options],
                **{"NO_COLOR": "1", **environment})
    return screen_.until("q quits")


def test_page_shows_what_is_going_on():
    watched = Watched()
    with Screen(80, 24) as terminal:
        watch(terminal, watched)
        terminal.shows("watch-80x24")
        watched.put(second())
        terminal.keys("Space")
        terminal.until("22:13:22")
        terminal.shows("watch-80x24-later")
        terminal.keys("q")
        code, text = terminal.ended()
        assert code == 0 and text.strip() == "", (code, text)


def test_page_follows_the_terminals_size():
    watched = Watched()
    with Screen(40, 12) as terminal:
        watch(terminal, watched)
        terminal.shows("watch-40x12")
        terminal.resize(80, 24)
        terminal.shows("watch-80x24")
        terminal.resize(120, 30)
        terminal.shows("watch-120x30")
        terminal.resize(20, 4)
        text = terminal.until("q quits")
        assert len(text.splitlines()) <= 4 and max(map(len, text.splitlines())) <= 20, text
        terminal.resize(40, 12)
        terminal.shows("watch-40x12")
        terminal.keys("q")
        assert terminal.ended()[0] == 0


def test_page_without_unicode_is_ascii():
    watched = Watched()
    with Screen(80, 24) as terminal:
        text = watch(terminal, watched, LC_ALL="C")
        assert text.isascii() and "[##" in text, text
        terminal.keys("q")
        terminal.ended()


def test_every_way_out_leaves_the_terminal_as_it_was():
    watched = Watched()
    with Screen(80, 24) as terminal:
        for key in ["q", "Q", "C-c"]:
            watch(terminal, watched)
            terminal.keys(key)
            code, text = terminal.ended()
            assert code == 0 and "q quits" not in text, (key, code, text)
        watch(terminal, watched)
        with open(watched.path, "w", encoding="ascii") as file:
            file.write("{}")
        terminal.keys("Space")
        code, text = terminal.ended()
        assert code == 1 and "no snapshot" in text, (code, text)
        os.unlink(watched.path)
        terminal.run([HWPROBE, "stat", "--watch", "--from", watched.path])
        code, text = terminal.ended()
        assert code == 3 and "No such file" in text, (code, text)


def test_page_survives_the_background():
    watched = Watched()
    with Screen(80, 24) as terminal:
        terminal.keys("set -m", "Enter")
        watch(terminal, watched)
        terminal.keys("C-z")
        terminal.until("Stopped")
        assert "q quits" not in terminal.text()
        terminal.keys("clear; fg", "Enter")
        terminal.until("q quits", "mmio-read")
        terminal.keys("q")


def test_own_context_is_watched_too():
    with Screen(80, 24) as terminal:
        terminal.run([HWPROBE, "--sim", "stat", "--watch", "-i", "0.1"], NO_COLOR="1")
        terminal.until("sim", "4 rules", "In use by the whole system", "cpuid")
        terminal.keys("q")
        assert terminal.ended()[0] == 0


def test_frame_is_one_write():
    """Over a slow line nothing half drawn is seen, and what stays the same does not flicker."""
    if run("strace", "-o", "/dev/null", "true").returncode:
        raise tap.Skip("strace", "no process can be traced here")
    watched = Watched()
    with Screen(80, 24) as terminal, tempfile.NamedTemporaryFile("r") as trace:
        terminal.run(["strace", "-qq", "-s", "9999", "-e", "trace=write", "-o", trace.name, HWPROBE, "stat", "--watch",
                      "-i", "0.1", "--times", "3", "--from", watched.path], ASAN_OPTIONS="detect_leaks=0")
        assert terminal.ended()[0] == 0
        frames = [line for line in trace.read().splitlines() if line.startswith('write(1, "\\33[H')]
    assert len(frames) == 3, frames
    assert all("\\33[2J" not in frame and frame.count("\\33[K") >= 23 for frame in frames), frames


def test_page_on_a_terminal_that_nobody_reads_can_be_ended():
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(HWPROBE, [HWPROBE, "stat", "--sim", "-w", "-i", "0.05"])
    os.read(fd, 1)
    last, when = "", time.monotonic()
    while time.monotonic() < when + 1:  # it is stuck when it wakes no more
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            waits = re.search(r"\nvoluntary_ctxt_switches:\t(\d+)", file.read())[1]
        if waits != last:
            last, when = waits, time.monotonic()
        time.sleep(0.1)
    os.kill(pid, signal.SIGTERM)
    timer = threading.Timer(20, os.kill, (pid, signal.SIGKILL))
    timer.start()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    timer.cancel()
    os.close(fd)
    assert code == 0, code


def test_color_is_on_terminals_only():
    watched = Watched()
    with Screen(80, 24) as terminal:
        for environment, colored in [({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)]:
            watch(terminal, watched, **environment)
            assert ("\033[31m" in terminal.tmux("capture-pane", "-p", "-e")) == colored, environment
            terminal.keys("q")
            terminal.ended()


def test_without_a_terminal_it_is_lines():
    watched = Watched()
    result = run(HWPROBE, "stat", "-w", "-i", "0.05", "--times", "3", "--from", watched.path)
    assert result.returncode == 0 and "\033" not in result.stdout, result
    assert result.stdout.count("caps.dma.used") == 3, result
    result = run(HWPROBE, "stat", "-w", "-i", "0.05", "--times", "3", "--from", watched.path, "--json")
    assert [json.loads(line)["pid"] for line in result.stdout.splitlines()] == [4242] * 3, result
    with subprocess.Popen([HWPROBE, "--sim", "stat", "-w", "--openmetrics"], stdout=subprocess.PIPE) as watcher:
        watcher.stdout.readline()
        watcher.terminate()
        assert watcher.stdout.read().endswith(b"# EOF\n") and watcher.wait() == 0


def test_garbage_is_refused():
    garbage = [(["-w", "-i", "0"], "'0'"), (["-w", "-i", "1e3"], "1e3"), (["-w", "-i", "."], "'.'"),
               (["-w", "-i", "-1"], "-1"), (["-w", "-i", "0.01"], "0.01"), (["-w", "-i", "99999"], "99999"),
               (["-w", "-i", "0.1234"], "0.1234"), (["-i", "1"], "--watch"), (["--from", "x", "--openmetrics"], "--from")]
    for arguments, word in garbage:
        result = run(HWPROBE, "stat", *arguments)
        assert result.returncode == 2 and word in result.stderr and result.stderr.count("\n") == 1, result
    for text in ["", "[]", "{", '{"schema_version": 2}', "\0", '{"schema_version": 1, "caps": 7, "guards": [], '
                 '"denials": {"x": {}}, "rings": null, "backend": {"a": 1}}']:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            result = run(HWPROBE, "stat", "--from", file.name)
            assert result.returncode == (0 if "caps" in text else 1), result
            with Screen(80, 24) as terminal:
                terminal.run([HWPROBE, "stat", "-w", "--times", "1", "--from", file.name])
                assert terminal.ended()[0] == result.returncode, text


def test_write_asks_first():
    answers = [("y", 0), ("Y", 0), ("yes", 0), ("n", 1), ("", 1), ("maybe", 1), ("C-d", 1)]
    with Screen(80, 24) as terminal:
        for number, (answer, code) in enumerate(answers):
            terminal.run([HWPROBE, "--sim", *WRITES, "msr", "wr", "0x199", "0x1200"])
            terminal.until("[y/N]")
            terminal.keys(*([answer] if answer.startswith("C-") else [answer, "Enter"] if answer else ["Enter"]))
            got, text = terminal.ended()
            assert got == code, (answer, got, text)
            if number in (0, 3):
                matches(f"write-{answer}", text)
        terminal.run([HWPROBE, "--sim", *WRITES, "msr", "wr", "0x199", "0x1200"])
        terminal.until("[y/N]")
        terminal.keys("C-c")
        terminal.until("^Cended 130")


def test_restore_shows_and_asks():
    saved = json.loads(run(HWPROBE, "--sim", "snapshot", "save", "msr=0x199,0x610", "-p", "0-1").stdout)
    saved["registers"][0]["value"] = "0x0000000000001200"
    with tempfile.TemporaryDirectory() as directory, Screen(100, 24) as terminal:
        path = os.path.join(directory, "saved")
        with open(path, "w", encoding="ascii") as file:
            json.dump(saved, file)
        for answer, code in [("y", 0), ("n", 1)]:
            terminal.run([HWPROBE, "--sim", *WRITES, "snapshot", "restore", "--verify", path])
            terminal.until("[y/N]")
            terminal.keys(answer, "Enter")
            got, text = terminal.ended()
            assert got == code, (got, text)
            matches(f"restore-{answer}", text)


def test_doctor_fits_the_terminal():
    with tempfile.TemporaryDirectory() as directory, Screen(80, 66) as terminal:
        for name, content in {"proc/sys/kernel/arch": "x86_64\n", "proc/cpuinfo": "vendor_id\t: GenuineIntel\n",
                              "proc/self/status": "Uid:\t1000\nCapEff:\t0\n",
                              "sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
                              # else its cure names where this build installs the helper
                              "usr/lib/systemd/system/hwsafe-helper.socket": ""}.items():
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write(content)
        terminal.run([HWPROBE, "--sysroot", directory], NO_COLOR="1")
        code, text = terminal.ended()
        assert code == 0, text
        matches("doctor-80", text)
        terminal.run([HWPROBE, "--sysroot", directory])
        terminal.ended()
        assert "\033[31m" in terminal.tmux("capture-pane", "-p", "-e")


def test_picture_that_differs_is_a_failure():
    try:
        matches("write-n", "something else\n")
    except AssertionError as difference:
        assert "+something else" in str(difference)
    else:
        assert False, "the difference was not seen"


if screen.WRITE:
    del test_picture_that_differs_is_a_failure
tap.main(dict(globals()))
