#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe pci ls: lspci's own output, byte for byte. Arguments: hwprobe."""
import json
import os
import resource
import shutil
import struct
import sys
import tempfile

import tap
import trees
import verbs
from tap import run

HWPROBE = sys.argv[1]
FORMATS = ["", "-n", "-nn", "-P", "-PP -D", "-m", "-vm -n", "-mm", "-mm -n", "-mm -nn", "-vmm", "-vmm -n", "-vmm -nn", "-k", "-D",
           "-n -D", "-vmm -k", "-vmm -D", "-k -nn -x -D", "-x", "-n -xxx"]
SELECTORS = ["-s 00:03.0", "-s 00:03", "-s 3", "-s 3.0", "-s .0", "-s .1", "-s 0:", "-s 0000:00:03.0",
             "-s 1:00:", "-s 0:*:3.*", "-s *", "-d 1234:", "-d :11e8", "-d 1234:11e8", "-d ::0108",
             "-d ::0108:02", "-d ::01xx", "-d ::x1xX", "-d ::xx00:0", "-d *:*", "-d 8086:11e8", "-s 3 -d 8086:"]
FUNCTIONS = {  # vendor, device, class, revision, subsystem
    "0000:00:00.0": (0x8086, 0x29c0, 0x060000, 0, 0, 0),
    "0000:00:03.0": (0x1234, 0x11e8, 0x00ff00, 0x10, 0x1af4, 0x1100),
    "0000:00:03.1": (0x1b36, 0x0010, 0x010802, 2, 0x1af4, 0x1100),
    "0001:02:1f.7": (0x8086, 0x1533, 0x020000, 3, 0xffff, 0xffff),
}


def make_tree(directory, functions=None):
    for name, ids in (functions or FUNCTIONS).items():
        path = os.path.join(directory, "sys/bus/pci/devices", name)
        os.makedirs(path)
        vendor, device, class_code, revision, subvendor, subdevice = ids
        config = struct.pack("<HHIBBH", vendor, device, 0, revision, class_code & 0xff,
                             class_code >> 8) + bytes(32) + struct.pack("<HH", subvendor, subdevice)
        files = {"vendor": vendor, "device": device, "class": class_code, "revision": revision,
                 "subsystem_vendor": subvendor, "subsystem_device": subdevice, "irq": 0}
        for file, value in files.items():
            with open(os.path.join(path, file), "w", encoding="ascii") as out:
                out.write(f"{value:#06x}\n" if file != "irq" else "0\n")
        for file, text in {"resource": "0x0 0x0 0x0\n" * 13, "numa_node": "-1\n"}.items():
            with open(os.path.join(path, file), "w", encoding="ascii") as out:
                out.write(text)
        with open(os.path.join(path, "config"), "wb") as out:
            out.write(config.ljust(256, b"\0"))
    return directory


def test_many_functions_are_read_whole():
    """More registers than a guard lets anyone read in one go: each function has its own count."""
    with tempfile.TemporaryDirectory() as directory:
        functions = {f"0000:{bus:02x}:{slot:02x}.0": trees.config(**trees.EDU, size=4096)
                     for bus in range(2) for slot in range(16)}
        result = run(HWPROBE, "--sysroot", trees.make(directory, functions), *verbs.GRANTS, "pci", "ls", "-xxxx")
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert result.stdout.count("\nff0: ") == len(functions) and "unreadable" not in result.stdout


def without_modules(text):
    lines = text.splitlines(keepends=True)
    return "".join(x for x in lines if not x.startswith(("\tKernel modules:", "Module:")))


def assert_same(arguments, ours=(), theirs=()):
    lspci = run("lspci", *theirs, *arguments)
    probe = run(HWPROBE, "pci", "ls", *ours, "--allow-empty", *arguments)
    assert probe.returncode == 0 and probe.stderr == "", probe
    assert probe.stdout == without_modules(lspci.stdout), (probe, lspci)


def need_lspci():
    if not shutil.which("lspci"):
        raise tap.Skip("lspci", "lspci is not installed")


def test_this_machine_is_listed_as_lspci_does():
    need_lspci()
    if not os.path.isdir("/sys/bus/pci/devices"):
        raise tap.Skip("pci", "this machine has no PCI")
    for arguments in FORMATS:
        if "-x" in arguments and os.getuid() != 0:
            continue
        assert_same(arguments.split())


def test_captured_tree_is_listed_as_lspci_does():
    need_lspci()
    with tempfile.TemporaryDirectory() as directory:
        make_tree(directory)
        grant = ("--grant", "pci = *, config r")
        for arguments in FORMATS + SELECTORS:
            assert_same(arguments.split(), ("--sysroot", directory, *grant),
                        ("-O", f"sysfs.path={directory}/sys/bus/pci"))


def test_document_is_decoded():
    result = run(HWPROBE, "--sim", "pci", "ls", "--json", "-x", "--grant", "pci = *, config r")
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1 and result.stderr == "", result
    edu = next(x for x in document["functions"] if x["address"] == "0000:00:03.0")
    assert (edu["vendor"], edu["device"], edu["class"]) == ("0x1234", "0x11e8", "0x00ff00")
    assert edu["config"].startswith("3412e811") and len(edu["config"]) == 128, edu
    assert edu["error"] is None and edu["driver"] is None and edu["iommu_group"] is None
    numbers = json.loads(run(HWPROBE, "--sim", "pci", "ls", "-jn").stdout)
    assert {x["vendor_name"] for x in numbers["functions"]} == {None}


def test_denied_field_is_marked_and_the_rest_listed():
    result = run(HWPROBE, "--sim", "pci", "ls", "-n", "-x", "--grant", "deny pci = 1234:11e8, config r",
                 "--grant", "pci = *, config r")
    assert result.returncode == 0, result
    assert result.stdout.count("<access denied>") == 1, result.stdout
    assert "00:03.0 00ff: 1234:11e8 (rev 10)\n\tConfiguration: <access denied>\n" in result.stdout


def test_function_that_can_not_be_read_has_no_others_name():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(make_tree(directory), "sys/bus/pci/devices/0000:00:03.1/vendor")
        with open(path, "w", encoding="ascii") as out:
            out.write("garbage\n")
        result = run(HWPROBE, "--sysroot", directory, "pci", "tree", "-v")
    line, = [line for line in result.stdout.splitlines() if "03.1" in line]
    assert line.endswith("03.1  <unreadable>"), result


def test_no_match_is_not_found():
    result = run(HWPROBE, "--sim", "pci", "ls", "-s", "1f.0")
    assert (result.returncode, result.stdout) == (3, "") and "no PCI function" in result.stderr
    result = run(HWPROBE, "--sim", "pci", "ls", "-s", "1f.0", "--allow-empty")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_garbage_is_refused_by_its_position():
    garbage = [(["-s", "0g:03.0"], "position 2"), (["-s", "100:0.0"], "bus"), (["-s", "20"], "device"),
               (["-s", ".8"], "function"), (["-s", "0:0:0:0"], "position 6"), (["-s", "3.0x"], "function"),
               (["-d", "1234"], "colon"), (["-d", "12345:"], "vendor"), (["-d", "1:2:3:4:5"], "position 8"),
               (["-d", "0x1:"], "position 2"), (["-d", "::0g00"], "class"), (["-d", "::1xxxx"], "class"), (["-s", "x"], "device"), (["-F"], "--file"), (["word"], "'word'"), (["-z"], "-z"),
               (["-s"], "--slot"), (["--numeric=1"], "--numeric"), (["--sim", "--sysroot", "/"], "two machines"),
               (["--grant", "nonsense"], "nonsense")]
    for arguments, word in garbage:
        result = run(HWPROBE, "pci", "ls", *arguments)
        assert result.returncode in (1, 2) if "nonsense" in arguments else result.returncode == 2, result
        assert result.stdout == "" and result.stderr.startswith("hwprobe: "), result
        assert result.stderr.count("\n") == 1 and word in result.stderr, result


def test_missing_machines_are_not_found():
    for arguments in [("--sim=/nowhere",), ("--sysroot", "/nowhere")]:
        result = run(HWPROBE, *arguments, "pci", "ls")
        assert result.returncode == 3 and result.stderr.count("\n") == 1, result


def spent(*command):
    """The processor's seconds that a program takes, at its best; ours and lspci's take turns."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run(*command).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_costs_no_more_than_lspci():
    need_lspci()
    if not os.path.isdir("/sys/bus/pci/devices"):
        raise tap.Skip("pci", "this machine has no PCI")
    pairs = [((HWPROBE, "--version"), ("lspci", "--version")), ((HWPROBE, "pci", "ls", "-n"), ("lspci", "-n"))]
    for ours, theirs in pairs:
        rounds = [(spent(*ours), spent(*theirs)) for _ in range(20)]
        mine, other = (min(column) for column in zip(*rounds))
        assert mine <= 1.3 * other, (ours, mine, other)


def test_options_go_before_and_behind_the_verb():
    for arguments in [("--sim", "pci", "ls", "-n"), ("pci", "ls", "-n", "--sim"), ("-j", "pci", "ls", "--sim")]:
        result = run(HWPROBE, *arguments)
        assert result.returncode == 0 and "1234" in result.stdout, result
    assert "needs one of: ls" in run(HWPROBE, "pci").stderr
    assert "--allow-empty" in run(HWPROBE, "pci", "ls", "--help").stdout


tap.main(dict(globals()))
