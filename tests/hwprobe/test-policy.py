#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hwprobe policy, as people and programs meet it. Argument: hwprobe."""
import json
import os
import sys
import tempfile

import tap
from tap import run

HWPROBE = os.path.abspath(sys.argv[1])

POLICY = """[fan]
user = fan
port = 0x2e-0x2f rw
msr  = 0x610 rw, mask 0x7fff, value 0-0x320
[staff]
group = staff
msr  = 0x19c r
[all]
bar  = 1234:11e8 0 0-0xff rw, width 4
deny port = 0xcf8-0xcff
"""
TREE = {
    "etc/passwd": "root:x:0:0::/:/bin/sh\nfan:x:700:700::/:/bin/sh\nalice:x:701:701::/:/bin/sh\n",
    "etc/group": "fan:x:700:\nstaff:x:50:alice\n",
    "etc/hwsafe/policy.d/fan.conf": POLICY,
    "sys/bus/pci/devices/0000:00:03.0/vendor": "0x1234\n",
    "sys/bus/pci/devices/0000:00:03.0/device": "0x11e8\n",
    "sys/bus/pci/devices/0000:00:03.0/class": "0x00ff00\n",
}


class Tree:
    """A captured tree with a policy."""

    def __init__(self, **files):
        self.directory = tempfile.TemporaryDirectory()
        self.path = self.directory.name
        for name, content in {**TREE, **files}.items():
            self.write(name, content)

    def write(self, name, content):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, 0o644)
        return path

    def run(self, area, verb, *arguments):
        return run(HWPROBE, area, verb, "--sysroot", self.path, *arguments)


def assert_one_line(result, code, *words):
    assert result.returncode == code, result
    assert not result.stdout, result
    assert result.stderr.startswith("hwprobe: ") and result.stderr.count("\n") == 1, result
    assert all(word in result.stderr for word in words), result


def test_check_is_silent_about_good_policies():
    tree = Tree()
    for arguments in [(), ("/etc/hwsafe/policy.d",), ("/etc/hwsafe/policy.d/fan.conf",)]:
        result = tree.run("policy", "check", *arguments)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    with tempfile.TemporaryDirectory() as empty:
        assert run(HWPROBE, "policy", "check", "--sysroot", empty).returncode == 0


def test_check_tells_every_error_by_line_and_column():
    tree = Tree()
    tree.write("bad.conf", "[a]\nport = 0x99999 rw\nfrob = 1\nmsr = 1 q\n")
    result = tree.run("policy", "check", "/bad.conf")
    assert result.returncode == 1 and not result.stdout, result
    lines = result.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines] == \
        ["/bad.conf:2:8:", "/bad.conf:3:1:", "/bad.conf:4:9:"], result
    document = json.loads(tree.run("policy", "check", "--json", "/bad.conf").stdout)
    assert document["schema_version"] == 1 and document["valid"] is False
    assert [(one["line"], one["column"]) for one in document["errors"]] == [(2, 8), (3, 1), (4, 9)]


def test_check_takes_many_and_tells_all():
    tree = Tree(**{"bad.conf": "[a]\nport = x\n", "worse.conf": "q\n"})
    result = tree.run("policy", "check", "/bad.conf", "/etc/hwsafe/policy.d", "/worse.conf")
    assert result.returncode == 1 and "/bad.conf:2:" in result.stderr, result
    assert "/worse.conf:1:" in result.stderr, result


def test_check_without_sysroot_takes_relative_paths():
    tree = Tree()
    path = os.path.join(tree.path, "mine")
    tree.write("mine/a.conf", "[a]\nport = 1 r\n")
    for argument in ["mine", "mine/a.conf", path]:
        result = run(HWPROBE, "policy", "check", argument, cwd=tree.path)
        assert result.returncode == 0 and not result.stderr, result


def test_check_of_nothing_is_not_found():
    assert_one_line(run(HWPROBE, "policy", "check", "/nowhere"), 3, "/nowhere")
    assert json.loads(run(HWPROBE, "policy", "check", "-j", "/nowhere").stdout)["errors"]


def test_explain_names_rule_line_and_reason():
    tree = Tree()
    result = tree.run("policy", "explain", "--as", "fan", "port", "rw", "0x2e-0x2f")
    assert result.returncode == 0 and "allowed by" in result.stdout, result
    assert "fan.conf:3 [fan]" in result.stdout and not result.stderr, result
    result = tree.run("policy", "explain", "--as", "alice", "msr", "write", "0x610")
    assert result.returncode == 4 and "no-rule" in result.stdout, result
    result = tree.run("policy", "explain", "--as", "fan", "port", "r", "0xcf8+4")
    assert result.returncode == 4 and "deny-rule" in result.stdout, result
    assert "fan.conf:10 [all]" in result.stdout, result


def test_explain_knows_groups_and_uids():
    tree = Tree()
    for who, code in [("alice", 0), ("701", 0), ("fan", 4), ("4711", 4)]:
        result = tree.run("policy", "explain", "--as", who, "msr", "r", "0x19c")
        assert result.returncode == code, (who, result)


def test_explain_checks_values():
    ask = ("policy", "explain", "--as", "fan", "msr", "w", "0x610", "--old", "0", "--value")
    tree = Tree()
    assert tree.run(*ask, "0x320").returncode == 0
    result = tree.run(*ask, "0x321")
    assert result.returncode == 4 and "value" in result.stdout, result
    result = tree.run(*ask, "0x8000")
    assert result.returncode == 4 and "mask" in result.stdout, result


def test_explain_finds_the_device_of_an_address():
    tree = Tree()
    for device in ["0000:00:03.0", "00:03.0", "1234:11e8"]:
        result = tree.run("policy", "explain", "bar", "rw", device, "0", "0-0xff")
        assert result.returncode == 0 and "[all]" in result.stdout, result
        result = tree.run("policy", "explain", "bar", "rw", device, "0")
        assert result.returncode == 4, result
    assert_one_line(tree.run("policy", "explain", "pci", "r", "00:1f.7"), 3, "0000:00:1f.7")


def test_explain_has_a_document():
    tree = Tree()
    document = json.loads(tree.run("policy", "explain", "--json", "--as", "fan", "port", "rw",
                                   "0x2e").stdout)
    assert document["allowed"] is True and document["reason"] == "none" and document["uid"] == 700
    assert document["rule"]["line"] == 3 and document["rule"]["section"] == "fan"
    document = json.loads(tree.run("policy", "explain", "--json", "port", "w", "1").stdout)
    assert document["allowed"] is False and document["rule"] is None
    assert document["error"] == "EACCES"


def test_explain_asks_another_policy():
    tree = Tree(**{"other.conf": "[a]\nring = /dev/null rw\nplugin = /a.so sha256 " + "0" * 64 +
                                 "\ndma = 1234:11e8 max 4096\n"})
    for what, code in [(("ring", "rw", "/dev/null", "4096"), 0), (("plugin", "r", "/a.so"), 0),
                       (("ring", "rw", "/dev/zero"), 4), (("dma", "rw", "1234:11e8", "4096"), 0),
                       (("dma", "rw", "1234:11e8", "4097"), 4)]:
        result = tree.run("policy", "explain", "-p", "/other.conf", *what)
        assert result.returncode == code, (what, result)


def test_explain_refuses_garbage():
    tree = Tree()
    for arguments, word in [
            (("prt", "r", "1"), "prt"), (("p\nrt", "r", "1"), "'p?rt'"), (("port", "q", "1"), "'q'"), (("port", "r", "x"), "'x'"),
            (("port", "r", "0x10000"), "0xffff"), (("port", "r", "2-1"), "2-1"),
            (("port", "r", "1-"), "''"), (("port", "r"), "needs"),
            (("port", "r", "1+0"), "1+0"), (("port", "r", "1", "2"), "PORTS"),
            (("bar", "r", "00:03.0"), "BAR"), (("bar", "r", "00:03.0", "6"), "'6'"),
            (("pci", "r", "frob"), "frob"), (("port", "r,", "1"), "'r,'"),
            (("port", "r", "1", "--width", "3"), "3"), (("port", "r", "1", "--width", "x"), "'x'"),
            (("plugin", "r", "/a", "/b"), "PATH"),
            (("port", "r", "1", "--frob"), "--frob"), (("port", "r", "1", "--as"), "--as")]:
        assert_one_line(tree.run("policy", "explain", *arguments), 2, word)
    assert_one_line(tree.run("policy", "explain", "--as", "", "port", "r", "1"), 3, "--as")
    assert_one_line(tree.run("policy", "explain", "--as", "mallory", "port", "r", "1"), 3, "mallory")


def test_lint_names_both_rules():
    tree = Tree(**{"odd.conf": "[a]\nuser = fan\nport = 1-9 rw\ndeny port = 0-99\n"
                               "port = 0xcf9 w danger reset\n"})
    result = tree.run("policy", "lint", "/odd.conf")
    assert result.returncode == 1 and not result.stderr, result
    assert result.stdout == (
        "/odd.conf:3: dead: all that it allows is denied: see /odd.conf:4: deny port = 0-99\n"
        "/odd.conf:5: danger: it opens what resets the machine\n"), result
    result = tree.run("policy", "lint", "--rules", "/odd.conf")
    assert "         9  /odd.conf:3: port = 1-9 rw\n" in result.stdout, result
    document = json.loads(tree.run("policy", "lint", "--json", "/odd.conf").stdout)
    assert [one["finding"] for one in document["findings"]] == ["dead", "danger"], document
    assert document["findings"][0]["other"]["line"] == 4
    assert document["rules"][0]["addresses"] == "0x9"


def test_lint_is_silent_about_plain_policies():
    with tempfile.TemporaryDirectory() as empty:
        result = run(HWPROBE, "policy", "lint", "--sysroot", empty)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    tree = Tree(**{"bad.conf": "[a]\nport = x\n"})
    result = tree.run("policy", "lint", "/bad.conf")
    assert result.returncode == 1 and "/bad.conf:2:8:" in result.stderr, result
    assert_one_line(tree.run("policy", "lint", "/a", "/b"), 2, "/b")
    assert_one_line(tree.run("policy", "lint", "/nowhere"), 3, "/nowhere")


def test_diff_tells_what_became_possible():
    tree = Tree(**{"old.conf": "[a]\nuser = fan\nport = 1-5 rw\n",
                   "new.conf": "[a]\nuser = fan\nport = 1-4 rw\nmsr = 0x19c r, cpus 2\n"})
    result = tree.run("policy", "diff", "/old.conf", "/new.conf")
    assert result.returncode == 1 and not result.stderr, result
    assert result.stdout == (
        "possible: uid 700: msr 0x19c CPU 2 r (/new.conf:4: msr = 0x19c r, cpus 2)\n"
        "impossible: uid 700: port 0x5 r,w (/old.conf:3: port = 1-5 rw)\n"), result
    document = json.loads(tree.run("policy", "diff", "--json", "/old.conf", "/new.conf").stdout)
    assert [one["change"] for one in document["changes"]] == ["possible", "impossible"]
    assert document["changes"][0]["cpu"] == 2 and document["changes"][0]["gid"] is None
    result = tree.run("policy", "diff", "/old.conf", "/old.conf")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    assert_one_line(tree.run("policy", "diff", "/old.conf"), 2, "OLD NEW")
    assert_one_line(tree.run("policy", "diff", "/old.conf", "/nowhere"), 3, "/nowhere")


def test_import_makes_a_policy_of_a_list():
    tree = Tree(**{"list": "# MSR   Write mask\n0x00000010 0x0000000000000000 # \"TSC\"\n\n"
                           "0x610 0x00007fff\n0x620 0xffffffffffffffff\n"})
    result = tree.run("policy", "import", "--user", "fan", "/list")
    assert result.returncode == 0 and not result.stderr, result
    assert result.stdout == ("[msr-safe]\nuser = fan\nmsr = 0x10 r\n"
                             "msr = 0x610 rw, mask 0x7fff\nmsr = 0x620 rw\n"), result
    tree.write("made.conf", result.stdout)
    assert tree.run("policy", "check", "/made.conf").returncode == 0


def test_import_refuses_what_is_no_list():
    for line, word in [("0x10", "mask"), ("0x10 1 2", "mask"), ("x 1", "'x'"),
                       ("0x100000000 1", "0xffffffff"), ("0x10 -1", "'-1'")]:
        tree = Tree(**{"list": "0x1 0x0\n" + line + "\n"})
        assert_one_line(tree.run("policy", "import", "/list"), 1, "/list:2:", word)
    tree = Tree(**{"list": "# nothing\n", "good": "0x1 0x0\n"})
    assert_one_line(tree.run("policy", "import", "/list"), 2, "no register in it")
    for section in ["", "a b", "a]", "x" * 65]:
        assert_one_line(tree.run("policy", "import", "--section", section, "/good"), 2, "--section")
    result = Tree().run("policy", "import", "/nowhere")
    assert result.returncode == 3 and "/nowhere" in result.stderr, result


def test_explain_takes_what_a_person_types():
    tree = Tree()
    for words, code in [
            (("msr", "rd", "MSR_PKG_POWER_LIMIT"), 0), (("msr", "write", "MSR_PKG_POWER_LIMIT.Limit2"), 4),
            (("mem", "rd", "00:03.0:0+0x10"), 0), (("mem", "rw", "1234:11e8:0+0x10-0x17"), 0),
            (("bar", "read", "00:03.0:0+0xfe"), 4), (("mem", "rd", "0000:00:03.0:0+0x10", "--width", "1"), 4),
            (("bar", "r", "00:03.0", "0", "Factorial"), 0), (("io", "in", "0x2e"), 0),
            (("io", "out", "0x2e+2"), 0), (("pci", "get", "00:03.0", "Command"), 4)]:
        result = tree.run("policy", "explain", "--as", "fan", *words)
        assert result.returncode == code and result.stdout, (words, result)
    result = tree.run("policy", "explain", "--as", "fan", "msr", "w", "MSR_PKG_POWER_LIMIT.Limit2")
    assert "0x7fff00000000, outside its mask" in result.stdout, result
    for words, code, word in [
            (("msr", "r", "FROB"), 3, "FROB"), (("msr", "r", "IA32_PERF_CTL.FROB"), 3, "FROB"),
            (("pci", "r", "00:03.0", "DevCtl"), 2, "DevCtl"), (("port", "r", "FROB"), 2, "FROB"),
            (("mem", "r", "00:03.0:6+0x10"), 2, "'6'"), (("mem", "r", "00:03.0:0+1x"), 2, "1x"),
            (("mem", "r", "00:03.0:0+Frob"), 3, "Frob")]:
        assert_one_line(tree.run("policy", "explain", *words), code, word)


NAMES = "# signals\nMSR::PERF_CTL:FREQ\nMSR::PKG_POWER_LIMIT:PL1_POWER_LIMIT\n" \
        "MSR::PKG_POWER_LIMIT:PL1_TIME_WINDOW # seconds\n\nMSR::RAPL_POWER_UNIT#\n"


def test_import_knows_geopms_names():
    tree = Tree(**{"list": NAMES})
    result = tree.run("policy", "import", "/list")
    assert (result.returncode, result.stderr) == (0, ""), result
    assert result.stdout == (
        "[geopm]\nuser = 0\nmsr = 0x199 r # PERF_CTL:FREQ\n"
        "msr = 0x610 r # PKG_POWER_LIMIT:PL1_POWER_LIMIT PKG_POWER_LIMIT:PL1_TIME_WINDOW\n"
        "msr = 0x606 r # RAPL_POWER_UNIT\n"), result
    result = tree.run("policy", "import", "--controls", "--group", "staff", "/list")
    assert result.returncode == 9 and "/list:6: MSR::RAPL_POWER_UNIT: it can't be written" in result.stderr
    assert "msr = 0x199 rw, mask 0xff00 #" in result.stdout and "group = staff" in result.stdout
    assert "msr = 0x610 rw, mask 0xfe7fff #" in result.stdout and "0x606" not in result.stdout
    tree.write("made.conf", result.stdout)
    assert tree.run("policy", "check", "/made.conf").returncode == 0


def test_import_lists_names_it_does_not_know():
    tree = Tree(**{"list": NAMES + "TIME\nMSR::FROB:X\nMSR::PERF_CTL:FROB\n"})
    result = tree.run("policy", "import", "/list")
    assert result.returncode == 9 and "0x199" in result.stdout, result
    assert [line.split(": ")[0:2] for line in result.stderr.splitlines()] == \
        [["/list:7", "TIME"], ["/list:8", "MSR::FROB:X"], ["/list:9", "MSR::PERF_CTL:FROB"]], result
    tree.write("list", "TIME\n")
    result = tree.run("policy", "import", "/list")
    assert (result.returncode, result.stdout) == (3, ""), result
    tree.write("list", "MSR::FROB\x1b[2J\n")
    result = tree.run("policy", "import", "/list")
    assert (result.returncode, result.stdout) == (3, "") and "MSR::FROB?[2J: " in result.stderr, result
    tree.write("list", "MSR::PERF_CTL:FREQ 0x1\n")
    assert_one_line(tree.run("policy", "import", "/list"), 1, "/list:1:")


def test_lists_come_back_as_they_went():
    lines = "0x00000010 0x0000000000000000\n0x00000610 0x0000000000007fff\n0xc0010299 0xffffffffffffffff\n"
    tree = Tree(**{"list": "# MSR      Write mask\n" + lines})
    tree.write("made.conf", tree.run("policy", "import", "/list").stdout)
    result = tree.run("policy", "export", "/made.conf")
    assert (result.returncode, result.stderr) == (0, ""), result
    assert result.stdout == "# MSR      Write mask\n" + lines, result
    tree.write("again.conf", tree.run("policy", "import", "/list").stdout)
    assert tree.run("policy", "diff", "/made.conf", "/again.conf").returncode == 0


def test_export_tells_what_it_cannot_say():
    """And leaves it out: the list never allows more than the policy."""
    tree = Tree(**{"p.conf": "[a]\nuser = fan\nmsr = 0x10-0x12 r\nmsr = 0x610 rw, value 0-9\nmsr = 0x199 w\n"
                             "msr = 0x19c r, cpus 0\nmsr = 0x1a0 rw\nmsr = 0x620 rw, rate 1/s\nport = 1 r\n"
                             "msr = 0x770 rw, mask 0x1\nmsr = 0x771 rw\ndeny msr = 0x11\ndeny msr = 0x771 w\n"
                             "msr = * r\nmsr = 0x770 rw, mask 0x6\n"})
    result = tree.run("policy", "export", "/p.conf")
    assert result.returncode == 9, result
    lines = dict(line.split() for line in result.stdout.splitlines()[1:])
    assert lines == {"0x00000010": "0x" + "0" * 16, "0x00000012": "0x" + "0" * 16,
                     "0x000001a0": "0x" + "0" * 16, "0x00000610": "0x" + "0" * 16,
                     "0x00000770": "0x0000000000000007", "0x00000771": "0x" + "0" * 16}, result
    told = [int(line.split(":")[1]) for line in result.stderr.splitlines()]
    assert told == [4, 5, 6, 7, 8, 9, 14], result


def test_lists_have_documents():
    tree = Tree(**{"list": NAMES + "TIME\n", "p.conf": "[a]\nmsr = 0x199 rw, mask 0x3\nport = 1 r\n"})
    result = tree.run("policy", "import", "--json", "/list")
    document = json.loads(result.stdout)
    assert result.returncode == 9 and document["unknown"] == 1 and document["rules"] == 3, result
    assert document["policy"].startswith("[geopm]\n"), document
    result = tree.run("policy", "export", "--json", "/p.conf")
    document = json.loads(result.stdout)
    assert result.returncode == 9 and not result.stderr, result
    assert document["list"] == [{"msr": "0x00000199", "mask": "0x0000000000000003"}], document
    assert document["unsaid"][0]["line"] == 3, document


def test_export_takes_one_section():
    tree = Tree(**{"p.conf": "[a]\nuser = fan\nmsr = 0x10 r\n[b]\nmsr = 0x11 r\n"})
    assert_one_line(tree.run("policy", "export", "/p.conf"), 2, "--section", "a, b")
    result = tree.run("policy", "export", "--section", "b", "/p.conf")
    assert result.returncode == 0 and result.stdout.endswith("\n0x00000011 0x0000000000000000\n"), result
    assert_one_line(tree.run("policy", "export", "--section", "c", "/p.conf"), 3, "c")
    assert_one_line(tree.run("policy", "export", "/nowhere"), 3, "/nowhere")


def test_verbs_are_told():
    assert_one_line(run(HWPROBE, "policy"), 2, "check", "explain")
    assert_one_line(run(HWPROBE, "policy", "frob"), 2, "frob", "check")
    text = run(HWPROBE, "policy", "explain", "--help")
    assert text.returncode == 0 and "--as=USER" in text.stdout, text
    assert max(len(line) for line in text.stdout.split("\n")) <= 80, text


tap.main(dict(globals()))
