#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe audit, stat, restore and last-words. Arguments: hwprobe, leave."""
import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time

import tap
from tap import journal_of, run

HWPROBE, LEAVE = sys.argv[1:3]
BAR = "bar 0000:00:02.0 0 0x10 4 0 %s %s"
GRANT = ("--sim", "--grant", "bar = * * rw claimed")


class Left:
    """What a program left behind, in a tree."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.trail = os.path.join(self.directory.name, "trail")
        self.words = os.path.join(self.directory.name, "words")
        assert self.work().returncode == 0

    def work(self):
        return run(LEAVE, self.trail, self.words)

    def run(self, area, *arguments):
        return run(HWPROBE, area, *arguments)

    def journal(self, old, new):
        path = os.path.join(self.directory.name, "journal")
        with open(path, "w", encoding="ascii") as file:
            file.write(journal_of(BAR % (old, new)))
        os.chmod(path, 0o600)
        return path


def assert_one_line(result, code, *words):
    assert result.returncode == code, result
    assert not result.stdout, result
    assert result.stderr.startswith("hwprobe: ") and result.stderr.count("\n") == 1, result
    assert all(word in result.stderr for word in words), result


def on_terminal(arguments, typed, lines=24):
    """What a person sees who types that, and the exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["LINES"] = str(lines)
        os.execv(HWPROBE, [HWPROBE, *arguments])
    text = b""
    os.write(fd, typed)
    try:
        while chunk := os.read(fd, 65536):
            text += chunk
    except OSError:  # EIO: the other side is closed
        pass
    os.close(fd)
    return text.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_verify_is_silent_about_an_intact_trail():
    left = Left()
    result = left.run("audit", "verify", left.trail)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    document = json.loads(left.run("audit", "verify", "--json", left.trail).stdout)
    assert document["intact"] is True and document["findings"] == []


def test_verify_tells_what_was_changed():
    left = Left()
    with open(left.trail, encoding="ascii") as file:
        text = file.read()
    with open(left.trail, "w", encoding="ascii") as file:
        file.write(text.replace("no-rule", "no-ruIe"))
    result = left.run("audit", "verify", left.trail)
    assert result.returncode == 8 and "trail:3: broken:" in result.stdout, result
    result = left.run("audit", "verify", "--json", left.trail)
    document = json.loads(result.stdout)
    assert result.returncode == 8 and document["intact"] is False
    assert document["findings"][0]["line"] == 3


def test_verify_needs_the_right_key():
    left = Left()
    key = os.path.join(left.directory.name, "key")
    with open(key, "wb") as file:
        file.write(b"k" * 16)
    assert left.run("audit", "verify", "--key", key, left.trail).returncode == 8
    with open(key, "wb") as file:
        file.write(b"k" * 15)
    assert_one_line(left.run("audit", "verify", "--key", key, left.trail), 2, key, "16")
    assert_one_line(left.run("audit", "verify", "--key", "/nowhere", left.trail), 3, "/nowhere")


def test_query_filters():
    left = Left()
    lines = left.run("audit", "query", left.trail).stdout.splitlines()
    assert len(lines) == 2 and " port 0x80 " in lines[1] and "no-rule" in lines[1], lines
    for arguments, count in [(("--level", "error"), 1), (("--kind", "port,msr"), 2),
                             (("--kind", "msr"), 0), (("--reason", "no-rule"), 1),
                             (("--type", "policy"), 0), (("--since", "0"), 2),
                             (("--since", "2200-01-01T00:00:00Z"), 0)]:
        result = left.run("audit", "query", left.trail, *arguments)
        assert result.returncode == 0 and len(result.stdout.splitlines()) == count, \
            (arguments, result)


def test_query_shows_text_without_its_control_characters():
    """Whoever wrote the file wrote it for a terminal, perhaps."""
    left = Left()
    with open(left.trail, encoding="ascii") as file:
        text = file.read()
    lines = text.splitlines()
    assert '"uid":' in lines[-1] and '"text":' not in lines[-1], lines
    lines[-1] = lines[-1].replace('"uid":', '"text":"\\u001b[2J\\u000ahello","uid":', 1)
    with open(left.trail, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    result = left.run("audit", "query", left.trail)
    assert result.returncode == 0 and result.stdout.endswith(" ?[2J?hello\n"), result


def test_query_has_a_document_and_a_sysroot():
    left = Left()
    result = run(HWPROBE, "audit", "query", "--json", "--sysroot", left.directory.name, "/trail")
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1 and len(document["events"]) == 2
    assert document["events"][1]["reason"] == "no-rule"
    assert document["events"][1]["first"] == "0x80"


def test_tail_shows_the_last():
    left = Left()
    left.work()
    result = left.run("audit", "tail", "-n", "1", left.trail)
    assert result.stdout.count("\n") == 1 and " 0x80 " in result.stdout, result
    assert left.run("audit", "tail", left.trail).stdout.count("\n") == 4


def test_tail_follows():
    left = Left()
    with subprocess.Popen([HWPROBE, "audit", "tail", "-n", "1", "-f", left.trail],
                          stdout=subprocess.PIPE, text=True) as follower:
        first = follower.stdout.readline()
        left.work()
        more = [follower.stdout.readline() for _ in range(2)]
        follower.terminate()
        rest = follower.stdout.read()
    assert " 0x80 " in first and " 0x70-0x71 " in more[0] and " 0x80 " in more[1], more
    assert not rest, rest


class Follower:
    """hwprobe audit tail -f of a trail: what it adds is read as it comes, or is "" after a while."""

    def __init__(self, trail):
        self.process = subprocess.Popen([HWPROBE, "audit", "tail", "-n", "1", "-f", trail], stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.timer = threading.Timer(30, self.process.kill)
        self.timer.start()

    def next(self):
        return self.process.stdout.readline()

    def end(self):
        self.timer.cancel()
        self.process.terminate()
        rest = self.process.stdout.read()
        self.process.wait()
        return rest


def test_tail_follows_whatever_the_clock_does():
    left = Left()
    with open(left.trail, encoding="ascii") as file:
        lines = file.readlines()

    def of_year(year):
        return re.sub(r'"time":"20\d\d', f'"time":"{year}', lines[-1])

    follower = Follower(left.trail)
    with open(left.trail, "a", encoding="ascii") as file:
        file.write(of_year(2001))
    came = [follower.next()]
    # the file is rotated; then it goes, with all that was shown
    for year in 2003, 2002:
        if year == 2003:
            os.rename(left.trail, left.trail + ".1")
        else:
            os.unlink(left.trail + ".1")
        with open(left.trail + ".new.tmp", "w", encoding="ascii") as file:
            file.write(lines[0] + of_year(year))
        os.rename(left.trail + ".new.tmp", left.trail)
        came.append(follower.next())
    assert not follower.end()
    assert [line[:5] for line in came] == ["2001-", "2003-", "2002-"], came


def test_audit_refuses_garbage():
    left = Left()
    for arguments, code, word in [
            (("query",), 2, "FILE"), (("query", "/nowhere"), 3, "/nowhere"),
            (("query", left.trail, "--level", "frob"), 2, "frob"),
            (("query", left.trail, "--kind", "port,"), 2, "''"),
            (("query", left.trail, "--since", "noon"), 2, "noon"),
            (("query", left.trail, "--since", "-1"), 2, "-1"),
            (("query", left.trail, "--since", "1969-12-31T23:59:59Z"), 2, "1969"),
            (("query", left.trail, "--since", "2900-01-01T00:00:00Z"), 2, "2900"),
            (("query", left.trail, "--kind", "po\nrt"), 2, "'po?rt'"),
            (("tail", left.trail, "-n", "x"), 2, "'x'"), (("tail", left.trail, "-n", "0"), 2, "0"),
            (("tail", left.trail, "-f", "--json"), 2, "--follow"), (("frob",), 2, "tail"),
            (("verify", "/nowhere"), 3, "/nowhere")]:
        assert_one_line(left.run("audit", *arguments), code, word)


def test_file_that_cannot_be_read_is_no_denial():
    left = Left()
    nobody = tap.Nobody(HWPROBE)
    os.chmod(left.directory.name, 0o755)
    for path in left.trail, left.words:
        os.chmod(path, 0o000)
    if os.getuid():
        return
    for words in ("audit", "query"), ("audit", "tail"), ("audit", "verify"):
        assert_one_line(nobody.run(*words, left.trail), 5, left.trail)
    assert_one_line(nobody.run("last-words", left.words), 5, left.words)


def test_last_words_name_what_never_ended():
    left = Left()
    assert left.run("last-words", left.words).stdout == ""
    result = left.run("last-words", "--all", left.words)
    assert result.returncode == 0 and "port 0x71 read" in result.stdout, result
    document = json.loads(left.run("last-words", "-aj", left.words).stdout)
    assert document["last_words"][0]["over"] is True
    assert_one_line(left.run("last-words", "/nowhere"), 3, "/nowhere")
    assert_one_line(left.run("last-words", left.trail), 1, left.trail)
    assert_one_line(left.run("last-words"), 2, "FILE")


def test_stat_has_three_forms():
    text = run(HWPROBE, "stat", "--sim")
    assert text.returncode == 0 and not text.stderr, text
    assert any(line.split() == ["backend", "sim"] for line in text.stdout.splitlines()), text
    document = json.loads(run(HWPROBE, "stat", "--sim", "--json").stdout)
    assert document["schema_version"] == 1 and document["backend"] == "sim"
    metrics = run(HWPROBE, "stat", "--sim", "--openmetrics").stdout
    assert metrics.endswith("# EOF\n") and "# TYPE " in metrics
    strict = run(HWPROBE, "stat", "--sim", "--openmetrics", "--strict").stdout
    assert strict.endswith("# EOF\n") and strict != metrics


def fill(fd):
    """How many bytes wait to be read."""
    return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_stat_watches():
    result = run(HWPROBE, "stat", "--sim", "--json", "--watch", "--times", "2")
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(documents) == 2 and documents[0]["clock_ns"] < documents[1]["clock_ns"], documents
    text, code = on_terminal(["stat", "--sim", "--watch", "--times", "1"], b"")
    assert code == 0 and text.startswith("\033[?1049h") and "Capacities" in text, text
    assert text.endswith("\033[?25h\033[?1049l"), text
    assert "\033" not in run(HWPROBE, "stat", "--sim", "-w", "--times", "1").stdout
    with subprocess.Popen([HWPROBE, "stat", "--sim", "-w"], stdout=subprocess.PIPE) as watcher:
        watcher.stdout.readline()
        time.sleep(0.2)
        watcher.send_signal(signal.SIGINT)
        watcher.stdout.read()
    assert watcher.returncode == 0, watcher.returncode


def test_stat_into_a_pipe_that_nobody_reads_can_be_ended():
    for forms in [], ["--json"], ["--openmetrics"]:
        reader, writer = os.pipe()
        with subprocess.Popen([HWPROBE, "stat", "--sim", "-w", "-i", "0.05", *forms], stdout=writer) as watcher:
            os.close(writer)
            before = 0
            while not before or fill(reader) != before:  # it is stuck when no more comes
                before = fill(reader)
                time.sleep(0.5)
            watcher.terminate()
            try:
                code = watcher.wait(20)
            except subprocess.TimeoutExpired:
                watcher.kill()
                raise
        os.close(reader)
        assert code == 0, (forms, code)


def test_stat_reads_no_file_without_end():
    for name, code, word in [("/dev/zero", 1, "too large"), ("/nowhere", 3, "No such"), ("/dev/null", 1, "no snapshot"),
                             ("/", 1, "directory")]:
        assert_one_line(run(HWPROBE, "stat", "--from", name), code, word)


def test_stat_refuses_garbage():
    for arguments, word in [(("--times", "1"), "--watch"), (("-w", "-i", "x"), "'x'"),
                            (("-w", "-i", "0"), "0.05"), (("--json", "--openmetrics"), "--json"),
                            (("--strict",), "--openmetrics"), (("extra",), "extra")]:
        assert_one_line(run(HWPROBE, "stat", "--sim", *arguments), 2, word)


def test_restore_shows_and_restores():
    left = Left()
    journal = left.journal("0x0", "0x33")
    result = left.run("restore", *GRANT, "-n", journal)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    change, = json.loads(left.run("restore", *GRANT, "-n", "--json", journal).stdout)["changes"]
    assert change["end"] == "already" and change["written"] is False, change
    assert os.path.exists(journal)
    result = left.run("restore", *GRANT, "-y", journal)
    assert result.returncode == 0 and not os.path.exists(journal), result


def test_restore_leaves_what_was_changed_unless_forced():
    left = Left()
    journal = left.journal("0x1", "0x33")
    result = left.run("restore", *GRANT, "-y", journal)
    assert_one_line(result, 9, "0000:00:02.0:0+0x10", "somebody else wrote 0x0", "--force")
    assert os.path.exists(journal)
    result = left.run("restore", *GRANT, "-n", "--force", "--json", journal)
    change, = json.loads(result.stdout)["changes"]
    assert change["end"] == "would-restore" and change["written"] is False, change
    assert (change["name"], change["old"], change["new"]) == ("0000:00:02.0:0+0x10", "0x00000000", "0x00000001")
    result = left.run("restore", *GRANT, "-n", "--force", journal)
    assert result.stdout == "0000:00:02.0:0+0x10 0x00000000->(0x00000001:0xffffffff)->0x00000001\n", result
    result = left.run("restore", *GRANT, "-y", "--force", "--json", journal)
    change, = json.loads(result.stdout)["changes"]
    assert change["end"] == "restored" and change["written"] is True, change
    assert not os.path.exists(journal)


def test_restore_verifies_what_it_wrote():
    """The machine's register keeps other bits than those that are written."""
    left = Left()
    journal = left.journal("0x1", "0x33")
    with open(journal, "w", encoding="ascii") as file:
        file.write(journal_of("bar 0000:00:04.0 0 0x24 4 0 0xffffffff 0x0"))
    result = left.run("restore", *GRANT, "-y", "--verify", journal)
    assert_one_line(result, 8, "0000:00:04.0:0+0x24", "stands there, not 0xffffffff")
    assert os.path.exists(journal)


def test_restore_asks_the_policy():
    left = Left()
    journal = left.journal("0x1", "0x33")
    result = left.run("restore", "--sim", "-y", "--force", journal)
    assert_one_line(result, 4, "0000:00:02.0:0+0x10")
    change, = json.loads(left.run("restore", "--sim", "-y", "--json", journal).stdout)["changes"]
    assert (change["end"], change["error"], change["old"]) == ("failed", "EACCES", None), change
    assert os.path.exists(journal)


def test_restore_asks_a_person():
    left = Left()
    journal = left.journal("0x1", "0x33")
    arguments = ["restore", *GRANT, "--force", journal]
    text, code = on_terminal(arguments, b"n\n")
    assert code == 1 and ")->0x00000001" in text and "nothing was written" in text, text
    assert os.path.exists(journal)
    text, code = on_terminal(arguments, b"y\n")
    assert code == 0 and "write 1 old value back? [y/N]" in text and not os.path.exists(journal), text


def test_restore_refuses_garbage():
    left = Left()
    journal = left.journal("0x1", "0x33")
    result = left.run("restore", *GRANT, "--force", journal)
    assert result.returncode == 2 and "-y" in result.stderr and os.path.exists(journal), result
    assert_one_line(left.run("restore", "--sim", "-y", "/nowhere"), 3, "/nowhere")
    assert_one_line(left.run("restore"), 2, "JOURNAL")
    assert_one_line(left.run("restore", "--sim", "-y", left.trail), 1, left.trail)
    os.chmod(journal, 0o622)
    assert_one_line(left.run("restore", *GRANT, "-y", journal), 5, "written by others")


tap.main(dict(globals()))
