#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe's verbs that read and write, on the simulated machine. Arguments: hwprobe."""
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile

import tap
from tap import run

HWPROBE = sys.argv[1]
ALL = ["--grant", "msr = * rw danger", "--grant", "port = 0x70-0x80 rw", "--grant", "pci = *, config rw danger",
       "--grant", "bar = * * rw"]


def sim(*arguments, grants=ALL, **options):
    return run(HWPROBE, "--sim", *grants, *arguments, **options)


def values(*arguments):
    result = sim(*arguments, "--json")
    assert result.returncode == 0 and result.stderr == "", result
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1 and document["sysroot"] is None
    return document


def assert_prints(text, *arguments):
    result = sim(*arguments)
    assert (result.returncode, result.stdout, result.stderr) == (0, text, ""), result


def assert_fails(code, word, *arguments, **options):
    result = sim(*arguments, **options)
    assert result.returncode == code and result.stdout == "", result
    assert result.stderr.startswith("hwprobe: ") and result.stderr.count("\n") == 1, result
    assert word in result.stderr, result


def test_msr_rd_names_the_processor():
    assert_prints("cpu0 0x610 0x0042816000dd8160\n", "msr", "rd", "0x610")
    assert_prints("cpu2 0x610 0x0042816000dd8160\n", "msr", "rd", "-p", "2", "1552")
    assert_prints("".join(f"cpu{n} 0x198 0x18\n" for n in range(4)), "msr", "rd", "-a", "-f", "15:8", "0x198")
    assert_prints("cpu1 0x198 0x0\ncpu3 0x198 0x0\n", "msr", "rd", "-p", "1,3", "-f", "0:0", "0x198")
    assert [x["cpu"] for x in values("msr", "rd", "-a", "0x198")["values"]] == [0, 1, 2, 3]


def test_msr_wr_says_what_it_would_do():
    assert_prints("cpu0 0x199 0x0000000000001800->(0x0000000000001200:0xffffffffffffffff)"
                  "->0x0000000000001200\n", "msr", "wr", "-n", "0x199", "0x1200")
    assert_prints("cpu0 0x199 0x0000000000001800->(0x0000000000000200:0x0000000000000f00)"
                  "->0x0000000000001200\n", "msr", "wr", "-n", "-f", "11:8", "0x199", "2")
    assert_prints("", "msr", "wr", "-y", "-r", "-a", "0x199", "0x1200:0xff00")
    change, = values("msr", "wr", "-y", "0x199", "0x1200:0xff00")["changes"]
    assert (change["old"], change["new"], change["written"]) == \
        ("0x0000000000001800", "0x0000000000001200", True)
    assert values("msr", "wr", "-n", "0x199", "0")["changes"][0]["written"] is False


def test_ports_are_read_and_written():
    assert_prints("0x56\n", "io", "in", "0x71")
    assert_prints("", "io", "out", "-y", "0x80", "0x12")
    assert_prints("port 0x80 0x00->(0x12:0xff)->0x12\n", "io", "out", "-n", "0x80", "18")
    assert values("io", "in", "0x71")["values"][0]["value"] == "0x56"


def test_device_memory_is_read_written_dumped_and_waited_for():
    assert_prints("0x010000ed\n", "mem", "rd", "00:03.0:0")
    assert_prints("0x12345678\n", "mem", "rd", "0000:00:05.0:0+0x4")
    assert_prints("", "mem", "wr", "-y", "-r", "00:05.0:0+4", "0x12:0xff")
    assert_prints("00:05.0:0+0x4 0x12345678->(0x00000012:0x000000ff)->0x12345612\n",
                  "mem", "wr", "-n", "00:05.0:0+4", "0x12:0xff")
    assert_prints("00000000: 11ea0001 12345678 ffffffff 000000ff\n00000010: 000000ff\n",
                  "mem", "dump", "00:05.0:0", "20")
    assert values("mem", "dump", "00:05.0:0+4", "4")["values"] == ["0x12345678"]
    assert_prints("0x00000000\n", "mem", "wait", "00:04.0:0+0x1c", "0:1")
    assert_fails(1, "in time", "mem", "wait", "-t", "5", "00:04.0:0+0x1c", "1:1")


def test_ranges_bits_and_widths_are_understood_everywhere():
    assert_prints("port 0x71 0x5\nport 0x80 0x00\n", "io", "in", "0x71:7:4", "0x80.b")
    assert_prints("port 0x70 0xff\nport 0x71 0x56\n", "io", "in", "0x70+2")
    assert_prints("cpu0 0x198 0x0000210000001800\ncpu0 0x199 0x0000000000001800\n", "msr", "rd", "0x198-0x199")
    assert_prints("cpu2 0x198 0x18\n", "msr", "rd", "0x198:15:8@2")
    assert_prints("00:05.0:0+0x0 0x11ea0001\n00:05.0:0+0x4 0x12345678\n", "mem", "rd", "00:05.0:0+0-7")
    assert_prints("0x5a\n", "mem", "rd", "00:05.0:0+0x2d.b")
    assert_prints("port 0x80 0x00->(0x50:0xf0)->0x50\n", "io", "out", "-n", "0x80:7:4=5")
    assert_prints("cpu1 0x199 0x0000000000001800->(0x0000000000001200:0x000000000000ff00)->0x0000000000001200\n",
                  "msr", "wr", "-n", "0x199:15:8@1", "0x12")
    assert_prints("", "io", "out", "-y", "0x80=1", "0x80:7:7=1")


def test_registers_have_names():
    assert_prints("cpu0 IA32_THERM_STATUS.BelowLimit 0x34\n", "msr", "rd", "IA32_THERM_STATUS.BelowLimit")
    assert_prints("00:04.0:CC 0x00460000\n00:04.0:CC.EN 0x0\n", "mem", "rd", "00:04.0:CC", "00:04.0:CC.EN")
    assert_prints("00:04.0:CC.EN 0x00460000->(0x00000001:0x00000001)->0x00460001\n",
                  "mem", "wr", "-n", "00:04.0:CC.EN=1")
    assert_prints("0x00000000\n", "mem", "wait", "00:04.0:CSTS.RDY", "0")
    assert_fails(4, "read-only", "msr", "wr", "-y", "IA32_PERF_STATUS", "1")
    assert_fails(4, "read-only", "mem", "wr", "-y", "00:04.0:CAP", "1")
    assert_fails(3, "IA32_FOO", "msr", "rd", "IA32_FOO")
    assert_fails(3, "no field 'Foo'", "msr", "rd", "IA32_PERF_CTL.Foo")
    assert_fails(3, "no description", "mem", "rd", "00:05.0:CC")
    assert_fails(2, "0x3", "mem", "wr", "-y", "00:04.0:CC.SHN", "4")
    lines = sim("msr", "ls", "therm").stdout.splitlines()
    assert "0x0000019c rw   IA32_THERM_STATUS" in lines and len(lines) == 3, lines
    register, = values("msr", "ls", "PERF_CTL")["registers"]
    assert register["number"] == "0x199" and register["fields"][0]["name"] == "Ratio", register
    assert "  15:8     .Ratio" in sim("msr", "ls", "-f", "PERF_CTL").stdout
    assert_fails(3, "'nonsense'", "msr", "ls", "nonsense")
    assert_fails(2, "leave out -f", "msr", "rd", "-f", "1:0", "IA32_PERF_CTL.Ratio")


def test_values_have_other_forms():
    assert_prints("cpu0 0x198 0x0000210000001800ULL\n", "msr", "rd", "-c", "0x198")
    assert_prints("0x5aU\n", "mem", "rd", "-c", "00:05.0:0+0x2d.b")
    assert_prints("V", "io", "in", "--raw", "0x71")
    assert_prints("xV4\x12", "mem", "dump", "--raw", "00:05.0:0+4", "4")
    lines = sim("msr", "rd", "-a", "--csv", "--count=3", "--interval=1", "0x198").stdout.splitlines()
    assert lines[0] == "time,name,value" and len(lines) == 13, lines
    times = [float(line.split(",")[0]) for line in lines[1:]]
    assert times == sorted(times) and lines[1].split(",")[1:] == ["cpu0 0x198", "0x210000001800"], lines
    samples = values("io", "in", "--count=2", "--interval=0", "0x71")["values"]
    assert [x["sample"] for x in samples] == [0, 1] and float(samples[1]["time"]) >= float(samples[0]["time"])
    for words in [("--raw", "--json"), ("-c", "--csv"), ("--json", "--jsonl")]:
        assert_fails(2, "one of them", "io", "in", *words, "0x71")


def test_lines_come_as_values_are_read():
    command = [HWPROBE, "--sim", *ALL, "msr", "rd", "--jsonl", "--count=1000", "--interval=60000", "0x198", "0x7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as reader:
        good, bad = json.loads(reader.stdout.readline()), json.loads(reader.stdout.readline())
        reader.kill()
    assert (good["schema_version"], good["sample"], good["cpu"]) == (1, 0, 0), good
    assert good["value"] == "0x0000210000001800" and good["error"] is None, good
    assert bad["name"] == "cpu0 0x7" and bad["value"] is None and bad["error"] and bad["why"], bad


def test_interrupts_are_waited_for():
    words = ["irq", "wait", "-y", "--bits=28", "00:03.0"]
    grants = [*ALL, "--grant", "dma = *", "--grant", "irq = *"]
    for mode, options in [("msi", []), ("msi", ["--mode=msi"]), ("intx", ["--mode=intx"])]:
        result = sim(*words, "--write=0+0x60=1", *options, grants=grants)
        assert result.returncode in (0, 2) and (result.returncode or result.stdout == f"{mode} vector 0: 1\n"), result
    document = json.loads(sim(*words, "--write=0+0x60=1", "--json", grants=grants).stdout)
    assert (document["mode"], document["count"]) == ("msi", 1), document
    result = sim(*words, "--timeout=20", grants=grants)
    assert result.returncode == 1 and "0 of 1 came in time" in result.stderr, result
    assert_fails(4, "rule", *words, grants=ALL)
    # of some bits the others are kept: they must be read
    blind = ["--grant", "deny bar = * * r", "--grant", "bar = * * w", "--grant", "dma = *", "--grant", "irq = *"]
    assert sim(*words, "--write=0+0x60=1", grants=blind).returncode == 0
    for masked in ["0+0x60=1:1", "0+0x60:0:0=1"]:
        assert_fails(4, "00:03.0:0+0x60", *words, f"--write={masked}", grants=blind)
        assert sim(*words, f"--write={masked}", grants=grants).returncode == 0
    for option, word in [("--write=0+0x60", "BAR+OFFSET=VALUE"), ("--write=9+0=1", "'9'"), ("--write=0+0x60=x", "'x'"),
                         ("--mode=msy", "'msy'"), ("--count=x", "'x'")]:
        assert_fails(2, word, *words, option, grants=grants)


def test_bench_compares_in_turns():
    document = values("bench", "--rounds=3")
    assert {x["name"] for x in document["results"]} == {"mmio-read", "msr-read", "decision", "ring-nop", "ring-read"}
    for one in document["results"]:
        assert one["error"] is None and one["ours_ns"] > 0 and one["base_ns"] > 0, one
        assert one["ci"][0] <= one["ratio"] <= one["ci"][1], one
    text = sim("bench", "--rounds=1", "00:05.0:0+4").stdout
    assert "ring-nop" in text and max(len(line) for line in text.splitlines()) <= 80, text
    assert_fails(2, "32 bits", "bench", "00:05.0:0+0x2c.b")
    assert_fails(2, "at least one", "bench", "--rounds=0")


def text_of(text):
    file = tempfile.TemporaryFile("w+")
    file.write(text)
    file.seek(0)
    return file


def test_machine_of_standard_input_is_one_for_all_contexts():
    machine = run(HWPROBE, "sim", "show").stdout
    for verb in ["backends"], ["pci", "ls"]:
        result = run(HWPROBE, "--sim=-", *verb, stdin=text_of(machine))
        assert result.returncode == 0 and result.stdout == run(HWPROBE, "--sim", *verb).stdout, result
    # and it is nothing else besides
    saved = run(HWPROBE, "--sim", *ALL, "snapshot", "save", "msr=0x10").stdout
    result = run(HWPROBE, "--sim=-", *ALL, "snapshot", "diff", "-", stdin=text_of(saved))
    assert result.returncode == 1 and result.stderr == "hwprobe: -: No data available\n", result


def test_pci_registers_have_both_kinds_of_names():
    assert_prints("0x0002\n0x0002\n0x0\n0x0000\n0xc0200004\n", "pci", "get", "00:04.0", "Command",
                  "COMMAND", "DevCtl.MaxPayload", "CAP_EXP+8.w", "0x10.l")
    value, = values("pci", "get", "00:04.0", "DevCtl.MaxPayload")["values"]
    assert (value["value"], value["word"]) == ("0x0", "128")
    assert_prints("DevCtl.MaxPayload 0x0000->(0x0020:0x00e0)->0x0020\n",
                  "pci", "set", "-n", "00:04.0", "DevCtl.MaxPayload=256")
    assert_prints("", "pci", "set", "-yr", "00:04.0", "Command.Master=1", "COMMAND=4:4")


def make_function(directory, header_type):
    path = os.path.join(directory, "sys/bus/pci/devices/0000:00:03.0")
    config = bytearray((7 * n + 3) & 0xff for n in range(256))
    config[0x0e] = header_type
    config[6:8] = b"\0\0"
    struct.pack_into("<HH", config, 0, 0x1234, 0x11e8)
    files = {"vendor": b"0x1234\n", "device": b"0x11e8\n", "class": b"0x00ff00\n", "irq": b"0\n",
             "revision": b"0x00\n", "resource": b"0x0 0x0 0x0\n" * 13, "config": bytes(config)}
    os.makedirs(path)
    for name, content in files.items():
        with open(os.path.join(path, name), "wb") as out:
            out.write(content)


def test_cpuid_names_features_and_topology():
    document = values("cpuid")
    assert (document["vendor"], document["highest"]) == ("GenuineIntel", "0x00000016")
    assert "fpu" in document["features"] and document["topology"]["threads"] == 4
    text = sim("cpuid").stdout
    assert "GenuineIntel" in text and "fpu" in text
    assert max(len(line) for line in text.split("\n")) <= 80, text
    assert_prints("eax 0x00000002\nebx 0x00000004\necx 0x00000201\nedx 0x00000000\n", "cpuid", "0xb:1")
    assert values("cpuid", "0")["ebx"] == "0x756e6547"
    assert_fails(4, "cpuid", "cpuid", "0", grants=["--grant", "deny cpuid = * r"])


def test_pci_show_tells_what_may_be_told():
    document = values("pci", "show", "00:04.0")
    assert (document["vendor"], document["class"], document["driver"]) == ("0x1b36", "0x010802", None)
    assert document["bars"] == [{"bar": 0, "kind": "memory", "address": document["bars"][0]["address"],
                                 "size": "0x4000"}]
    assert [x["id"] for x in document["capabilities"]] == ["0x01", "0x05", "0x10"]
    result = sim("pci", "show", "00:04.0", grants=["--grant", "deny pci = *, config r"])
    assert result.returncode == 0 and "<access denied>" in result.stdout, result
    assert max(len(line) for line in result.stdout.split("\n")) <= 80, result.stdout
    assert_fails(3, "00:1e.0", "pci", "show", "00:1e.0")
    assert_fails(2, "BDF", "pci", "show", "nonsense")


def test_pci_dump_decodes_registers():
    lines = sim("pci", "dump", "00:04.0").stdout.splitlines()
    assert "VendorID 0x1b36" in lines and "  MaxPayload 0x0 128" in lines, lines
    registers = {x["name"]: x for x in values("pci", "dump", "00:04.0")["registers"]}
    assert registers["Command"]["value"] == "0x0002" and registers["Command"]["error"] is None
    assert {"name": "MaxPayload", "value": "0x0", "word": "128"} in registers["DevCtl"]["fields"]
    assert "PrimaryBus" not in registers
    assert_fails(4, "rule", "pci", "dump", "00:04.0", grants=["--grant", "deny pci = *, config r"])


def test_ring_is_told_and_tried():
    for backend in [[], ["-b", "epoll"], ["-b", "sync"]]:
        info = values("ring", "info", *backend)
        assert info["backend"] == (backend or [0, info["backend"]])[1] and info["depth"] > 0
        document = values("ring", "test", "-c", "100", *backend)
        assert document["submitted"] == document["delivered"] == 100, document
        assert sim("ring", "info", *backend).returncode == 0
        assert "100 delivered" in sim("ring", "test", "-c", "100", *backend).stdout
    assert_fails(2, "nonsense", "ring", "info", "-b", "nonsense")


def test_dma_is_given_and_taken_back():
    grants = ["--grant", "pci = *, config rw danger", "--grant", "dma = 1234:11e8"]
    result = sim("dma", "test", "-y", "--bits", "28", "00:03.0", grants=grants)
    assert result.returncode == 0 and "taken back" in result.stdout, result
    result = sim("dma", "test", "-y", "-j", "00:03.0", grants=grants)
    document = json.loads(result.stdout)
    assert (document["way"], document["gives"]) == ("sim", 1), document
    assert_fails(4, "rule", "dma", "test", "-y", "00:03.0", grants=[])
    assert_fails(3, "00:1e.0", "dma", "test", "-y", "00:1e.0", grants=["--grant", "dma = *"])
    assert_fails(2, "-y", "dma", "test", "00:03.0", grants=grants)


def test_setpci_reads_the_same():
    if not shutil.which("setpci"):
        raise tap.Skip("setpci", "setpci is not installed")
    names = [line.split()[2] for line in run("setpci", "--dumpregs").stdout.splitlines()[1:]
             if line.split()[1] in "BWL" and not line.split()[2].startswith("CB_")]
    assert len(names) > 40
    for header_type in [0, 1, 0x81]:
        with tempfile.TemporaryDirectory() as directory:
            make_function(directory, header_type)
            for name in names:
                theirs = run("setpci", "-O", f"sysfs.path={directory}/sys/bus/pci", "-s", "00:03.0", name)
                ours = run(HWPROBE, "--sysroot", directory, *ALL, "pci", "get", "00:03.0", name)
                assert ours.returncode == (3 if theirs.returncode else 0), (ours, theirs)
                assert ours.stdout.replace("0x", "") == theirs.stdout, (ours, theirs)


def test_denied_is_denied():
    assert_fails(4, "no rule", "msr", "wr", "-y", "0x199", "0x1200", grants=[])
    assert_fails(4, "no rule", "io", "in", "0x71", grants=[])
    assert_fails(4, "no rule", "mem", "wr", "-y", "00:05.0:0+4", "1", grants=[])
    assert_fails(4, "no rule", "pci", "set", "-y", "00:04.0", "COMMAND=4:4", grants=[])
    assert_fails(4, "read-only", "pci", "set", "-y", "00:04.0", "VendorID=1")
    assert_fails(4, "danger", "pci", "set", "-y", "00:04.0", "BAR0=0",
                 grants=["--grant", "pci = *, config rw"])


def test_captured_tree_never_reaches_this_machine():
    with tempfile.TemporaryDirectory() as directory:
        for words in [("io", "in", "0x71"), ("io", "out", "-y", "0x80", "1"), ("cpuid",)]:
            result = run(HWPROBE, "--sysroot", directory, *ALL, *words)
            assert result.returncode == 6 and result.stdout == "" and "captured" in result.stderr, result
        for words in [("msr", "rd", "0x10"), ("mem", "rd", "00:03.0:0"), ("pci", "get", "00:03.0", "COMMAND")]:
            result = run(HWPROBE, "--sysroot", directory, *ALL, *words)
            assert result.returncode in (3, 5) and result.stdout == "", result


def test_writes_never_happen_unasked():
    for words in [("msr", "wr", "0x199", "0x1200"), ("io", "out", "0x80", "1"),
                  ("mem", "wr", "00:05.0:0+4", "1"), ("pci", "set", "00:04.0", "COMMAND=4:4")]:
        assert_fails(2, "-y", *words)


def on_terminal(answer, *arguments):
    master, slave = pty.openpty()
    with subprocess.Popen([HWPROBE, "--sim", *ALL, *arguments], stdin=slave, stdout=subprocess.PIPE,
                          stderr=slave) as process:
        os.close(slave)
        asked = os.read(master, 4096)
        os.write(master, answer)
        out = process.stdout.read()
        code = process.wait(60)
        os.close(master)
    return code, asked, out


def test_terminal_is_asked():
    words = ("io", "out", "--json", "0x80", "0x12")
    code, asked, out = on_terminal(b"y\n", *words)
    assert code == 0 and b"write 0x12 to port 0x80? [y/N]" in asked and json.loads(out)["changes"]
    for answer in [b"n\n", b"\n", b"\x04"]:
        assert on_terminal(answer, *words)[0] == 1
        assert on_terminal(answer, *words)[2] == b""
    # one answer is not the next one's, however long it is
    code, _, out = on_terminal(b"yyyyyyyyyyyyyyyyyyyyyyyy\nn\n", "io", "out", "--json", "0x80=1", "0x80=2")
    assert (code, out) == (1, b""), (code, out)


def test_failures_end_with_their_codes():
    assert_fails(1, "there is none", "msr", "rd", "0x999")
    assert_fails(1, "reserved bits", "msr", "wr", "-y", "0x199", "1")
    assert_fails(3, "00:09.0", "mem", "rd", "00:09.0:0")
    assert_fails(3, "capability", "pci", "get", "00:04.0", "CAP_AGP.w")
    assert_fails(3, "no field 'Foo'", "pci", "get", "00:04.0", "Command.Foo")
    assert_fails(3, "Nope", "pci", "get", "00:04.0", "Nope")
    assert_fails(3, "0000:00:1e.0", "pci", "get", "00:1e.0", "COMMAND")
    result = sim("mem", "wr", "-y", "-r", "00:05.0:0+0x14", "1")
    assert result.returncode in (1, 8) and result.stderr.count("\n") == 1, result


def test_garbage_is_refused_by_its_position():
    garbage = [
        ("msr rd", "needs REGISTER"), ("msr rd 0x", "position 3"), ("msr rd 0x1g", "position 4"),
        ("msr rd 12a", "position 3"), ("msr rd 0x100000000", "0xffffffff"), ("msr rd 2-1", "nothing"),
        ("msr rd -f 3 1", "HI:LO"), ("msr rd -f 64:0 1", "0x3f"), ("msr rd -f 0:1 1", "higher"),
        ("msr rd -p x 1", "x"), ("msr rd --count 0 1", "begins at 1"), ("msr rd 1@", "behind the @"), ("msr rd -f 7:0 1:3:0", "one of the two"), ("msr wr -y 1 18446744073709551616", "0xffffffffffffffff"),
        ("msr wr -y 1 2:1", "outside the mask"), ("msr wr -y 1 0:0", "mask is empty"),
        ("io in 65536", "0xffff"), ("io in -w q 1", "32 bits"), ("io in -w 7 1", "width"),
        ("io out -y 1 256", "0xff"), ("io out -y 1", "VALUE"), ("io in -1", "-1"),
        ("mem rd 00:03.0", "BDF:BAR"), ("mem rd 00:03.0:6", "0x5"), ("mem rd 00:03.0:0+z", "position 1"),
        ("mem rd 00:03.0:0+", "position 1"), ("mem rd 00:03.0:0+1", "multiple of 4"), ("mem rd :0", "BDF"),
        ("mem dump 00:03.0:0 0", "multiple"), ("mem dump 00:03.0:0 6", "multiple"),
        ("mem dump 00:03.0:0 0x10001", "0x10000"), ("mem wait -t 1s 00:03.0:0 1", "position 2"),
        ("pci get 00:04.0", "NAME"), ("pci get nonsense COMMAND", "nonsense"), ("pci get 00:04.0 10.l", "0x10"),
        ("pci get 00:04.0 0x1000.b", "0xfff"), ("pci get 00:04.0 0x11.l", "multiple"),
        ("pci get 00:04.0 0x10.q", "32 bits"), ("pci get 00:04.0 CAP_EXP", "wide"), ("pci get 00:04.0 COMMAND.z", "width"),
        ("dma test", "BDF"), ("dma test -y x", "'x'"), ("dma test -y -s 1M 00:03.0", "position 2"),
        ("dma test -y -b 65 00:03.0", "0x40"), ("ring test -c x", "position 1"), ("ring", "info"),
        ("cpuid x", "position 1"), ("cpuid 0:", "position 1"), ("cpuid 0 0", "'0'"),
        ("pci set -y 00:04.0 COMMAND", "NAME=VALUE"), ("pci set -y 00:04.0 COMMAND=10", "0x10"),
        ("pci set -y 00:04.0 COMMAND=0x10000", "0xffff"), ("pci set -y 00:04.0 COMMAND=", "position 1"),
        ("pci set -y 00:04.0 DevCtl.MaxPayload=9", "0x7"), ("pci frob", "ls"), ("io", "in PORT"),
    ]
    for line, word in garbage:
        assert_fails(2, word, *line.split())


def test_full_disk_is_a_failure():
    with open("/dev/full", "w", encoding="ascii") as full:
        for words in [("msr", "rd", "0x610"), ("msr", "rd", "0x610", "--json"), ("pci", "get", "00:04.0", "COMMAND")]:
            result = sim(*words, stdout=full)
            assert result.returncode == 1 and "No space left" in result.stderr, result


tap.main(dict(globals()))
