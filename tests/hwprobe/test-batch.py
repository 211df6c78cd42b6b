#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe batch and txn, and how all verbs that write do it. Arguments: hwprobe."""
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time

import tap
import trees
import verbs
from tap import journal_of, run

HWPROBE = sys.argv[1]
SIM = [HWPROBE, "--sim", *verbs.GRANTS]

GOOD = """\
# every verb and every kind
rd     io 0x71
wr     io 0x80 0x12           # quiet
poll   mem 00:04.0:CSTS.RDY 0 10ms
update mem 00:05.0:0+4 0x12:0xff
wr     msr IA32_PERF_CTL.Ratio 0x17
pause  1us
rd     pci 00:04.0 Command
rd     msr 0x198-0x199@0-1
rd     mem 00:05.0:0+4
"""
READ = ["port 0x71 0x56", "00:04.0:CSTS.RDY 0x00000000", "00:04.0 Command 0x0002", "cpu0 0x198 0x0000210000001800",
        "cpu0 0x199 0x0000000000001700", "cpu1 0x198 0x0000210000001800", "cpu1 0x199 0x0000000000001800",
        "00:05.0:0+0x4 0x12345612"]
FAILS = "wr mem 00:05.0:0+4 1\npoll mem 00:05.0:0+4 2 1ms\nrd io 0x71\n"


def steps(text, verb, *arguments, command=None, **options):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "steps")
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)
        result = run(*(command or SIM), *verb.split(), *arguments, path, **options)
    result.stderr = result.stderr.replace(path, "FILE")
    return result


def test_steps_are_done_in_order():
    for verb in ["batch", "txn"]:
        result = steps(GOOD, verb, "-y")
        assert (result.returncode, result.stdout.splitlines(), result.stderr) == (0, READ, ""), result
    assert steps(GOOD, "batch", "-y", "--verify").returncode == 0
    result = run(*SIM, "batch", "-", input="rd io 0x71\n", stdin=None)
    assert (result.returncode, result.stdout) == (0, "port 0x71 0x56\n"), result


def test_document_has_every_step():
    document = json.loads(steps(GOOD, "txn", "-y", "--json").stdout)
    done = document["steps"]
    assert document["schema_version"] == 1 and document["rolled_back"] is False
    assert [x["line"] for x in done] == [2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 10]
    assert [x["verb"] for x in done[:6]] == ["rd", "wr", "poll", "update", "update", "pause"]
    assert done[3]["old"] == "0x12345678" and done[5]["name"] is None
    assert {x["error"] for x in done} == {None}


def test_dry_run_shows_and_changes_nothing():
    for verb in ["batch", "txn"]:
        result = steps(GOOD, verb, "-n")
        assert result.returncode == 0 and "port 0x71 rd\n" in result.stdout, result
        assert "port 0x80 0x00->(0x12:0xff)->0x12\n" in result.stdout, result
        assert "00:05.0:0+0x4 0x12345678->(0x00000012:0x000000ff)->0x12345612\n" in result.stdout, result
    changes = json.loads(steps(GOOD, "batch", "-n", "--json").stdout)["changes"]
    assert [x["written"] for x in changes] == [False] * 3


def test_batch_that_stops_is_done_in_part():
    result = steps(FAILS, "batch", "-y")
    assert result.returncode == 9 and result.stdout == "", result
    assert result.stderr.startswith("hwprobe: FILE:2: 00:05.0:0+0x4: after 1000000 ns"), result
    result = steps(FAILS, "batch", "-y", "--keep-going")
    assert (result.returncode, result.stdout) == (9, "port 0x71 0x56\n"), result
    done = json.loads(steps(FAILS, "batch", "-y", "--json").stdout)["steps"]
    assert [x["error"] for x in done] == [None, "ETIME", "ECANCELED"], done


def test_transaction_that_stops_is_undone():
    result = steps(FAILS, "txn", "-y")
    assert result.returncode == 8 and "all is as it was before" in result.stderr, result
    assert json.loads(steps(FAILS, "txn", "-y", "--json").stdout)["rolled_back"] is True


def test_transaction_that_is_not_what_it_wrote_is_undone():
    """--verify: the register keeps other bits than those that are written."""
    text = "wr mem 00:05.0:0+4 1\nwr mem 00:04.0:0+0x24 0xffffffff\n"
    assert steps(text, "txn", "-y").returncode == 0
    result = steps(text, "txn", "-y", "--verify")
    assert result.returncode == 8 and "stands there, not 0xffffffff" in result.stderr, result
    assert result.stderr.endswith("hwprobe: all is as it was before\n"), result
    assert json.loads(steps(text, "txn", "-yr", "--json").stdout)["rolled_back"] is True


def test_transaction_is_not_left_in_the_middle():
    """Who interrupts it has it done or undone first: no journal is left."""
    with tempfile.TemporaryDirectory() as directory:
        path, journal = (os.path.join(directory, name) for name in ("steps", "journal"))
        for text, told in [(FAILS.replace("1ms", "700ms"), "all is as it was before"), ("wr io 0x80 1\npause 700ms\n", "")]:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            with subprocess.Popen([*SIM, "txn", "-y", "--journal", journal, path], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as process:
                while not os.path.exists(journal) and process.poll() is None:
                    time.sleep(0.01)
                process.send_signal(signal.SIGTERM)
                _, stderr = process.communicate(timeout=60)
            assert process.returncode == -signal.SIGTERM and told in stderr, (process.returncode, stderr)
            assert not os.path.exists(journal), (text, stderr)


def test_bits_that_a_one_clears_are_left_alone():
    """A field of a status register: what others stand there as ones is not written back."""
    if os.getuid():
        raise tap.Skip("root", "the built-in policy is root's")
    kept = []
    for words in [("pci", "set", "-y", "00:03.0", "Status.MasterParity=1"), ("batch", "-y"), ("txn", "-y")]:
        space = bytearray(trees.config(**trees.EDU))
        space[6:8] = b"\x00\xf9"
        with tempfile.TemporaryDirectory() as tree:
            trees.make(tree, {"0000:00:03.0": bytes(space)})
            if "no PCI" in run(HWPROBE, "--sysroot", tree, "pci", "ls").stderr:
                raise tap.Skip("native", "the native back end is the generic one here")
            command = [HWPROBE, "--sysroot", tree, "--grant", "pci = * rw"]
            result = run(*command, *words) if words[0] == "pci" else \
                steps("wr pci 00:03.0 Status.MasterParity 1\n", words[0], *words[1:], command=command)
            assert (result.returncode, result.stderr) == (0, ""), result
            with open(os.path.join(tree, "sys/bus/pci/devices/0000:00:03.0/config"), "rb") as file:
                kept.append(file.read()[6:8])
    assert kept == [b"\x00\x01"] * 3, kept


def test_journal_is_made_and_removed():
    with tempfile.TemporaryDirectory() as directory:
        journal = os.path.join(directory, "journal")
        for text in [GOOD, FAILS]:
            steps(text, "txn", "-y", "--journal", journal)
            assert not os.path.exists(journal)
        with open(journal, "w", encoding="ascii"):
            pass
        result = steps(GOOD, "txn", "-y", "--journal", journal)
        assert result.returncode == 1 and result.stdout == "", result


def test_nothing_is_done_when_one_is_refused():
    few = [HWPROBE, "--sim", "--grant", "port = 0x80 rw", "--grant", "port = 0x71 r", "--grant", "deny port = 0x72 w"]
    for verb in ["batch", "txn"]:
        result = steps("wr io 0x80 1\nrd io 0x71\nwr io 0x72 1\n", verb, "-y", command=few)
        assert result.returncode == 4 and result.stdout == "" and "FILE:3: port 0x72" in result.stderr, result


def test_every_line_is_taken_apart_before_the_first_is_done():
    wrong = [
        ("frob", "'frob' is no step"), ("rd", "expected rd KIND PLACE"), ("rd io", "expected rd"),
        ("rd disk 1", "'disk' is no kind"), ("rd io 0x71 5", "expected rd"), ("rd io 0xzz", "position 3"),
        ("wr io 0x80", "VALUE"), ("wr io 0x80 0x100", "0xff"), ("wr io 0x80 x", "position 1"),
        ("wr io 0x80 2:1", "outside the mask"), ("update io 0x80 1", "VALUE:MASK"), ("rd mem 00:05.0 0", "BDF:BAR"),
        ("rd mem 00:05.0:0+1", "multiple of 4"), ("rd msr 0x100000000", "0xffffffff"), ("rd msr 0x10.w", "64 bits"),
        ("rd pci 00:04.0", "expected rd"), ("rd pci nonsense Command", "nonsense"), ("pause", "expected pause"),
        ("pause 1", "ns, us, ms or s"), ("pause 1h", "ns, us, ms or s"), ("pause ms", "position 1"),
        ("pause 3601s", "more than"), ("poll io 0x71 1 1s more", "expected poll"),
        ("poll pci 00:04.0 Command 0 1s more", "expected poll"), ("poll io 0x71", "expected poll"),
        ("rd io " + "9" * 3000, "too long"), ("", "no step in it"), ("# nothing", "no step in it"),
    ]
    for line, word in wrong:
        result = steps(f"\n\n{line}\n", "batch", "-y")
        assert result.returncode == 2 and result.stdout == "" and word in result.stderr, result
        assert result.stderr.count("\n") == 1, result
        assert result.stderr.startswith("hwprobe: FILE:3: " if "no step in" not in word else "hwprobe: "), result
    result = steps("wr io 0x80 1\nfrob\n", "batch", "-y")
    assert result.returncode == 2 and "FILE:2:" in result.stderr, result
    assert steps("rd io 0x71\n" * 4097, "batch").returncode == 2
    assert steps("rd msr 0-0x1000\n", "batch").returncode == 2
    result = steps("rd io 0x71\n\0", "batch")
    assert result.returncode == 1 and result.stderr == "hwprobe: FILE: no text: there is a NUL in it\n", result
    for name, code in [("/nowhere", 3), ("/dev/zero", 1), ("/", 1)]:
        assert run(*SIM, "batch", name).returncode == code


WRITING = {
    "msr wr": ["0x199", "0x1200"],
    "io out": ["0x80", "0x12"],
    "mem wr": ["00:05.0:0+4", "1"],
    "pci set": ["00:04.0", "COMMAND=4:4"],
    "batch": ["FILE"],
    "txn": ["FILE"],
    "snapshot restore": ["SNAPSHOT"],
    "restore": ["JOURNAL"],
}
DANGEROUS = {
    "msr wr": ["0x1b", "0xfee00900"],
    "pci set": ["00:04.0", "0x10.l=0xc0000000"],
    "batch": ["FILE"],
    "txn": ["FILE"],
    "snapshot restore": ["SNAPSHOT"],
    "restore": ["JOURNAL"],
}


def kept(danger):
    """A snapshot in which one register has another value."""
    name, value = ("BAR2", "0xc0000000") if danger else ("CacheLine", "0x10")
    document = json.loads(run(*SIM, "snapshot", "save", "pci=00:04.0").stdout)
    next(one for one in document["registers"] if one["name"] == name)["value"] = value
    return json.dumps(document)


def journal(danger):
    """What a program leaves behind that wrote 0 over another value and died."""
    return journal_of("pci 0000:00:04.0 0 0x18 4 0 0xc0000000 0x0" if danger else "port 0000:00:00.0 0 0x80 1 0 0x12 0x0")


def write(verb, words, *options, danger=False, **more):
    text = "wr msr 0x1b 0xfee00900\n" if danger else "wr io 0x80 0x12\n"
    text = {"FILE": text, "SNAPSHOT": kept(danger), "JOURNAL": journal(danger)}.get(words[0])
    if text:
        return steps(text, verb, *options, **more)
    return run(*more.get("command", SIM), *verb.split(), *options, *words)


def test_all_that_write_ask_alike():
    for verb in verbs.verbs(HWPROBE):
        options = [name for name, _ in verb.options()]
        assert ("danger" in options) == (verb.name in WRITING), verb.name
        if verb.name in WRITING:
            assert options[:4] == ["yes", "dry-run", "verify", "danger"], verb.name
    for verb, words in WRITING.items():
        result = write(verb, words)
        assert result.returncode == 2 and "give -y to write, -n to look" in result.stderr, result
        result = write(verb, words, "-n")
        assert result.returncode == 0 and ")->0x" in result.stdout, result
        assert write(verb, words, "-n", "-y").stdout == result.stdout
        change, = json.loads(write(verb, words, "-n", "--json").stdout)["changes"]
        assert change["written"] is False and change["old"] and change["new"], change
        for options in [["-y"], ["--yes"], ["-y", "-r"], ["-y", "--verify"]]:
            result = write(verb, words, *options)
            assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result


def test_danger_takes_a_word_of_its_own():
    for verb, words in DANGEROUS.items():
        result = write(verb, words, "-y", danger=True)
        name = "apic" if verb in ("msr wr", "batch", "txn") else "bar"
        assert result.returncode == 2 and f"add --danger={name}" in result.stderr, result
        assert write(verb, words, "-y", "--danger=reset", danger=True).returncode == 2
        assert write(verb, words, "-n", danger=True).returncode == 0
        result = write(verb, words, "-y", f"--danger=reset,{name}", danger=True)
        assert (result.returncode, result.stderr) == (0, ""), result


def test_policy_decides_whatever_is_given():
    for verb, words in {**WRITING, **DANGEROUS}.items():
        for options in [["-y"], ["-n"], ["-y", "--danger=apic,bar,mode,voltage"]]:
            # who may look at a register without side effects is root, by the built-in policy
            result = write(verb, words, *options,
                           command=[HWPROBE, "--sim", "--grant", "deny pci = *", "--grant", "deny msr = *"])
            assert result.returncode == 4 and result.stdout == "", result


def test_terminal_is_asked_once_for_a_file():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(GOOD)
        file.flush()
        for answer, code in [(b"y\n", 0), (b"n\n", 1)]:
            master, slave = pty.openpty()
            with subprocess.Popen([*SIM, "batch", file.name], stdin=slave, stdout=subprocess.PIPE,
                                  stderr=slave) as process:
                os.close(slave)
                asked = os.read(master, 4096)
                os.write(master, answer)
                out = process.stdout.read().decode()
                assert process.wait(60) == code and b"of which 3 write? [y/N]" in asked, (asked, out)
                assert out.splitlines() == (READ if code == 0 else []), out
            os.close(master)


tap.main(dict(globals()))
