#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe pci ls, pci tree and hwprobe as lspci against lspci itself, byte for byte, on the dumps
in dumps/, on a captured tree and on this machine. Arguments: hwprobe."""
import itertools
import json
import os
import random
import shutil
import sys
import tempfile

import tap
import trees
from tap import run

HWPROBE = sys.argv[1]
DUMPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dumps")
LISTS = ["", "-v", "-nv", "-vx", "-n", "-nn", "-mm", "-mm -n", "-m -nn", "-vmm", "-vmm -n", "-vm", "-k", "-vmm -k", "-x", "-n -xxx",
         "-xxxx", "-D", "-D -mm", "-mm -x -n", "-vmm -xxx", "-n -P", "-PP -n", "-P -mm", "-n -k -x -D"]
TREES = ["-t", "-tv", "-tvn", "-tnnv"]
SELECTORS = ["", "-s 1.0", "-s 3:", "-s .1", "-s 10000:", "-s 1f:", "-d 8086:", "-d ::0604", "-d ::06xx",
             "-d ::xx00", "-d ::0604:00", "-s 4: -d 8086:", "-s 9:", "-s 0:"]
SELECTED = {"", "-v", "-n", "-n -P", "-tv"}
# of lspci: it wants the modules of a machine also for a dump
NOISE = "lspci: Unable to load libkmod resources"


def need_lspci():
    if not shutil.which("lspci"):
        raise tap.Skip("lspci", "lspci is not installed")


def dumps():
    return [os.path.join(DUMPS, name) for name in sorted(os.listdir(DUMPS))]


def as_lspci(*arguments, before=(), **options):
    return run(HWPROBE, *before, "--as", "lspci", *arguments, **options)


def assert_same(arguments, before=(), theirs=()):
    ours = as_lspci(*arguments, before=before)
    lspci = run("lspci", *theirs, *arguments)
    assert ours.stdout == lspci.stdout and ours.returncode == lspci.returncode, (ours, lspci)
    assert bool(ours.stderr) == bool(ours.returncode), ours


def test_dumps_are_listed_as_lspci_does():
    need_lspci()
    for dump, look in itertools.product(dumps(), LISTS + TREES):
        for selector in SELECTORS if look in SELECTED else [""]:
            assert_same(["-F", dump, *look.split(), *selector.split()])


def test_verbs_print_as_the_program_does():
    dump = os.path.join(DUMPS, "bridges.txt")
    for look in LISTS:
        assert run(HWPROBE, "pci", "ls", "-F", dump, *look.split()).stdout == \
            as_lspci("-F", dump, *look.split()).stdout
    for look in TREES:
        assert run(HWPROBE, "pci", "tree", "-F", dump, *look.replace("t", "").strip("-").join(["-", ""]).split()
                   if look != "-t" else ()).stdout == as_lspci("-F", dump, look).stdout


def test_ten_thousand_functions_are_read():
    with tempfile.TemporaryDirectory() as directory:
        name = os.path.join(directory, "huge.txt")
        with open(name, "w", encoding="ascii") as file:
            for n in range(10000):
                space = trees.config(0x8086, n, 0x020000, n & 0xff)[:64]
                file.write(f"{n >> 13:04x}:{n >> 5 & 0xff:02x}:{n & 31:02x}.0 x\n")
                for at in range(0, 64, 16):
                    file.write(f"{at:02x}: {space[at:at + 16].hex(' ')}\n")
                file.write("\n")
        result = as_lspci("-n", "-F", name)
        assert result.returncode == 0 and result.stdout.count("\n") == 10000, result.stderr
        if shutil.which("lspci"):
            for look in [("-n",), ("-t",), ("-n", "-x"), ("-vmm", "-n")]:
                assert_same([*look, "-F", name])


def random_function(choice):
    """Configuration space that keeps to the standard here and there."""
    layout = choice.choice([0, 0, 1, 1, 2, 0x81])
    space = bytearray(choice.randbytes(choice.choice([64, 128, 256, 256, 4096])))
    if choice.random() < 0.3:
        return bytes(space)
    space[4:8] = bytes([choice.choice([0, 7, 0x47]), choice.choice([0, 5]), 0x10, choice.choice([0, 2, 4])])
    space[0x0e] = layout
    space[0x0b], space[0x0a] = (2, 0) if layout == 0 else (6, 7 if layout == 2 else 4)
    if layout & 1:
        space[0x18:0x1b] = bytes([0, choice.randint(0, 9), choice.randint(0, 12)])
    at = 0x40
    space[0x14 if layout == 2 else 0x34] = at if len(space) > 128 else 0
    while len(space) > 128 and at:
        after = at + choice.choice([8, 16, 20, 32])
        after = choice.choice([0, 0x40, after]) if choice.random() < 0.1 else after
        # lspci prints half a line of a PCI-X CardBus bridge
        identity = choice.choice([i for i in range(0x16) if i != 7 or layout != 2])
        space[at:at + 2] = bytes([identity, after if at < after < 0xe0 else 0])
        at = space[at + 1]
    for at in range(0x100, len(space), 0x40):
        link = at + 0x40 if choice.random() < 0.95 else choice.choice([0, 0x100, 0x82])
        space[at:at + 4] = (choice.randint(0, 0x32) | 1 << 16 | (link & 0xfff) << 20).to_bytes(4, "little")
    return bytes(space)


def test_random_dumps_are_told_as_lspci_does():
    need_lspci()
    with tempfile.TemporaryDirectory() as directory:
        name = os.path.join(directory, "random.txt")
        for seed in range(30):
            choice = random.Random(seed)
            with open(name, "w", encoding="ascii") as file:
                for n in range(12):
                    bus, space = choice.choice([0, 0, 1, 2, n]), random_function(choice)
                    file.write(f"{choice.choice([0, 0, 0, 1]):04x}:{bus:02x}:{n:02x}.0 x\n")
                    for at in range(0, len(space), 16):
                        file.write(f"{at:02x}: {space[at:at + 16].hex(' ')}\n")
                    file.write("\n")
            for look in ["-nv", "-t", "-n -xxxx", "-t -s 1:"]:
                assert_same([*look.split(), "-F", name])


def test_dump_is_decoded():
    dump = os.path.join(DUMPS, "bridges.txt")
    document = json.loads(run(HWPROBE, "-j", "pci", "tree", "-F", dump).stdout)
    bridges = {x["address"]: x["bridge"] for x in document["functions"]}
    assert bridges["0000:03:00.0"] == "0000:02:00.0" and bridges["0000:00:1f.2"] is None, bridges
    result = run(HWPROBE, "pci", "get", "-F", dump, "03:00.0", "VendorID", "DevCtl.MaxReadRequest", "CAP_EXP+8.w")
    assert (result.returncode, result.stdout) == (0, "0x144d\n0x2\n0x2810\n"), result
    result = run(HWPROBE, "-j", "pci", "dump", "-F", dump, "01:00.0")
    registers = {x["name"]: x for x in json.loads(result.stdout)["registers"]}
    kind = next(x for x in registers["ExpressCap"]["fields"] if x["name"] == "Type")
    assert kind["word"] == "upstream-port" and registers["SecondaryBus"]["value"] == "0x02", registers
    result = run(HWPROBE, "pci", "show", "-F", dump, "05:00.0")
    assert result.returncode == 0 and "CardBus" in result.stdout, result


def test_dump_that_is_none_is_told():
    cut = os.path.join(DUMPS, "cut.txt")
    bridges = os.path.join(DUMPS, "bridges.txt")
    cases = [(("pci", "ls", "-F", "/nowhere"), 3, "/nowhere"), (("pci", "ls", "-F", "/"), 1, "directory"),
             (("pci", "ls", "-F", "/etc/passwd"), 3, "no PCI function"), (("pci", "ls", "-F", cut), 1, "cut.txt"),
             (("pci", "tree", "-F", cut), 1, "cut.txt"), (("pci", "dump", "-F", cut, "00:00.0"), 1, "cut.txt"),
             (("pci", "get", "-F", bridges, "09:00.0", "VendorID"), 3, "0000:09:00.0"),
             (("pci", "get", "-F", bridges, "03:00.0", "Vendor"), 3, "VendorID"),
             (("--sim", "pci", "ls", "-F", bridges), 2, "--sim"),
             (("--sysroot", "/", "pci", "show", "-F", bridges, "00:00.0"), 2, "--sysroot"),
             (("pci", "tree", "-s", "0g:"), 2, "'0g:'"), (("pci", "tree", "x"), 2, "'x'"),
             (("pci", "tree", "-x"), 2, "-x"), (("pci", "tree", "-F", bridges, "-s", "1f:7.7"), 3, "selected")]
    for arguments, code, word in cases:
        result = run(HWPROBE, *arguments)
        assert result.returncode == code and not result.stdout, result
        assert word in result.stderr and result.stderr.count("\n") == 1, result


def test_garbage_is_refused_as_lspci():
    for arguments, word in [(["-s", "zz"], "'zz'"), (["-s", "0x1"], "'0x1'"), (["-d", "8086"], "'8086'"),
                            (["-b"], "-b"), (["-z"], "-z"), (["-F"], "-F"), (["word"], "'word'"), (["-A", "x"], "-A"),
                            (["--nonsense"], "--")]:
        result = as_lspci(*arguments)
        assert result.returncode == 1 and not result.stdout, result
        assert word in result.stderr and result.stderr.count("\n") == 1, result


def test_link_to_it_is_lspci():
    with tempfile.TemporaryDirectory() as directory:
        link = os.path.join(directory, "lspci")
        os.symlink(os.path.abspath(HWPROBE), link)
        dump = os.path.join(DUMPS, "bridges.txt")
        assert run(link, "-n", "-F", dump).stdout == as_lspci("-n", "-F", dump).stdout != ""
        assert "lspci version" in run(link, "--version").stdout
        assert "-vv" in run(link, "--help").stdout


def machine(directory):
    bridge = bytearray(trees.config(0x8086, 0x3420, 0x060400, 2))
    bridge[0x0e], bridge[0x18:0x1b] = 1, b"\0\1\1"
    trees.make(directory, {"0000:00:00.0": trees.config(0x8086, 0x29c0, 0x060000), "0000:00:01.0": bytes(bridge),
                           "0000:01:00.0": trees.config(**trees.EDU), "0001:00:00.0": trees.config(1, 2, 0xff00)})
    edu = "sys/bus/pci/devices/0000:01:00.0/"
    trees.put(directory, edu + "label", "Onboard something\n")
    trees.put(directory, edu + "modalias", "pci:v00001234d000011E8sv00001AF4sd00001100bc00scFFi00\n")
    trees.put(directory, "sys/bus/pci/slots/7/address", "0000:01:00\n")
    return directory


def test_captured_tree_is_drawn_as_lspci_does():
    need_lspci()
    with tempfile.TemporaryDirectory() as directory:
        machine(directory)
        for look in TREES + ["-v", "-nv", "-k", "-vmm", "-vmm -k", "-P", "-PP -n", "-t -s 1:", "-x"]:
            assert_same(look.split(), ("--sysroot", directory, "--grant", "pci = *, config r"),
                        ("-O", f"sysfs.path={directory}/sys/bus/pci"))


# start, end, flags: an old disk's ports, of one byte and more; memory of all kinds; what can't be
RESOURCES = ["1f0 1f7 110", "3f6 3f6 110", "170 177 110", "376 376 110", "c040 c04f 40101", "0 0 0",
             "febf1000 febf1fff 40200", "febf1000 febf1000 40200", "fe000000000 fe0000fffff 14220c", "c041 c041 40101",
             "0 f 40101", "0 fff 40200", "febf1004 febf1007 200", "0 fff 14220c"]


def test_what_the_system_knows_of_bars_is_told_as_lspci_does():
    need_lspci()
    for command, known, n in itertools.product([0, 3], [None, 0, 0x2000], range(len(RESOURCES))):
        space = bytearray(trees.config(0x8086, 0x7010, 0x010180))
        space[4] = command
        lines = [RESOURCES[(n + i) % len(RESOURCES)] for i in range(6)]
        for i in range(6):
            start, _, flags = (int(word, 16) for word in lines[i].split())
            register = 0 if known is None else (start & ~(3 if flags & 0x100 else 15) | flags & 15 | flags >> 8 & 1) + known
            space[0x10 + 4 * i:0x14 + 4 * i] = (register & 0xffffffff).to_bytes(4, "little")
        with tempfile.TemporaryDirectory() as directory:
            trees.make(directory, {"0000:00:01.1": bytes(space)})
            trees.put(directory, "sys/bus/pci/devices/0000:00:01.1/resource",
                      "".join("0x{:0>16} 0x{:0>16} 0x{:0>16}\n".format(*line.split()) for line in lines + ["0 0 0"] * 7))
            assert_same(["-v"], ("--sysroot", directory, "--grant", "pci = *, config r"),
                        ("-O", f"sysfs.path={directory}/sys/bus/pci"))


def test_modules_that_match_are_told():
    with tempfile.TemporaryDirectory() as directory:
        machine(directory)
        trees.put(directory, "proc/sys/kernel/osrelease", "6.1.0-captured\n")
        trees.put(directory, "lib/modules/6.1.0-captured/modules.alias",
                  "# a list\nalias pci:v00001234d*sv*sd*bc*sc*i* edu\nalias pci:v00001234d*sv*sd*bc*sc*i* edu\n"
                  "alias pci:v00008086d*sv*sd*bc*sc*i* other\nalias pci:v*d*sv*sd*bc00sc*i* any\n")
        text = as_lspci("-k", "-s", "1:0.0", before=("--sysroot", directory)).stdout
        assert "\tDeviceName: Onboard something\n" in text and "\tKernel modules: edu, any\n" in text, text
        text = as_lspci("-vmmk", "-s", "1:0.0", before=("--sysroot", directory)).stdout
        assert "Module:\tedu\nModule:\tany\n" in text and "PhySlot:\t7\n" in text, text


def test_policy_keeps_back_what_is_behind_bridges():
    with tempfile.TemporaryDirectory() as directory:
        machine(directory)
        before = ("--sysroot", directory, "--grant", "deny pci = *, config r")
        result = as_lspci("-t", before=before)
        assert result.returncode == 0 and "(inline:1)" in result.stderr, result
        assert "[01]" not in result.stdout, result
        result = as_lspci("-n", "-x", before=before)
        assert result.stdout.count("<access denied>") == 4, result


def test_this_machine_is_drawn_as_lspci_does():
    need_lspci()
    if os.getuid() != 0 or not os.path.isdir("/sys/bus/pci/devices"):
        raise tap.Skip("pci", "this machine shows no PCI to this user")
    for look in LISTS + TREES:
        if "k" not in look:
            assert_same(look.split())


def test_libpci_gives_up_and_hwprobe_does_not():
    with tempfile.TemporaryDirectory() as directory:
        machine(directory)
        os.mkdir(os.path.join(directory, "sys/bus/pci/devices/no-address"))
        result = run(HWPROBE, "--json", "--sysroot", directory)
        assert result.returncode == 0, result
        assert "no-address" in json.dumps(json.loads(result.stdout)["pci"]), result.stdout
        result = run(HWPROBE, "--sysroot", directory, "pci", "ls", "-k")
        assert result.returncode == 0 and "DeviceName" in result.stdout, result


tap.main(dict(globals()))
