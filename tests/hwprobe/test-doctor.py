#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The doctor: the cause that it names is the true one. Arguments: hwprobe, hwsafe-helper, schema."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import schema
import tap
from doctorkit import DOCTOR, EDU, HWPROBE, STATUS, WITHOUT, access, captured, make_tree, page_of, report, way
from tap import run
from traced import side_effects

HELPER = sys.argv[2]

# What is changed of a PC on which everything works; a way; and what must be said of it.
CAUSES = {
    "lockdown": ({"sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}, "ioperm",
                 "EPERM", "locked down", "lockdown="),
    "missing module": ({"dev/cpu/0/msr": WITHOUT}, "/dev/cpu/N/msr", "ENOENT", "module msr is not loaded",
                       "sudo modprobe msr"),
    "missing vfio": ({"dev/vfio/vfio": WITHOUT}, "VFIO device", "ENOENT", "vfio-pci is not loaded",
                     "sudo modprobe vfio-pci"),
    "capability": ({"proc/self/status": STATUS.replace("CapEff:\t000001ffffffffff", "CapEff:\t0")}, "ioperm",
                   "EPERM", "lacks CAP_SYS_RAWIO", "sudo setcap cap_sys_rawio+ep"),
    "bounding set": ({"proc/self/status": "CapEff:\t0\nCapBnd:\t0\n"}, "ioperm", "EPERM", "bounding set",
                     "CapabilityBoundingSet=CAP_SYS_RAWIO"),
    "nosuid": ({"proc/self/status": "CapEff:\t0\n", "proc/self/exe": "-> /mnt/usb/hwprobe",
                "proc/self/mountinfo": "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /mnt/usb rw,nosuid,nodev - vfat b rw\n"},
               "ioperm", "EPERM", "/mnt/usb is mounted nosuid", "sudo mount -o remount,suid /mnt/usb"),
    "no_new_privs": ({"proc/self/status": "CapEff:\t0\nNoNewPrivs:\t1\n"}, "ioperm", "EPERM", "no_new_privs",
                     "NoNewPrivileges=no"),
    "container's capabilities": ({".dockerenv": "", "proc/self/status": "CapEff:\t0\nCapBnd:\t0\n"}, "ioperm",
                                 "EPERM", "the container was started without", "docker run --cap-add=CAP_SYS_RAWIO"),
    "container's devices": ({".dockerenv": "", "dev/port": WITHOUT}, "/dev/port", "ENOENT",
                            "the container has no such device node", "docker run --device=/dev/port"),
    "user namespace": ({"proc/self/uid_map": "0 1000 1\n"}, "ioperm", "EPERM", "user namespace", "outside"),
    "memlock": ({"proc/self/limits": "Max locked memory         8388608              8388608              bytes\n",
                 "proc/self/status": "CapEff:\t0\n"}, "locked memory", "ENOMEM", "8192 KiB", "sudo prlimit --pid $$ --memlock=unlimited"),
    "IOMMU off": ({"sys/class/iommu/dmar0/": WITHOUT,
                   "sys/kernel/iommu_groups/1/devices/0000:00:03.0/": WITHOUT}, "VFIO container", "ENODEV",
                  "no IOMMU, or it is off", "intel_iommu=on"),
    "unbound": ({"dev/vfio/1": WITHOUT, EDU + "driver": WITHOUT, EDU + "iommu_group": "-> ../../1"}, "VFIO device",
                "ENODEV", "no device is bound", "sudo driverctl set-override 0000:00:03.0 vfio-pci"),
    "group not viable": ({"sys/kernel/iommu_groups/1/devices/0000:00:07.0/": None,
                          "sys/bus/pci/devices/0000:00:07.0/driver": "-> ../../virtio-pci"}, "VFIO device", "EPERM",
                         "group 1 is not viable: its member 0000:00:07.0 is bound to virtio-pci",
                         "sudo driverctl set-override 0000:00:07.0 vfio-pci"),
    "built without": ({"sys/class/mem/port/dev": WITHOUT, "dev/port": WITHOUT}, "/dev/port", "ENOENT",
                      "built without /dev/port", "CONFIG_DEVPORT=y"),
    "no helper": ({}, "hwsafe-helper", "ENOENT", "/run/hwsafe/helper.sock", "sudo mkdir -p /run/hwsafe; sudo "),
    "no helper, but its user": ({"etc/passwd": "root:x:0:0::/:/bin/sh\nhwsafe:x:99:99::/:/bin/false\n", "run/hwsafe/": None},
                                "hwsafe-helper", "ENOENT", "no hwsafe-helper listens", "helper.sock --user hwsafe"),
    "helper not started": ({"usr/lib/systemd/system/hwsafe-helper.socket": ""}, "hwsafe-helper", "ENOENT",
                           "not started", "sudo systemctl enable --now hwsafe-helper.socket"),
}


def test_true_cause_is_named():
    for name, (changes, which, error, why, fix) in CAUSES.items():
        one = way(captured(changes), which)
        assert one["error"] == error and why in one["why"] and fix in one["fix"], (name, one)
        assert one["rest"], (name, one)
        page = page_of(changes, "doctor", "--long")
        assert " ".join(one["why"].split()) in " ".join(page.split()), (name, page)


def test_helper_is_started_as_whom_there_is():
    for text in ["root:x:0:0::/:/bin/sh\nmyhwsafe:x:1:1::/:/bin/sh\nhwsafe2:x:2:2::/:/bin/sh\n", ""]:
        one = way(captured({"etc/passwd": text}), "hwsafe-helper")
        assert one["fix"].endswith("serve --socket /run/hwsafe/helper.sock"), one


def test_whole_pc_has_no_causes():
    document = captured({})
    for kind in ["port", "msr", "pci", "bar", "cpuid"]:
        assert access(document, kind)["native"] == "works", access(document, kind)
    for kind in ["pci", "bar", "dma", "irq"]:
        assert access(document, kind)["vfio"] == "works", access(document, kind)
    for cause in CAUSES.values():
        assert cause[1] == "hwsafe-helper" or way(document, cause[1])["status"] == "works", cause


def test_limit_of_locked_memory_is_a_part():
    status = STATUS.replace("CapEff:\t000001ffffffffff", "CapEff:\t000001ffffffbfff")  # without CAP_IPC_LOCK
    changes = {**CAUSES["memlock"][0], "proc/self/status": status}
    document = captured(changes)
    assert access(document, "dma")["vfio"] == "partial" and access(document, "pci")["vfio"] == "works"
    page = page_of(changes)
    assert "8192 KiB: DMA and registered buffers" in page and "closes     locked memory" in page, page
    changes["dev/vfio/vfio"] = WITHOUT
    assert access(captured(changes), "dma")["vfio"] == "no"
    assert "8192 KiB" not in page_of(changes)


def test_page_is_read_at_a_glance():
    changes = {"sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}
    page = page_of(changes, env={**os.environ, "LC_ALL": "C"})
    rows = {line[2:16].strip(): line[18:].split() for line in page.splitlines() if line.startswith("  ")}
    assert rows["I/O ports"][:3] == ["no", "1", "no"], page
    assert rows["DMA"] == ["-", "no", rows["I/O ports"][3], "works", "works", "none", rows["DMA"][-1]], page
    assert rows["MSRs"][:2] == ["part", "3"], page
    causes = [line for line in page.splitlines() if re.match(r"  [0-9]+ +", line)]
    assert [int(line.split()[0]) for line in causes] == list(range(1, len(causes) + 1)), page
    assert "numbers: see below; -: no such way; policy: what it gives to uid 0" in page, page
    assert page.count("the kernel is locked down") == page.count("fix        turn Secure Boot off"), page
    assert max(len(line) for line in page.splitlines()) <= 80, page
    assert len(page.splitlines()) <= 60, page


def test_numbers_lead_to_their_causes():
    for changes in [{}, *[cause[0] for cause in CAUSES.values()]]:
        page = page_of(changes, env={**os.environ, "LC_ALL": "C"})
        table, causes = page.split("What stands in the way")
        wanted = {int(n) for line in table.split("policy\n")[-1].splitlines() if line[2:3].strip()
                  for n in re.findall(r" ([0-9]+)\b", line[18:])}
        assert wanted == {int(n) for n in re.findall(r"^  ([0-9]+) ", causes, re.M)}, page


def test_signs_are_the_locales():
    for locale, signs in [("C", False), ("C.UTF-8", True)]:
        page = page_of({}, env={**os.environ, "LC_ALL": locale})
        assert page.isascii() != signs, page
    assert "\N{CHECK MARK} works" in page, page


def test_commands_can_be_pasted():
    """A cure that is typed goes on behind a backslash, and is broken at no quoted blank."""
    page = page_of({"proc/self/status": "Uid:\t1000\nCapEff:\t0\n"})
    commands = re.findall(r"^      (?:fix|for good)  +((?:sudo|printf|docker|hwprobe) (?:.*\\\n)*.*)$", page, re.M)
    assert commands, page
    for command in commands:
        result = run("/bin/sh", "-nc", command)
        assert result.returncode == 0, (command, result)
        words = run("/bin/sh", "-c", "sudo() { :; }; printf() { echo \"$1\"; }; hwprobe() { echo \"$2\"; }; " +
                    command.split("|")[0])
        assert words.returncode == 0, (command, words)
        assert "\n " not in words.stdout, (command, words)


def test_policy_stands_beside():
    rule = "[mine]\nuser = 0\nport = 0x70 rw\n[other]\nuser = 7\ndma = * max 1M\n"
    with tempfile.TemporaryDirectory() as directory:
        make_tree(directory, {"etc/hwsafe/policy.d/a.conf": rule})
        if os.getuid():
            raise tap.Skip("root", "policy files belong to root")
        document = report("--sysroot", directory)
        page = run(HWPROBE, "--sysroot", directory).stdout
        os.chmod(directory + "/etc/hwsafe/policy.d/a.conf", 0o666)
        bad = report("--sysroot", directory)
    assert document["policy"] == {"error": None, "why": "", "helper": False, "builtin": False, "rules": 2}, document["policy"]
    assert [access(document, kind)["policy"] for kind in ("port", "dma", "msr")] == ["read-write", "none", "none"]
    assert "no rule of the policy is for uid 0" in page and "2 rules in /etc/hwsafe/policy.d" in page, page
    assert bad["policy"]["error"] == "EACCES" and "a.conf" in bad["policy"]["why"], bad["policy"]
    assert access(bad, "port")["policy"] is None
    granted = report("--grant", "dma = * max 1M")
    assert access(granted, "dma")["policy"] == "read-write", granted["access"]


def test_sim_is_its_own_machine():
    document = report("--sim")
    assert document["machine"]["arch"] == "simulated" and document["machine"]["cpus"] == 4
    assert document["machine"]["cpu_model"] == "Simulated processor"
    assert {one["through"] for one in document["ways"]} == {"sim"}
    assert len(document["pci"]["functions"]) == 5 and document["io_uring"] is None
    assert "Machine (simulated)" in run(HWPROBE, "--sim").stdout
    result = run(HWPROBE, "--sim=/nowhere")
    assert result.returncode == 3 and result.stderr.count("\n") == 1, result


def test_backends_say_what_a_program_gets():
    def chosen(*arguments):
        result = run(HWPROBE, "backends", "--json", *arguments)
        assert result.returncode == 0 and result.stderr == "", result
        document = json.loads(result.stdout)
        assert document["tried"][-1]["chosen"], document
        return document["tried"][-1]["name"]
    with tempfile.TemporaryDirectory() as directory:
        assert chosen("--sysroot", make_tree(directory, {})) == "native"
        text = run(HWPROBE, "backends", "--sysroot", directory).stdout
    assert "another root was asked for" in text and "chosen" in text, text
    assert chosen("--sim") == "sim" and chosen() == "native"


def test_nobody_lacks_what_root_has():
    nobody = tap.Nobody(HWPROBE)
    document = json.loads(nobody.run("--json").stdout)
    assert not list(schema.problems(document, DOCTOR))
    assert access(document, "port")["policy"] == access(document, "msr")["policy"] == "none"
    assert access(document, "cpuid")["policy"] == "read"
    for one in document["ways"]:
        if one["error"] in ("EPERM", "EACCES"):
            assert "CAP_" in one["why"] or "mode" in one["why"] or "locked" in one["why"], one
    if os.path.exists("/sys/bus/pci/devices/0000:00:00.0"):
        full = way(document, "config, full")
        assert "CAP_SYS_ADMIN" in full["why"] and "cap_sys_admin+ep" in full["fix"], full


def helper_way(path, run_as=run):
    document = json.loads(run_as(HWPROBE, "--json", env={**os.environ, "HWSAFE_SOCKET": path}).stdout)
    return way(document, "hwsafe-helper"), access(document, "port")["helper"]


def wait_for(path):
    deadline = time.monotonic() + 30
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_helper_is_asked():
    with tempfile.TemporaryDirectory() as directory:
        path = directory + "/socket"
        policy = directory + "/policy"
        os.mkdir(policy, 0o755)
        with open(policy + "/a.conf", "w", encoding="ascii") as file:
            file.write("[all]\nport = 0x70-0x71 r\nbar = * * rw\n[other]\nuser = 4242\nmsr = * rw\n")
        with subprocess.Popen([HELPER, "serve", "--socket", path, "--policy", policy, "--backend", "sim", "--soft"],
                              stderr=subprocess.PIPE, text=True) as helper:
            wait_for(path)
            if not os.path.exists(path):
                helper.kill()
                raise tap.Skip("root", "the helper can't serve here: " + helper.stderr.read())
            one, port = helper_way(path)
            assert (one["status"], port) == ("works", "works"), one
            environment = {**os.environ, "HWSAFE_SOCKET": path, "LC_ALL": "C"}
            page = run(HWPROBE, env=environment).stdout
            assert "no hwsafe-helper" not in page and "the helper's: 3 rules" in page, page
            assert "no rule of the helper's policy is for uid" in page and "--grant" not in page, page
            document = report(env=environment)
            told = document["policy"]
            assert (told["helper"], told["builtin"], told["rules"], told["error"]) == (True, False, 3, None), told
            rights = {one["kind"]: one["policy"] for one in document["access"]}
            assert rights["port"] == "read" and rights["bar"] == "read-write" and rights["msr"] == "none", rights
            helper.terminate()
        gone = run(HWPROBE, env=environment).stdout
        assert "no helper at" in gone and "policy check" not in gone, gone
        one, port = helper_way(path)
        assert one["status"] == port == "no" and "systemctl" in one["fix"] or "serve" in one["fix"], one


def test_helper_that_makes_no_sense_is_told():
    with tempfile.TemporaryDirectory() as directory:
        path = directory + "/socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(path)
            one, _ = helper_way(path)
            assert one["error"] == "ENODEV" and "nobody listens" in one["why"], one
            assert "sudo systemctl restart hwsafe-helper.socket" in one["fix"], one
            listener.listen(1)
            one, _ = helper_way(path)
            assert one["error"] == "EIO" and "journalctl" in one["fix"], one


def test_helper_of_another_group_is_told():
    if os.getuid():
        raise tap.Skip("root", "a socket is to be given to another group")
    nobody = tap.Nobody(HWPROBE)
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = directory + "/socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(path)
            listener.listen(1)
            os.chown(path, 0, 3)
            os.chmod(path, 0o660)
            with open("/etc/group", encoding="utf-8") as file:
                name = next(line.split(":")[0] for line in file if line.split(":")[2] == "3")
            os.environ["HWSAFE_SOCKET"] = path
            document = json.loads(nobody.run("--json").stdout)
            del os.environ["HWSAFE_SOCKET"]
    one = way(document, "hwsafe-helper")
    assert one["error"] == "EACCES" and f"group {name}" in one["why"], one
    assert f"sudo usermod -aG {name} $USER" in one["fix"], one


def test_asking_changes_nothing():
    if not shutil.which("strace") or run("strace", "-o", "/dev/null", "true").returncode:
        raise tap.Skip("strace", "no process can be traced here")
    for arguments in [[], ["doctor", "--long"], ["--json"], ["backends"], ["--sim"]]:
        with tempfile.NamedTemporaryFile("r") as trace:
            result = run("strace", "-f", "-qq", "-s", "0", "-o", trace.name, HWPROBE, *arguments,
                         env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
            assert result.returncode == 0, result
            lines = trace.read().splitlines()
        assert any(" openat(" in line for line in lines), lines
        assert not list(side_effects(lines)), list(side_effects(lines))


def test_strace_reader_sees_what_it_must():
    lines = ['7 openat(AT_FDCWD, "a", O_RDONLY) = 3', '7 openat(3, "", O_RDWR|O_CREAT) = 3', "7 write(3, ...) = 1",
             "7 write(1, ...) = 1", "7 ioperm(0x80, 1, 1) = 0", "8 ioperm(0x80, 1, 1) = 0", "7 finit_module(3) = 0"]
    assert list(side_effects(lines)) == [lines[1], lines[2], lines[4], lines[6]]


tap.main(dict(globals()))
