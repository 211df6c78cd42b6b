#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe under the names of other programs, on the simulated machine. Arguments: hwprobe."""
import os
import struct
import sys
import tempfile

import tap
from tap import run

HWPROBE = sys.argv[1]
GRANTS = ["--grant", "msr = * rw danger", "--grant", "port = * rw", "--grant", "bar = * * rw"]
VALUES = {0x10: 0x1234abcd5678ef01, 0x20: 0, 0x30: 0xffffffffffffffff, 0x40: 0x80}


def be(*words, grants=tuple(GRANTS), machine=("--sim",)):
    return run(HWPROBE, *machine, *grants, "--as", *words)


def assert_prints(text, *words):
    result = be(*words)
    assert (result.returncode, result.stdout, result.stderr) == (0, text, ""), result


def assert_ends(code, word, *words, **options):
    result = be(*words, **options)
    assert result.returncode == code and result.stdout == "" and word in result.stderr, result
    assert result.stderr.startswith(words[0] + ": "), result


# What msr-tools 1.3 prints for these.
FORMATS = [
    ("0x10", "", "1234abcd5678ef01"), ("0x10", "-X", "1234ABCD5678EF01"), ("0x10", "-d", "1311862289879068417"),
    ("0x10", "-0d", "01311862289879068417"), ("0x10", "-0u", "01311862289879068417"),
    ("0x10", "-o", "110645274652636167401"), ("0x10", "-0o", "0110645274652636167401"),
    ("0x10", "-c", "0x1234abcd5678ef01"), ("0x10", "-cX", "0x1234ABCD5678EF01"),
    ("0x10", "-cu", "1311862289879068417U"), ("0x10", "-co", "0110645274652636167401"),
    ("0x10", "-c0o", "00110645274652636167401"), ("0x20", "", "0"), ("0x20", "-0", "0" * 16),
    ("0x20", "-c0", "0x" + "0" * 16), ("0x20", "-c0d", "0"), ("0x20", "-cu", "0U"), ("0x20", "-0u", "0" * 20),
    ("0x20", "-co", "00"), ("0x30", "-u", "18446744073709551615"), ("0x40", "-d", "128"), ("0x40", "-o", "200"),
    ("0x10", "-f 7:4", "0"), ("0x10", "-0 -f 7:4", "0"), ("0x10", "-0d -f 7:4", "00"), ("0x10", "-0o -f 7:4", "00"),
    ("0x10", "-0u -f 7:4", "00"), ("0x10", "-f 15:8", "ef"), ("0x10", "-u -f 15:8", "239"),
    ("0x10", "-c -f 15:8", "0xef"), ("0x10", "-f 63:32", "1234abcd"), ("0x10", "-0d -f 63:32", "00305441741"),
    ("0x10", "-0u -f 63:32", "0305441741"), ("0x10", "-0o -f 63:32", "02215125715"), ("0x10", "-f 0:0", "1"),
    ("0x10", "-f 8:8", "1"), ("0x10", "-u -f 0:0", "1"), ("0x10", "-x -d", "1311862289879068417"),
    ("16", "", "1234abcd5678ef01"), ("020", "", "1234abcd5678ef01"), ("0x10", "-p 01", "1234abcd5678ef02"),
    ("0x10", "--zero-pad --hexadecimal", "1234abcd5678ef01"), ("0x10", "--all", "1234abcd5678ef01\n1234abcd5678ef02"),
    # where msr-tools err: a sign is what the highest bit says
    ("0x30", "-d", "-1"), ("0x10", "-d -f 15:8", "-17"), ("0x30", "-0d", "-" + "0" * 18 + "1"),
    ("0x10", "--cpu -a", "0 1234abcd5678ef01\n1 1234abcd5678ef02"),
]


def captured(directory):
    """A tree with two processors' registers; what reads it reads it as /dev/cpu."""
    os.makedirs(os.path.join(directory, "sys/devices/system/cpu"))
    with open(os.path.join(directory, "sys/devices/system/cpu/online"), "w", encoding="ascii") as out:
        out.write("0-1\n")
    for cpu in range(2):
        os.makedirs(os.path.join(directory, f"dev/cpu/{cpu}"))
        with open(os.path.join(directory, f"dev/cpu/{cpu}/msr"), "wb") as out:
            for number, value in VALUES.items():
                out.seek(number)
                out.write(struct.pack("<Q", value + cpu if number == 0x10 else value))
    return "--sysroot", directory


def test_rdmsr_formats_as_rdmsr():
    with tempfile.TemporaryDirectory() as directory:
        tree = captured(directory)
        for number, options, text in FORMATS:
            result = be("rdmsr", *options.split(), number, machine=tree)
            assert (result.returncode, result.stdout, result.stderr) == (0, text + "\n", ""), (result, text)
        path = os.path.join(directory, "raw")
        with open(path, "wb") as out:
            assert run(HWPROBE, *tree, *GRANTS, "--as", "rdmsr", "-r", "0x10", stdout=out).returncode == 0
        with open(path, "rb") as raw:
            assert raw.read() == struct.pack("<Q", VALUES[0x10])


def test_rdmsr_ends_with_the_codes_of_rdmsr():
    assert_ends(2, "No CPU 9", "rdmsr", "-p", "9", "0x10")
    assert_ends(4, "CPU 0 cannot read MSR 0x00000999\n", "rdmsr", "0x999")
    assert_ends(127, "no rule", "wrmsr", "0x199", "1", grants=())
    assert_ends(4, "CPU 0 cannot set MSR 0x00000999 to 0x0000000000000001\n", "wrmsr", "0x999", "1")
    for words in [[], ["1", "2"], ["x"], [""], ["0x"], ["0x1g"], ["08"], ["0x100000000"], ["-f", "5:7", "1"],
                  ["-f", "64:0", "1"], ["-f", "7", "1"], ["-f", "7:4:3", "1"], ["-f", "x:y", "1"], ["-p", "x", "1"],
                  ["-p", "256", "1"], ["-p", "", "1"], ["-q", "1"], ["--frob", "1"], ["-f"]]:
        result = be("rdmsr", *words)
        assert result.returncode == 127 and result.stdout == "" and result.stderr, result
    for option in ["-h", "-V", "--help", "--version"]:
        result = be("rdmsr", option)
        assert result.returncode == 0 and "rdmsr" in result.stdout and not result.stderr, result


def test_wrmsr_writes_all_values_or_none():
    for words in [["0x199", "0x1200"], ["-a", "0x199", "0x1200"], ["-p", "2", "0x199", "0x1200", "0x1300"]]:
        assert_prints("", "wrmsr", *words)
    # where wrmsr writes 0
    for value in ["x", "", "0x", "-1", "0x10000000000000000"]:
        result = be("wrmsr", "--", "0x199", "1", value)
        assert result.returncode == 127 and f"'{value}'" in result.stderr, result
    assert be("wrmsr", "0x199").returncode == 127


def test_ports_are_read_and_written_as_by_ioport():
    assert_prints("86\n", "inb", "0x71")
    assert_prints("56\n", "inb", "--hex", "0x71")
    assert_prints("0\n", "inb", "128")
    assert_prints("86\n", "inw", "--size", "1", "0161")
    assert_prints("86\n", "outb", "--read", "0x71")
    for words in [("outb", "0x80", "0x12"), ("inb", "--write", "0x80", "18")]:
        assert_prints("", *words)
    result = be("inb", "--code", "0x71")
    assert (result.returncode, result.stdout) == (0x56, ""), result
    for words in [["inb"], ["inb", "1", "2"], ["inb", "x"], ["inb", ""], ["inb", "0x10000"], ["outb", "0x80", "256"],
                  ["outb", "0x80"], ["inb", "--size", "3", "1"], ["outw", "0x80", "0x10000"]]:
        result = be(*words)
        assert result.returncode == 1 and result.stdout == "" and result.stderr.startswith(words[0] + ": "), result
    assert be("inb", "--frob").returncode == 1
    assert_ends(1, "no rule", "outl", "0x80", "1", grants=())


def test_devmem_reaches_bars_by_their_address():
    shown = run(HWPROBE, "--sim", "pci", "show", "--json", "00:05.0").stdout
    address = int(shown.partition('"address": "0x')[2].partition('"')[0], 16)
    assert_prints("0x12345678\n", "devmem", hex(address + 4))
    assert_prints("0x5A\n", "devmem", str(address + 0x2d), "8")
    assert_prints("0x0000\n", "devmem", oct(address + 0x2e).replace("o", ""), "16")
    assert_prints("0x11EA0001\n", "devmem", hex(address), "32")
    assert_prints("0x0000000000000000\n", "devmem", hex(address + 0x38), "64")
    assert_prints("", "devmem", hex(address + 4), "32", "0x1")
    assert_ends(1, "lies in no BAR", "devmem", "0xfee00000")
    assert_ends(1, "00:05.0:0+0x4", "devmem", hex(address + 4), "32", "1", grants=())
    for words in [["x"], [""], ["0x"], ["0x1g"], [hex(address), "7"], [hex(address), "32", "x"],
                  [hex(address), "8", "256"], ["-1"]]:
        result = be("devmem", *words)
        assert result.returncode == 1 and result.stdout == "" and result.stderr.startswith("devmem: "), result
    for words in [[], ["1", "32", "1", "1"]]:
        assert be("devmem", *words).stderr.startswith("Usage: devmem ADDRESS")


def test_link_has_the_name():
    with tempfile.TemporaryDirectory() as directory:
        tree = captured(os.path.join(directory, "tree"))
        link = os.path.join(directory, "rdmsr")
        os.symlink(os.path.abspath(HWPROBE), link)
        result = run(link, "-h")
        assert result.returncode == 0 and result.stdout.startswith("Usage: rdmsr "), result
        result = run(link, "0x10", "0x20")
        assert result.returncode == 127 and "rdmsr" in result.stderr, result
        assert be("/some/where/rdmsr", "0x40", machine=tree).stdout == "80\n"
    assert run(HWPROBE, "--as", "frob").returncode == 2
    assert run(HWPROBE, "msr", "rd", "--as", "rdmsr", "0x10").returncode == 2


def test_every_program_has_its_link():
    """Those that meson installs with -Dpersonalities=true are those that there are."""
    known = run(HWPROBE, "--as", "frob").stderr.partition("known: ")[2].split()
    with open(os.path.join(os.path.dirname(__file__), "../../hw/hwprobe/meson.build"), encoding="utf-8") as file:
        names = file.read().partition("foreach name : [")[2].partition("]")[0]
    assert known and names.replace("'", "").replace(",", "").split() == known, (names, known)


def test_full_disk_is_a_failure():
    with open("/dev/full", "w", encoding="ascii") as full:
        result = run(HWPROBE, "--sim", *GRANTS, "--as", "rdmsr", "0x10", stdout=full)
        assert result.returncode == 1 and "No space left" in result.stderr, result


tap.main(dict(globals()))
