#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe as people and programs meet it. Arguments: hwprobe, jail."""
import json
import os
import pty
import subprocess
import sys
import tempfile

import tap
from tap import run

HWPROBE, JAIL = sys.argv[1:3]
STATUSES = {"works", "partial", "no"}

TREE = {
    "proc/sys/kernel/arch": "x86_64\n",
    "proc/sys/kernel/osrelease": "6.1.0-captured\n",
    "proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A Processor\n",
    "proc/self/status": "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000020000\nSeccomp:\t0\n",
    "proc/modules": "",
    "sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
    "sys/devices/system/cpu/online": "0-1\n",
    "sys/bus/pci/devices/0000:00:03.0/vendor": "0x1234\n",
    "sys/bus/pci/devices/0000:00:03.0/device": "0x11e8\n",
    "sys/bus/pci/devices/0000:00:03.0/class": "0x00ff00\n",
    "sys/bus/pci/devices/0000:00:03.0/config": "\0" * 256,
    "sys/bus/pci/devices/0000:00:03.0/resource": "0xfe000000 0xfe0fffff 0x40200\n",
    "sys/bus/pci/devices/0000:00:03.0/resource0": "",
}


def make_tree(directory, files=None):
    for name, content in (files or TREE).items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(content)
    return directory


def report(*arguments, before=(), **options):
    result = run(*before, HWPROBE, "--json", *arguments, **options)
    assert result.returncode == 0 and result.stderr == "", result
    return json.loads(result.stdout)


def way(document, name):
    return next(one for one in document["ways"] if one["way"] == name)


def assert_one_line(result, code, *words):
    assert result.returncode == code, result
    assert not result.stdout, result
    assert result.stderr.startswith("hwprobe: ") and result.stderr.count("\n") == 1, result
    assert all(word in result.stderr for word in words), result


def test_document_is_whole():
    document = report()
    assert document["schema_version"] == 1
    assert set(document) == {"schema_version", "version", "sysroot", "machine", "process", "policy",
                             "access", "ways", "io_uring", "backends", "pci"}
    assert document["machine"]["kernel"] == os.uname().release
    assert document["machine"]["arch"] == os.uname().machine
    assert document["process"]["uid"] == os.getuid()
    for one in document["ways"]:
        assert one["status"] in STATUSES
        assert (one["error"] is None) == (one["status"] == "works"), one
        assert one["why"] or one["status"] == "works", one
        assert one["rest"] or one["status"] == "works", one
    assert {one["name"] for one in document["backends"]} == {"native", "broker", "sim", "generic"}
    assert way(document, "simulated machine")["status"] == "works"
    assert len(document["pci"]["functions"]) == document["machine"]["pci_functions"]


def test_page_fits_80_columns_and_is_plain():
    verbs = ["pci ls", "pci tree", "pci get", "pci set", "pci show", "pci dump", "msr rd", "msr wr", "io in", "io out",
             "mem rd", "mem wr", "mem dump", "mem wait", "cpuid", "ring info", "ring test", "dma test",
             "doctor", "backends", "stat", "snapshot save", "snapshot diff", "snapshot restore"]
    pages = [(*verb.split(), "--help") for verb in verbs]
    for arguments in [(), ("doctor", "--long"), ("backends",), ("--help",), ("--version",), *pages]:
        result = run(HWPROBE, *arguments)
        assert result.returncode == 0 and result.stderr == "", result
        assert "\033" not in result.stdout
        assert max(len(line) for line in result.stdout.split("\n")) <= 80, result.stdout
        assert not any(line.endswith(" ") for line in result.stdout.split("\n")), result.stdout


def test_page_names_cause_cure_and_rest():
    with tempfile.TemporaryDirectory() as directory:
        text = run(HWPROBE, "--sysroot", make_tree(directory)).stdout
    for words in ["locked down", "lockdown=", "module msr is not loaded", "fix        sudo modprobe msr",
                  "meanwhile", "captured tree", "6.1.0-captured", "cap_sys_rawio"]:
        assert words in text, (words, text)


def on_terminal(arguments, **environment):
    master, slave = pty.openpty()
    with subprocess.Popen([HWPROBE, *arguments], stdout=slave,
                          env={"TERM": "xterm", **environment}) as process:
        os.close(slave)
        text = b""
        try:
            while chunk := os.read(master, 65536):
                text += chunk
        except OSError:  # EIO: the other side is closed
            pass
        os.close(master)
    assert process.returncode == 0
    return b"\033[" in text


def test_color_is_where_it_is_wanted():
    assert on_terminal([])
    assert not on_terminal([], NO_COLOR="1")
    assert on_terminal([], NO_COLOR="")
    assert not on_terminal([], TERM="dumb")
    assert not on_terminal(["--color=never"])
    assert on_terminal(["--color=always"], NO_COLOR="1")
    assert "\033[" in run(HWPROBE, "--color", "always").stdout


def test_captured_tree_speaks_for_itself():
    with tempfile.TemporaryDirectory() as directory:
        document = report("--sysroot", make_tree(directory))
    assert document["sysroot"] == directory
    assert document["io_uring"] is None
    assert document["machine"]["cpu_model"] == "A Processor"
    assert document["machine"]["lockdown"] == "integrity"
    assert document["process"]["capabilities"] == ["cap_sys_rawio"]
    assert way(document, "ioperm")["error"] == "EPERM"
    assert "locked down" in way(document, "ioperm")["why"]
    assert "modprobe msr" in way(document, "/dev/cpu/N/msr")["fix"]
    assert "locked down" in way(document, "resourceN mmap")["why"]
    assert "CAP_SYS_ADMIN" in way(document, "config, full")["why"]
    assert "intel_iommu=on" in way(document, "IOMMU")["fix"]
    function, = document["pci"]["functions"]
    assert function["address"] == "0000:00:03.0"
    assert (function["vendor"], function["device"]) == ("0x1234", "0x11e8")
    assert document["pci"]["error"] is None


def test_broken_function_is_told_and_survived():
    files = {**TREE, "sys/bus/pci/devices/0000:00:04.0/vendor": "garbage\n"}
    with tempfile.TemporaryDirectory() as directory:
        document = report("--sysroot", make_tree(directory, files))
    assert document["machine"]["pci_functions"] == 2
    assert document["pci"]["error"] or len(document["pci"]["functions"]) == 2, document["pci"]


def test_empty_tree_is_a_machine_with_nothing():
    with tempfile.TemporaryDirectory() as directory:
        document = report("--sysroot", directory)
        assert run(HWPROBE, "--sysroot", directory).returncode == 0
    assert document["machine"]["arch"] == ""
    assert document["pci"]["functions"] == []
    assert {one["status"] for one in document["ways"]
            if one["kind"] in ("port", "msr", "bar") and one["through"] != "sim"} == {"no"}


def test_missing_tree_is_not_found():
    for path in ["/nonexistent/tree", "/dev/null"]:
        assert_one_line(run(HWPROBE, "--sysroot", path), 3, path)


def test_seccomp_filter_is_survived_and_named():
    if report()["io_uring"]["status"] != "works":
        raise tap.Skip("uring", "io_uring doesn't work here anyway")
    for action, error in [("refuse", "EPERM"), ("kill", "ECANCELED")]:
        uring = report(before=(JAIL, action))["io_uring"]
        assert uring["status"] == "no" and uring["error"] == error, uring
        assert "seccomp" in uring["why"] and "seccomp" in uring["fix"], uring
        text = run(JAIL, action, HWPROBE)
        assert text.returncode == 0 and "seccomp" in text.stdout, text


def test_nobody_gets_a_report():
    nobody = tap.Nobody(HWPROBE)
    document = json.loads(nobody.run("--json").stdout)
    if os.getuid() == 0:
        assert document["process"] == {"uid": 65534, "seccomp": document["process"]["seccomp"],
                                       "capabilities": []}
    for name in ["ioperm", "/dev/port", "/dev/cpu/N/msr"]:
        assert way(document, name)["status"] == "no"
    for one in document["ways"]:
        for word in one["fix"].split():
            assert not word.startswith("/sys/bus/") or os.path.exists(word), one
    assert nobody.run().returncode == 0


def test_garbage_arguments_are_refused():
    garbage = [
        (["--frob"], "--frob"), (["-x"], "-x"), (["-jx"], "-x"), (["--json=1"], "--json"),
        (["--sysroot"], "--sysroot"), (["--sysroot="], "--sysroot"), (["--color"], "--color"),
        (["--color=mauve"], "mauve"), (["--color="], "auto"), (["frob"], "frob"), ([""], "''"),
        (["doctor", "extra"], "extra"), (["backends", "1", "2"], "'1'"), (["--", "-x"], "-x"),
        (["Doctor"], "doctor"), (["sim"], "sim"), (["a" * 5000], "known"),
        (["--version=2"], "--version"), (["\udcff"], "unknown"),
    ]
    for arguments, word in garbage:
        result = subprocess.run([HWPROBE, *arguments], capture_output=True, timeout=60, check=False)
        result.stdout = result.stdout.decode()
        result.stderr = result.stderr.decode(errors="replace")
        assert_one_line(result, 2, word)


def test_unknown_names_list_the_known():
    assert_one_line(run(HWPROBE, "frob"), 2, "doctor", "backends")
    assert_one_line(run(HWPROBE, "--frob"), 2, "--json", "--sysroot", "--color", "--version")


def test_full_disk_is_a_failure():
    for arguments in [(), ("--json",), ("backends",), ("--help",), ("--version",)]:
        with open("/dev/full", "w", encoding="ascii") as full:
            result = run(HWPROBE, *arguments, stdout=full)
        assert result.returncode == 1 and "No space left" in result.stderr, result


def test_closed_streams_are_safe():
    assert_one_line(run("/bin/sh", "-c", '"$0" >&-', HWPROBE), 1, "closed")
    for closing in ["<&-", "2>&-", "<&- 2>&-"]:
        result = run("/bin/sh", "-c", f'"$0" --json {closing}', HWPROBE)
        assert result.returncode == 0, result
        json.loads(result.stdout)


def test_gone_reader_is_quiet():
    for restore in [True, False]:
        reader, writer = os.pipe()
        os.close(reader)
        result = run(HWPROBE, stdout=writer, restore_signals=restore)
        os.close(writer)
        assert result.returncode in (1, -13) and result.stderr == "", result


def test_no_argv_is_safe():
    result = run(JAIL, "no-argv", HWPROBE)
    assert result.returncode == 0 and "Machine" in result.stdout, result


def test_rules_in_line_are_the_reports_too():
    """All that a verb takes: 32 rules, however long."""
    grants = [word for n in range(32) for word in ("--grant", f"cpuid = {' '.join(map(hex, range(n, n + 60)))}")]
    assert run(HWPROBE, "--sim", *grants, "cpuid", "0").returncode == 0
    policy = report("--sim", *grants)["policy"]
    assert policy["error"] is None and policy["rules"] >= 32, policy


def test_help_and_version_say_all():
    text = run(HWPROBE, "--help").stdout
    for word in ["doctor", "backends", "--json", "--sysroot", "--color", "schema_version", "Exit"]:
        assert word in text, word
    text = run(HWPROBE, "--version").stdout
    assert text.startswith("hwprobe ") and "native" in text and "sim" in text


def test_backends_have_a_document_too():
    result = run(HWPROBE, "backends", "--json")
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1
    assert [one["name"] for one in document["backends"]] == ["native", "broker", "sim", "generic"]
    assert all(one["status"] in STATUSES for one in document["backends"])


def test_sim_check_names_line_and_column():
    shown = run(HWPROBE, "sim", "show")
    assert shown.returncode == 0 and "cmos" in shown.stdout, shown
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "machine.sim")
        with open(path, "w", encoding="ascii") as file:
            file.write(shown.stdout)
        result = run(HWPROBE, "sim", "check", path)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
        with open(path, "w", encoding="ascii") as file:
            file.write("cpu count 4\nports 0x70 two\n")
        result = run(HWPROBE, "sim", "check", path)
        assert result.returncode == 1 and f"{path}:2:12: found 'two'" in result.stderr, result


def test_sim_refuses_wrong_arguments():
    assert_one_line(run(HWPROBE, "sim"), 2, "check FILE")
    assert_one_line(run(HWPROBE, "sim", "check"), 2, "FILE")
    assert_one_line(run(HWPROBE, "sim", "nonsense"), 2, "nonsense")
    assert_one_line(run(HWPROBE, "sim", "check", "/nowhere"), 3, "/nowhere")
    assert_one_line(run(HWPROBE, "sim", "check", "/dev/zero"), 1, "/dev/zero")


tap.main(dict(globals()))
