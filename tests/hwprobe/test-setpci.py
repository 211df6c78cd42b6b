#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe as setpci against setpci itself, on captured trees: the same output, the same bytes written.
Arguments: hwprobe."""
import os
import shutil
import struct
import sys
import tempfile

import tap
import trees
from tap import run

HWPROBE = sys.argv[1]
GRANT = ("--grant", "pci = *, config rw danger")
EDU = "0000:00:03.0"

READS = ["-s 3.0 COMMAND", "-v -s 3.0 4.w CAP_EXP+10.w CAP10+8.l ECAP_AER+4.l ECAP3.l CAP_MSI.w CAP_MSI.w@1",
         "-v -s 3.0 COMMAND -s 4.0 STATUS -d 8086:1533 VENDOR_ID", "-s4.0 REVISION", "-f -s 1f.0 COMMAND",
         "-s 3.0 command.b Status.B 4.L", "-v -s 3.0 HEADER_TYPE.w fff.b", "-r -s 0:3.0 COMMAND", "-vf -s 3.0 0x4.w",
         "-s 3.0 -s 4.0 COMMAND", "-v -d 8086:*:0604 PRIMARY_BUS BRIDGE_CONTROL BASE_ADDRESS_1", "--dumpregs",
         "-v -d ::00xx CLASS_DEVICE", "-s 3.0 4+2.w cap_exp+2.w ecap_aer.l ECAP001.l", "-v -s 3.0 COMMAND@1"]
WRITES = ["-v -s 3.0 COMMAND=1:2", "-v -s 3.0 COMMAND=1:3,ffff,5:ffff BASE_ADDRESS_0=12345678,1:1",
          "-s 3.0 COMMAND=ffff 4.w", "-s 3.0 COMMAND=fffff001", "-s 3.0 COMMAND=0x6:0x1 0x4.w",
          "-s 5.0 PRIMARY_BUS=5 BRIDGE_CONTROL=40:40", "-v -d 1234:11e8 CAP_PM+4.w=3:3", "-v -s 3.0 COMMAND=2:1",
          "-v -s 3.0 40.b=1,2,3,4:f0 50.l=deadbeef:ff00ff00", "-v -s 3.0 CAP_MSI.w@1=0 ECAP_AER+8.l=ffffffff",
          "-v -s 3.0 COMMAND=0:4 STATUS=ffff -s 4.0 COMMAND=6", "-s 3.0 ffe.b=1,2 COMMAND.b=fe"]
DEMOS = ["-vD -s 3.0 COMMAND=1:2", "-vD -s 3.0 CAP_EXP+8.w=0:7000 CAP_EXP+8.w=1,2", "-D -s 3.0 COMMAND=5"]
WRONG = [("-s 3.0 COMMAND=", "COMMAND="), ("-s 3.0 COMMAND=zz", "'zz'"), ("-s 3.0 COMMAND=12345", "12345"),
         ("-s 3.0 COMMAND=1:zz", "'zz'"), ("-s 3.0 BOGUS", "'BOGUS'"), ("-s 3.0 5.w", "'5.w'"),
         ("-s 3.0 1000.b", "'1000'"), ("-s 3.0 10", "'10'"), ("-s 3.0 CAP_EXP", "'CAP_EXP'"),
         ("-s 3.0 CAP_AGP.l", "CAP_AGP"), ("COMMAND", "'COMMAND'"), ("", "operation"), ("-s zz COMMAND", "'zz'"),
         ("-d zz COMMAND", "'zz'"), ("-s 3.0 PRIMARY_BUS", "PRIMARY_BUS"), ("-s 3.0 COMMAND.x", "'x'"),
         ("-s 3.0 CAP_PM.l@x", "'x'"), ("-x", "-x"), ("-s", "-s"), ("-s 3.0 COMMAND=1 -s", "-s"),
         ("-s 3.0 CAP_MSI.w@2", "CAP_MSI@2"), ("-s 3.0 COMMAND=1:10000", "'10000'"), ("-s 3.0 4.w.b", "'w.b'"),
         ("-s 3.0 +1.w", "''"), ("-s 3.0 COMMAND=-1", "'-1'"), ("-s 3.0 COMMAND=1:2:3", "'2:3'"),
         ("-s 3.0 COMMAND=1,,2", "''"), ("-s 3.0 ffe.w=1,2", "ffe.w"), ("-s 3.0 CAP.w", "'CAP'"),
         ("-s 3.0 CAP100.w", "'CAP100'"), ("-s 3.0 4.w -v", "-v"), ("-s 3.0 BASE_ADDRESS_0=100000000", "100000000"),
         ("-s 3.0 =1", "''"), ("-s 3.0 4.w@100000000", "100000000"), ("-s 3.0 CAP_PM+1.w", "CAP_PM+1.w")]
STRICTER = [("-s 3.0 4.w=:1", "''"), ("-s 3.0 COMMAND=+7", "'+7'"), ("-r -s 1f.0 COMMAND", "no function"),
            ("-s 4.0 100.l", "256 bytes"), ("-s 3.0 CAP_PM+fbe.w=1,2", "ffe")]


def functions():
    capabilities = [(0x40, b"\1\0\3\0\0\0"), (0x50, b"\5\0\x80\0"), (0x60, b"\x10\0\2\0"), (0x70, b"\5\0\0\0")]
    bridge = bytearray(trees.config(0x8086, 0x3420, 0x060400, 2))
    bridge[0x0e], bridge[0x18:0x1b] = 1, b"\0\1\3"
    return {EDU: trees.config(**trees.EDU, size=4096, capabilities=capabilities, extended=[(0x100, 1), (0x148, 3)]),
            "0000:00:04.0": trees.config(0x8086, 0x1533, 0x020000, 3, (0x8086, 1)), "0000:00:05.0": bytes(bridge)}


def spaces(directory):
    found = {}
    for name in functions():
        with open(os.path.join(directory, "sys/bus/pci/devices", name, "config"), "rb") as file:
            found[name] = file.read()
    return found


def ours(directory, arguments, grant=GRANT):
    return run(HWPROBE, "--sysroot", directory, *grant, "--as", "setpci", *arguments.split())


def theirs(directory, arguments):
    where = () if arguments.startswith("--") else ("-O", f"sysfs.path={directory}/sys/bus/pci")
    return run("setpci", *where, *arguments.split())


def compare(arguments):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        trees.make(one, functions())
        trees.make(other, functions())
        mine, real = ours(one, arguments), theirs(other, arguments)
        assert mine.returncode == real.returncode, (mine, real)
        assert mine.stdout == real.stdout, (mine, real)
        assert spaces(one) == spaces(other), (mine, real)
        assert (spaces(one) != functions()) == (arguments in WRITES), mine
        return mine


def need_setpci():
    if not shutil.which("setpci"):
        raise tap.Skip("setpci", "setpci is not installed")


def test_reads_print_what_setpci_prints():
    need_setpci()
    for arguments in READS:
        assert compare(arguments).stderr == ""


def test_writes_write_the_bytes_that_setpci_writes():
    need_setpci()
    for arguments in WRITES:
        assert compare(arguments).stderr == ""


def test_demo_writes_nothing():
    need_setpci()
    for arguments in DEMOS:
        compare(arguments)


def test_garbage_is_refused_where_setpci_refuses():
    need_setpci()
    for arguments, word in WRONG:
        result = compare(arguments)
        assert result.returncode == 1 and not result.stdout, result
        assert word in result.stderr and result.stderr.count("\n") == 1, result


def test_what_setpci_lets_pass_is_refused_too():
    with tempfile.TemporaryDirectory() as directory:
        trees.make(directory, functions())
        for arguments, word in STRICTER:
            result = ours(directory, arguments)
            assert result.returncode == 1 and not result.stdout, result
            assert word in result.stderr and result.stderr.count("\n") == 1, result
        assert spaces(directory) == functions()


def test_nothing_selected_is_a_warning():
    with tempfile.TemporaryDirectory() as directory:
        trees.make(directory, functions())
        for arguments in ["-s 1f.0 COMMAND", "-s 3.0", "-s 3.0 -d 8086: COMMAND"]:
            result = ours(directory, arguments)
            assert (result.returncode, result.stdout) == (0, "") and "warning" in result.stderr, result


def test_denial_names_the_rule_and_comes_before_any_write():
    with tempfile.TemporaryDirectory() as directory:
        trees.make(directory, functions())
        deny = ("--grant", "pci = *, config rw danger", "--grant", "deny pci = 8086:1533, config w")
        result = ours(directory, "-s 3.0 COMMAND=0 -s 4.0 COMMAND=0", deny)
        assert result.returncode == 1 and "(inline:2)" in result.stderr, result
        assert spaces(directory) == functions()
        result = ours(directory, "-s 3.0 COMMAND=0", ())
        assert result.returncode == 1 and "COMMAND=0" in result.stderr, result
        assert spaces(directory) == functions()
        narrow = ("--grant", "pci = 1234:11e8, config 0x4-0x7 rw danger")
        result = ours(directory, "-s 3.0 COMMAND=0:4", narrow)
        assert result.returncode == 0, result
        assert struct.unpack_from("<H", spaces(directory)[EDU], 4)[0] == 3


def test_simulated_function_is_written():
    result = run(HWPROBE, "--sim", *GRANT, "--as", "setpci", "-v", "-s", "3.0", "COMMAND=4:4", "COMMAND")
    assert result.returncode == 0 and result.stdout.startswith("0000:00:03.0 @04 "), result
    assert result.stdout.splitlines()[1].endswith("6"), result


def test_this_machine_is_read_as_setpci_does():
    need_setpci()
    if os.getuid() != 0 or not os.path.isdir("/sys/bus/pci/devices"):
        raise tap.Skip("pci", "this machine shows no PCI to this user")
    for name in sorted(os.listdir("/sys/bus/pci/devices")):
        arguments = ["-v", "-s", name, "VENDOR_ID", "DEVICE_ID", "COMMAND", "STATUS", "CLASS_DEVICE", "0.l", "3c.b"]
        assert run(HWPROBE, "--as", "setpci", *arguments).stdout == run("setpci", *arguments).stdout != ""


def test_link_to_it_is_setpci():
    with tempfile.TemporaryDirectory() as directory:
        link = os.path.join(directory, "setpci")
        os.symlink(os.path.abspath(HWPROBE), link)
        assert run(link, "--dumpregs").stdout.startswith("cap pos w name\n     00 W VENDOR_ID\n")
        assert "setpci version" in run(link, "--version").stdout
        assert "CAP_EXP" in run(link, "--help").stdout


tap.main(dict(globals()))
