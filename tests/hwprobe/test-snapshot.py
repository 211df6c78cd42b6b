#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe snapshot: saved, compared, restored. Arguments: hwprobe."""
import itertools
import json
import os
import sys
import tempfile

import tap
from tap import run

HWPROBE = sys.argv[1]
ALL = ["--grant", "msr = * rw danger", "--grant", "pci = *, config rw danger", "--grant", "bar = * * rw"]
NVME = ["pci=00:04.0", "bar=00:04.0:0", "msr=0x199,0x610-0x611", "-p", "0-1"]


def sim(*arguments, grants=ALL, **options):
    return run(HWPROBE, "--sim", *grants, "snapshot", *arguments, **options)


def save(*what):
    result = sim("save", *what)
    assert result.returncode == 0 and result.stderr == "", result
    return json.loads(result.stdout)


def register(document, name, **where):
    return next(one for one in document["registers"]
                if one["name"] == name and all(one[key] == value for key, value in where.items()))


PLACE = tempfile.TemporaryDirectory()
COUNT = itertools.count()


def kept(document):
    """A snapshot in a file: its path."""
    path = os.path.join(PLACE.name, f"{next(COUNT)}.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(document if isinstance(document, str) else json.dumps(document))
    return path


def changed(document):
    """DevCtl.MaxPayload, CC.EN and an MSR of the second processor are others."""
    document = json.loads(json.dumps(document))
    control = register(document, "DevCtl")
    control["value"] = "0x0020"
    control["fields"]["MaxPayload"].update(value="0x1", word="256")
    register(document, "CC", kind="bar")["value"] = "0x00460001"
    register(document, "0x199", cpu=1)["value"] = "0x0000000000001200"
    return document


def test_save_has_names_fields_and_words():
    document = save(*NVME)
    assert document["schema_version"] == 1 and document["failed"] == []
    control = register(document, "DevCtl")
    assert (control["address"], control["device"], control["bar"]) == ("0000:00:04.0", "1b36:0010", None)
    assert (control["width"], control["value"], control["writable"]) == (2, "0x0000", "0xffff")
    assert control["fields"]["MaxPayload"] == {"bits": "7:5", "value": "0x0", "word": "128"}
    # a field's own attribute counts, and what a one would clear is known
    status = register(document, "Status")
    assert status["writable"] == "0x0000" and int(status["clears"], 16) & 0x18 == 0 and status["clears"] != "0x0000"
    assert register(document, "CC")["bar"] == 0 and register(document, "0x610", cpu=1)["width"] == 8
    # every byte of the head of configuration space is there once
    covered = sorted(at for one in document["registers"] if one["kind"] == "pci"
                     for at in range(int(one["at"], 16), int(one["at"], 16) + one["width"]))
    assert set(range(256)) <= set(covered), sorted(set(range(256)) - set(covered))


def test_save_without_words_takes_every_function():
    document = save()
    assert {one["address"] for one in document["registers"]} == {f"0000:00:0{n}.0" for n in (0, 2, 3, 4, 5)}
    assert {one["kind"] for one in document["registers"]} == {"pci"}


def test_save_without_pci_is_a_failure():
    with tempfile.TemporaryDirectory() as empty:
        result = run(HWPROBE, "--sysroot", empty, "snapshot", "save")
    assert (result.returncode, result.stdout) == (3, "") and "/sys/bus/pci" in result.stderr, result


def test_save_leaves_alone_what_reading_changes():
    description = ("device id 1234:11ea\nbar 0\n  reg Id 0x0 4 ro\n  reg Clears 0x10 4 rclr\n  reg Fifo 0x20 4 fifo\n")
    with tempfile.NamedTemporaryFile("w", suffix=".regs") as file:
        file.write(description)
        file.flush()
        document = save("bar=00:05.0:0", "-R", file.name)
    assert [one["name"] for one in document["registers"]] == ["Id"], document["registers"]


def test_save_is_stable():
    stable = {**os.environ, "SOURCE_DATE_EPOCH": "86400"}
    first, second = (sim("save", "pci=00:04.0", env=stable).stdout for _ in range(2))
    assert first == second and json.loads(first)["time"] == "1970-01-02T00:00:00Z"


def test_save_keeps_what_it_may_and_tells_the_rest():
    grants = ["--grant", "deny pci = 0000:00:04.0 r", "--grant", "deny msr = 0x611 r"]
    result = sim("save", "pci=all", grants=grants)
    document = json.loads(result.stdout)
    assert result.returncode == 9 and result.stderr.startswith("hwprobe: 0000:00:04.0: "), result
    assert [one["error"] for one in document["failed"]] == ["EACCES"]
    assert "0000:00:03.0" in {one["address"] for one in document["registers"]}
    result = sim("save", "msr=0x611", grants=grants)
    assert result.returncode == 4 and result.stdout == "", result
    result = sim("save", "pci=00:1f.0")
    assert result.returncode == 3 and result.stdout == "", result


def test_diff_is_by_registers_and_fields():
    old = save(*NVME)
    new = changed(old)
    del new["registers"][-1]
    label = "cpu1 0x611"
    a, b = kept(old), kept(new)
    result = run(HWPROBE, "snapshot", "diff", a, b)
    assert (result.returncode, result.stderr) == (8, ""), result
    assert result.stdout == ("0000:00:04.0 DevCtl 0x0000->0x0020\n"
                             "  MaxPayload 0x0 (128)->0x1 (256)\n"
                             "0000:00:04.0:0 CC 0x00460000->0x00460001\n"
                             "  EN 0x0->0x1\n"
                             "cpu1 0x199 0x0000000000001800->0x0000000000001200\n"
                             f"- {label}\n"), result.stdout
    assert run(HWPROBE, "snapshot", "diff", b, a).stdout.endswith(f"+ {label}\n")
    document = json.loads(run(HWPROBE, "snapshot", "diff", "--json", a, b).stdout)
    assert document["only_old"] == [label] and document["only_new"] == document["failed"] == []
    assert document["changes"][0] == {
        "register": "0000:00:04.0 DevCtl", "old": "0x0000", "new": "0x0020",
        "fields": [{"name": "MaxPayload", "old": "0x0", "new": "0x1", "old_word": "128", "new_word": "256"}]}
    result = run(HWPROBE, "snapshot", "diff", a, a)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result


def test_diff_with_now_reads_each_again():
    old = save("pci=00:04.0", "bar=00:04.0:0", "msr=0x199")
    assert sim("diff", kept(old)).returncode == 0
    new = json.loads(json.dumps(old))
    register(new, "DevCtl")["value"] = "0x0020"
    register(new, "DevCtl")["fields"]["MaxPayload"]["word"] = "256"
    result = sim("diff", kept(new))
    assert (result.returncode, result.stdout) == (8, "0000:00:04.0 DevCtl 0x0020->0x0000\n"
                                                     "  MaxPayload 0x1 (256)->0x0\n"), result
    result = sim("diff", kept(new), grants=["--grant", "deny msr = 0x199 r"])
    assert result.returncode == 9 and "cpu0 0x199: " in result.stderr, result


def test_restore_says_what_it_would_do():
    new = changed(save(*NVME))
    lines = ("0000:00:04.0 DevCtl 0x0000->(0x0020:0xffff)->0x0020\n"
             "0000:00:04.0:0 CC 0x00460000->(0x00460001:0xffffffff)->0x00460001\n"
             "cpu1 0x199 0x0000000000001800->(0x0000000000001200:0xffffffffffffffff)->0x0000000000001200\n")
    path = kept(new)
    result = sim("restore", "-n", path)
    assert (result.returncode, result.stdout, result.stderr) == (0, lines, ""), result
    # looking takes no right to write
    assert sim("restore", "-n", path, grants=[]).stdout == lines
    document = json.loads(sim("restore", "-n", "--json", path).stdout)
    assert [one["written"] for one in document["changes"]] == [False] * 3
    result = sim("restore", "-y", "--verify", path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    document = json.loads(sim("restore", "-y", "--json", path).stdout)
    assert [one["new"] for one in document["changes"]] == ["0x0020", "0x00460001", "0x0000000000001200"]
    assert all(one["written"] for one in document["changes"])


def test_restore_of_the_same_writes_nothing():
    path = kept(save("pci=00:04.0", "bar=00:04.0:0"))
    for grants in [ALL, []]:
        result = sim("restore", "-y", path, grants=grants)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result


def test_restore_needs_policy_for_what_differs_only():
    path = kept(changed(save(*NVME)))
    result = sim("restore", "-y", path, grants=[])
    assert result.returncode == 4 and "DevCtl" in result.stderr and result.stderr.count("\n") == 1, result
    narrow = ["--grant", "pci = 0000:00:04.0, config 0x60-0x63 rw", "--grant", "bar = 0000:00:04.0 0 0x14-0x17 rw",
              "--grant", "msr = 0x199 rw danger, cpus 1"]
    result = sim("restore", "-y", path, grants=narrow)
    assert (result.returncode, result.stderr) == (0, ""), result


def test_restore_is_all_or_nothing():
    """The last register keeps other bits than those that are written: those before it are undone."""
    new = changed(save("pci=00:04.0", "msr=0x199,0x610", "bar=00:04.0:0", "-p", "0-1"))
    register(new, "AQA", kind="bar")["value"] = "0xffffffff"
    for options in (["-y", "--verify"], ["-y", "--verify", "--json"]):
        result = sim("restore", *options, kept(new))
        assert result.returncode == 8 and result.stdout == "", result
        assert "AQA" in result.stderr and result.stderr.endswith("hwprobe: all is as it was before\n"), result


def test_restore_that_can_not_be_undone_says_so():
    """The device is unplugged after so many accesses: in the middle, too, when nothing can be written back."""
    description = ("cpu count 1\npci 0000:00:01.0 1234:11ea class 0x00ff00 unplug %d\n"
                   "  bar 0 mem 4K\n    reg 0 4 rw value 1\n    reg 4 4 rw value 2\n    reg 8 4 rw value 3\n")
    registers = "device id 1234:11ea\nbar 0\n  reg A 0 4 rw\n  reg B 4 4 rw\n  reg C 8 4 rw\n"
    path = {name: os.path.join(PLACE.name, name) for name in ("machine", "regs")}
    with open(path["regs"], "w", encoding="ascii") as file:
        file.write(registers)

    def at(count, *words):
        with open(path["machine"], "w", encoding="ascii") as file:
            file.write(description % count)
        return run(HWPROBE, f"--sim={path['machine']}", "--grant", "bar = * * rw", "snapshot", *words)
    document = json.loads(at(1000, "save", "bar=00:01.0:0", "-R", path["regs"]).stdout)
    for one in document["registers"]:
        one["value"] = "0x00000010"
    lost = 0
    for count in range(40):
        result = at(count, "restore", "-y", kept(document))
        broken = "could not be written back" in result.stderr
        lost += broken
        assert broken == ("not all could be undone" in result.stderr), (count, result)
        assert not (broken and "as it was before" in result.stderr), (count, result)
    assert lost, "nothing was interrupted between two writes"


def test_restore_asks_or_refuses():
    result = sim("restore", kept(changed(save(*NVME))))
    assert result.returncode == 2 and "-y" in result.stderr, result


def test_restore_is_for_the_same_device():
    other = json.dumps(save("pci=00:04.0")).replace("1b36:0010", "1b36:0011")
    for verb in [["diff"], ["restore", "-n"]]:
        result = sim(*verb, kept(other))
        assert (result.returncode, result.stdout) == (3, ""), result
        assert result.stderr == "hwprobe: 0000:00:04.0: 1b36:0010 is there now, not 1b36:0011\n", result


def test_restore_writes_a_real_file():
    """The configuration space of a captured tree is a file: what stands in it afterwards is seen."""
    config = bytearray(256)
    config[0:4] = (0x34, 0x12, 0xe8, 0x11)
    config[4:8] = (0x06, 0x00, 0x00, 0x00)
    with tempfile.TemporaryDirectory() as directory:
        function = directory + "/sys/bus/pci/devices/0000:00:03.0"
        os.makedirs(function)
        for name, content in [("config", bytes(config)), ("vendor", b"0x1234\n"), ("device", b"0x11e8\n"),
                              ("class", b"0x00ff00\n")]:
            with open(f"{function}/{name}", "wb") as file:
                file.write(content)
        if os.getuid():
            raise tap.Skip("root", "the built-in policy is root's")
        at = [HWPROBE, "--sysroot", directory]
        path = kept(run(*at, "snapshot", "save", "pci=00:03.0").stdout)
        config[4] = 0x02
        config[0x0c] = 0x10
        config[0x40] = 0xff
        with open(function + "/config", "r+b") as file:
            file.write(config)
        assert run(*at, "snapshot", "diff", path).returncode == 8
        result = run(*at, "--grant", "pci = * rw", "snapshot", "restore", "-y", "--verify", path)
        assert (result.returncode, result.stderr) == (0, ""), result
        with open(function + "/config", "rb") as file:
            after = file.read()
    # what nobody describes (0x40) stays as it is
    assert (after[4], after[0x0c], after[0x40]) == (0x06, 0, 0xff), after.hex()


def test_garbage_is_refused():
    for arguments, code, word in [
            (["save", "frob"], 2, "frob"), (["save", "pci=garbage"], 2, "garbage"), (["save", "msr=7x"], 2, "7x"),
            (["save", "bar=00:04.0"], 2, "00:04.0"), (["save", "bar=00:04.0:9"], 2, "9"),
            (["save", "bar=00:02.0:0", "-R", "/nowhere/x"], 3, "00:02.0:0"), (["save", "msr=0-0xffff"], 2, "4096"),
            (["save", "bar=00:05.0:0"], 2, "--registers"), (["save", "pci="], 2, "''"),
            (["diff"], 2, "FILE"), (["diff", "/nowhere"], 3, "/nowhere"), (["restore"], 2, "FILE"),
            (["restore", "/dev/zero"], 1, "/dev/zero"), (["diff", "/dev/null"], 1, "no snapshot")]:
        result = sim(*arguments)
        assert result.returncode == code and result.stdout == "", (arguments, result)
        assert word in result.stderr and result.stderr.count("\n") == 1, (arguments, result)


def test_hostile_file_is_refused():
    good = save("pci=00:04.0")
    hostile = {"value": ["0x10000", "16", 7, None, "0xG", "0x", "0x" + "1" * 17], "width": [3, 0, 16, -1, "2", None],
               "at": ["0x1001", "0x5", "-1", None], "kind": ["port", "", 7], "device": ["1b36", "1b36:00zz", None],
               "address": ["00:99.0", None], "name": ["\x1b[2J", "", "a" * 200, 7], "writable": ["0x1ffff"],
               "clears": [[]]}
    for key, values in hostile.items():
        for value in values:
            document = json.loads(json.dumps(good))
            register(document, "DevCtl")[key] = value
            result = sim("restore", "-y", kept(document))
            assert (result.returncode, result.stdout) == (1, ""), (key, value, result)
            assert "is not what save writes" in result.stderr and "\x1b" not in result.stderr, result
    for text in ["", "{", "[]", '{"schema_version": 2, "registers": []}', '{"schema_version": 1, "registers": {}}',
                 '{"schema_version": 1, "registers": [7]}', "\0" * 9]:
        assert sim("diff", kept(text)).returncode == 1, text
    document = json.loads(json.dumps(good))
    register(document, "DevCtl")["fields"] = {"a": {"bits": "99:0"}, "b": {"bits": 7}, "c": [], "d": {"bits": "3:7"}}
    register(document, "DevCtl")["value"] = "0x0020"
    assert sim("diff", kept(document)).returncode == 8


tap.main(dict(globals()))
